// The urgent mark of a receive stream as a reader meets it (RFC 9293 3.8.5, RFC 6093; Linux's MSG_OOB): where it is, whether it is still
// ahead, and its byte, which lies in the stream like all others but is taken out of it unless the socket says in line. Reads what the
// core published and remembers what was done about it; moves no offset.
import {
  SOCKET_FLAG_OOBINLINE,
  TCB_SOCKET_FLAGS,
  TCB_URGENT_AT,
  TCB_URGENT_STATE,
  URGENT_BYTE,
} from "../assembly/layout.ts";
import type { SharedViews } from "./memory.ts";

export class UrgentMark {
  /** Urgent pointers seen so far, modulo 2^16. */
  count = 0;
  readonly #i32: Int32Array;
  readonly #state: number;
  readonly #position: number;
  readonly #flags: number;
  #at = 0;
  #isAhead = false;
  #isByteLeft = false;

  /** @param tcb - address of the socket's TCB record */
  constructor(views: SharedViews, tcb: number) {
    this.#i32 = views.i32;
    this.#state = (tcb + TCB_URGENT_STATE) >>> 2;
    this.#position = (tcb + TCB_URGENT_AT) >>> 2;
    this.#flags = (tcb + TCB_SOCKET_FLAGS) >>> 2;
  }

  /** Whether urgent bytes stay in the stream (SO_OOBINLINE). */
  get isInline(): boolean {
    return (this.#load(this.#flags) & SOCKET_FLAG_OOBINLINE) !== 0;
  }

  /** Whether the urgent byte is here and was not taken. */
  get isReadable(): boolean {
    return !this.isInline && this.#isByteLeft && ((this.#load(this.#state) >>> 8) & 255) === URGENT_BYTE;
  }

  /**
   * Looks whether the core knows of urgent data that we do not, and whether the reader has passed the mark. First of all calls.
   * @param head - offset of the reader; `readable`: bytes it can read
   * @returns whether the reader must leave the next byte out: a mark that it stands at, and that another one takes the place of, is
   * not read as data (Linux)
   */
  note(head: number, readable: number): boolean {
    let isOvertaken = false;
    const state = this.#load(this.#state);
    if (state >>> 16 !== this.count) {
      isOvertaken = this.#isAhead && this.#at === head && !this.isInline && readable > 0;
      this.count = state >>> 16;
      this.#at = this.#load(this.#position);
      this.#isAhead = true;
      this.#isByteLeft = true;
    }
    const reader = isOvertaken ? head + 1 : head;
    if (this.#isAhead && ((reader - this.#at) | 0) > 0) {
      this.#isAhead = false;
      this.#isByteLeft = false;
    }
    return isOvertaken;
  }

  /** Bytes from the reader's offset to the mark; undefined: there is none ahead. */
  ahead(head: number): number | undefined {
    return this.#isAhead ? (this.#at - head) >>> 0 : undefined;
  }

  /** The urgent byte, once; -1: it has not arrived yet; null: there is none, it was taken, or it is in line. */
  take(): number | null {
    if (this.isInline || !this.#isByteLeft) return null;
    const state = this.#load(this.#state);
    if (((state >>> 8) & 255) !== URGENT_BYTE) return -1;
    this.#isByteLeft = false;
    return state & 255;
  }

  #load(index: number): number {
    return Atomics.load(this.#i32, index) >>> 0;
  }
}
