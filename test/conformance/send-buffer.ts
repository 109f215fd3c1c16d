// How much of a write Linux's send buffer takes, and when it is writable again. Linux counts buffers, not bytes: each has room for a
// segment of the size the device takes, costs a fixed overhead beside its bytes, and a new one is begun while the sum is below
// SO_SNDBUF. So a write may exceed SO_SNDBUF by a buffer. Counts only: what is sent when is the stack's decision.

/** Bookkeeping of one buffer (sk_buff and its head), bytes, on a 64-bit machine. */
const OVERHEAD = 1280;
/** Buffers are not larger than half of the largest window the peer has offered; small windows count whole. */
const HALF_WINDOW_FROM = 536;
/** Headers that a device's largest segment has room for. */
const HEADERS_MAX = 321;
const GSO_MAX = 65_536;
/** What Linux reserves for one segment when it sizes the buffer by the congestion window. */
const SEGMENT_HEADERS = 320 + 320;
const SEGMENT_RECORD = 256;

/** What the counting needs to know of a connection now; offsets count bytes of the stream. */
export interface SendFacts {
  mss: number;
  /** Acknowledged and sent, as offsets. */
  acked: number;
  sent: number;
  /** Segments: congestion window, and in flight. */
  cwnd: number;
  inFlight: number;
  /** Largest window the peer has offered, bytes. */
  maxWindow: number;
  /** TCP_NOTSENT_LOWAT in force, bytes. */
  notsentLowat: number;
}

/** The send buffer of one socket. */
export class SendBuffer {
  /** SO_SNDBUF as it reads back, bytes. */
  limit: number;
  readonly #most: number;
  #isLocked = false;
  /** Where each buffer ends, in the stream. */
  #ends: number[] = [];
  #written = 0;
  #isShort = false;
  /** The last buffer takes no more (MSG_EOR). */
  #isEnded = false;

  /**
   * @param initial - tcp_wmem's middle number
   * @param most - its last: how far the buffer grows by itself
   */
  constructor(initial: number, most: number) {
    this.limit = initial;
    this.#most = most;
  }

  /** SO_SNDBUF was set: no growth any more. @param bytes - as it reads back */
  lock(bytes: number): void {
    this.limit = bytes;
    this.#isLocked = true;
  }

  /** Bytes of the next write that go into one buffer: 0 = the buffer is full. */
  room(facts: SendFacts): number {
    this.#forget(facts);
    const goal = bufferSize(facts);
    const tail = this.#tailBytes(facts);
    if (tail > 0 && tail < goal) return goal - tail;
    return this.#isFree(facts) ? goal : 0;
  }

  /** `bytes` were written, no more than the room. `isEnd`: and the next ones go into a buffer of their own (MSG_EOR) */
  take(bytes: number, facts: SendFacts, isEnd = false): void {
    const mayAppend = this.#tailBytes(facts) > 0 && this.#ends.length > 0 && !this.#isEnded;
    this.#written += bytes;
    if (mayAppend) this.#ends[this.#ends.length - 1] = this.#written;
    else this.#ends.push(this.#written);
    this.#isEnded = isEnd;
  }

  /** A write was cut short: the buffer may grow when there is room again, and the writer waits for a third of it. */
  markShort(): void {
    this.#isShort = true;
  }

  /** The connection is established, or a writer waits and an ACK came: the buffer keeps up with the congestion window. */
  grow(facts: SendFacts): void {
    if (this.#isLocked) return;
    const segment = 2 ** Math.ceil(Math.log2(facts.mss + SEGMENT_HEADERS)) + SEGMENT_RECORD;
    const wanted = 2 * Math.max(facts.cwnd, 10) * segment;
    if (wanted > this.limit) this.limit = Math.min(wanted, this.#most);
  }

  /** Linux's POLLOUT: at least a third is free, and what is not sent is below TCP_NOTSENT_LOWAT. */
  isWritable(facts: SendFacts): boolean {
    this.#forget(facts);
    if (this.#isShort && facts.inFlight < facts.cwnd) this.grow(facts);
    const used = this.#used(facts);
    const free = this.limit - used;
    const isWritable = free >= used >>> 1 && (this.#written - facts.sent) * 2 < facts.notsentLowat;
    if (isWritable) this.#isShort = false;
    return isWritable;
  }

  /** Bytes that count against SO_SNDBUF. */
  queued(facts: SendFacts): number {
    this.#forget(facts);
    return this.#used(facts);
  }

  #isFree(facts: SendFacts): boolean {
    return this.#used(facts) < this.limit && this.#written - facts.sent < facts.notsentLowat;
  }

  #used(facts: SendFacts): number {
    // One that is sent in part is two
    const isCut = this.#ends.some(
      (end, index) => facts.sent < end && facts.sent > (this.#ends[index - 1] ?? facts.acked),
    );
    return this.#written - facts.acked + (this.#ends.length + (isCut ? 1 : 0)) * OVERHEAD;
  }

  // Bytes of the last buffer that are not sent: others may follow them
  #tailBytes(facts: SendFacts): number {
    const { length } = this.#ends;
    if (length === 0 || this.#isEnded) return 0;
    const start = Math.max(this.#ends[length - 2] ?? facts.acked, facts.sent);
    return Math.max(0, this.#written - start);
  }

  #forget(facts: SendFacts): void {
    while (this.#ends.length > 0 && this.#ends[0]! <= facts.acked) this.#ends.shift();
  }
}

function bufferSize(facts: SendFacts): number {
  const { maxWindow, mss } = facts;
  const cutoff = maxWindow > HALF_WINDOW_FROM ? maxWindow >>> 1 : maxWindow;
  const device = GSO_MAX - HEADERS_MAX;
  const bytes = cutoff > 0 && device > cutoff ? Math.max(cutoff, 68) : device;
  return Math.max(1, Math.floor(bytes / mss)) * mss;
}
