import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, type Arriving, Core, type Leaving, RST, SYN } from "./input-harness.ts";

const test = suite("tcp/timestamps");
const DAY_US = 24 * 3600 * 1_000_000;

async function withTimestamps(ts: number): Promise<Core> {
  const core = await Core.create();
  core.peerTs = ts;
  return core.established();
}

function echoed(out: Leaving): number {
  return new DataView(out.options.buffer, out.options.byteOffset + 8, 4).getUint32(0);
}

function sent(out: Leaving): number {
  return new DataView(out.options.buffer, out.options.byteOffset + 4, 4).getUint32(0);
}

test("an older timestamp is answered with an ACK and dropped [RFC 7323 5.3 R1] [7323#14] [attack 41]", async () => {
  const core = await withTimestamps(5000);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10, tsVal: 4999 });
  core.expect({ flags: ACK, ack: 1 });
  assert.is(core.counter(C.COUNTER_TCP_IN_PAWS), 1);
  assert.is(core.rcvNxt(), 1);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10, tsVal: 5000 });
  assert.is(core.rcvNxt(), 11);
});

test("a pure duplicate ACK that was overtaken is not answered; with text, a window, or too old it is [RFC 7323 5.3 R1, Linux]", async () => {
  const core = await withTimestamps(5000);
  const isRefused = (s: Partial<Arriving>): boolean => {
    const before = core.counter(C.COUNTER_TCP_IN_PAWS);
    core.now += 1_000_000; // past the limit of such answers
    core.arrive({ flags: ACK, seq: 11, ack: 1, tsVal: 4990, ...s });
    const isAnswered = core.pullAll().length !== 0;
    assert.is(isAnswered, core.counter(C.COUNTER_TCP_IN_PAWS) > before);
    return isAnswered;
  };
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10, tsVal: 5000 }); // the window was told at sequence number 1
  core.pullAll();
  assert.ok(isRefused({}), "it would move SND.WL1");
  core.arrive({ flags: ACK, seq: 11, ack: 1, tsVal: 5000 });
  assert.not.ok(isRefused({}));
  assert.ok(isRefused({ data: 1 }));
  assert.ok(isRefused({ seq: 10 }));
  assert.ok(isRefused({ wnd: 1001 }), "a larger window");
  assert.ok(isRefused({ wnd: 0 }), "a closed window");
  const rtoMs = core.tcb(L.TCB_RTO_US) / 1000;
  assert.not.ok(isRefused({ tsVal: 5000 - Math.floor(1.2 * rtoMs) }));
  assert.ok(isRefused({ tsVal: 5000 - Math.floor(1.2 * rtoMs) - 1 }));
  assert.is(core.x.inputTsRecent(core.index), 5000);
});

test("a TS.Recent of 0 is no reason to drop: some hosts send it on their SYN only", async () => {
  const core = await withTimestamps(0);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10, tsVal: 0xf0000000 });
  assert.is(core.rcvNxt(), 11);
});

test("timestamps and window scale are agreed on independently, in every combination [RFC 7323 2.2, 3.2] [7323#1] [7323#6]", async () => {
  for (const ours of [0, 1, 2, 3]) {
    for (const theirs of [0, 1, 2, 3]) {
      const core = await Core.create([
        [L.SYSCTL_TCP_TIMESTAMPS, ours & 1],
        [L.SYSCTL_TCP_WINDOW_SCALING, ours >> 1],
      ]);
      core.listen();
      core.arrive({
        flags: SYN,
        mss: 1460,
        wnd: 65535,
        ...((theirs & 1) !== 0 && { tsVal: 9 }),
        ...((theirs & 2) !== 0 && { wscale: 3 }),
      });
      const { index } = core.expect({ flags: SYN | ACK, window: 65535 });
      const byte = (field: number): number => core.view.getUint8(L.TCB_RECORDS + index * L.TCB_BYTES + field);
      const agreed = ours & theirs;
      const options = byte(L.TCB_OPTIONS);
      assert.is((options & L.TCB_OPTION_TIMESTAMPS) !== 0, (agreed & 1) !== 0);
      assert.is((options & L.TCB_OPTION_WSCALE) !== 0, (agreed & 2) !== 0);
      assert.equal([byte(L.TCB_SND_WSCALE), byte(L.TCB_RCV_WSCALE)], (agreed & 2) !== 0 ? [3, 7] : [0, 0]);
    }
  }
});

test("compares modulo 2^32 [RFC 7323 3.2] [7323#21]", async () => {
  const core = await withTimestamps(0xfffffffe);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10, tsVal: 3 });
  assert.is(core.rcvNxt(), 11);
  assert.is(core.x.inputTsRecent(core.index), 3);
  core.arrive({ flags: ACK, seq: 11, ack: 1, data: 10, tsVal: 0xffffffff });
  assert.is(core.rcvNxt(), 11);
});

test("a RST is exempt [RFC 7323 5.3] [7323#15] [7323#8]", async () => {
  const core = await withTimestamps(5000);
  core.arrive({ flags: RST, seq: 1, tsVal: 1 });
  assert.is(core.state(), L.STATE_CLOSED);
  const bare = await withTimestamps(5000);
  bare.arrive({ flags: RST, seq: 1, tsVal: -1 });
  assert.is(bare.state(), L.STATE_CLOSED);
});

test("attack 41: once the peer uses the option, a segment without it is dropped in silence [RFC 7323 3.2] [7323#7] [attack 41]", async () => {
  const core = await withTimestamps(5000);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10, tsVal: -1 });
  core.expectNothing();
  assert.is(core.rcvNxt(), 1);
  assert.is(core.counter(C.COUNTER_TCP_IN_MISSING_TIMESTAMP), 1);
});

test("agreed to on the SYNs and then on no segment at all, the option is not missed: something strips it", async () => {
  const core = await Core.create();
  core.listen();
  core.synReceived({ tsVal: 5000 });
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10 });
  assert.is(echoed(core.expect({ ack: 11 })), 5000);
  core.arrive({ flags: ACK, seq: 11, ack: 1, data: 10, tsVal: 5001 });
  core.arrive({ flags: ACK, seq: 21, ack: 1, data: 10 });
  assert.is(core.rcvNxt(), 21, "from then on it is");
});

test("not negotiated, the option is ignored", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10, tsVal: 77 });
  assert.is(core.expect({ ack: 11 }).options.length, 0);
});

test("after 24 idle days any timestamp is news [RFC 7323 5.5] [7323#19] [attack 41]", async () => {
  const core = await withTimestamps(5000);
  core.now += 24 * DAY_US;
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10, tsVal: 4000 });
  assert.is(core.rcvNxt(), 1);
  core.now += 1_000_000;
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10, tsVal: 4000 });
  assert.is(core.rcvNxt(), 11);
  assert.is(core.x.inputTsRecent(core.index), 4000);
});

test("a delayed ACK echoes the earliest segment, one out of order is not echoed, its filler is [RFC 7323 4.3] [7323#12] [7323#13]", async () => {
  const core = await withTimestamps(100);
  for (let i = 0; i < 30; i++) {
    core.arrive({ flags: ACK, seq: 1 + i * 100, ack: 1, data: 100 });
    core.pullAll();
  }
  core.now += 100_000;
  core.x.inputRunTimers(core.now);
  core.pullAll();
  core.arrive({ flags: ACK, seq: 3001, ack: 1, data: 100, tsVal: 200 });
  core.expectNothing("for a lone segment");
  core.arrive({ flags: ACK, seq: 3101, ack: 1, data: 1400, tsVal: 300 });
  const delayed = core.pullAll();
  if (delayed.length !== 0) assert.is(echoed(delayed[0]!), 200, "the earlier of the two");
  core.now += 1_000_000;
  core.x.inputRunTimers(core.now);
  core.pullAll();
  core.arrive({ flags: ACK, seq: 5001, ack: 1, data: 100, tsVal: 400 });
  assert.is(echoed(core.expect({ ack: 4501 })), 200, "a segment beyond a gap");
  core.arrive({ flags: ACK, seq: 4501, ack: 1, data: 500, tsVal: 350 });
  assert.is(echoed(core.expect({ ack: 5101 })), 350, "the segment that fills it");
});

test("our clock ticks in ms, from an offset that depends on the pair of hosts only [RFC 7323 5.4, 7.1; RFC 6191] [7323#18] [7323#23]", async () => {
  const core = await withTimestamps(5);
  const at = core.x.inputTimestamp(core.index, core.now) >>> 0;
  assert.is((core.x.inputTimestamp(core.index, core.now + 7_000) - at) >>> 0, 7);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 1, tsVal: 6 });
  assert.is(sent(core.expect({ ack: 2 })), at);
  assert.is.not(at, Math.floor(core.now / 1000));
  core.listen();
  core.arrive({ flags: SYN, remotePort: 6000, mss: 1460, tsVal: 1 });
  const other = core.expect({ flags: SYN | ACK }).index;
  assert.is(core.x.inputTimestamp(other, core.now) >>> 0, at);
});

test.run();
