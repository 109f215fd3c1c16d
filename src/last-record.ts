// What is kept of a connection whose record is the core's again: its shared part, as it was. `info()` of a connection that has ended is seldom
// asked for, and to decode a record takes longer than to open a connection. Copies lie together in blocks, which live as long as one of
// the connections does.
import { TCB_SHARED_BYTES } from "../assembly/layout.ts";
import type { SharedViews } from "./memory.ts";
import { readTcpInfo, type TcpInfo, type TcpViews } from "./tcp-info.ts";

const BLOCK_RECORDS = 32;
const WORDS = TCB_SHARED_BYTES >>> 2;

let block: TcpViews | undefined;
let used = 0;

function newBlock(): TcpViews {
  const buffer = new ArrayBuffer(BLOCK_RECORDS * TCB_SHARED_BYTES);
  return {
    u8: new Uint8Array(buffer),
    u16: new Uint16Array(buffer),
    u32: new Uint32Array(buffer),
    u64: new BigUint64Array(buffer),
  };
}

/** A copy of a record. */
export class LastRecord {
  readonly #views: TcpViews;
  readonly #at: number;

  /** @param tcb - address of the record, which is still the connection's */
  constructor({ u32 }: SharedViews, tcb: number) {
    if (block === undefined || used === BLOCK_RECORDS) {
      block = newBlock();
      used = 0;
    }
    this.#views = block;
    this.#at = used++ * TCB_SHARED_BYTES;
    const to = this.#at >>> 2;
    const from = tcb >>> 2;
    for (let word = 0; word < WORDS; word++) block.u32[to + word] = u32[from + word]!;
  }

  /** What it says. */
  info(): TcpInfo {
    return readTcpInfo(this.#views, this.#at);
  }
}
