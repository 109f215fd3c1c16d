// Random segments, user calls and time against one core: no trap, no illegal transition, nothing left when all is closed. The
// sequence of events comes from fast-check, so a failure prints its seed.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, FIN, PSH } from "./input-harness.ts";

const test = suite("tcp/arrives-random");

// Relative numbers that lie at, just beside, or far from the edges that matter
const near = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(1000, 65535, 65536, 70000, -70000, 0x7fffffff, 0x80000000) },
);
const ANY_FLAGS = fc.integer({ min: 0, max: 63 });
const segment = fc.record({
  kind: fc.constant("segment" as const),
  flags: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(ACK, ACK, ACK | PSH, ACK | FIN) },
    { weight: 1, arbitrary: ANY_FLAGS },
  ),
  seq: near,
  ack: near,
  wnd: fc.constantFrom(0, 1, 100, 1000, 65535),
  data: fc.constantFrom(0, 0, 1, 100, 1460, 3000),
  port: fc.constantFrom(5000, 5000, 5001),
  tsVal: fc.constantFrom(-1, -1, -1, 2),
  withOptions: fc.boolean(),
});
const call = fc.record({
  kind: fc.constant("call" as const),
  which: fc.constantFrom("write", "write", "read", "read", "kick", "shutdown", "close", "abort", "accept"),
  amount: fc.integer({ min: 0, max: 5000 }),
});
const wait = fc.record({
  kind: fc.constant("wait" as const),
  us: fc.constantFrom(1, 1000, 50000, 1_000_000, 70_000_000),
});
const step = fc.oneof(
  { weight: 6, arbitrary: segment },
  { weight: 2, arbitrary: call },
  { weight: 1, arbitrary: wait },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const BEGINNINGS = [
  "listen",
  "synSent",
  "established",
  "finWait1",
  "finWait2",
  "closeWait",
  "closing",
  "lastAck",
  "timeWait",
] as const;

/** What main knows: the sockets it was told of and has not forgotten. */
class Main {
  readonly sockets = new Set<number>();

  readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  hear(): void {
    for (const [index, bits] of this.core.events()) if ((bits & 0x30000) !== 0) this.sockets.add(index);
  }

  call(which: string, amount: number): void {
    const { core } = this;
    for (const index of this.sockets) {
      if (core.state(index) === L.STATE_LISTEN) continue;
      core.index = index;
      if (which === "write") {
        if (core.tcb(L.TCB_SND_RING_PTR) === 0) core.x.inputRingWanted(index);
        core.setTcb(L.TCB_SND_EPOCH_TAKEN, core.tcb(L.TCB_SND_EPOCH));
        const room = core.tcb(L.TCB_SND_RING_CAPACITY) - ((core.tcb(L.TCB_SND_TAIL) - core.tcb(L.TCB_SND_HEAD)) >>> 0);
        core.setTcb(L.TCB_SND_TAIL, (core.tcb(L.TCB_SND_TAIL) + Math.min(amount, room)) >>> 0);
        core.kick();
      } else if (which === "read") {
        if (core.tcb(L.TCB_RCV_RING) !== 0) core.read(amount);
      } else if (which === "kick") core.kick();
      else if (which === "accept") core.x.inputAccept(index);
      else if (which === "shutdown") core.x.inputShutdown(index, core.now);
      else {
        core.x[which === "close" ? "inputClose" : "inputAbort"](index, core.now);
        this.sockets.delete(index);
        return;
      }
    }
  }
}

function arrive(core: Core, s: Extract<Step, { kind: "segment" }>): void {
  // Around RCV.NXT and SND.NXT of the connection in hand, or what SYN and ACK of a beginner would be
  const isAlive = core.index >= 0 && core.x.isTcbInUse(core.index) && core.state() > L.STATE_LISTEN;
  const rcvNxt = isAlive && core.state() > L.STATE_SYN_SENT ? core.rcvNxt() : 0;
  const sndNxt = isAlive ? (core.tcb(L.TCB_SND_NXT) - core.tcb(L.TCB_ISS)) >>> 0 : 0;
  if (isAlive) core.iss = core.tcb(L.TCB_ISS);
  const options = s.withOptions ? { mss: 1460, wscale: 7 } : {};
  core.arrive({
    flags: s.flags,
    seq: (rcvNxt + s.seq) >>> 0,
    ack: (sndNxt + s.ack) >>> 0,
    wnd: s.wnd,
    data: s.data,
    remotePort: s.port === 5000 ? core.remotePort : s.port,
    tsVal: s.tsVal,
    ...options,
  });
}

function check(core: Core, high: number): void {
  assert.is(core.counter(C.COUNTER_TCP_ILLEGAL_TRANSITION), 0);
  for (let index = 0; index < high; index++) {
    if (!core.x.isTcbInUse(index) || core.state(index) < L.STATE_ESTABLISHED) continue;
    const una = core.tcb(L.TCB_SND_UNA, index);
    const nxt = core.tcb(L.TCB_SND_NXT, index);
    assert.ok(((nxt - una) | 0) >= 0, "SND.UNA <= SND.NXT");
    const unread = (core.tcb(L.TCB_RCV_TAIL, index) - core.tcb(L.TCB_RCV_HEAD, index)) >>> 0;
    assert.ok(unread <= core.x.inputCapacity(index), "no more unread than the ring holds");
  }
}

test("survives anything, and leaves nothing behind", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 150 }),
      fc.constantFrom(...BEGINNINGS),
      async (steps, beginning) => {
        const core = await Core.create();
        const main = new Main(core);
        if (beginning !== "listen") {
          core[beginning]();
          main.sockets.add(core.index);
        }
        const listener = core.listen(3);
        for (const s of steps) {
          if (s.kind === "segment") arrive(core, s);
          else if (s.kind === "call") main.call(s.which, s.amount);
          else {
            core.now += s.us;
            core.x.inputRunTimers(core.now);
          }
          for (const out of core.pullAll()) core.index = out.index;
          main.hear();
          if (s.kind === "segment" && main.sockets.size > 0 && s.port === 5000) core.index = [...main.sockets].at(-1)!;
          check(core, 12);
        }
        core.x.inputCloseListener(listener, core.now);
        for (const index of main.sockets) if (core.x.isTcbInUse(index)) core.x.inputAbort(index, core.now);
        core.pullAll();
        core.events();
        for (let i = 0; i < 50 && core.x.tcbsInUse() !== 0; i++) {
          core.now += 60_000_000;
          core.x.inputRunTimers(core.now);
          core.pullAll();
          core.events();
        }
        assert.is(core.x.tcbsInUse(), 0);
        assert.is(core.x.heapBytesInUse(), 0);
        assert.is(core.x.inputNextTimer(), -1);
      },
    ),
    { numRuns: 150 },
  );
});

test.run();
