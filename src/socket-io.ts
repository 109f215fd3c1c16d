// Main's end of one socket's byte rings in shared memory: copies into the send ring and out of the receive ring, says what it did,
// arms the wake-ups, and follows the rings when they move. Read docs/ARCHITECTURE.md on epochs first. No promises here: this is
// the path of every byte, shared by connections and the simulator.
//
// Offsets are free-running u32; used = tail - head (mod 2^32). A ring's byte p lies at pointer + (p & (capacity - 1)).
import {
  HANDLE_INDEX_MASK,
  READY_READABLE,
  READY_WRITABLE,
  SYSCTL_TCP_NOTSENT_LOWAT,
  TCB_BYTES,
  TCB_EOF,
  TCB_ISS,
  TCB_KICKED,
  TCB_NOTSENT_LOWAT,
  TCB_RCV_EPOCH,
  TCB_RCV_EPOCH_TAKEN,
  TCB_RCV_HEAD,
  TCB_RCV_KICK_AT,
  TCB_RCV_RING,
  TCB_RCV_TAIL,
  TCB_RECORDS,
  TCB_SND_EPOCH,
  TCB_SND_EPOCH_TAKEN,
  TCB_SND_HEAD,
  TCB_SND_MARKS,
  TCB_SND_NXT,
  TCB_SND_RING_CAPACITY,
  TCB_SND_RING_PTR,
  TCB_SND_TAIL,
  TCB_STATE,
  TCB_URGENT_STATE,
  TCB_WAITS,
} from "../assembly/layout.ts";
import { copyBytes } from "./copy-bytes.ts";
import type { SharedViews } from "./memory.ts";
import type { OpQueue } from "./op-queue.ts";
import { UrgentMark } from "./urgent-mark.ts";

/** With TCP_NOTSENT_LOWAT, bytes of one write until it is looked at again. */
const LIMITED_WRITE_BYTES = 65_536;
const NO_LOWAT = 0xffffffff;
/** Bits of TCB_RCV_RING that are the logarithm of its bytes: no ring is smaller than 256 bytes. */
const RING_LOG2_MASK = 0xff;

/** Main's end of a socket's rings; valid until the handle is given back to the core (close, abort, release). */
export class SocketIo {
  readonly handle: number;
  /** Address of the socket's TCB record. */
  readonly tcb: number;
  /** After `reserveWrite` and `reserveRead`: where the piece of the ring lies in the memory. */
  piecePtr = 0;
  /** Whether TCP_NOTSENT_LOWAT holds writes back; one who keeps count himself says no. */
  limitsUnsent = true;
  readonly #views: SharedViews;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  readonly #ops: OpQueue;
  readonly #word: number;
  #sndPtr = 0;
  #sndCapacity = 0;
  #sndEpoch = 0;
  #sndTail: number;
  #ringWanted = false;
  #rcvPtr = 0;
  #rcvCapacity = 0;
  #rcvEpoch = 0;
  #rcvHead: number;
  // Pieces handed to the file system: the ring they lie in must not be given up before they come back.
  #writeReserved = false;
  #readReserved = false;
  /** Made for the first who asks, or at the first urgent pointer: few connections have one. */
  #urgentMark: UrgentMark | undefined;
  /** Of the read under way: 1 if the urgent byte before its first byte is left out. */
  #skipped = 0;

  constructor(views: SharedViews, ops: OpQueue, handle: number) {
    this.handle = handle;
    this.tcb = TCB_RECORDS + (handle & HANDLE_INDEX_MASK) * TCB_BYTES;
    this.#views = views;
    this.#i32 = views.i32;
    this.#u8 = views.u8;
    this.#ops = ops;
    this.#word = this.tcb >>> 2;
    this.#sndTail = this.#load(TCB_SND_TAIL);
    this.#rcvHead = this.#load(TCB_RCV_HEAD);
  }

  /** Whether the file system works on a piece of a ring: the socket must not be given back to the core now. */
  get busy(): boolean {
    return this.#writeReserved || this.#readReserved;
  }

  /** Bytes ready to be read. */
  get readable(): number {
    return (this.#load(TCB_RCV_TAIL) - this.#rcvHead) >>> 0;
  }

  /** Whether the peer's FIN was reached and every byte before it has been read. */
  get atEnd(): boolean {
    // In this order: the last bytes are published before the end is.
    return this.hasEnd && this.readable === 0;
  }

  /** Whether the peer's FIN was reached: no byte comes after those that are `readable`. */
  get hasEnd(): boolean {
    return Atomics.load(this.#u8, this.tcb + TCB_EOF) !== 0;
  }

  /** Bytes that the send ring in use or on offer can hold. */
  get ringBytes(): number {
    return this.#load(TCB_SND_RING_CAPACITY);
  }

  /** Whether an urgent byte has arrived that was not read (POLLPRI). */
  get hasUrgent(): boolean {
    this.#noteUrgent();
    return this.#urgent.isReadable;
  }

  /** Urgent pointers seen so far, modulo 2^16. */
  get urgentCount(): number {
    this.#noteUrgent();
    return this.#urgent.count;
  }

  /** Bytes before the urgent mark, 0 = the next one is the urgent byte; undefined: there is no mark ahead. */
  get urgentAhead(): number | undefined {
    this.#noteUrgent();
    return this.#urgent.ahead(this.#rcvHead);
  }

  /**
   * Takes the urgent byte out of band (MSG_OOB).
   * @returns the byte; -1: it has not arrived yet; null: there is none, it was read, or it is in line
   */
  readUrgent(): number | null {
    this.#noteUrgent();
    return this.#urgent.take();
  }

  /** A STATE_ code. */
  get state(): number {
    return Atomics.load(this.#u8, this.tcb + TCB_STATE);
  }

  /** Bytes written that the peer has not acknowledged. */
  get unacknowledged(): number {
    return (this.#sndTail - this.#load(TCB_SND_HEAD)) >>> 0;
  }

  /**
   * Copies as much as fits from `source[from..]` into the send ring.
   * @param mark - `SEND_MARK_` bits, said of the end of `source` when that fits
   * @returns bytes copied, 0 when there is no room (see `waitWritable`)
   */
  write(source: Uint8Array, from: number, mark = 0): number {
    let count = Math.min(this.#writeSpace(), source.length - from);
    if (this.#isUnsentLimited) count = Math.min(count, LIMITED_WRITE_BYTES);
    if (count === 0) return 0;
    const offset = this.#sndTail & (this.#sndCapacity - 1);
    const first = Math.min(count, this.#sndCapacity - offset);
    copyBytes(this.#u8, this.#sndPtr + offset, source, from, first);
    if (count > first) copyBytes(this.#u8, this.#sndPtr, source, from + first, count - first);
    if (mark !== 0 && from + count === source.length) this.#mark(mark, (this.#sndTail + count) >>> 0);
    this.#publishWrite(count);
    return count;
  }

  /**
   * Finds room for at most `most` bytes in one piece, at `piecePtr`; it stays where it is until `commitWrite`.
   * @returns its bytes, 0 when there is no room
   */
  reserveWrite(most: number): number {
    const space = this.#writeSpace();
    if (space === 0) return 0;
    const offset = this.#sndTail & (this.#sndCapacity - 1);
    this.#writeReserved = true;
    this.piecePtr = this.#sndPtr + offset;
    return Math.min(space, most, this.#sndCapacity - offset);
  }

  /** The first `count` bytes of the reserved piece have been filled; 0 gives it up. */
  commitWrite(count: number): void {
    this.#writeReserved = false;
    if (count > 0) this.#publishWrite(count);
    else this.followRings();
  }

  /** Looks whether the core takes a ring back (READY_RINGS), or has a larger one. */
  followRings(): void {
    if (!this.#writeReserved && this.#load(TCB_SND_EPOCH) !== this.#sndEpoch) this.#followSendRing();
  }

  /**
   * Copies what is there into `target`.
   * @returns bytes copied, 0 when there is nothing (see `atEnd`, `waitReadable`)
   */
  read(target: Uint8Array): number {
    const count = this.peek(target);
    if (count + this.#skipped > 0) this.#publishRead(count + this.#skipped);
    return count;
  }

  /** Copies what is there into `target` and leaves it there. @returns bytes copied */
  peek(target: Uint8Array): number {
    this.#skipped = 0;
    if (target.length === 0) return 0;
    const count = Math.min(this.#spaceBeforeMark(), target.length);
    if (count === 0) return 0;
    const offset = (this.#rcvHead + this.#skipped) & (this.#rcvCapacity - 1);
    const first = Math.min(count, this.#rcvCapacity - offset);
    copyBytes(target, 0, this.#u8, this.#rcvPtr + offset, first);
    if (count > first) copyBytes(target, first, this.#u8, this.#rcvPtr, count - first);
    return count;
  }

  /**
   * Finds at most `most` bytes that can be read in one piece, at `piecePtr`; they stay until `commitRead`.
   * @returns how many, 0 when there is nothing
   */
  reserveRead(most: number): number {
    this.#skipped = 0;
    const space = this.#spaceBeforeMark();
    if (this.#skipped > 0) this.#publishRead(this.#skipped);
    if (space === 0) return 0;
    const offset = this.#rcvHead & (this.#rcvCapacity - 1);
    this.#readReserved = true;
    this.piecePtr = this.#rcvPtr + offset;
    return Math.min(space, most, this.#rcvCapacity - offset);
  }

  /** The first `count` bytes of the reserved piece are no longer needed. */
  commitRead(count: number): void {
    this.#readReserved = false;
    if (count > 0) this.#publishRead(count);
    else this.#followReceiveRing();
  }

  /**
   * Asks for READY_WRITABLE, unless it would come too late.
   * @returns false if there is room now: try again instead of waiting
   */
  waitWritable(): boolean {
    // Said before we look again: either we see the room the core made, or the core sees that we wait.
    Atomics.or(this.#i32, this.#word + (TCB_WAITS >>> 2), READY_WRITABLE);
    const space = this.#writeSpace();
    // The core speaks up at a third of the ring; less than that is not worth a wake-up.
    if (space > 0 && space * 3 >= this.#sndCapacity) return false;
    if (this.#sndCapacity === 0 && !this.#ringWanted) {
      this.#ringWanted = true;
      this.#ops.ringWanted(this.handle);
    }
    return true;
  }

  /**
   * Asks for READY_READABLE, unless it would come too late.
   * @returns false if there is something to read, or the end, now
   */
  waitReadable(): boolean {
    Atomics.or(this.#i32, this.#word + (TCB_WAITS >>> 2), READY_READABLE);
    return this.readable === 0 && !this.atEnd;
  }

  #load(field: number): number {
    return Atomics.load(this.#i32, this.#word + (field >>> 2)) >>> 0;
  }

  #store(field: number, value: number): void {
    Atomics.store(this.#i32, this.#word + (field >>> 2), value | 0);
  }

  /** Before the bytes are published: the core looks at none behind a mark that it knows of and that has not arrived. */
  #mark(flags: number, offset: number): void {
    this.#store(TCB_SND_MARKS, this.#load(TCB_SND_MARKS) + 1);
    this.#ops.mark(this.handle, flags, offset);
  }

  #publishWrite(count: number): void {
    this.#sndTail = (this.#sndTail + count) >>> 0;
    // Atomic: the bytes must be seen by whoever sees the new tail.
    this.#store(TCB_SND_TAIL, this.#sndTail);
    this.#kick();
  }

  #publishRead(count: number): void {
    this.#rcvHead = (this.#rcvHead + count) >>> 0;
    this.#store(TCB_RCV_HEAD, this.#rcvHead);
    // Read after the store: either we see the core's new mark, or the core, which looks at the head after moving the mark,
    // sees ours.
    if (((this.#rcvHead - this.#load(TCB_RCV_KICK_AT)) | 0) >= 0) this.#kick();
  }

  #kick(): void {
    // One kick under way is enough: the core clears the word before it reads the offsets.
    if (Atomics.exchange(this.#i32, this.#word + (TCB_KICKED >>> 2), 1) === 0) this.#ops.kick(this.handle);
  }

  #writeSpace(): number {
    if (this.#load(TCB_SND_EPOCH) !== this.#sndEpoch && !this.#writeReserved) this.#followSendRing();
    const space = this.#sndCapacity - ((this.#sndTail - this.#load(TCB_SND_HEAD)) >>> 0);
    return this.#isUnsentLimited && this.#unsent >= this.#notsentLowat ? 0 : space;
  }

  /** TCP_NOTSENT_LOWAT, bytes. */
  get #notsentLowat(): number {
    return this.#load(TCB_NOTSENT_LOWAT) || this.#views.u32[SYSCTL_TCP_NOTSENT_LOWAT >>> 2]! || NO_LOWAT;
  }

  get #isUnsentLimited(): boolean {
    return this.limitsUnsent && this.#notsentLowat !== NO_LOWAT;
  }

  get #unsent(): number {
    const sent = this.#load(TCB_SND_NXT) - this.#load(TCB_ISS) - 1;
    return Math.max(0, (this.#sndTail - sent) | 0);
  }

  #readSpace(): number {
    // The tail first: bytes that lie only in a new ring are promised after its epoch.
    const space = this.readable;
    this.#followReceiveRing();
    return this.#rcvCapacity === 0 ? 0 : space;
  }

  get #urgent(): UrgentMark {
    this.#urgentMark ??= new UrgentMark(this.#views, this.tcb);
    return this.#urgentMark;
  }

  #noteUrgent(): void {
    if (this.#urgent.note(this.#rcvHead, this.readable)) this.#publishRead(1);
  }

  /**
   * How many bytes one read may give: it ends before the urgent mark. At the mark the urgent byte is left out, unless it is in line:
   * `#skipped` says so.
   */
  #spaceBeforeMark(): number {
    if (this.#load(TCB_URGENT_STATE) === 0) return this.#readSpace();
    this.#noteUrgent(); // before we count: it may leave a byte out
    const count = this.#readSpace();
    const ahead = this.#urgent.ahead(this.#rcvHead);
    if (ahead === undefined || count === 0) return count;
    if (ahead > 0) return Math.min(count, ahead);
    if (this.#urgent.isInline) return count;
    this.#skipped = 1;
    return count - 1;
  }

  /** The core offers a new send ring: we, the producer, carry the bytes that are not acknowledged over. */
  #followSendRing(): void {
    const epoch = this.#load(TCB_SND_EPOCH);
    const pointer = this.#load(TCB_SND_RING_PTR);
    const capacity = this.#load(TCB_SND_RING_CAPACITY);
    const head = this.#load(TCB_SND_HEAD);
    const used = (this.#sndTail - head) >>> 0;
    // None is on offer, as nothing lay in ours, but we have written since: we say that we have seen it, and keep ours. Otherwise it
    // cannot happen that they do not fit, unless the core is wrong: then the old ring stays.
    if (used > capacity) {
      if (capacity === 0) this.#takeSendEpoch(epoch);
      return;
    }
    let done = 0;
    while (done < used) {
      const position = (head + done) >>> 0;
      const from = position & (this.#sndCapacity - 1);
      const to = position & (capacity - 1);
      const piece = Math.min(used - done, this.#sndCapacity - from, capacity - to);
      this.#u8.copyWithin(pointer + to, this.#sndPtr + from, this.#sndPtr + from + piece);
      done += piece;
    }
    this.#sndPtr = pointer;
    this.#sndCapacity = capacity;
    this.#ringWanted = false;
    this.#takeSendEpoch(epoch);
  }

  #takeSendEpoch(epoch: number): void {
    this.#sndEpoch = epoch;
    this.#store(TCB_SND_EPOCH_TAKEN, epoch);
    this.#kick();
  }

  /** The core has moved the receive ring: it has carried the bytes over; we only have to let go of the old one. */
  #followReceiveRing(): void {
    if (this.#readReserved) return;
    // It may move again meanwhile: address and size are one word, so that it is never a mixture of two.
    for (let epoch = this.#load(TCB_RCV_EPOCH); epoch !== this.#rcvEpoch; ) {
      const ring = this.#load(TCB_RCV_RING);
      this.#rcvPtr = (ring & ~RING_LOG2_MASK) >>> 0;
      this.#rcvCapacity = ring === 0 ? 0 : 2 ** (ring & RING_LOG2_MASK);
      this.#rcvEpoch = epoch;
      epoch = this.#load(TCB_RCV_EPOCH);
      if (epoch !== this.#rcvEpoch) continue;
      this.#store(TCB_RCV_EPOCH_TAKEN, epoch);
      this.#kick();
    }
  }
}
