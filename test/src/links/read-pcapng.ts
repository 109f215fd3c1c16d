// A strict reader of little-endian pcapng for tests: it throws on a wrong length, on padding that is not zero and on an
// option list that does not end where its block does.

export interface Block {
  type: number;
  body: Buffer;
  options: Map<number, Buffer>;
}

export interface Packet {
  interfaceId: number;
  timestampUs: bigint;
  length: number;
  bytes: Buffer;
  flags: number | undefined;
  comment: string | undefined;
}

const PACKET = 6;

function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`pcapng: ${what}`);
}

function readOptions(body: Buffer, start: number): Map<number, Buffer> {
  const options = new Map<number, Buffer>();
  let at = start;
  for (;;) {
    const code = body.readUInt16LE(at);
    const length = body.readUInt16LE(at + 2);
    at += 4;
    if (code === 0) {
      check(length === 0 && at === body.length, "the option list ends inside the block");
      return options;
    }
    check(!options.has(code), `option ${code} twice`);
    options.set(code, body.subarray(at, at + length));
    const end = at + length + (-length & 3);
    check(
      body.subarray(at + length, end).every((byte) => byte === 0),
      "padding is not zero",
    );
    at = end;
  }
}

/** Reads a run of blocks; `options` is where the option list of blocks other than packets starts in their body. */
export function readBlocks(file: Uint8Array, { options }: { options: number | ((type: number) => number) }): Block[] {
  const bytes = Buffer.from(file);
  const blocks: Block[] = [];
  for (let at = 0; at < bytes.length; ) {
    const type = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    check(length >= 12 && length % 4 === 0 && at + length <= bytes.length, `block length ${length}`);
    check(bytes.readUInt32LE(at + length - 4) === length, "the two lengths of a block differ");
    const body = bytes.subarray(at + 8, at + length - 4);
    const fixed = typeof options === "number" ? options : options(type);
    blocks.push({ type, body, options: readOptions(body, type === PACKET ? packetOptions(body) : fixed) });
    at += length;
  }
  return blocks;
}

function packetOptions(body: Buffer): number {
  const captured = body.readUInt32LE(12);
  const end = 20 + captured;
  const padded = end + (-captured & 3);
  check(
    body.subarray(end, padded).every((byte) => byte === 0),
    "packet padding is not zero",
  );
  return padded;
}

/** What an enhanced packet block says. */
export function packetOf({ type, body, options }: Block): Packet {
  check(type === PACKET, `block of type ${type} is not a packet`);
  return {
    interfaceId: body.readUInt32LE(0),
    timestampUs: (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8)),
    length: body.readUInt32LE(16),
    bytes: body.subarray(20, 20 + body.readUInt32LE(12)),
    flags: options.get(2)?.readUInt32LE(0),
    comment: options.get(1)?.toString("utf8"),
  };
}

/** Reads one packet block. */
export function readPacket(file: Uint8Array): Packet {
  const [block, ...rest] = readBlocks(file, { options: 0 });
  check(block !== undefined && rest.length === 0, "one block expected");
  return packetOf(block);
}

/** Reads a whole file as {@link readBlocks}, with the option offsets of section header and interface blocks. */
export function readFile(file: Uint8Array): Block[] {
  return readBlocks(file, { options: (type) => (type === 1 ? 8 : 16) });
}
