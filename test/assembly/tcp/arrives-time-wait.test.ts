import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, FIN, RST, SYN } from "./input-harness.ts";

const test = suite("tcp/arrives-time-wait");
const TWO_MSL = 60_000_000;

test("lasts 2 MSL, then the TCB is gone [RFC 9293 MUST-13]", async () => {
  const core = (await Core.create()).timeWait();
  core.x.inputRelease(core.index, core.now);
  const end = core.now + TWO_MSL;
  core.now = end - 1;
  core.x.inputRunTimers(core.now);
  assert.is(core.state(), L.STATE_TIME_WAIT);
  core.now = end;
  core.x.inputRunTimers(core.now);
  core.events();
  core.expectNothing();
  assert.ok(core.isFree());
  assert.is(core.x.inputNextTimer(), -1);
  assert.is(core.x.heapBytesInUse(), 0);
});

test("holds no ring once main has forgotten the socket, whichever came first, read or not", async () => {
  for (const isEarly of [true, false]) {
    const core = (await Core.create()).established();
    core.x.inputRingWanted(core.index);
    core.setTcb(L.TCB_SND_EPOCH_TAKEN, core.tcb(L.TCB_SND_EPOCH));
    core.kick();
    core.arrive({ flags: ACK, seq: 1, ack: 1, data: 100 });
    core.pullAll();
    if (isEarly) {
      core.read();
      core.x.inputClose(core.index, core.now);
    } else core.x.inputShutdown(core.index, core.now);
    core.expect({ flags: FIN | ACK });
    core.arrive({ flags: FIN | ACK, seq: 101, ack: 2 });
    assert.is(core.state(), L.STATE_TIME_WAIT);
    if (!isEarly) core.x.inputRelease(core.index, core.now);
    assert.is(core.state(), L.STATE_TIME_WAIT);
    assert.is(core.x.heapBytesInUse(), 0);
  }
});

test("acknowledges a retransmitted FIN and starts again [RFC 9293 3.10.7.4]", async () => {
  const core = (await Core.create()).timeWait();
  core.now += TWO_MSL - 1;
  core.arrive({ flags: FIN | ACK, seq: 1, ack: 2 });
  core.expect({ flags: ACK, seq: 2, ack: 2 });
  core.now += TWO_MSL - 1;
  core.x.inputRunTimers(core.now);
  assert.is(core.state(), L.STATE_TIME_WAIT);
  core.now += 1;
  core.x.inputRunTimers(core.now);
  assert.is(core.state(), L.STATE_CLOSED);
});

test("ignores RST, also at RCV.NXT [RFC 1337]", async () => {
  const core = (await Core.create()).timeWait();
  for (const seq of [1, 2, 3, 1000]) core.arrive({ flags: RST, seq });
  core.expectNothing();
  assert.is(core.state(), L.STATE_TIME_WAIT);
  assert.is(core.counter(C.COUNTER_TCP_IN_RST_IGNORED), 4);
});

test("acknowledges old and new text without a change of state [RFC 1337 2]", async () => {
  const core = (await Core.create()).timeWait();
  for (const seq of [0xffffff00, 1, 2]) {
    core.arrive({ flags: ACK, seq, ack: 2, data: 1 });
    core.expect({ flags: ACK, seq: 2, ack: 2 }, `for text at ${seq}`);
  }
  assert.is(core.state(), L.STATE_TIME_WAIT);
  assert.is(core.read().length, 0);
});

type Case = [string, number | undefined, { seq: number; tsVal?: number }, boolean];
const CASES: Case[] = [
  ["no timestamps, sequence number beyond", undefined, { seq: 100000 }, true],
  ["no timestamps, sequence number not beyond", undefined, { seq: 1 }, false],
  ["newer timestamp, older sequence number", 50, { seq: 0xfffff000, tsVal: 51 }, true],
  ["equal timestamp, sequence number beyond", 50, { seq: 100000, tsVal: 50 }, true],
  ["equal timestamp, sequence number not beyond", 50, { seq: 1, tsVal: 50 }, false],
  ["older timestamp", 50, { seq: 100000, tsVal: 49 }, false],
  ["timestamps before, none now, beyond", 50, { seq: 100000, tsVal: -1 }, true],
  ["timestamps before, none now, not beyond", 50, { seq: 1, tsVal: -1 }, false],
  ["none before, timestamps now", undefined, { seq: 1, tsVal: 7 }, true],
];
for (const [name, ts, syn, isTaken] of CASES) {
  test(`a SYN with ${name} ${isTaken ? "starts a new connection" : "is challenged"} [RFC 6191 2]`, async () => {
    const core = await Core.create();
    core.peerTs = ts;
    core.timeWait();
    const listener = core.listen();
    const oldIss = core.iss;
    core.now += 1_000_000;
    core.arrive({ flags: SYN, mss: 1460, ...syn });
    if (isTaken) {
      const out = core.pullAll();
      assert.is(out.length, 1);
      assert.is(out[0]!.flags, SYN | ACK);
      assert.ok((core.iss - oldIss) >>> 0 > 65535, "the ISS lies beyond what was used");
      assert.is(core.x.inputSynQueue(listener), 1);
      assert.is(core.counter(C.COUNTER_TCP_TIME_WAIT_RECYCLED), 1);
    } else {
      core.expect({ flags: ACK, seq: 2, ack: 2 });
      assert.is(core.state(), L.STATE_TIME_WAIT);
    }
  });
}

test("a new SYN without a listener leaves TIME-WAIT as it is", async () => {
  const core = (await Core.create()).timeWait();
  core.arrive({ flags: SYN, seq: 100000 });
  core.expect({ flags: ACK, seq: 2, ack: 2 });
  assert.is(core.state(), L.STATE_TIME_WAIT);
});

test("FIN-WAIT-2 that main has forgotten ends after tcp_fin_timeout; one that main reads stays", async () => {
  const forgotten = (await Core.create()).established();
  forgotten.x.inputClose(forgotten.index, forgotten.now);
  forgotten.expect({ flags: FIN | ACK });
  forgotten.arrive({ flags: ACK, seq: 1, ack: 2 });
  assert.is(forgotten.state(), L.STATE_FIN_WAIT_2);
  forgotten.now += 60_000_000;
  forgotten.x.inputRunTimers(forgotten.now);
  forgotten.events();
  forgotten.expectNothing();
  assert.ok(forgotten.isFree());
  const read = (await Core.create()).finWait2();
  read.now += 3_600_000_000;
  read.x.inputRunTimers(read.now);
  assert.is(read.state(), L.STATE_FIN_WAIT_2);
  read.x.inputClose(read.index, read.now);
  read.now += 60_000_000;
  read.x.inputRunTimers(read.now);
  read.events();
  read.expectNothing();
  assert.ok(read.isFree());
});

test.run();
