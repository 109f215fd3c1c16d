// A path made of numbers for one congestion control: no segments, no link, only ACKs with the times and round trips that a path of a
// constant delay (and, if it has a rate, a queue) would give. One step is one round trip: the whole window leaves, each ACK covers
// `perAck` segments of it.
import { TCB_BYTES, TCB_CWND, TCB_RECORDS, TCB_SSTHRESH } from "../../assembly/layout.ts";
import type { TestInstance } from "./wasm.ts";

const MSS = 1460;

export type PathOptions = {
  /** Round trip of the empty path, µs. */
  rttUs: number;
  /** Segments that the bottleneck passes in a second; default: as many as come. */
  rate?: number;
  /** Segments an ACK covers. Default 2. */
  perAck?: number;
  startUs?: number;
};

export class CongestionPath {
  nowUs: number;
  rttUs: number;
  readonly tcb: number;
  readonly #wasm: TestInstance["exports"];
  readonly #view: DataView;
  readonly #rate: number;
  readonly #perAck: number;
  #una = 0xffff0000;

  constructor({ exports, view }: TestInstance, options: PathOptions) {
    const { rttUs, rate = Number.POSITIVE_INFINITY, perAck = 2, startUs = 1_000_000 } = options;
    this.#wasm = exports;
    this.#view = view;
    this.#rate = rate;
    this.#perAck = perAck;
    this.rttUs = rttUs;
    this.nowUs = startUs;
    this.tcb = exports.outputTcb();
    exports.congestionTestTransmitStart(this.tcb, 0, this.nowUs);
    exports.congestionTestSequence(this.tcb, this.#una, this.#una);
    exports.congestionTestStart(this.tcb);
  }

  get cwnd(): number {
    return this.#view.getUint32(TCB_RECORDS + this.tcb * TCB_BYTES + TCB_CWND, true);
  }

  get ssthresh(): number {
    return this.#view.getUint32(TCB_RECORDS + this.tcb * TCB_BYTES + TCB_SSTHRESH, true);
  }

  /** Segments that wait at the bottleneck while the whole window is in flight. */
  get queued(): number {
    return this.#rate === Number.POSITIVE_INFINITY ? 0 : Math.max(0, this.cwnd - (this.#rate * this.rttUs) / 1e6);
  }

  set(cwnd: number, ssthresh: number): void {
    this.#wasm.congestionTestSet(this.tcb, cwnd, ssthresh);
  }

  /** One round trip: the window as it is now is acknowledged. ACKs come as the bottleneck spaces them. @returns its µs */
  round(): number {
    const flight = this.cwnd;
    const startUs = this.nowUs;
    const spacingUs = this.#rate === Number.POSITIVE_INFINITY ? 0 : 1e6 / this.#rate;
    const rttUs = Math.max(this.rttUs, Math.round(flight * spacingUs));
    let nxt = (this.#una + flight * MSS) >>> 0;
    for (let acked = 0; acked < flight; ) {
      const count = Math.min(this.#perAck, flight - acked);
      acked += count;
      this.#una = (this.#una + count * MSS) >>> 0;
      nxt = (this.#una + this.cwnd * MSS) >>> 0; // the ACK clock sends what the window allows
      const at = startUs + rttUs - Math.round((flight - acked) * Math.min(spacingUs, rttUs / flight));
      this.ack(count, rttUs, nxt, at);
    }
    this.nowUs = startUs + rttUs;
    return rttUs;
  }

  /** One ACK. */
  ack(segments: number, rttUs: number, nxt: number, nowUs: number): void {
    this.#wasm.congestionTestTimedAck(this.tcb, segments, rttUs, this.#una, nxt, nowUs);
  }

  /** A loss is found and repaired: the window comes out at ssthresh. */
  loss(): void {
    this.#wasm.congestionTestLoss(this.tcb, this.cwnd);
    this.#wasm.congestionTestExit(this.tcb);
  }

  timeout(): void {
    this.#wasm.congestionTestTimeout(this.tcb, this.cwnd, true);
  }

  /** Nothing is sent for a time; then data leaves. */
  idle(us: number): void {
    this.nowUs += us;
    this.#wasm.congestionTestTransmitStart(this.tcb, us, this.nowUs);
  }
}
