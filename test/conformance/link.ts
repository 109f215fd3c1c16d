// The link of the stack under test: whole IP packets on the outside, Ethernet frames towards the core. It completes checksums as a
// network card does, leaves super-segments whole as Linux hands them to a TUN device, and is every neighbour: it answers ARP.
import { FRAME_CSUM_PARTIAL } from "../../assembly/layout.ts";
import { completeChecksum } from "../../src/links/checksum.ts";
import type { Frame } from "../../src/links/frame.ts";
import { splitSuperSegment } from "../../src/links/segmentation.ts";
import type { SimHost } from "../../src/sim/host.ts";

const ETHERNET_BYTES = 14;
const TYPE_AT = 12;
const TYPE_IPV4 = 0x0800;
const TYPE_ARP = 0x0806;
const ARP_BYTES = 28;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
/** Of everybody else. */
const PEER_MAC = Buffer.from([0x02, 0, 0, 0, 0, 0xfe]);

/** A packet that the stack sent. */
export interface Emitted {
  bytes: Uint8Array;
  timeUs: number;
}

/** Between packets and the core's frames. */
export class PortLink {
  /** Packets sent and not handed out yet, oldest first. */
  readonly emitted: Emitted[] = [];
  /** Whether the device takes super-segments as they are; if not, they are cut on their way to it, as Linux's GSO does. */
  takesSuperSegments = true;
  readonly #host: SimHost;
  readonly #arrived: Frame[] = [];

  constructor(host: SimHost) {
    this.#host = host;
  }

  /** Gives the core one IP packet. */
  inject(packet: Uint8Array, nowUs: number): void {
    const bytes = new Uint8Array(ETHERNET_BYTES + packet.length);
    bytes.set(this.#host.mac, 0);
    bytes.set(PEER_MAC, 6);
    bytes[TYPE_AT] = TYPE_IPV4 >>> 8;
    bytes.set(packet, ETHERNET_BYTES);
    this.#arrived.push({ bytes, flags: 0, gsoSize: 0 });
    this.#deliver(nowUs);
  }

  /** Takes what the core has to send. @returns whether there was anything */
  transmit(nowUs: number): boolean {
    const count = this.#host.transmit((frame) => this.#take(frame, nowUs), nowUs);
    this.#deliver(nowUs);
    return count > 0;
  }

  #take(frame: Frame, timeUs: number): void {
    if (this.takesSuperSegments) this.#emit(frame, timeUs);
    else splitSuperSegment(frame, (packet) => this.#emit(packet, timeUs));
  }

  #emit(frame: Frame, timeUs: number): void {
    const bytes = Buffer.from(frame.bytes.buffer, frame.bytes.byteOffset, frame.bytes.length);
    const type = bytes.readUInt16BE(TYPE_AT);
    if (type === TYPE_ARP) {
      this.#answerArp(bytes);
    } else if (type === TYPE_IPV4) {
      if ((frame.flags & FRAME_CSUM_PARTIAL) !== 0) completeChecksum(bytes);
      // Without the padding of a short frame
      const length = bytes.readUInt16BE(ETHERNET_BYTES + 2);
      this.emitted.push({ bytes: bytes.subarray(ETHERNET_BYTES, ETHERNET_BYTES + length), timeUs });
    }
  }

  // RFC 826. Probes and announcements for the stack's own address (RFC 5227) are nobody else's business
  #answerArp(request: Buffer): void {
    const arp = request.subarray(ETHERNET_BYTES);
    if (arp.length < ARP_BYTES || arp.readUInt16BE(6) !== ARP_REQUEST) return;
    const target = arp.readUInt32BE(24);
    if (target === this.#host.address) return;
    const reply = Buffer.alloc(ETHERNET_BYTES + ARP_BYTES);
    request.copy(reply, 0, 6, 12);
    PEER_MAC.copy(reply, 6);
    reply.writeUInt16BE(TYPE_ARP, TYPE_AT);
    arp.copy(reply, ETHERNET_BYTES, 0, 6);
    reply.writeUInt16BE(ARP_REPLY, ETHERNET_BYTES + 6);
    PEER_MAC.copy(reply, ETHERNET_BYTES + 8);
    reply.writeUInt32BE(target, ETHERNET_BYTES + 14);
    arp.copy(reply, ETHERNET_BYTES + 18, 8, 18);
    this.#arrived.push({ bytes: reply, flags: 0, gsoSize: 0 });
  }

  #deliver(nowUs: number): void {
    if (this.#arrived.length === 0) return;
    this.#host.receive({ pop: () => this.#arrived.shift() ?? null, recycle: () => {} }, nowUs);
  }
}
