// The send ring: offers, the move to a larger ring, when the old one may be freed, and main's words, which may be lies.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_RING_INDEX_INVALID, COUNTER_TCP_SND_RING_GROWN } from "../../../assembly/counters.ts";
import {
  COUNTERS,
  READY_WRITABLE,
  SYSCTL_TCP_WMEM_DEFAULT,
  SYSCTL_TCP_WMEM_MAX,
  TCB_BYTES,
  TCB_RECORDS,
  TCB_SND_EPOCH,
  TCB_SND_EPOCH_TAKEN,
  TCB_SND_RING_CAPACITY,
  TCB_SND_RING_PTR,
  TCB_SND_TAIL,
  TCB_WAITS,
} from "../../../assembly/layout.ts";
import { Sender, setSysctl, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/send-ring");
const instance = await tcpInstance();
const { exports: wasm, view, u8 } = instance;
const at = (index: number, field: number) => TCB_RECORDS + index * TCB_BYTES + field;
const get = (index: number, field: number) => view.getUint32(at(index, field), true);
const set = (index: number, field: number, value: number) => view.setUint32(at(index, field), value, true);
const counter = (index: number) => Number(view.getBigUint64(COUNTERS + 8 * index, true));

/** Main moves to the ring offered, as its side does: copies, stores the epoch, kicks. */
function take(sender: Sender): void {
  set(sender.index, TCB_SND_EPOCH_TAKEN, get(sender.index, TCB_SND_EPOCH));
  wasm.outputKick(sender.index);
}

test("offers the first ring of tcp_wmem's default, rounded up to a power of two", () => {
  const tcb = wasm.outputTcb();
  wasm.outputOfferRing(tcb);
  assert.is(get(tcb, TCB_SND_RING_CAPACITY), 16_384);
  assert.is(get(tcb, TCB_SND_EPOCH), 1);
  assert.is(wasm.outputRingPtr(tcb), 0); // not in use before main takes it
  set(tcb, TCB_SND_EPOCH_TAKEN, 1);
  wasm.outputKick(tcb);
  assert.is(wasm.outputRingPtr(tcb), get(tcb, TCB_SND_RING_PTR));
  wasm.outputReleaseRing(tcb);
});

test("offers again when asked again, but no second ring", () => {
  const tcb = wasm.outputTcb();
  wasm.outputOfferRing(tcb);
  const ptr = get(tcb, TCB_SND_RING_PTR);
  wasm.outputOfferRing(tcb);
  assert.is(get(tcb, TCB_SND_RING_PTR), ptr);
  assert.is(get(tcb, TCB_SND_EPOCH), 1);
  wasm.outputReleaseRing(tcb);
});

test("tries again later if the heap is full", () => {
  const hog: number[] = [];
  for (let bytes = 64 << 20; bytes >= 256; bytes /= 2) {
    for (let ptr = wasm.outputHog(bytes); ptr !== 0; ptr = wasm.outputHog(bytes)) hog.push(ptr);
  }
  const tcb = wasm.outputTcb();
  wasm.outputOfferRing(tcb);
  assert.is(get(tcb, TCB_SND_EPOCH), 0);
  wasm.outputRunTimers(1_000_000);
  assert.is(get(tcb, TCB_SND_EPOCH), 0);
  for (const ptr of hog) wasm.outputUnhog(ptr);
  wasm.outputRunTimers(1_049_999);
  assert.is(get(tcb, TCB_SND_EPOCH), 0);
  wasm.outputRunTimers(1_050_000);
  assert.is(get(tcb, TCB_SND_EPOCH), 1);
  wasm.outputReleaseRing(tcb);
});

test("gives the smallest ring if the heap is scarce, and leaves the last quarter to receivers", () => {
  setSysctl(instance, SYSCTL_TCP_WMEM_DEFAULT, 65_536);
  const hog = Array.from({ length: 5 }, () => wasm.outputHog(8 << 20)); // five eighths
  const tcb = wasm.outputTcb();
  wasm.outputOfferRing(tcb);
  assert.is(get(tcb, TCB_SND_RING_CAPACITY), 4096);
  wasm.outputReleaseRing(tcb);
  hog.push(wasm.outputHog(8 << 20));
  const other = wasm.outputTcb();
  wasm.outputOfferRing(other);
  assert.is(get(other, TCB_SND_RING_CAPACITY), 0);
  for (const ptr of hog) wasm.outputUnhog(ptr);
  setSysctl(instance, SYSCTL_TCP_WMEM_DEFAULT, 16_384);
});

test("grows with the congestion window while the ring is what limits", () => {
  const sender = new Sender(instance, { ringBytes: 16_384 });
  const grown = counter(COUNTER_TCP_SND_RING_GROWN);
  sender.write(16_384);
  sender.pull();
  sender.nowUs += 1000;
  sender.ack(4000); // cwnd 14, in slow start: four windows of 14000 are 64 KiB
  assert.is(get(sender.index, TCB_SND_RING_CAPACITY), 65_536);
  assert.is(counter(COUNTER_TCP_SND_RING_GROWN), grown + 1);
  const old = wasm.outputRingPtr(sender.index);
  sender.ack(5000);
  assert.is(get(sender.index, TCB_SND_EPOCH), 1, "one offer at a time");
  take(sender);
  assert.is.not(wasm.outputRingPtr(sender.index), old);
  assert.is(wasm.outputRingCapacity(sender.index), 65_536);
});

test("does not grow for a connection that leaves its ring empty", () => {
  const sender = new Sender(instance, { ringBytes: 16_384 });
  for (let i = 1; i <= 30; i++) {
    sender.write(2000);
    sender.pull();
    sender.nowUs += 1000;
    sender.ack(2000 * i);
  }
  assert.is(get(sender.index, TCB_SND_EPOCH), 0);
});

test("does not grow beyond tcp_wmem's maximum", () => {
  setSysctl(instance, SYSCTL_TCP_WMEM_MAX, 50_000);
  const sender = new Sender(instance, { ringBytes: 16_384 });
  sender.write(16_384);
  sender.pull();
  sender.ack(10_000);
  sender.write(10_000);
  sender.pull();
  sender.ack(12_000);
  assert.is(get(sender.index, TCB_SND_RING_CAPACITY), 32_768);
  take(sender);
  for (let acked = 13_000; acked <= 26_000; acked += 1000) sender.ack(acked);
  assert.is(get(sender.index, TCB_SND_RING_CAPACITY), 32_768);
  setSysctl(instance, SYSCTL_TCP_WMEM_MAX, 4_194_304);
});

test("keeps the old ring while a frame of it waits for its link", () => {
  const sender = new Sender(instance, { ringBytes: 16_384 });
  sender.write(16_384);
  sender.pull();
  wasm.outputQueued(sender.index, 10_000);
  sender.ack(4000);
  const before = wasm.heapBytesInUse();
  take(sender);
  assert.is(wasm.heapBytesInUse(), before, "both");
  wasm.outputSent(sender.index, 10_000);
  assert.is(wasm.heapBytesInUse(), before - 16_384);
});

test("sends the same bytes from the new ring", () => {
  const sender = new Sender(instance, { ringBytes: 16_384 });
  sender.write(16_384);
  sender.pull();
  sender.ack(4000);
  const from = wasm.outputRingPtr(sender.index);
  for (let offset = 4000; offset < 16_384; offset++) u8[from + (offset & 16_383)] = offset & 255;
  const to = get(sender.index, TCB_SND_RING_PTR);
  for (let offset = 4000; offset < 16_384; offset++) u8[to + (offset & 65_535)] = offset & 255;
  take(sender);
  const sent = sender.next()!;
  const piece = view.getUint32((wasm.outputRecord() >>> 0) + 28, true);
  assert.is(piece, to + sent.seq);
  assert.is(u8[piece], sent.seq & 255);
});

test("believes no tail beyond the ring, behind the last one, or after the FIN", () => {
  const sender = new Sender(instance, { ringBytes: 4096 });
  const invalid = () => counter(COUNTER_RING_INDEX_INVALID);
  const before = invalid();
  sender.write(100);
  assert.is(wasm.outputTail(sender.index), 100);
  for (const lie of [4097, 99, 0xffff_ffff, 0x8000_0000]) {
    sender.setTail(lie);
    wasm.outputKick(sender.index);
    assert.is(wasm.outputTail(sender.index), 100, `${lie}`);
  }
  assert.is(invalid(), before + 4);
  sender.setTail(4096);
  wasm.outputKick(sender.index);
  assert.is(wasm.outputTail(sender.index), 4096);
  sender.pull();
  sender.ack(4096);
  wasm.outputFin(sender.index);
  sender.setTail(4196);
  wasm.outputKick(sender.index);
  assert.is(wasm.outputTail(sender.index), 4096);
  assert.is(invalid(), before + 5);
});

test("believes no epoch that was not offered", () => {
  const sender = new Sender(instance, { ringBytes: 4096 });
  const ptr = wasm.outputRingPtr(sender.index);
  const before = counter(COUNTER_RING_INDEX_INVALID);
  set(sender.index, TCB_SND_EPOCH_TAKEN, 77);
  wasm.outputKick(sender.index);
  assert.is(wasm.outputRingPtr(sender.index), ptr);
  assert.is(counter(COUNTER_RING_INDEX_INVALID), before + 1);
});

test("wakes main once a third of the ring is free, not before", () => {
  const sender = new Sender(instance, { ringBytes: 8192 });
  setSysctl(instance, SYSCTL_TCP_WMEM_MAX, 8192);
  sender.write(8192);
  sender.pull();
  set(sender.index, TCB_WAITS, READY_WRITABLE);
  sender.ack(2000);
  assert.is(get(sender.index, TCB_WAITS), READY_WRITABLE);
  sender.ack(3000);
  assert.is(get(sender.index, TCB_WAITS), 0);
  setSysctl(instance, SYSCTL_TCP_WMEM_MAX, 4_194_304);
});

test("frees every ring it has made", () => {
  const before = wasm.heapBytesInUse();
  const sender = new Sender(instance, { ringBytes: 16_384 });
  sender.write(16_384);
  sender.pull();
  sender.ack(4000);
  assert.ok(get(sender.index, TCB_SND_TAIL) > 0 && wasm.heapBytesInUse() > before + 16_384, "two rings");
  wasm.outputReleaseRing(sender.index);
  assert.is(wasm.heapBytesInUse(), before);
});

test.run();
