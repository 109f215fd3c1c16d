// The one shared memory of a stack and the typed views over it, built once: nothing on the path of data makes a view of the whole
// again. Where things lie is assembly/layout.ts; what they mean is the business of those who use the views.
import { HEAP, HEAP_BYTES_DEFAULT, WASM_PAGE } from "../assembly/layout.ts";

/** A shared WebAssembly.Memory under every view that is needed. Addresses are bytes; index a view with `address >>> shift`. */
export class SharedViews {
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  readonly u8: Uint8Array<SharedArrayBuffer>;
  readonly u16: Uint16Array<SharedArrayBuffer>;
  readonly i32: Int32Array<SharedArrayBuffer>;
  readonly u32: Uint32Array<SharedArrayBuffer>;
  readonly f64: Float64Array<SharedArrayBuffer>;
  readonly u64: BigUint64Array<SharedArrayBuffer>;

  constructor(memory: WebAssembly.Memory) {
    const buffer = memory.buffer as unknown as SharedArrayBuffer;
    this.memory = memory;
    this.buffer = buffer;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.u64 = new BigUint64Array(buffer);
  }
}

/**
 * Makes the memory of a stack at its full size: it never grows, so views stay valid. Pages that are never touched cost nothing.
 * @param heapBytes - bytes behind `HEAP`; a power of two where a core manages them
 */
export function createMemory(heapBytes: number = HEAP_BYTES_DEFAULT): SharedViews {
  const pages = (HEAP + heapBytes) / WASM_PAGE;
  return new SharedViews(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }));
}
