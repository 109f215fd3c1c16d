// Writes the frames of another port to a pcapng file as they pass. A file that cannot be written ends the capture, not the link.
import {
  RX_DESCRIPTOR_BYTES,
  RX_FLAGS,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
  RX_GSO_SIZE,
  RX_TIME_US,
} from "../../assembly/layout.ts";
import { formatIpv4, networkMask } from "../../src/address.ts";
import { CaptureWriter } from "../../src/links/capture-writer.ts";
import type { Frame } from "../../src/links/frame.ts";
import { FramePool } from "../../src/links/frame-pool.ts";
import { type CaptureLink, wireOf } from "../../src/links/link.ts";
import type { CaptureStatus } from "../../src/protocol.ts";
import type { Port, PortPlace } from "../port.ts";
import { TxRing } from "../tx-ring.ts";
import { CaptureComments } from "./capture-comments.ts";
import { OuterPort } from "./outer-port.ts";

const POOL_BYTES = 4 * 1024 * 1024;
/** µs that a frame may have waited for us to come: the process may have been stopped. */
const LONGEST_WAIT_US = 60_000_000;

/** The port of a captured link. */
export class CapturePort extends OuterPort {
  readonly #place: PortPlace;
  readonly #tx: TxRing;
  readonly #writer: CaptureWriter;
  readonly #interfaceId: number;
  readonly #pool = new FramePool(POOL_BYTES);
  readonly #comments: CaptureComments;
  /** Frames of the last batch that are not written yet, and when they came. */
  #received = 0;
  #receivedUs = 0;
  #arrivedUs = 0;
  readonly #frame: Frame = { bytes: new Uint8Array(0), flags: 0, gsoSize: 0 };

  /** @throws CaptureError when the file cannot be opened; the inner port stays open */
  constructor(link: CaptureLink, inner: Port, place: PortPlace) {
    super(inner);
    this.#place = place;
    this.#tx = new TxRing(place.views, place.txRing);
    this.#writer = new CaptureWriter(link.path);
    // Wireshark shows the name that the user knows from elsewhere.
    const wire = wireOf(link.link);
    const name = wire.kind === "packet" ? wire.interface : place.name;
    this.#comments = new CaptureComments(place.views, place.index, name);
    const { address, prefixLength, mac } = place;
    const description = `wasmtcp ${formatIpv4(address)}/${prefixLength}`;
    const mask = networkMask(prefixLength);
    this.#interfaceId = this.#writer.addInterface(name, { description, address, mask, mac });
  }

  /** How the capture is doing, after writing what is buffered. */
  status(): CaptureStatus {
    this.#recordReceived();
    this.#writer.flush();
    const { frames, bytes, lostFrames } = this.#writer.counters;
    return { path: this.#writer.path, frames, bytes, lostFrames, error: this.#writer.error?.message ?? null };
  }

  override receive(nowUs: number): number {
    this.#recordReceived();
    this.#received = this.inner.receive(nowUs);
    this.#receivedUs = nowUs;
    return this.#received;
  }

  override transmit(nowUs: number): number {
    this.#recordReceived();
    const tx = this.#tx;
    const first = tx.head;
    const count = this.inner.transmit(nowUs);
    // The link has taken them, but their bytes stay until the core is told.
    for (let index = 0; index < count; index++) {
      const slot = tx.slot(first + index);
      const frame = this.#pool.take(tx.length(slot));
      tx.gather(slot, frame.bytes, 0);
      frame.flags = tx.flags(slot);
      frame.gsoSize = tx.gsoSize(slot);
      this.#writer.write(this.#interfaceId, wallClockUs(nowUs), frame, true, this.#comments.sent(frame.bytes));
      this.#pool.give(frame);
    }
    return count;
  }

  override beforeSleep(): void {
    this.#recordReceived();
    this.#writer.flush();
    this.inner.beforeSleep();
  }

  override close(): void {
    this.#recordReceived();
    this.inner.close();
    this.#writer.close();
  }

  /** What came in is written when the core is through with it, because only then it is known what it changed. The frames are there still. */
  #recordReceived(): void {
    this.#comments.collect();
    const count = this.#received;
    this.#received = 0;
    for (let index = 0; index < count; index++) this.#record(index, this.#receivedUs);
    this.#comments.endBatch();
  }

  /**
   * A time that can be. The kernel stamps frames with the wall clock, which may have been set between their arrival and now; they cannot
   * arrive in the future nor before the one ahead of them.
   */
  #arrival(toldUs: number, nowUs: number): number {
    const isKnown = toldUs > nowUs - LONGEST_WAIT_US && toldUs <= nowUs;
    return isKnown ? Math.max(toldUs, this.#arrivedUs) : nowUs;
  }

  #record(index: number, nowUs: number): void {
    const { views, rxDescriptors } = this.#place;
    const descriptor = rxDescriptors + index * RX_DESCRIPTOR_BYTES;
    const at = views.u32[(descriptor + RX_FRAME_PTR) >>> 2]!;
    this.#arrivedUs = this.#arrival(views.f64[(descriptor + RX_TIME_US) >>> 3]!, nowUs);
    this.#frame.bytes = views.u8.subarray(at, at + views.u32[(descriptor + RX_FRAME_LENGTH) >>> 2]!);
    this.#frame.flags = views.u16[(descriptor + RX_FLAGS) >>> 1]!;
    this.#frame.gsoSize = views.u16[(descriptor + RX_GSO_SIZE) >>> 1]!;
    this.#writer.write(
      this.#interfaceId,
      wallClockUs(this.#arrivedUs),
      this.#frame,
      false,
      this.#comments.received(index),
    );
  }
}

/** The loop's clock as µs since 1970. */
function wallClockUs(loopUs: number): number {
  return performance.timeOrigin * 1000 + loopUs;
}
