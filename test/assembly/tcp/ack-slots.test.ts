// How much is in flight towards a peer whose ACKs need receive slots of ours: a quarter of the slots, times segments per ACK.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { INTERFACE_BYTES, INTERFACE_RX_SLOTS, INTERFACES, SYSCTL_TCP_INITIAL_CWND } from "../../../assembly/layout.ts";
import { Sender, setSysctl, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/ack-slots");
const MSS = 1000;
const SLOTS = 40;
const instance = await tcpInstance();
setSysctl(instance, SYSCTL_TCP_INITIAL_CWND, 1000);

/** A sender that nothing but the slots of its interface, number 1, hold back. */
function sender(slots: number): Sender {
  instance.view.setUint32(INTERFACES + INTERFACE_BYTES + INTERFACE_RX_SLOTS, slots, true);
  const made = new Sender(instance, { mss: MSS });
  made.write(500 * MSS);
  return made;
}

function bytesOf(from: Sender): number {
  return from.pullSizes().reduce((sum, bytes) => sum + bytes, 0);
}

test("starts with two segments for each of a quarter of the slots", () => {
  assert.is(bytesOf(sender(SLOTS)), 2 * (SLOTS / 4) * MSS);
});

test("is not held back by a link that tells no slots", () => {
  assert.is(bytesOf(sender(0)), 500 * MSS);
});

test("halves what is in flight towards a peer that acknowledges every segment", () => {
  const from = sender(SLOTS);
  from.pull();
  let acked = 0;
  for (let n = 0; n < 60; n++) {
    acked += MSS;
    from.ack(acked);
    from.pull();
  }
  assert.is(from.get("packetsOut"), SLOTS / 4);
});

test("grows slowly towards a peer that acknowledges many at once, and never stops", () => {
  const from = sender(SLOTS);
  let acked = bytesOf(from);
  from.ack(acked);
  const first = bytesOf(from);
  assert.ok(first >= 20 * MSS && first <= 22 * MSS, `${first}`);
  while (acked < 500 * MSS) {
    const more = from.get("packetsOut") * MSS;
    assert.ok(more > 0, `nothing in flight at ${acked}`);
    acked += more;
    from.ack(acked);
    from.pull();
  }
});

test.run();
