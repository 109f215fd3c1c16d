// When an ACK leaves: at the start, in a dialogue, for a lone segment, after a read. No test measures time; the clock is the test's.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, PSH } from "./input-harness.ts";

const test = suite("tcp/delayed-ack");
const MS = 1000;

/** The peer sends `data` bytes in order. @returns whether an ACK left at once */
function send(core: Core, data: number, flags = ACK): boolean {
  const seq = core.rcvNxt();
  core.arrive({ flags, seq, ack: sent, data });
  const left = core.pullAll();
  if (left.length !== 0) assert.is(left.at(-1)!.ack, seq + data);
  return left.length !== 0;
}

/** Relative sequence number of what we send next. */
let sent = 1;

function readAll(core: Core): boolean {
  core.read();
  if (core.mustKick()) core.kick();
  return core.pullAll().length !== 0;
}

/** How long the ACK that is owed waits, µs. */
function delayOf(core: Core): number {
  return core.x.inputDelayedAck(core.index) - core.now;
}

function wait(core: Core, us: number): number {
  core.now += us;
  core.x.inputRunTimers(core.now);
  return core.pullAll().length;
}

async function connection(): Promise<Core> {
  sent = 1;
  return (await Core.create()).established();
}

/** A connection whose first quick ACKs are used up, by segments that nobody reads. */
async function settled(size = 100): Promise<Core> {
  const core = await connection();
  for (let i = 0; i < 60; i++) {
    send(core, size);
    core.now += 1 * MS;
  }
  wait(core, 100 * MS);
  return core;
}

function answer(core: Core, bytes: number): void {
  if (core.tcb(L.TCB_SND_RING_PTR) === 0) core.x.inputRingWanted(core.index);
  core.setTcb(L.TCB_SND_EPOCH_TAKEN, core.tcb(L.TCB_SND_EPOCH));
  core.setTcb(L.TCB_SND_TAIL, sent - 1 + bytes);
  core.kick();
  assert.ok(core.pullAll().some((out) => out.payloadLength === bytes));
  sent += bytes;
}

test("the first 16 ACKs are not delayed [RFC 5681 4.2, Linux]", async () => {
  const core = await connection();
  for (let i = 0; i < 16; i++) assert.ok(send(core, 100), `segment ${i}`);
  assert.not.ok(send(core, 100), "then they are");
});

test("more than one full-sized segment is acknowledged at once [RFC 9293 SHLD-19]", async () => {
  const core = await settled(1000);
  assert.is(core.tcb(L.TCB_RCV_MSS), 1000);
  assert.not.ok(send(core, 1000));
  assert.ok(send(core, 1));
  assert.not.ok(send(core, 999));
});

test("a dialogue delays from the second message on: the answer carries the ACK", async () => {
  const core = await connection();
  assert.ok(send(core, 100, ACK | PSH), "not known to be one yet");
  answer(core, 50);
  core.now += 10 * MS;
  assert.not.ok(send(core, 100, ACK | PSH));
  assert.not.ok(readAll(core), "nor when it was read");
  answer(core, 50);
  assert.is(wait(core, 100 * MS), 0, "no ACK is owed then");
});

test("a delayed ACK without an answer ends the dialogue, and the next ones leave at once", async () => {
  const core = await connection();
  send(core, 100, ACK | PSH);
  answer(core, 50);
  assert.not.ok(send(core, 100, ACK | PSH));
  assert.is(delayOf(core), 40 * MS);
  assert.is(wait(core, 40 * MS), 1);
  assert.ok(send(core, 100, ACK | PSH), "the quick ACKs of the start are left");
});

test("the delay doubles with each ACK that found no company, up to a round trip and 200 ms [RFC 9293 MUST-40]", async () => {
  const delaysAt = async (srttUs: number): Promise<number[]> => {
    const core = await settled();
    core.setTcb(L.TCB_SRTT_US, srttUs);
    core.setTcb(L.TCB_RTO_US, 1_000_000);
    return Array.from({ length: 5 }, () => {
      assert.not.ok(send(core, 100));
      const delay = delayOf(core);
      assert.is(wait(core, delay), 1);
      wait(core, 300 * MS);
      return delay;
    });
  };
  assert.equal(
    await delaysAt(500 * MS),
    [40, 80, 160, 200, 200].map((ms) => ms * MS),
  );
  assert.equal(
    await delaysAt(100 * MS),
    [40, 80, 100, 100, 100].map((ms) => ms * MS),
  );
  assert.equal(
    await delaysAt(1 * MS),
    [40, 40, 40, 40, 40].map((ms) => ms * MS),
  );
});

test("segments in quick succession bring the delay back to 40 ms", async () => {
  const core = await settled();
  core.setTcb(L.TCB_SRTT_US, 500_000);
  core.setTcb(L.TCB_RTO_US, 1_000_000);
  for (let i = 0; i < 3; i++) {
    send(core, 100);
    assert.is(delayOf(core), [40, 80, 160][i]! * MS);
    wait(core, 250 * MS);
  }
  for (let i = 0; i < 30; i++) {
    send(core, 600);
    core.now += 1 * MS;
  }
  wait(core, 100 * MS);
  send(core, 10);
  const delay = delayOf(core);
  assert.ok(delay >= 40 * MS && delay <= 41 * MS, `${delay}`);
});

test("a peer that starts again after a pause longer than the time-out is acknowledged at once", async () => {
  const core = await settled();
  assert.not.ok(send(core, 100));
  wait(core, 3_000 * MS);
  assert.ok(send(core, 100));
});

test("text that comes again is acknowledged at once, and so is what follows it", async () => {
  const core = await settled();
  assert.not.ok(send(core, 100));
  wait(core, 100 * MS);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 100 });
  core.expect({ ack: core.rcvNxt() }, "for the duplicate");
  assert.ok(send(core, 100));
});

test("the ACK of a message's end leaves when main has read all of it, not before", async () => {
  const core = await settled(1000);
  core.read();
  core.kick();
  core.pullAll();
  assert.not.ok(send(core, 300, ACK | PSH));
  core.read(299);
  if (core.mustKick()) core.kick();
  assert.is(core.pullAll().length, 0, "one byte is left");
  assert.ok(readAll(core));
});

test("a full-sized segment in the middle of a stream waits although it was read", async () => {
  const core = await settled(1000);
  core.read();
  core.kick();
  core.pullAll();
  assert.not.ok(send(core, 1000));
  assert.not.ok(readAll(core));
});

test("quick ACKs can be switched off, and on again, which sends the one that is owed [TCP_QUICKACK]", async () => {
  const core = await connection();
  core.x.inputSetQuickAck(core.index, false);
  assert.is(core.tcb(L.TCB_SOCKET_FLAGS) & L.SOCKET_FLAG_QUICKACK_OFF, L.SOCKET_FLAG_QUICKACK_OFF);
  assert.not.ok(send(core, 100));
  core.x.inputSetQuickAck(core.index, true);
  core.expect({ ack: core.rcvNxt() });
  assert.is(core.tcb(L.TCB_SOCKET_FLAGS) & L.SOCKET_FLAG_QUICKACK_OFF, 0);
  assert.ok(send(core, 100));
});

test("the peer's segment size is the largest seen, a smaller one once it came twice in a row", async () => {
  const core = await connection();
  assert.is(core.tcb(L.TCB_RCV_MSS), 536);
  send(core, 1000);
  assert.is(core.tcb(L.TCB_RCV_MSS), 1000);
  send(core, 700);
  assert.is(core.tcb(L.TCB_RCV_MSS), 1000);
  send(core, 700);
  assert.is(core.tcb(L.TCB_RCV_MSS), 700);
  send(core, 60, ACK | PSH);
  send(core, 60, ACK | PSH);
  assert.is(core.tcb(L.TCB_RCV_MSS), 700, "ends of messages are no measure");
  send(core, 9000);
  assert.is(core.tcb(L.TCB_RCV_MSS), 1460, "merged segments are no larger than what we announced");
});

test("waits at most half a second, whatever tcp_delack_min_us says [RFC 9293 MUST-40]", async () => {
  const core = await settled();
  core.set(L.SYSCTL_TCP_DELACK_MIN_US, 500_000);
  core.x.inputSetQuickAck(core.index, false);
  for (let i = 0; i < 4; i++) {
    if (send(core, 10)) continue;
    assert.ok(delayOf(core) < 500 * MS, `${delayOf(core)}`);
    wait(core, 600 * MS);
  }
});

test.run();
