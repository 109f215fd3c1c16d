import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, type Leaving, PSH, pattern } from "./input-harness.ts";

const test = suite("tcp/receive-window");
const SMALL: [number, number][] = [
  [L.SYSCTL_TCP_RMEM_DEFAULT, 8192],
  [L.SYSCTL_TCP_RMEM_MAX, 8192],
];
const FIXED: [number, number][] = [[L.SYSCTL_TCP_MODERATE_RCVBUF, 0]];

const edgeOf = (core: Core, out: Leaving): number => out.ack + out.window * 2 ** core.rcvWscale;

/** Takes `count` segments of `size` in order, reading each at once, so that the quick ACKs of the start are over. */
function warmUp(core: Core, count = 40, size = 100): number {
  let seq = 1;
  for (let i = 0; i < count; i++) {
    core.arrive({ flags: ACK, seq, ack: 1, data: size });
    core.pullAll();
    core.read();
    seq += size;
  }
  return seq;
}

test("the right edge never moves left [RFC 9293 SHLD-14], but by less than a unit in a ring with no room for one [RFC 7323 2.4]", async () => {
  const step = fc.record({ size: fc.integer({ min: 1, max: 3000 }), reads: fc.integer({ min: 0, max: 4000 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), fc.boolean(), async (steps, isSmall) => {
      const core = (await Core.create(isSmall ? SMALL : FIXED)).established();
      const ours = core.x.inputCapacity(core.index);
      let seq = 1;
      let edge = 1;
      let read = 0;
      for (const { size, reads } of steps) {
        core.arrive({ flags: ACK, seq, ack: 1, data: Math.min(size, Math.max(edge - seq, 1)) });
        read += core.read(reads).length;
        if (core.mustKick()) core.kick();
        for (const out of core.pullAll()) {
          const told = edgeOf(core, out);
          const unit = 2 ** core.rcvWscale;
          const hasRoom = told + unit - 1 - read <= ours;
          assert.ok(told >= edge || (!hasRoom && edge - told < unit), `${told} after ${edge}`);
          assert.ok(told - 1 - read <= ours, "never more than the ring holds");
          edge = Math.max(edge, told);
        }
        seq = core.rcvNxt();
      }
    }),
    { numRuns: 40 },
  );
});

test("the edge stands still or moves right while nobody reads, for segments of common sizes", async () => {
  for (const size of [536, 1440, 1448, 1460, 2896, 8948, 1]) {
    const core = (await Core.create()).established();
    let edge = 1;
    let seq = 1;
    for (let i = 0; i < 300 && seq + size <= 120000; i++) {
      core.arrive({ flags: ACK, seq, ack: 1, data: size });
      seq += size;
      for (const out of core.pullAll()) {
        assert.ok(edgeOf(core, out) >= edge, `size ${size}: ${edgeOf(core, out)} after ${edge}`);
        edge = edgeOf(core, out);
      }
    }
  }
});

test("a reader of single bytes causes no window update below min(MSS, half the buffer) [RFC 9293 MUST-39]", async () => {
  const core = (await Core.create(SMALL)).established();
  for (let seq = 1; seq < 8193; seq += 1024) core.arrive({ flags: ACK, seq, ack: 1, data: 1024 });
  core.expect({ ack: 8193, window: 0 });
  let updates = 0;
  let told = 8193;
  for (let i = 0; i < 8192; i++) {
    core.read(1);
    if (core.mustKick()) core.kick();
    for (const out of core.pullAll()) {
      updates += 1;
      assert.ok(edgeOf(core, out) - told >= 1024, `a step of ${edgeOf(core, out) - told}`);
      told = edgeOf(core, out);
    }
  }
  assert.ok(updates >= 1 && updates <= 5, `${updates} updates`);
});

test("a closed window opens again when main reads, also if it read before it could know where to kick", async () => {
  for (const isEarly of [false, true]) {
    const core = (await Core.create(SMALL)).established();
    core.arrive({ flags: ACK, seq: 1, ack: 1, data: 8192 });
    if (isEarly) core.read();
    core.pullAll();
    if (!isEarly) core.read();
    if (core.mustKick()) core.kick();
    core.pullAll();
    assert.is(core.x.inputAdvertised(core.index) - core.tcb(L.TCB_RCV_NXT), 8192);
  }
});

test("a head that main puts beyond the tail, or back, is counted and ignored", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 100 });
  const isCounted = (head: number): boolean => {
    const before = core.counter(C.COUNTER_RING_INDEX_INVALID);
    core.setTcb(L.TCB_RCV_HEAD, head);
    core.kick();
    return core.counter(C.COUNTER_RING_INDEX_INVALID) > before;
  };
  assert.ok(isCounted(101));
  assert.not.ok(isCounted(60));
  assert.ok(isCounted(59));
  assert.not.ok(isCounted(100));
});

test("acknowledges at once at the start, then every second full segment [RFC 9293 SHLD-18, SHLD-19]", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 1460 });
  core.expect({ ack: 1461 }, "in the first round trips");
  core.read();
  const seq = 1461;
  for (let i = 0; i < 40; i++) {
    core.arrive({ flags: ACK, seq: seq + i * 1460, ack: 1, data: 1460 });
    core.pullAll();
    core.read();
  }
  core.now += 50_000;
  core.x.inputRunTimers(core.now);
  core.pullAll();
  const at = core.rcvNxt();
  core.arrive({ flags: ACK, seq: at, ack: 1, data: 1460 });
  core.expectNothing("for one segment");
  core.arrive({ flags: ACK, seq: at + 1460, ack: 1, data: 1460 });
  core.expect({ ack: at + 2920 }, "for two");
});

test("delays the ACK of a lone segment by 40 ms, not more [RFC 9293 MUST-40]", async () => {
  const core = (await Core.create()).established();
  const seq = warmUp(core);
  core.now += 100_000;
  core.x.inputRunTimers(core.now);
  core.pullAll();
  core.arrive({ flags: ACK | PSH, seq, ack: 1, data: 100 });
  core.expectNothing();
  assert.is(core.x.inputNextTimer(), core.now + 40_000);
  core.now += 40_000;
  core.x.inputRunTimers(core.now);
  core.expect({ flags: ACK, ack: seq + 100 });
  core.now += 10_000_000;
  core.x.inputRunTimers(core.now);
  core.expectNothing("twice");
});

test("one ACK for a super-segment, and one for a batch taken in one turn [RFC 9293 MUST-58, MUST-59]", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 14600, segments: 10, gsoSize: 1460 });
  core.expect({ ack: 14601 });
  for (let i = 0; i < 10; i++) core.arrive({ flags: ACK, seq: 14601 + i * 1460, ack: 1, data: 1460 });
  core.expect({ ack: 29201 });
});

test("autotuning reaches 4 MiB for a reader that keeps up at 50 µs, and the stream stays whole", async () => {
  const core = (await Core.create()).established();
  const burst = 65160;
  let seq = 1;
  let grown = 0;
  for (let i = 0; i < 400 && grown === 0; i++) {
    core.now += 25;
    core.arrive({ flags: ACK, seq, ack: 1, data: burst, segments: 45, gsoSize: 1448 });
    seq += burst;
    core.pullAll();
    core.now += 25;
    const bytes = core.read();
    assert.is(bytes.length, burst);
    assert.equal(bytes.subarray(0, 64), pattern(seq - burst, 64));
    assert.equal(bytes.subarray(-64), pattern(seq - 64, 64));
    core.kick();
    core.pullAll();
    if (core.x.inputCapacity(core.index) === 4 << 20) grown = seq;
  }
  assert.ok(grown > 0 && grown < 8 << 20, `grown after ${grown} bytes`);
});

test("autotuning leaves the ring alone when main reads slowly, or when it is switched off", async () => {
  for (const [sysctls, pauseUs] of [
    [[], 100_000],
    [FIXED, 10],
  ] as [[number, number][], number][]) {
    const core = (await Core.create(sysctls)).established();
    let seq = 1;
    for (let i = 0; i < 100; i++) {
      core.now += pauseUs;
      core.arrive({ flags: ACK, seq, ack: 1, data: 20000 });
      seq += 20000;
      core.read();
      core.kick();
      core.pullAll();
    }
    assert.is(core.x.inputCapacity(core.index), 131072);
  }
});

test("a larger ring holds what was unread and what is out of order, and the old one lives until main has left it", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 60000 });
  core.pullAll();
  core.read();
  core.now += 10;
  core.arrive({ flags: ACK, seq: 60001, ack: 1, data: 40000 });
  core.read(30000);
  core.arrive({ flags: ACK, seq: 110001, ack: 1, data: 10000 });
  const oneRing = core.x.heapBytesInUse();
  core.now += 10;
  core.kick();
  assert.is(core.x.inputCapacity(core.index), 262144);
  assert.is(core.x.heapBytesInUse(), oneRing + 262144, "two rings");
  core.kick();
  assert.is(core.x.heapBytesInUse(), oneRing + 262144, "main may still read from the old one");
  core.arrive({ flags: ACK, seq: 100001, ack: 1, data: 10000 });
  const rest = core.read();
  assert.equal([...rest.subarray(0, 100)], [...pattern(90001, 100)]);
  assert.equal(Buffer.compare(rest.subarray(0, 10000), pattern(90001, 10000)), 0);
  assert.is(Buffer.compare(rest.subarray(10000, 20000), pattern(100001, 10000)), 0);
  assert.is(Buffer.compare(rest.subarray(20000), pattern(110001, 10000)), 0);
  core.kick();
  assert.is(core.x.heapBytesInUse(), 262144);
});

test("bounds the promise by half of what the link's receive slots hold", async () => {
  const core = (await Core.create([[L.SYSCTL_TCP_RMEM_DEFAULT, 4 << 20]])).established();
  core.set(L.INTERFACES + L.INTERFACE_BYTES + L.INTERFACE_RX_SLOTS, 256);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 1460 });
  const out = core.expect({ ack: 1461 });
  const promised = edgeOf(core, out) - out.ack;
  assert.ok(promised <= 128 * 1460 && promised > 100 * 1460, `${promised}`);
});

test("a ring much larger than that bound still opens again when main reads after a pause", async () => {
  const core = (
    await Core.create([
      [L.SYSCTL_TCP_RMEM_DEFAULT, 4 << 20],
      [L.SYSCTL_TCP_MODERATE_RCVBUF, 0],
    ])
  ).established();
  core.set(L.INTERFACES + L.INTERFACE_BYTES + L.INTERFACE_RX_SLOTS, 64);
  let edge = 65536;
  for (let seq = 1; seq < edge; seq = core.rcvNxt()) {
    core.arrive({ flags: ACK, seq, ack: 1, data: Math.min(1460, edge - seq) });
    for (const out of core.pullAll()) edge = edgeOf(core, out);
  }
  let told = 0;
  while (core.read(50000).length > 0) {
    if (core.mustKick()) core.kick();
    told += core.pullAll().length;
  }
  assert.ok(told >= 1 && told <= 10, `${told} window updates`);
  assert.ok((core.x.inputAdvertised(core.index) - core.tcb(L.TCB_RCV_NXT)) >>> 0 > 32768);
});

test.run();
