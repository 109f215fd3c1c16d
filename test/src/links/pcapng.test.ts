// pcapng blocks, read back by a small reader of the test's own that checks lengths, padding and both ends of every
// block.
import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  interfaceBlock,
  MAX_PACKET_BLOCK_BYTES,
  MAX_TEXT_BYTES,
  packetBlock,
  SNAPLEN,
  sectionHeader,
  writePacketBlock,
} from "../../../src/links/pcapng.ts";
import { pattern, tcpFrame } from "./build-frame.ts";
import { readBlocks, readPacket } from "./read-pcapng.ts";

const test = suite("links/pcapng");

const text = (bytes: Buffer | undefined) => bytes?.toString("utf8");

test("starts a section: magic, version 1.0, unknown length, our name", () => {
  const [block, ...rest] = readBlocks(sectionHeader(), { options: 16 });
  assert.equal(rest, []);
  assert.is(block!.type, 0x0a0d0d0a);
  assert.equal([...block!.body.subarray(0, 4)], [0x4d, 0x3c, 0x2b, 0x1a]);
  assert.is(block!.body.readUInt16LE(4), 1);
  assert.is(block!.body.readUInt16LE(6), 0);
  assert.is(block!.body.readBigInt64LE(8), -1n);
  assert.is(text(block!.options.get(4)), "wasmtcp");
});

test("describes an Ethernet interface with its name and µs", () => {
  const [block, ...rest] = readBlocks(interfaceBlock("h1-eth0"), { options: 8 });
  assert.equal(rest, []);
  assert.is(block!.type, 1);
  assert.is(block!.body.readUInt16LE(0), 1, "LINKTYPE_ETHERNET");
  assert.is(block!.body.readUInt32LE(4), 262144);
  assert.is(text(block!.options.get(2)), "h1-eth0");
  assert.equal([...block!.options.get(9)!], [6]);
});

test("writes any packet so that it reads back the same [4.3]", () => {
  const packet = fc.record({
    id: fc.nat(100),
    timestampUs: fc.integer({ min: 0, max: 2 ** 52 }),
    bytes: fc.uint8Array({ maxLength: 300 }),
    outbound: fc.boolean(),
    comment: fc.option(fc.string({ unit: "grapheme", maxLength: 40 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(packet, ({ id, timestampUs, bytes, outbound, comment }) => {
      const before = bytes.slice();
      const read = readPacket(packetBlock(id, timestampUs, bytes, { outbound, comment }));
      assert.is(read.interfaceId, id);
      assert.is(read.timestampUs, BigInt(timestampUs));
      assert.is(read.length, bytes.length);
      assert.equal(new Uint8Array(read.bytes), bytes);
      assert.is(read.flags, outbound ? 2 : 1);
      assert.is(read.comment, comment === undefined ? undefined : Buffer.from(comment).toString());
      assert.equal(bytes, before);
    }),
  );
});

test("writes the present in µs since 1970 and cuts off a fraction", () => {
  assert.is(
    readPacket(packetBlock(0, 1_763_673_896_123_456.5, pattern(60), { outbound: true })).timestampUs,
    1763673896123456n,
  );
});

test("completes a partial checksum in the copy and not in the caller's frame", () => {
  const fields = { seq: 1, id: 2, flags: 0x18, payload: pattern(1000) };
  const bytes = tcpFrame(fields, { partial: true });
  const before = bytes.slice();
  const completed = readPacket(packetBlock(0, 0, bytes, { outbound: true, partialChecksum: true }));
  assert.equal(new Uint8Array(completed.bytes), tcpFrame(fields));
  assert.equal(bytes, before);
  const asItIs = readPacket(packetBlock(0, 0, bytes, { outbound: true }));
  assert.equal(new Uint8Array(asItIs.bytes), bytes);
});

test("writes the longest super-segment whole", () => {
  const bytes = tcpFrame({ seq: 1, id: 2, flags: 0x18, payload: pattern(65495) });
  assert.is(bytes.length, 65549);
  const read = readPacket(packetBlock(0, 0, bytes, { outbound: false }));
  assert.is(Buffer.compare(read.bytes, bytes), 0);
});

test("keeps no more than the snapshot length and tells the real one", () => {
  const read = readPacket(packetBlock(0, 0, pattern(SNAPLEN + 5), { outbound: false }));
  assert.is(read.bytes.length, SNAPLEN);
  assert.is(read.length, SNAPLEN + 5);
});

test("cuts a long name or comment between characters", () => {
  const long = `x${"é".repeat(MAX_TEXT_BYTES)}`;
  const kept = `x${"é".repeat((MAX_TEXT_BYTES - 2) / 2)}`;
  assert.is(readPacket(packetBlock(0, 0, pattern(10), { outbound: false, comment: long })).comment, kept);
  assert.is(text(readBlocks(interfaceBlock(long), { options: 8 })[0]!.options.get(2)), kept);
});

test("writes in place, touches nothing around, and never more than the promised maximum", () => {
  const target = new Uint8Array(MAX_PACKET_BLOCK_BYTES + 8).fill(0xee);
  const options = { outbound: true, comment: "c".repeat(MAX_TEXT_BYTES) };
  const end = writePacketBlock(target, 4, 1, 2, pattern(SNAPLEN), options);
  assert.is(end, 4 + MAX_PACKET_BLOCK_BYTES);
  assert.equal([...target.subarray(0, 4), ...target.subarray(end)], new Array(8).fill(0xee));
  const small = new Uint8Array(200).fill(0xee);
  const smallEnd = writePacketBlock(small, 4, 1, 2, pattern(61), { outbound: true });
  assert.ok(small.subarray(smallEnd).every((byte) => byte === 0xee));
  assert.equal(
    Buffer.from(small.subarray(4, smallEnd)),
    Buffer.from(packetBlock(1, 2, pattern(61), { outbound: true })),
  );
});

test.run();
