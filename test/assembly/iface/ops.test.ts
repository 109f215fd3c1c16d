// Main as an adversary, and main as a slow reader: stale handles, nonsense in the op ring, rings that are full.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as counters from "../../../assembly/counters.ts";
import {
  ENETUNREACH,
  EVENT_CAPACITY,
  EVENT_RING,
  OP_BYTES,
  OP_CAPACITY,
  OP_COUNT,
  OP_HANDLE,
  OP_KIND,
  OP_RING,
  OP_SET_OPTION,
  RING_CORRUPT,
  RING_HEAD,
  RING_SLOTS,
  RING_TAIL,
  TCB_RCV_EPOCH_TAKEN,
  TCB_RCV_HEAD,
  TCB_SND_EPOCH_TAKEN,
  TCB_SND_TAIL,
  USAGE_HEAP_BYTES,
  USAGE_TCBS,
} from "../../../assembly/layout.ts";
import type { SimSocket } from "../../../src/sim/index.ts";
import { Bench, bytes16, PEER_IP, tcp } from "../../support/frames.ts";

const test = suite("iface/ops");

/** Writes words into the next op slot and publishes it. The bench's own queue does not know: it must not be used afterwards. */
function post(bench: Bench, words: number[]): void {
  const { u32 } = bench.host.views;
  const tail = u32[(OP_RING + RING_TAIL) >>> 2]!;
  u32.set(words, (OP_RING + RING_SLOTS + (tail & (OP_CAPACITY - 1)) * OP_BYTES) >>> 2);
  u32[(OP_RING + RING_TAIL) >>> 2] = tail + 1;
}

test("unknown kinds and stale handles are counted and change nothing", () => {
  const bench = new Bench();
  const listener = bench.host.listen(80);
  bench.turn();
  const { handle } = listener;
  listener.close();
  bench.turn();
  for (const kind of [0, OP_COUNT, 0xffffffff]) {
    post(bench, [kind]);
    assert.equal(
      bench.counted(() => bench.turn()),
      { [counters.COUNTER_OP_UNKNOWN]: 1 },
    );
  }
  for (let kind = 3; kind < OP_COUNT; kind++) {
    if (kind === 10) continue; // OP_PING has none
    for (const stale of [handle, 0, 0xffffffff, handle ^ 1]) {
      if (kind === OP_SET_OPTION && stale === 0) continue; // stages it for a connect
      post(bench, [kind, stale]);
      assert.equal(
        bench.counted(() => bench.turn()),
        { [counters.COUNTER_OP_STALE_HANDLE]: 1 },
      );
    }
  }
  assert.is(bench.host.exports.usage(USAGE_TCBS), 0);
});

test("a tail that promises more ops than there are slots is not believed", () => {
  const bench = new Bench();
  const { u32 } = bench.host.views;
  u32[(OP_RING + RING_TAIL) >>> 2] = u32[(OP_RING + RING_TAIL) >>> 2]! + OP_CAPACITY + 1;
  const before = u32[(OP_RING + RING_HEAD) >>> 2];
  bench.host.exports.userCalls(bench.nowUs);
  assert.is(u32[(OP_RING + RING_HEAD) >>> 2], before);
  assert.ok(u32[(OP_RING + RING_CORRUPT) >>> 2]! > 0);
});

test("while main reads no events, ops wait; none is lost", () => {
  const bench = new Bench();
  const sockets: SimSocket[] = [];
  const { exports, views } = bench.host;
  const used = () => (views.u32[(EVENT_RING + RING_TAIL) >>> 2]! - views.u32[(EVENT_RING + RING_HEAD) >>> 2]!) >>> 0;
  for (let i = 0; i < 12_000; i++) {
    sockets.push(bench.host.connect(0xc0000201, 80)); // no route: each gets an event at once
    if (i % 1000 !== 999) continue;
    exports.userCalls(bench.nowUs);
    exports.flushEvents();
  }
  assert.ok(used() > EVENT_CAPACITY - 100 && used() <= EVENT_CAPACITY);
  assert.ok(exports.nextDeadline(bench.nowUs) > bench.nowUs);
  assert.ok(exports.nextDeadline(bench.nowUs) <= bench.nowUs + 1000);
  for (let turn = 0; turn < 10; turn++) bench.turn();
  assert.is(sockets.filter((socket) => socket.error === ENETUNREACH).length, 12_000);
});

test("pings that find the event ring full are answered later", () => {
  const bench = new Bench();
  const { exports } = bench.host;
  for (let i = 0; i < EVENT_CAPACITY - 70; i++) bench.host.connect(0xc0000201, 80);
  exports.userCalls(bench.nowUs);
  const pings = Array.from({ length: 100 }, () => bench.host.ping(0xc0000201));
  exports.userCalls(bench.nowUs);
  exports.flushEvents();
  for (let turn = 0; turn < 3; turn++) bench.turn();
  assert.ok(pings.every((ping) => ping.errno === ENETUNREACH));
});

test("offsets and epochs that main cannot mean are ignored", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.constantFrom(TCB_SND_TAIL, TCB_RCV_HEAD, TCB_SND_EPOCH_TAKEN, TCB_RCV_EPOCH_TAKEN),
          fc.nat(0xffffffff),
        ),
        { maxLength: 12 },
      ),
      (changes) => {
        const bench = new Bench();
        bench.meetPeer();
        const socket = bench.host.connect(PEER_IP, 80);
        const syn = bench.turn()[0]!;
        const view = new DataView(syn.buffer);
        const port = view.getUint16(34);
        const ack = (view.getUint32(38) + 1) >>> 0;
        const peer = { srcPort: 80, dstPort: port, ack };
        bench.turn([tcp({ ...peer, seq: 1000, flags: 0x12 })]);
        socket.write(new Uint8Array(10));
        bench.turn();
        socket.write(new Uint8Array(1000));
        bench.turn([tcp({ ...peer, seq: 1001, flags: 0x18, payload: bytes16(7) })]);
        for (const [field, value] of changes) {
          bench.host.views.u32[(socket.tcb + field) >>> 2] = value;
          bench.host.ops.kick(socket.handle);
          bench.turn();
          bench.after(1000);
        }
        bench.turn([tcp({ ...peer, seq: 1003, flags: 0x18, payload: bytes16(7) })]);
        socket.abort();
        for (let turn = 0; turn < 3; turn++) bench.after(1000);
        assert.is(bench.host.exports.usage(USAGE_TCBS), 0);
        assert.is(bench.host.exports.usage(USAGE_HEAP_BYTES), bench.host.linkHeapBytes);
      },
    ),
    { numRuns: 40, seed: 5 },
  );
});

test("nonsense in the op ring never traps", () => {
  const bench = new Bench();
  bench.meetPeer();
  bench.host.listen(80);
  bench.host.connect(PEER_IP, 80);
  bench.turn();
  const handles = [...bench.host.sockets.keys(), 0, 1];
  fc.assert(
    fc.property(
      fc.nat(15),
      fc.constantFrom(...handles),
      fc.array(fc.nat(0xffffffff), { minLength: 14, maxLength: 14 }),
      (kind, handle, rest) => {
        const words = [kind, handle, ...rest];
        assert.is(words[OP_KIND >>> 2], kind);
        assert.is(words[OP_HANDLE >>> 2], handle);
        post(bench, words);
        bench.host.exports.userCalls(bench.nowUs);
        bench.host.exports.transmit(bench.nowUs);
        bench.host.exports.flushEvents();
        bench.nowUs += 100;
      },
    ),
    { numRuns: 1000, seed: 11 },
  );
});

test.run();
