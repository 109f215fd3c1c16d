// The Internet checksum and its completion in TCP, UDP and ICMP, against big-number arithmetic.
import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { completeChecksum, internetChecksum } from "../../../src/links/checksum.ts";
import { concat, ipv4Frame, oracleChecksum, pattern, pseudoHeader, tcpFrame } from "./build-frame.ts";

const test = suite("links/checksum");

const TCP = 6;
const UDP = 17;
const ICMP = 1;

test("gives RFC 1071's example: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2 [1071 3]", () => {
  const example = Uint8Array.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
  assert.is(internetChecksum(example), 0xffff - 0xddf2);
});

test("equals the number modulo 65535 for any bytes at any offset, odd lengths included", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), (bytes, offset) => {
      const shifted = concat(new Uint8Array(offset).fill(0xab), bytes, Uint8Array.of(0xcd));
      assert.is(internetChecksum(shifted, offset, offset + bytes.length), oracleChecksum(bytes));
    }),
  );
});

test("carries right through the longest packet of all ones", () => {
  const ones = new Uint8Array(65535).fill(0xff);
  assert.is(internetChecksum(ones), oracleChecksum(ones));
  assert.is(
    internetChecksum(ones, 0, ones.length, 0xfffff),
    oracleChecksum(concat(Uint8Array.of(0, 15, 255, 255), ones)),
  );
});

test("completes a partial TCP checksum, and only that field [9293 3.1]", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(10), fc.nat(10), (payload, ip, tcp) => {
      const fields = {
        seq: 0xffffff00,
        id: 7,
        flags: 0x18,
        ipOptions: new Uint8Array(ip * 4).fill(1),
        tcpOptions: new Uint8Array(tcp * 4).fill(1),
        payload,
      };
      const frame = tcpFrame(fields, { partial: true });
      assert.ok(completeChecksum(frame));
      assert.equal(frame, tcpFrame(fields));
    }),
  );
});

test("completes a frame in the middle of a buffer and leaves Ethernet padding out", () => {
  const fields = { seq: 1, id: 1, flags: 0x10, payload: new Uint8Array(0) };
  const padding = new Uint8Array(6).fill(0xee);
  const around = pattern(33);
  const buffer = concat(around, tcpFrame(fields, { partial: true }), padding, around);
  assert.ok(completeChecksum(buffer, 33, buffer.length - 33));
  assert.equal(buffer, concat(around, tcpFrame(fields), padding, around));
});

test("completes UDP over the length its header gives [768]", () => {
  const datagram = concat(Uint8Array.from([0, 53, 4, 0, 0, 13, 0x12, 0x34]), pattern(5), Uint8Array.of(0xaa, 0xbb));
  const frame = ipv4Frame(UDP, datagram);
  assert.ok(completeChecksum(frame));
  const summed = datagram.slice(0, 13);
  summed.set([0, 0], 6);
  const check = oracleChecksum(concat(pseudoHeader(UDP, 13), summed));
  assert.equal([...frame.slice(34 + 6, 34 + 8)], [check >>> 8, check & 255]);
});

test("sends a UDP checksum of zero as all ones [768]", () => {
  const header = Uint8Array.from([0, 1, 0, 2, 0, 10, 0, 0, 0, 0]);
  // Two payload bytes that bring the sum to ffff, so that its complement is zero.
  const missing = oracleChecksum(concat(pseudoHeader(UDP, 10), header));
  header.set([missing >>> 8, missing & 255], 8);
  const frame = ipv4Frame(UDP, header);
  assert.ok(completeChecksum(frame));
  assert.equal([...frame.slice(40, 42)], [0xff, 0xff]);
});

test("completes ICMP without a pseudo-header [792]", () => {
  const echo = concat(Uint8Array.from([8, 0, 0x55, 0x55, 0, 1, 0, 2]), pattern(31));
  const frame = ipv4Frame(ICMP, echo);
  assert.ok(completeChecksum(frame));
  echo.set([0, 0], 2);
  const check = oracleChecksum(echo);
  assert.equal([...frame.slice(36, 38)], [check >>> 8, check & 255]);
});

const good = tcpFrame({ seq: 1, id: 1, flags: 0x10, payload: pattern(40) });
const broken = (change: (frame: Uint8Array) => void) => {
  const frame = good.slice();
  change(frame);
  return frame;
};
const refused: [string, Uint8Array][] = [
  ["is empty", new Uint8Array(0)],
  ["ends inside the IPv4 header", good.slice(0, 33)],
  ["is ARP", broken((frame) => frame.set([8, 6], 12))],
  ["has IP version 6 behind the IPv4 ethertype", broken((frame) => frame.set([0x65], 14))],
  ["has an IPv4 header of 16 bytes", broken((frame) => frame.set([0x44], 14))],
  ["has a total length below its header", broken((frame) => frame.set([0, 19], 16))],
  ["has a total length beyond its end", broken((frame) => frame.set([0, 81], 16))],
  ["is a first fragment", broken((frame) => frame.set([0x20, 0], 20))],
  ["is a later fragment", broken((frame) => frame.set([0, 5], 20))],
  ["is of another protocol", broken((frame) => frame.set([132], 23))],
  ["has no room for a TCP header", ipv4Frame(TCP, pattern(19))],
  ["has no room for a UDP header", ipv4Frame(UDP, pattern(7))],
  ["has a UDP length of 7", ipv4Frame(UDP, Uint8Array.from([0, 1, 0, 2, 0, 7, 0, 0, 0]))],
  ["has a UDP length beyond the packet", ipv4Frame(UDP, Uint8Array.from([0, 1, 0, 2, 0, 10, 0, 0, 0]))],
  ["has no room for an ICMP header", ipv4Frame(ICMP, pattern(7))],
];

for (const [what, frame] of refused) {
  test(`refuses and leaves alone a frame that ${what}`, () => {
    const before = frame.slice();
    assert.not(completeChecksum(frame));
    assert.equal(frame, before);
  });
}

test("accepts the frame that the refused ones were made from", () => {
  assert.ok(completeChecksum(good.slice()));
});

test.run();
