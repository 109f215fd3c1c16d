// Plays the shim of the conformance protocol: connections to a port, requests with their virtual time, and the peer of the stack as
// IP packets. Everything as bytes on the unix socket, so that the port is tested from the outside.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeRequest, KIND_DONE, type Request } from "../conformance/frames.ts";
import * as ops from "../conformance/ops.ts";
import { createConformanceServer } from "../conformance/server.ts";
import { type SegmentFields, tcp } from "./frames.ts";
import { coreModule } from "./sim.ts";

const ETHERNET_BYTES = 14;
export const LOCAL_IP = 0xc0a80001;
export const REMOTE_IP = 0xc0000201;
export const HELLO_LINES =
  "ip_version=ipv4\nlocal_ip=192.168.0.1\nremote_ip=192.0.2.1\ngateway_ip=192.168.0.1\nmtu=1500\nseed=7\n";
export const START_US = 1_000_000_000;

/** A reply as it came. */
export interface ShimReply {
  kind: number;
  now: number;
  result: number;
  errno: number;
  x: number;
  y: number;
  z: number;
  payload: Buffer;
}

/** One connection to the port. */
export class ShimConnection {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  readonly #replies: ShimReply[] = [];
  #arrived: (() => void) | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", () => {}); // the port hung up: whoever waits for a reply sees that none comes
  }

  send(request: Partial<Request> & Pick<Request, "op" | "now">): void {
    this.#socket.write(encodeRequest(request));
  }

  /** The next reply. */
  async reply(): Promise<ShimReply> {
    while (this.#replies.length === 0) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return this.#replies.shift()!;
  }

  /** A request and the reply that ends it. */
  async call(request: Partial<Request> & Pick<Request, "op" | "now">): Promise<ShimReply> {
    this.send(request);
    const reply = await this.reply();
    if (reply.kind !== KIND_DONE) throw new Error("started, where done was expected");
    return reply;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    while (this.#buffer.length >= 4 && this.#buffer.length >= 4 + this.#buffer.readUInt32LE(0)) {
      const frame = this.#buffer.subarray(0, 4 + this.#buffer.readUInt32LE(0));
      this.#buffer = this.#buffer.subarray(frame.length);
      this.#replies.push({
        kind: frame.readUInt8(4),
        z: frame.readUInt16LE(6),
        now: Number(frame.readBigInt64LE(8)),
        result: frame.readInt32LE(16),
        errno: frame.readInt32LE(20),
        x: frame.readInt32LE(24),
        y: frame.readInt32LE(28),
        payload: Buffer.from(frame.subarray(32)),
      });
    }
    this.#arrived?.();
  }
}

/** A port in this process, on a socket in a folder of its own. */
export class PortUnderTest {
  readonly #folder = mkdtempSync(join(tmpdir(), "wasmtcp-port-"));
  readonly #server: Server = createConformanceServer(coreModule());
  readonly #connections: ShimConnection[] = [];

  async start(): Promise<this> {
    this.#server.listen(join(this.#folder, "port"));
    await once(this.#server, "listening");
    return this;
  }

  async connect(): Promise<ShimConnection> {
    const socket = connect(join(this.#folder, "port"));
    await once(socket, "connect");
    const connection = new ShimConnection(socket);
    this.#connections.push(connection);
    return connection;
  }

  /** A connection that has said HELLO as the script itself. */
  async begin(lines = HELLO_LINES): Promise<ShimConnection> {
    const main = await this.connect();
    const hello = await main.call({ op: ops.OP_HELLO, now: START_US, a: 1, b: 0, payload: Buffer.from(lines) });
    if (hello.result !== 0) throw new Error(`HELLO failed: ${hello.errno}`);
    return main;
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    this.#server.close();
    await once(this.#server, "close");
    rmSync(this.#folder, { recursive: true });
  }
}

/** An IP packet from the peer to the stack. */
export function peerPacket(fields: SegmentFields): Buffer {
  return Buffer.from(tcp({ src: REMOTE_IP, dst: LOCAL_IP, ...fields }).subarray(ETHERNET_BYTES));
}

/** A segment that the stack sent. */
export function segmentOf(packet: Buffer): {
  srcPort: number;
  seq: number;
  ack: number;
  flags: number;
  payload: Buffer;
} {
  const ip = packet.subarray(0, packet.readUInt16BE(2));
  const segment = ip.subarray((ip[0]! & 15) * 4);
  return {
    srcPort: segment.readUInt16BE(0),
    seq: segment.readUInt32BE(4),
    ack: segment.readUInt32BE(8),
    flags: segment[13]!,
    payload: segment.subarray((segment[12]! >>> 4) * 4),
  };
}

/** Linux `sockaddr_in`. */
export function sockaddr(address: number, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(2, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.writeUInt32BE(address, 4);
  return bytes;
}
