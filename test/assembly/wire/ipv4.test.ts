// The IPv4 header view: what is accepted, what is read, options and address classes.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { checksumOracle, onesComplementSum } from "../../support/checksum-oracle.ts";
import { instantiate } from "../../support/wasm.ts";
import { bytesOf, hexOf, readWords } from "../../support/words.ts";

const test = suite("wire/ipv4");
const { exports: wasm, u8, view } = await instantiate(1 << 20);

const PACKET = HEAP + 4098;
const OUT = HEAP + 512;
const DF = 0x4000;
const MF = 0x2000;
const u8Value = fc.nat(0xff);
const u16Value = fc.nat(0xffff);
const u32Value = fc.nat(0xffffffff);

/** A header with the given first byte and total length, otherwise plausible. */
function header(versionIhl: number, totalLength: number): void {
  wasm.wireIpv4Emit(PACKET, totalLength, 0, 1, DF, 64, 6, 0x0a000001, 0x0a000002);
  u8[PACKET] = versionIhl;
}

/** A packet whose header carries these options, padded with end-of-list to four bytes. */
function withOptions(hex: string): void {
  const options = bytesOf(hex);
  const length = 20 + ((options.length + 3) & ~3);
  header(0x40 | (length >> 2), length);
  u8.fill(0, PACKET + 20, PACKET + length);
  u8.set(options, PACKET + 20);
}

test("lies on the wire as the RFC draws it [791 3.1]", () => {
  u8.fill(0xee, PACKET, PACKET + 22);
  wasm.wireIpv4Emit(PACKET, 0x0073, 0, 0, DF, 64, 17, 0xc0a80001, 0xc0a800c7);
  assert.is(hexOf(u8.slice(PACKET, PACKET + 22)), "4500007300004000" + "4011b861c0a80001c0a800c7" + "eeee");
});

test("reads what it emitted, with a valid checksum", () => {
  const totalLength = fc.integer({ min: 20, max: 65535 });
  fc.assert(
    fc.property(
      fc.tuple(totalLength, u8Value, u16Value, u16Value, u8Value, u8Value, u32Value, u32Value),
      ([total, tos, id, flags, ttl, protocol, src, dst]) => {
        wasm.wireIpv4Emit(PACKET, total, tos, id, flags, ttl, protocol, src, dst);
        const bytes = u8.slice(PACKET, PACKET + 20);
        assert.is(onesComplementSum(bytes), 0xffff);
        assert.is(wasm.wireIpv4IsValid(PACKET, total), 1);
        assert.is(wasm.wireIpv4IsChecksumValid(PACKET), 1);
        wasm.wireIpv4Read(PACKET, OUT);
        const sum = (bytes[10]! << 8) | bytes[11]!;
        const offset = (flags & 0x1fff) * 8;
        const [df, mf] = [flags & DF ? 1 : 0, flags & MF ? 1 : 0];
        const expected = [20, tos, total, id, flags, df, mf, offset, mf || offset ? 1 : 0, ttl, protocol, sum];
        assert.equal(readWords(view, OUT, 16), [...expected, src, dst, 20, total - 20]);
      },
    ),
  );
});

test("covers the options with the header checksum [1122 3.2.1.2]", () => {
  withOptions("0101 0204 0000 01");
  u8.fill(0, PACKET + 10, PACKET + 12);
  view.setUint16(PACKET + 10, checksumOracle(u8.slice(PACKET, PACKET + 28)));
  assert.is(wasm.wireIpv4IsChecksumValid(PACKET), 1);
  u8[PACKET + 27]! ^= 1;
  assert.is(wasm.wireIpv4IsChecksumValid(PACKET), 0);
});

test("puts the payload behind the options", () => {
  header(0x4f, 100);
  wasm.wireIpv4Read(PACKET, OUT);
  assert.is(view.getUint32(OUT, true), 60);
  assert.equal(readWords(view, OUT + 56, 2), [60, 40]);
});

test("refuses any version but 4 [1122 3.2.1.1]", () => {
  for (let version = 0; version < 16; version++) {
    header((version << 4) | 5, 40);
    assert.is(wasm.wireIpv4IsValid(PACKET, 40), version === 4 ? 1 : 0, `version ${version}`);
  }
});

test("refuses a header length below 20 or past the total length [791 3.1]", () => {
  for (let ihl = 0; ihl < 16; ihl++) {
    header(0x40 | ihl, 40);
    assert.is(wasm.wireIpv4IsValid(PACKET, 40), ihl >= 5 && ihl <= 10 ? 1 : 0, `IHL ${ihl}`);
  }
  for (const total of [0, 1, 19]) {
    header(0x45, total);
    assert.is(wasm.wireIpv4IsValid(PACKET, 40), 0, `total length ${total}`);
  }
});

test("refuses a total length past the frame, accepts padding after it [791 3.1]", () => {
  header(0x45, 41);
  assert.is(wasm.wireIpv4IsValid(PACKET, 40), 0);
  assert.is(wasm.wireIpv4IsValid(PACKET, 41), 1);
  assert.is(wasm.wireIpv4IsValid(PACKET, 46), 1);
  header(0x45, 20);
  for (let length = 0; length < 20; length++) assert.is(wasm.wireIpv4IsValid(PACKET, length), 0, `length ${length}`);
  assert.is(wasm.wireIpv4IsValid(PACKET, 20), 1);
});

test("accepts a cut-off packet quoted by an ICMP error if 8 payload bytes are there [1122 3.2.2]", () => {
  header(0x45, 1500);
  assert.is(wasm.wireIpv4IsValidQuote(PACKET, 28), 1);
  assert.is(wasm.wireIpv4IsValidQuote(PACKET, 27), 0);
  header(0x46, 1500);
  assert.is(wasm.wireIpv4IsValidQuote(PACKET, 31), 0);
  assert.is(wasm.wireIpv4IsValidQuote(PACKET, 32), 1);
  for (const [versionIhl, total] of [
    [0x44, 1500],
    [0x65, 1500],
    [0x45, 27],
  ] as const) {
    header(versionIhl, total);
    assert.is(wasm.wireIpv4IsValidQuote(PACKET, 60), 0, `${versionIhl.toString(16)}, total length ${total}`);
  }
});

test("steps over options it does not know [1122 3.2.1.8]", () => {
  for (const hex of [
    "",
    "01010101",
    "00ffffff",
    "94040000",
    "0707040a000001",
    "440c050000000000000000000101",
    "94040000 9404ff",
  ]) {
    withOptions(hex);
    assert.is(wasm.wireIpv4OptionsAcceptable(PACKET), 1, hex);
  }
});

test("refuses an option of length 0 or 1, or past the header, without a loop", () => {
  for (const hex of ["94000000", "94010000", "94050000", "01010194", "07ff0000", "94040000 01010194", "01010200"]) {
    withOptions(hex);
    assert.is(wasm.wireIpv4OptionsAcceptable(PACKET), 0, hex);
  }
});

test("refuses source routes, loose and strict, wherever they stand", () => {
  for (const hex of ["8307040a000001", "8907040a000001", "01 94040000 830304", "89"]) {
    withOptions(hex);
    assert.is(wasm.wireIpv4OptionsAcceptable(PACKET), 0, hex);
  }
  withOptions("00 8307040a000001");
  assert.is(wasm.wireIpv4OptionsAcceptable(PACKET), 1, "what follows the end of the list is padding");
});

test("reads no option past the header at the end of memory", () => {
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(1, 2, 3, 4));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 40, size: "max" }), (options) => {
      const length = 20 + (options.length & ~3);
      const ptr = u8.length - length;
      u8.set(options.slice(0, length - 20), ptr + 20);
      u8[ptr] = 0x40 | (length >> 2);
      wasm.wireIpv4OptionsAcceptable(ptr);
    }),
    { numRuns: 2000, examples: [[[1, 1, 1, 0x94]], [[0x94, 2, 1, 0x94]]] },
  );
});

test("sorts addresses into classes [1122 3.2.1.3]", () => {
  const MULTICAST = 1;
  const LOOPBACK = 2;
  const LIMITED_BROADCAST = 4;
  const UNSPECIFIED = 8;
  const THIS_NETWORK = 16;
  for (const [address, expected] of [
    [0x00000000, UNSPECIFIED | THIS_NETWORK],
    [0x00000001, THIS_NETWORK],
    [0x00ffffff, THIS_NETWORK],
    [0x01000000, 0],
    [0x7effffff, 0],
    [0x7f000000, LOOPBACK],
    [0x7fffffff, LOOPBACK],
    [0x80000000, 0],
    [0xdfffffff, 0],
    [0xe0000000, MULTICAST],
    [0xefffffff, MULTICAST],
    [0xf0000000, 0],
    [0xfffffffe, 0],
    [0xffffffff, LIMITED_BROADCAST],
  ] as const) {
    assert.is(wasm.wireIpv4AddressClass(address), expected, address.toString(16));
  }
});

test.run();
