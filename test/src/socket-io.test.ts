// Main's end of a socket's byte rings, against a core played by the test: rings offered and moved, room, wake-ups, kicks.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  HEAP,
  OP_BYTES,
  OP_CAPACITY,
  OP_HANDLE,
  OP_KICK,
  OP_KIND,
  OP_RING,
  OP_RING_WANTED,
  READY_READABLE,
  READY_WRITABLE,
  TCB_EOF,
  TCB_KICKED,
  TCB_RCV_EPOCH,
  TCB_RCV_EPOCH_TAKEN,
  TCB_RCV_HEAD,
  TCB_RCV_KICK_AT,
  TCB_RCV_RING,
  TCB_RCV_RING_CAPACITY,
  TCB_RCV_TAIL,
  TCB_SND_EPOCH,
  TCB_SND_EPOCH_TAKEN,
  TCB_SND_HEAD,
  TCB_SND_RING_CAPACITY,
  TCB_SND_RING_PTR,
  TCB_SND_TAIL,
  TCB_WAITS,
} from "../../assembly/layout.ts";
import { createMemory, type SharedViews } from "../../src/memory.ts";
import { OpQueue } from "../../src/op-queue.ts";
import { RingConsumer } from "../../src/rings.ts";
import { SocketIo } from "../../src/socket-io.ts";

const HANDLE = 0x00100003;
const views = createMemory(1 << 20);

/** The core's part, as much of it as these tests need. */
class FakeCore {
  readonly io: SocketIo;
  readonly #views: SharedViews;
  readonly #ops: RingConsumer;
  #nextPtr = HEAP;

  constructor(start = 0) {
    this.#views = views;
    views.u8.fill(0, OP_RING, OP_RING + 256);
    this.#ops = new RingConsumer(views.i32, OP_RING, OP_BYTES, OP_CAPACITY);
    const io = new SocketIo(views, new OpQueue(views, { ring: () => {} }), HANDLE);
    views.u8.fill(0, io.tcb, io.tcb + 128);
    for (const field of [TCB_SND_HEAD, TCB_SND_TAIL, TCB_RCV_HEAD, TCB_RCV_TAIL])
      views.u32[(io.tcb + field) >>> 2] = start;
    this.io = new SocketIo(views, new OpQueue(views, { ring: () => {} }), HANDLE);
  }

  get(field: number): number {
    return this.#views.u32[(this.io.tcb + field) >>> 2]!;
  }

  set(field: number, value: number): void {
    this.#views.u32[(this.io.tcb + field) >>> 2] = value;
  }

  /** The ops since the last call. */
  ops(): number[] {
    const kinds: number[] = [];
    for (let slot = this.#ops.peek(); slot >= 0; slot = this.#ops.peek()) {
      kinds.push(this.#views.u32[(slot + OP_KIND) >>> 2]!);
      assert.is(this.#views.u32[(slot + OP_HANDLE) >>> 2], HANDLE);
      this.#ops.release();
    }
    this.set(TCB_KICKED, 0);
    return kinds;
  }

  offerSendRing(capacity: number): void {
    this.set(TCB_SND_RING_PTR, this.#place(capacity));
    this.set(TCB_SND_RING_CAPACITY, capacity);
    this.set(TCB_SND_EPOCH, this.get(TCB_SND_EPOCH) + 1);
  }

  moveReceiveRing(capacity: number): void {
    const [oldPtr, oldCapacity] = [this.get(TCB_RCV_RING) & ~255, this.get(TCB_RCV_RING_CAPACITY)];
    const ptr = this.#place(capacity);
    for (let at = this.get(TCB_RCV_HEAD); at !== this.get(TCB_RCV_TAIL); at = (at + 1) >>> 0) {
      this.#views.u8[ptr + (at & (capacity - 1))] = this.#views.u8[oldPtr + (at & (oldCapacity - 1))]!;
    }
    this.set(TCB_RCV_RING, ptr | Math.log2(capacity));
    this.set(TCB_RCV_RING_CAPACITY, capacity);
    this.set(TCB_RCV_EPOCH, this.get(TCB_RCV_EPOCH) + 1);
  }

  /** Takes bytes out of the send ring that main has taken. */
  send(count: number): number[] {
    const bytes: number[] = [];
    for (let i = 0; i < count; i++) {
      const at = this.get(TCB_SND_HEAD);
      bytes.push(this.#views.u8[this.get(TCB_SND_RING_PTR) + (at & (this.get(TCB_SND_RING_CAPACITY) - 1))]!);
      this.set(TCB_SND_HEAD, at + 1);
    }
    return bytes;
  }

  receive(bytes: number[]): void {
    for (const byte of bytes) {
      const at = this.get(TCB_RCV_TAIL);
      this.#views.u8[(this.get(TCB_RCV_RING) & ~255) + (at & (this.get(TCB_RCV_RING_CAPACITY) - 1))] = byte;
      this.set(TCB_RCV_TAIL, at + 1);
    }
  }

  #place(capacity: number): number {
    const ptr = this.#nextPtr;
    this.#nextPtr += Math.max(capacity, 256);
    return ptr;
  }
}

function numbers(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => (from + index) & 255);
}

const io = suite("src/socket-io");

io("asks for a send ring at the first write, once", () => {
  const core = new FakeCore();
  assert.is(core.io.write(Uint8Array.of(1), 0), 0);
  assert.ok(core.io.waitWritable());
  assert.ok(core.io.waitWritable());
  assert.equal(core.ops(), [OP_RING_WANTED]);
  core.offerSendRing(16);
  assert.not.ok(core.io.waitWritable());
  assert.is(core.io.write(Uint8Array.of(1, 2, 3), 0), 3);
  assert.is(core.get(TCB_SND_EPOCH_TAKEN), 1);
  assert.equal(core.ops(), [OP_KICK]);
  assert.equal(core.send(3), [1, 2, 3]);
});

io("kicks once until the core has cleared the word", () => {
  const core = new FakeCore();
  core.offerSendRing(64);
  for (let i = 0; i < 5; i++) core.io.write(Uint8Array.of(i), 0);
  assert.equal(core.ops(), [OP_KICK]);
  core.io.write(Uint8Array.of(9), 0);
  assert.equal(core.ops(), [OP_KICK]);
});

io("asks to be woken, unless a third of the ring is free again by then", () => {
  const core = new FakeCore();
  core.offerSendRing(16);
  assert.is(core.io.write(Uint8Array.from(numbers(0, 20)), 0), 16);
  assert.ok(core.io.waitWritable());
  assert.is(core.get(TCB_WAITS), READY_WRITABLE);
  core.send(5);
  assert.ok(core.io.waitWritable());
  core.send(1);
  assert.not.ok(core.io.waitWritable());
});

io("carries unacknowledged bytes into a larger send ring", () => {
  for (const start of [0, 13, 0xfffffff9]) {
    const core = new FakeCore(start);
    core.offerSendRing(16);
    assert.is(core.io.write(Uint8Array.from(numbers(0, 16)), 0), 16);
    core.send(3);
    core.offerSendRing(64);
    assert.is(core.io.write(Uint8Array.from(numbers(16, 20)), 0), 20);
    assert.is(core.get(TCB_SND_EPOCH_TAKEN), 2);
    assert.equal(core.send(33), numbers(3, 33));
  }
});

io("leaves the send ring where it is while the file system fills it", () => {
  const core = new FakeCore();
  core.offerSendRing(16);
  assert.is(core.io.reserveWrite(8), 8);
  assert.ok(core.io.busy);
  core.offerSendRing(64);
  assert.is(core.get(TCB_SND_EPOCH_TAKEN), 1);
  views.u8.set(numbers(40, 8), core.io.piecePtr);
  core.io.commitWrite(8);
  assert.not.ok(core.io.busy);
  assert.is(core.io.reserveWrite(100), 56);
  core.io.commitWrite(0);
  assert.is(core.get(TCB_SND_EPOCH_TAKEN), 2);
  assert.equal(core.send(8), numbers(40, 8));
});

io("gives an empty send ring back when the core asks, and wants one anew", () => {
  const core = new FakeCore();
  core.offerSendRing(16);
  core.io.write(Uint8Array.of(1, 2), 0);
  core.send(2);
  core.offerSendRing(0);
  core.io.followRings();
  assert.is(core.get(TCB_SND_EPOCH_TAKEN), 2);
  assert.is(core.io.write(Uint8Array.of(3), 0), 0);
  core.ops();
  assert.ok(core.io.waitWritable());
  assert.equal(core.ops(), [OP_RING_WANTED]);
  core.offerSendRing(16);
  assert.is(core.io.write(Uint8Array.of(3), 0), 1);
  assert.equal(core.send(1), [3]);
});

io("keeps a send ring that it has written into since the core offered to take it back, and says so", () => {
  const core = new FakeCore();
  core.offerSendRing(16);
  const ring = core.get(TCB_SND_RING_PTR);
  core.io.write(Uint8Array.of(1, 2), 0);
  core.offerSendRing(0); // the core had not seen the new tail
  core.io.followRings();
  assert.is(core.get(TCB_SND_EPOCH_TAKEN), 2);
  assert.equal(core.ops(), [OP_KICK]);
  core.set(TCB_SND_RING_PTR, ring);
  core.set(TCB_SND_RING_CAPACITY, 16);
  assert.is(core.io.write(Uint8Array.of(3), 0), 1);
  assert.equal(core.send(3), [1, 2, 3]);
});

io("does not give a send ring back that the file system fills, but when it comes back empty", () => {
  const core = new FakeCore();
  core.offerSendRing(16);
  assert.is(core.io.reserveWrite(8), 8);
  core.offerSendRing(0);
  core.io.followRings();
  assert.is(core.get(TCB_SND_EPOCH_TAKEN), 1);
  core.io.commitWrite(0);
  assert.is(core.get(TCB_SND_EPOCH_TAKEN), 2);
});

io("reads from a ring that moved twice before it looked", () => {
  const core = new FakeCore();
  core.moveReceiveRing(16);
  core.receive(numbers(0, 10));
  core.moveReceiveRing(64);
  core.receive(numbers(10, 30));
  const target = new Uint8Array(40);
  assert.is(core.io.read(target), 40);
  assert.is(core.get(TCB_RCV_EPOCH_TAKEN), 2);
  assert.equal([...target], numbers(0, 40));
});

io("reads across the end of the ring, and kicks at the core's mark", () => {
  const core = new FakeCore(0xfffffffa);
  core.moveReceiveRing(16);
  core.receive(numbers(0, 12));
  core.set(TCB_RCV_KICK_AT, 8);
  const target = new Uint8Array(10);
  assert.is(core.io.read(target), 10);
  assert.equal([...target], numbers(0, 10));
  assert.equal(core.ops(), [OP_KICK]); // for the ring it moved to
  assert.is(core.io.read(target), 2);
  assert.equal(core.ops(), []);
  core.receive(numbers(12, 2));
  assert.is(core.io.read(target), 2);
  assert.equal(core.ops(), [OP_KICK]);
});

io("does not let go of a receive ring that the file system reads", () => {
  const core = new FakeCore();
  core.moveReceiveRing(16);
  core.receive(numbers(0, 10));
  assert.is(core.io.reserveRead(100), 10);
  assert.is(core.get(TCB_RCV_EPOCH_TAKEN), 1);
  core.moveReceiveRing(64);
  assert.is(core.io.readable, 10);
  assert.is(core.get(TCB_RCV_EPOCH_TAKEN), 1);
  core.io.commitRead(4);
  const target = new Uint8Array(10);
  assert.is(core.io.read(target), 6);
  assert.is(core.get(TCB_RCV_EPOCH_TAKEN), 2);
  assert.equal([...target.subarray(0, 6)], numbers(4, 6));
});

io("knows the end when every byte before it was read", () => {
  const core = new FakeCore();
  core.moveReceiveRing(16);
  assert.ok(core.io.waitReadable());
  assert.is(core.get(TCB_WAITS), READY_READABLE);
  core.receive([7]);
  views.u8[core.io.tcb + TCB_EOF] = 1;
  assert.not.ok(core.io.waitReadable());
  assert.not.ok(core.io.atEnd);
  core.io.read(new Uint8Array(4));
  assert.ok(core.io.atEnd);
  assert.not.ok(core.io.waitReadable());
});

io("is exact for any sequence of writes, sends and moves", () => {
  const step = fc.record({ write: fc.nat(40), send: fc.nat(40), grow: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 0xffffffe0), (steps, start) => {
      const core = new FakeCore(start);
      core.offerSendRing(16);
      let capacity = 16;
      let written = 0;
      const sent: number[] = [];
      for (const { write, send, grow } of steps) {
        written += core.io.write(Uint8Array.from(numbers(written, write)), 0);
        if (grow && capacity < 4096) {
          capacity *= 2;
          core.offerSendRing(capacity);
          core.io.write(new Uint8Array(0), 0);
          core.io.waitWritable(); // takes the ring
        }
        sent.push(...core.send(Math.min(send, written - sent.length)));
      }
      assert.equal(sent, numbers(0, sent.length));
    }),
  );
});

io.run();
