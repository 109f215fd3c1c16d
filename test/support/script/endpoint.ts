// The scripted peer's side of one connection: addresses, ports, where relative numbers start, and the socket of the stack that belongs to it.
import type { SimListener, SimSocket } from "../../../src/sim/index.ts";
import type { SocketOption } from "../../../src/socket-options.ts";
import { OUR_IP, PEER_IP } from "../frames.ts";
import { ACK, type IpFields, SYN, type TcpFields } from "./frame.ts";
import { type Bases, decodeOption, formatFlags, formatOption } from "./segment-text.ts";
import { firstWrong, streamBytes } from "./stream.ts";

export const LOCAL_PORT = 8080;
export const PEER_PORT = 40_000;
/** Just below 2^32, as all numbers the peer chooses: a kilobyte later they have wrapped. */
export const PEER_ISN = 0xfffffe00;
export const PEER_TS = 0xffffff00;

/** One connection as the peer sees it. */
export class Endpoint {
  readonly name: string;
  peerAddress = PEER_IP;
  peerPort = PEER_PORT;
  localAddress = OUR_IP;
  localPort = LOCAL_PORT;
  /** Initial sequence number of the peer, and of the stack once it has sent its SYN. */
  isn = PEER_ISN;
  iss: number | null = null;
  /** The stack's first timestamp. */
  tsBase: number | null = null;
  listener: SimListener | null = null;
  socket: SimSocket | null = null;
  /** For the next `connect` or `listen`. */
  options: SocketOption[] = [];
  /** Position of the next byte that the application writes, those that wait for room, and the next one it reads. */
  written = 1;
  toWrite = 0;
  readPosition = 1;
  /** The application reads everything at once. */
  isReading = false;
  sawEnd = false;

  constructor(name: string) {
    this.name = name;
  }

  /** A new incarnation on the same ports. */
  forget(isn: number): void {
    this.isn = isn;
    this.iss = null;
    this.tsBase = null;
    this.socket = null;
    this.options = [];
    this.written = 1;
    this.toWrite = 0;
    this.readPosition = 1;
    this.sawEnd = false;
  }

  owns(ip: IpFields, tcp: TcpFields): boolean {
    const isOurs = ip.src === this.localAddress && ip.dst === this.peerAddress;
    return isOurs && tcp.srcPort === this.localPort && tcp.dstPort === this.peerPort;
  }

  /** Learns what a segment of the stack tells. */
  learn(tcp: TcpFields): void {
    if ((tcp.flags & SYN) !== 0) this.iss ??= tcp.seq;
    const timestamps = tcp.options.find(({ kind }) => kind === 8);
    if (timestamps !== undefined) this.tsBase ??= new DataView(Uint8Array.from(timestamps.body).buffer).getUint32(0);
  }

  /** Bases of what the peer sends. The timestamp echo of a first SYN is an absolute 0. */
  outward(flags: number): Bases {
    const iss = this.iss ?? 0;
    const tsEcr = (flags & (SYN | ACK)) === SYN ? 0 : (this.tsBase ?? 0);
    return { seq: this.isn, ack: iss, sack: iss, tsVal: PEER_TS, tsEcr };
  }

  /** Bases of what the stack sends. */
  inward(flags: number): Bases {
    const tsEcr = (flags & (SYN | ACK)) === SYN ? 0 : PEER_TS;
    return { seq: this.iss ?? 0, ack: this.isn, sack: this.isn, tsVal: this.tsBase ?? 0, tsEcr };
  }

  /** A segment in the script's notation. */
  format(tcp: TcpFields, ip: IpFields, isFromStack: boolean): string {
    const bases = isFromStack ? this.inward(tcp.flags) : this.outward(tcp.flags);
    const seq = (tcp.seq - bases.seq) | 0;
    const ack = (tcp.flags & ACK) === 0 ? "" : ` ack ${(tcp.ack - bases.ack) | 0}`;
    const urgent = tcp.urgent === 0 ? "" : ` urg ${tcp.urgent}`;
    const options = tcp.options.map((option) => formatOption(decodeOption(option, bases))).join(", ");
    const range = `${seq}:${seq + tcp.payload.length}(${tcp.payload.length})`;
    const tos = ip.tos === 0 ? "" : ` {tos ${ip.tos}}`;
    return `${formatFlags(tcp.flags)} ${range}${ack} win ${tcp.window}${urgent}${options === "" ? "" : ` <${options}>`}${tos}`;
  }

  /** The application's turn. @returns whether it did anything */
  pump(): boolean {
    const { socket } = this;
    if (socket === null) return false;
    let isBusy = false;
    if (this.toWrite > 0) {
      const count = socket.write(streamBytes(this.written, this.toWrite));
      this.written += count;
      this.toWrite -= count;
      isBusy = count > 0;
    }
    if (!this.isReading) return isBusy;
    while (!this.sawEnd) {
      const count = this.read(65_536);
      if (count <= 0) break;
      isBusy = true;
    }
    return isBusy;
  }

  /** Reads up to `limit` bytes and compares them with the stream. @returns how many, -1 at the end */
  read(limit: number): number {
    const buffer = new Uint8Array(limit);
    const count = this.socket?.read(buffer) ?? 0;
    if (count === null || (count === 0 && this.socket?.atEnd)) {
      this.sawEnd = true;
      return -1;
    }
    const wrong = firstWrong(buffer.subarray(0, count), this.readPosition);
    if (wrong >= 0) throw new Error(`byte ${this.readPosition + wrong} was read wrong`);
    this.readPosition += count;
    return count;
  }
}
