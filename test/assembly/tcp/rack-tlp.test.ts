// Loss detection with SACK: RACK, the tail loss probe, the scoreboard under them. One segment is 1000 bytes, one round trip 10 ms.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CA_DISORDER, CA_OPEN, CA_RECOVERY } from "../../../assembly/layout.ts";
import { Sender, type SenderOptions, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/rack-tlp");
const instance = await tcpInstance({ tcp_congestion_control: "reno" });
const RTT_US = 10_000;

/** Ten segments sent and acknowledged, twenty more in flight from 10000 on, 10 ms ago. */
function inFlight20(options: SenderOptions = {}, on = instance, bytes = 1_000_000): Sender {
  const sender = new Sender(on, { sack: true, ...options });
  sender.write(Math.min(bytes, 30_000));
  sender.pull();
  sender.nowUs += RTT_US;
  sender.ack(10_000);
  sender.pull();
  if (bytes > 30_000) sender.write(bytes - 30_000);
  sender.nowUs += RTT_US;
  assert.equal([sender.get("packetsOut"), sender.inFlight], [20, 20]);
  return sender;
}

const seqs = (sender: Sender) => sender.pull().map(({ seq }) => seq);

test("retransmits what lies below three SACKed segments, and what is in the hole only [8985 6.2 step 5, 6675 5]", () => {
  const sender = inFlight20();
  sender.sack(10_000, [[11_000, 12_000]]);
  assert.is(sender.caState, CA_DISORDER);
  assert.equal(seqs(sender), [30_000]); // limited transmit
  sender.sack(10_000, [[11_000, 13_000]]);
  assert.equal(seqs(sender), [31_000]);
  sender.sack(10_000, [[11_000, 14_000]]);
  assert.is(sender.caState, CA_RECOVERY);
  assert.equal(seqs(sender), [10_000]);
  assert.equal([sender.get("sackedOut"), sender.get("lostOut"), sender.get("retransOut")], [3, 1, 1]);
});

test("waits a quarter of the round trip before two SACKed segments mean loss [8985 6.2 step 4]", () => {
  const sender = inFlight20({}, instance, 30_000);
  sender.sack(10_000, [[28_000, 30_000]]);
  assert.is(sender.caState, CA_DISORDER);
  assert.equal(seqs(sender), []);
  assert.ok(sender.timerIn! <= RTT_US / 4 + 5500, "the reordering timer runs");
  sender.wait(sender.timerIn!);
  assert.is(sender.caState, CA_RECOVERY);
  assert.is(sender.get("lostOut"), 18);
  assert.is(seqs(sender)[0], 10_000);
});

test("finds a retransmission lost by what left after it [8985 6.2 step 5]", () => {
  const sender = inFlight20();
  sender.sack(10_000, [[11_000, 20_000]]);
  assert.is(seqs(sender)[0], 10_000);
  sender.nowUs += RTT_US / 2;
  sender.sack(10_000, [[11_000, 24_000]]);
  const later = seqs(sender); // new data, after the retransmission
  assert.is(later[0], 30_000);
  sender.nowUs += RTT_US + 1;
  sender.sack(10_000, [
    [11_000, 24_000],
    [30_000, 31_000],
  ]);
  assert.is(seqs(sender)[0], 10_000);
});

test("sends the last segment again when the tail was lost, and recovers by SACK [8985 7.3]", () => {
  const sender = inFlight20({}, instance, 30_000);
  sender.ack(27_000); // the last three are gone
  assert.equal(sender.pull(), []);
  assert.ok(sender.timerIn! < 2 * RTT_US + 5000, "the probe comes long before the time-out");
  sender.wait(sender.timerIn!);
  assert.equal(seqs(sender), [29_000]);
  assert.is(sender.caState, CA_OPEN);
  sender.nowUs += RTT_US;
  sender.sack(27_000, [[29_000, 30_000]]);
  sender.wait(sender.timerIn!);
  assert.equal(seqs(sender), [27_000]);
  sender.nowUs += RTT_US;
  sender.sack(28_000, [[29_000, 30_000]]);
  assert.equal(seqs(sender), [28_000]);
  sender.nowUs += RTT_US;
  sender.ack(30_000);
  assert.is(sender.caState, CA_OPEN);
  assert.equal([sender.get("packetsOut"), sender.retransmits], [0, 0]);
});

test.run();
