// Splitting of super-segments against frames that are built packet by packet from the same fields.
import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FRAME_CSUM_PARTIAL, FRAME_CSUM_VALID, FRAME_MAX_BYTES } from "../../../assembly/layout.ts";
import type { Frame } from "../../../src/links/frame.ts";
import { splitSuperSegment } from "../../../src/links/segmentation.ts";
import { type AnyFields, anyFrame, ipv4Frame, pattern, type TcpFields, tcpFrame } from "./build-frame.ts";

const test = suite("links/segmentation");

const FIN = 0x01;
const PSH = 0x08;
const ACK = 0x10;
const CWR = 0x80;

function split(frame: Frame) {
  const segments: Frame[] = [];
  return { outcome: splitSuperSegment(frame, (segment) => segments.push(segment)), segments };
}

/** The packets that `fields` makes when every one is built on its own. */
function packetByPacket(fields: TcpFields, gsoSize: number): Uint8Array[] {
  const count = Math.max(1, Math.ceil(fields.payload.length / gsoSize));
  return Array.from({ length: count }, (_, i) => {
    let flags = fields.flags;
    if (i > 0) flags &= 0xff - CWR;
    if (i < count - 1) flags &= 0xff - FIN - PSH;
    const payload = fields.payload.slice(i * gsoSize, (i + 1) * gsoSize);
    return tcpFrame({ ...fields, flags, payload, seq: fields.seq + i * gsoSize, id: fields.id + i });
  });
}

test("makes the packets that a sender without offload would make, across both wraps [9293 3.4, 791 3.1]", () => {
  const fields = fc.record({
    seq: fc.oneof(fc.nat(0xffffffff), fc.integer({ min: 0xffffff00, max: 0xffffffff })),
    id: fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xfff8, max: 0xffff })),
    flags: fc.nat(255),
    ipOptions: fc.nat(10).map((words) => new Uint8Array(words * 4).fill(1)),
    tcpOptions: fc.nat(10).map((words) => pattern(words * 4)),
    payload: fc.nat(3000).map((length) => pattern(length, length)),
  });
  fc.assert(
    fc.property(fields, fc.integer({ min: 1, max: 1600 }), fc.boolean(), (tcp, size, partial) => {
      const gsoSize = Math.max(size, Math.ceil(tcp.payload.length / 40));
      const frame = { bytes: tcpFrame(tcp, { partial }), flags: partial ? FRAME_CSUM_PARTIAL : 0, gsoSize };
      const before = frame.bytes.slice();
      const { outcome, segments } = split(frame);
      assert.is(outcome, "split");
      assert.equal(
        segments.map((segment) => Buffer.from(segment.bytes).toString("hex")),
        packetByPacket(tcp, gsoSize).map((bytes) => Buffer.from(bytes).toString("hex")),
      );
      assert.ok(segments.every((segment) => segment.flags === 0 && segment.gsoSize === 0));
      assert.equal(frame.bytes, before, "the caller's bytes are untouched");
    }),
  );
});

/** virtio's gso_type of each kind. */
const kinds: [string, 4 | 6, 6 | 17, number][] = [
  ["TCP over IPv4", 4, 6, 1],
  ["TCP over IPv6", 6, 6, 4],
  ["UDP over IPv4", 4, 17, 5],
  ["UDP over IPv6", 6, 17, 5],
];

for (const [what, version, protocol, gsoType] of kinds) {
  test(`splits ${what}, behind VLAN tags and with options, as a sender without offload would have sent it [768, 8200 3]`, () => {
    const fields = fc.record({
      version: fc.constant(version),
      protocol: fc.constant(protocol),
      tags: fc.nat(2),
      id: fc.integer({ min: 0xfff0, max: 0xffff }),
      options: fc.nat(3).map((n) => new Uint8Array(version === 4 ? n * 4 : n === 0 ? 0 : n * 8 - 2).fill(1)),
      seq: fc.integer({ min: 0xffffff00, max: 0xffffffff }),
      flags: fc.nat(255),
      payload: fc.integer({ min: 1, max: 3000 }).map((length) => pattern(length, length)),
    });
    fc.assert(
      fc.property(
        fields,
        fc.integer({ min: 1, max: 1600 }),
        fc.boolean(),
        fc.boolean(),
        (whole, size, partial, named) => {
          const gsoSize = Math.max(size, Math.ceil(whole.payload.length / 40));
          const flags = partial ? FRAME_CSUM_PARTIAL : 0;
          const { outcome, segments } = split({
            bytes: anyFrame(whole, { partial }),
            flags,
            gsoSize,
            ...(named ? { gsoType: gsoType | (protocol === 6 && (whole.flags & CWR) !== 0 ? 0x80 : 0) } : {}),
          });
          assert.is(outcome, "split");
          assert.equal(
            segments.map((segment) => Buffer.from(segment.bytes).toString("hex")),
            onePacketEach(whole, gsoSize).map((bytes) => Buffer.from(bytes).toString("hex")),
          );
        },
      ),
    );
  });

  test(`leaves ${what} alone when the kernel meant another header`, () => {
    const bytes = anyFrame({
      version,
      protocol,
      tags: 0,
      id: 1,
      options: new Uint8Array(0),
      seq: 1,
      flags: ACK,
      payload: pattern(200),
    });
    for (const [, , , other] of kinds.filter(([, , , type]) => type !== gsoType)) {
      assert.is(split({ bytes, flags: 0, gsoSize: 100, gsoType: other }).outcome, "unsplittable");
    }
    // UFO makes fragments, not datagrams
    assert.is(split({ bytes, flags: 0, gsoSize: 100, gsoType: 3 }).outcome, "unsplittable");
  });
}

/** What `whole` is when each packet is built on its own. */
function onePacketEach(whole: AnyFields, gsoSize: number): Uint8Array[] {
  const count = Math.ceil(whole.payload.length / gsoSize);
  return Array.from({ length: count }, (_, i) => {
    let { flags } = whole;
    if (i > 0) flags &= 0xff - CWR;
    if (i < count - 1) flags &= 0xff - FIN - PSH;
    const payload = whole.payload.slice(i * gsoSize, (i + 1) * gsoSize);
    return anyFrame({ ...whole, flags, payload, seq: whole.seq + i * gsoSize, id: whole.id + i });
  });
}

test("splits the longest frame there is", () => {
  const payload = pattern(FRAME_MAX_BYTES - 54);
  const fields = { seq: 0xfffff000, id: 0xfff0, flags: ACK | PSH | FIN | CWR, payload };
  const bytes = tcpFrame(fields, { partial: true });
  assert.is(bytes.length, FRAME_MAX_BYTES);
  const { segments } = split({ bytes, flags: FRAME_CSUM_PARTIAL, gsoSize: 1460 });
  assert.is(segments.length, Math.ceil(payload.length / 1460));
  assert.ok(packetByPacket(fields, 1460).every((packet, i) => Buffer.compare(packet, segments[i]!.bytes) === 0));
});

test("sets FIN and PSH on the last packet only and CWR on the first only [9293 3.1, 3168 6.1.2]", () => {
  const bytes = tcpFrame({ seq: 1, id: 1, flags: ACK | PSH | FIN | CWR, payload: pattern(250) });
  const { segments } = split({ bytes, flags: 0, gsoSize: 100 });
  assert.equal(
    segments.map((segment) => segment.bytes[47]),
    [ACK | CWR, ACK, ACK | PSH | FIN],
  );
});

test("leaves Ethernet padding behind", () => {
  const bytes = new Uint8Array(60).fill(0xee);
  const frame = tcpFrame({ seq: 1, id: 1, flags: ACK, payload: pattern(2) });
  bytes.set(frame);
  const { segments } = split({ bytes, flags: 0, gsoSize: 100 });
  assert.equal(
    segments.map((segment) => segment.bytes),
    [frame],
  );
});

test("keeps the mark of a verified checksum and takes off that of a partial one", () => {
  const bytes = tcpFrame({ seq: 1, id: 1, flags: ACK, payload: pattern(20) });
  const { segments } = split({ bytes, flags: FRAME_CSUM_VALID | FRAME_CSUM_PARTIAL, gsoSize: 10 });
  assert.equal(
    segments.map((segment) => segment.flags),
    [FRAME_CSUM_VALID, FRAME_CSUM_VALID],
  );
});

test("fills the buffers it is given, whatever is in them", () => {
  const fields = { seq: 1, id: 1, flags: ACK, payload: pattern(250) };
  const emitted: Uint8Array[] = [];
  splitSuperSegment(
    { bytes: tcpFrame(fields), flags: 0, gsoSize: 100 },
    (segment) => emitted.push(segment.bytes),
    (length) => ({ bytes: new Uint8Array(length).fill(0xee), flags: 255, gsoSize: 9 }),
  );
  assert.equal(emitted, packetByPacket(fields, 100));
});

test("hands on a wire packet as the same object", () => {
  const frame = { bytes: tcpFrame({ seq: 1, id: 1, flags: ACK, payload: pattern(20) }), flags: 1, gsoSize: 0 };
  const { outcome, segments } = split(frame);
  assert.is(outcome, "whole");
  assert.is(segments.length, 1);
  assert.is(segments[0], frame);
});

const good = tcpFrame({ seq: 1, id: 1, flags: ACK, payload: pattern(200) });
const broken = (change: (frame: Uint8Array) => void) => {
  const frame = good.slice();
  change(frame);
  return frame;
};
const longHeader = broken((frame) => {
  frame.set([0, 79], 16);
  frame.set([0xf0], 46);
});
const ipv6Fields: AnyFields = {
  version: 6,
  protocol: 6,
  tags: 0,
  id: 0,
  options: new Uint8Array(6),
  seq: 1,
  flags: ACK,
  payload: pattern(200),
};
/** A TCP segment behind eight bytes of another header. */
function ipv6With(header: number): Uint8Array {
  const frame = anyFrame(ipv6Fields);
  frame[14 + 6] = header;
  return frame;
}
const unsplittable: [string, Uint8Array, number][] = [
  ["is not IPv4", broken((frame) => frame.set([0x86, 0xdd], 12)), 100],
  ["is ICMP", ipv4Frame(1, pattern(200)), 100],
  ["is UDP of another length than the packet", ipv4Frame(17, pattern(200)), 100],
  ["is IPv6 with a routing header", ipv6With(43), 100],
  ["is an IPv6 fragment", ipv6With(44), 100],
  ["is IPv6 longer than the frame", ipv6With(6).subarray(0, -1), 100],
  ["has three VLAN tags", anyFrame({ ...ipv6Fields, tags: 3 }), 100],
  ["is a fragment", broken((frame) => frame.set([0x20, 0], 20)), 100],
  ["claims more than it has", good.slice(0, -1), 100],
  ["has no whole TCP header", ipv4Frame(6, pattern(19)), 100],
  ["has a TCP header of 16 bytes", broken((frame) => frame.set([0x40], 46)), 100],
  ["has a TCP header longer than the packet", longHeader, 100],
  ["has a negative gsoSize", good, -1],
  ["has a fractional gsoSize", good, 99.5],
  ["has no number for a gsoSize", good, Number.NaN],
];

for (const [what, bytes, gsoSize] of unsplittable) {
  test(`reports a super-segment that ${what} and hands it on unchanged`, () => {
    const frame = { bytes, flags: FRAME_CSUM_PARTIAL, gsoSize };
    const before = bytes.slice();
    const { outcome, segments } = split(frame);
    assert.is(outcome, "unsplittable");
    assert.is(segments.length, 1);
    assert.is(segments[0], frame);
    assert.equal(frame, { bytes: before, flags: FRAME_CSUM_PARTIAL, gsoSize });
  });
}

test("survives any TCP header and loses no byte of it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 24, maxLength: 120 }), fc.integer({ min: 1, max: 50 }), (bytes, gsoSize) => {
      bytes.set([8, 0, 0x45, 0, 0, bytes.length - 14, 0, 0, 0, 0, 64, 6].slice(0, bytes.length - 12), 12);
      const { segments } = split({ bytes, flags: 0, gsoSize });
      const total = segments.reduce((sum, segment) => sum + segment.bytes.length, 0);
      assert.ok(segments.length >= 1 && total >= bytes.length);
    }),
  );
});

test.run();
