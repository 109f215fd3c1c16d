// TCP options: what the parser takes, ignores and survives, and the exact layouts that are sent.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";
import { bytesOf, hexOf, readWords, writeWords } from "../../support/words.ts";

const test = suite("wire/tcp-options");
const { exports: wasm, u8, view } = await instantiate(1 << 20);

const OPTIONS = HEAP + 4098;
const RECORD = HEAP + 256;
const OUT = HEAP + 512;
const BLOCKS = HEAP + 1024;

const MSS = 1;
const WSCALE = 2;
const SACK_PERMITTED = 4;
const TIMESTAMPS = 8;
const SACK = 16;

type Parsed = {
  mss?: number;
  windowScale?: number;
  sackPermitted?: true;
  timestamps?: [number, number];
  sack?: [number, number][];
  errors: number;
};

/** Parses at `ptr` into a record full of an earlier segment's rubbish; says only what the record says is present. */
function parseAt(ptr: number, length: number, isSyn: boolean): Parsed {
  u8.fill(0xee, RECORD, RECORD + wasm.wireTcpOptionsBytes());
  wasm.wireParseTcpOptions(ptr, length, isSyn ? 1 : 0, RECORD);
  wasm.wireTcpOptionsRead(RECORD, OUT);
  const [present, mss, windowScale, tsVal, tsEcr, sackCount, errors] = readWords(view, OUT, 7) as [
    number,
    ...[number, number, number, number, number, number],
  ];
  const edges = readWords(view, OUT + 28, 2 * sackCount);
  assert.is(present & ~63, 0, "no other bit is set");
  assert.is(sackCount > 0, (present & SACK) !== 0);
  const parsed: Parsed = { errors };
  if (present & MSS) parsed.mss = mss;
  if (present & WSCALE) parsed.windowScale = windowScale;
  if (present & SACK_PERMITTED) parsed.sackPermitted = true;
  if (present & TIMESTAMPS) parsed.timestamps = [tsVal, tsEcr];
  if (present & SACK) parsed.sack = Array.from({ length: sackCount }, (_, i) => [edges[2 * i]!, edges[2 * i + 1]!]);
  return parsed;
}

function parse(bytes: Uint8Array, isSyn = false): Parsed {
  u8.fill(0x08, OPTIONS - 16, OPTIONS + bytes.length + 16); // a careless reader would see timestamp kinds
  u8.set(bytes, OPTIONS);
  return parseAt(OPTIONS, bytes.length, isSyn);
}

const parseHex = (hex: string, isSyn = false) => parse(bytesOf(hex), isSyn);

function emitSyn(
  mss: number,
  sack: boolean,
  timestamps: [number, number] | undefined,
  windowScale: number,
): Uint8Array {
  u8.fill(0xee, OPTIONS, OPTIONS + 40);
  const [tsVal, tsEcr] = timestamps ?? [0, 0];
  const hasTimestamps = timestamps ? 1 : 0;
  const length = wasm.wireEmitSynOptions(OPTIONS, mss, sack ? 1 : 0, hasTimestamps, tsVal, tsEcr, windowScale);
  assert.is(u8[OPTIONS + length], 0xee, "nothing is written after the options");
  return u8.slice(OPTIONS, OPTIONS + length);
}

// ----------------------------------------------------------------------------------------------------------------- sending

const TS: [number, number] = [0x11223344, 0x55667788];
for (const [name, sack, timestamps, scale, hex] of [
  ["all options", true, TS, 7, "020405b4 0402 080a1122334455667788 01 030307"],
  ["no timestamps", true, undefined, 7, "020405b4 0101 0402 01 030307"],
  ["no SACK", false, TS, 7, "020405b4 0101 080a1122334455667788 01 030307"],
  ["MSS and window scale", false, undefined, 7, "020405b4 01 030307"],
  ["no window scale", true, TS, -1, "020405b4 0402 080a1122334455667788"],
  ["only SACK beside the MSS", true, undefined, -1, "020405b4 0101 0402"],
  ["only timestamps beside the MSS", false, TS, -1, "020405b4 0101 080a1122334455667788"],
  ["only the MSS", false, undefined, -1, "020405b4"],
] as const) {
  test(`writes a SYN with ${name} in Linux's order, in whole words [9293 3.2]`, () => {
    const bytes = emitSyn(1460, sack, timestamps && [...timestamps], scale);
    assert.is(hexOf(bytes), hex.replaceAll(" ", ""));
    assert.is(bytes.length % 4, 0);
  });
}

test("writes nop, nop, TS [7323 appendix A]", () => {
  assert.is(wasm.wireEmitTimestamps(OPTIONS, 0x11223344, 0xfffffffe), 12);
  assert.is(hexOf(u8.slice(OPTIONS, OPTIONS + 12)), "0101080a11223344fffffffe");
});

test("writes nop, nop, sack [2018 3]", () => {
  writeWords(view, BLOCKS, [0xfffffff0, 0x10, 1, 2]);
  assert.is(wasm.wireEmitSack(OPTIONS, BLOCKS, 2), 20);
  assert.is(hexOf(u8.slice(OPTIONS, OPTIONS + 20)), "01010512fffffff0000000100000000100000002");
  u8.fill(0xee, OPTIONS, OPTIONS + 4);
  assert.is(wasm.wireEmitSack(OPTIONS, BLOCKS, 0), 0);
  assert.is(hexOf(u8.slice(OPTIONS, OPTIONS + 4)), "eeeeeeee");
});

test("fits as many SACK blocks as 40 bytes hold beside what else is sent [2018 3]", () => {
  for (const [hasTimestamps, used] of [
    [0, 0],
    [1, 12],
  ] as const) {
    const blocks = wasm.wireSackBlocksMax(hasTimestamps);
    assert.ok(used + wasm.wireSackOptionBytes(blocks) <= 40);
    assert.ok(used + wasm.wireSackOptionBytes(blocks + 1) > 40);
  }
  assert.is(wasm.wireSackOptionBytes(0), 0);
});

// -------------------------------------------------------------------------------------------------------------- round trip

const u32 = fc.nat(0xffffffff);
const timestampsValue = fc.tuple(u32, u32);
const block = fc
  .tuple(u32, fc.integer({ min: 1, max: 0x7fffffff }))
  .map(([left, size]): [number, number] => [left, (left + size) >>> 0]);

test("reads the SYN options it wrote", () => {
  const scale = fc.integer({ min: -1, max: 14 });
  fc.assert(
    fc.property(
      fc.nat(65535),
      fc.boolean(),
      fc.option(timestampsValue, { nil: undefined }),
      scale,
      (mss, sack, timestamps, windowScale) => {
        const expected: Parsed = { errors: 0, mss };
        if (windowScale >= 0) expected.windowScale = windowScale;
        if (sack) expected.sackPermitted = true;
        if (timestamps) expected.timestamps = timestamps;
        assert.equal(parse(emitSyn(mss, sack, timestamps, windowScale), true), expected);
      },
    ),
  );
});

test("reads the timestamps and SACK blocks it wrote", () => {
  const hasTimestamps = fc.boolean();
  fc.assert(
    fc.property(
      hasTimestamps,
      timestampsValue,
      fc.array(block, { maxLength: 4 }),
      (withTimestamps, timestamps, blocks) => {
        const sent = blocks.slice(0, wasm.wireSackBlocksMax(withTimestamps ? 1 : 0));
        writeWords(view, BLOCKS, sent.flat());
        let length = withTimestamps ? wasm.wireEmitTimestamps(OPTIONS, ...timestamps) : 0;
        length += wasm.wireEmitSack(OPTIONS + length, BLOCKS, sent.length);
        const expected: Parsed = { errors: 0 };
        if (withTimestamps) expected.timestamps = timestamps;
        if (sent.length > 0) expected.sack = sent;
        assert.equal(parseAt(OPTIONS, length, false), expected);
      },
    ),
  );
});

test("gives the quick layout's result for timestamps anywhere else [7323 3.2]", () => {
  fc.assert(
    fc.property(timestampsValue, fc.nat(2), fc.boolean(), ([tsVal, tsEcr], nopsBefore, isSyn) => {
      const bytes = new Uint8Array(12).fill(1);
      const option = new DataView(bytes.buffer, nopsBefore);
      option.setUint16(0, 0x080a);
      option.setUint32(2, tsVal);
      option.setUint32(6, tsEcr);
      assert.equal(parse(bytes, isSyn), { errors: 0, timestamps: [tsVal, tsEcr] });
    }),
  );
});

// --------------------------------------------------------------------------------------------------------------- receiving

test("finds options on no word boundary [9293 3.2 MUST-64]", () => {
  assert.equal(parseHex("01 020405b4 030302 01 0402 080a 00000001 00000002", true), {
    errors: 0,
    mss: 1460,
    windowScale: 2,
    sackPermitted: true,
    timestamps: [1, 2],
  });
});

test("steps over kinds it does not know, before and after others [9293 3.1 MUST-6]", () => {
  const expected = { errors: 0, mss: 536 };
  assert.equal(parseHex("fd04beef 02040218 63021e02", true), expected);
  assert.equal(parseHex("fd02 02040218 2206aabbccdd", true), expected);
});

test("stops at the end of the list, whatever stands behind it [9293 3.1]", () => {
  assert.equal(parseHex("02040218 00 040201", true), { errors: 0, mss: 536 });
  assert.equal(parseHex("00000000"), { errors: 0 });
  assert.equal(parseHex(""), { errors: 0 });
});

test("stops at an option of length 0 or 1 and keeps what came before [9293 3.1 MUST-7] [attack 33]", () => {
  for (const kind of ["02", "03", "04", "05", "08", "fd"]) {
    for (const length of ["00", "01"]) {
      const hex = `080a0000000100000002 ${kind}${length} 020405b4 0402`;
      assert.equal(parseHex(hex, true), { errors: 1, timestamps: [1, 2] }, hex);
    }
  }
});

test("stops at an option that runs past the header, its length byte included [attack 34]", () => {
  for (const hex of ["020405", "0303", "05 0a 00000001", "080a00000001000000", "fd05ffff", "02", "08", "fdff"]) {
    assert.equal(parseHex(hex, true), { errors: 1 }, hex);
    assert.equal(parseHex(`01 ${hex}`, false), { errors: 1 }, hex);
  }
});

test("ignores an option with the wrong length for its kind and reads the next [attack 34]", () => {
  for (const hex of [
    "0203ff",
    "0205ffffff",
    "0202",
    "0302",
    "030400ff",
    "0403ff",
    "080900000001000000",
    "080bff0000000100000002",
    "0502",
    "050900000001000000",
    "050b000000010000000200",
  ]) {
    assert.equal(parseHex(`${hex} 020405b4`, true), { errors: 1, mss: 1460 }, hex);
  }
});

test("ignores MSS, window scale and SACK-permitted without SYN [7323 2.2, 2018 2] [7323#1] [attack 39]", () => {
  assert.equal(parseHex("020405b4 0402 080a0000000100000002 01 030307"), { errors: 0, timestamps: [1, 2] });
});

test("ignores SACK blocks on a SYN [2018 3]", () => {
  assert.equal(parseHex("0101 050a 00000001 00000002", true), { errors: 0 });
});

test("uses 14 for any greater window scale and counts it [7323 2.3] [7323#3] [attack 39]", () => {
  for (const [hex, windowScale, errors] of [
    ["03030e01", 14, 0],
    ["03030f01", 14, 1],
    ["0303ff01", 14, 1],
    ["03030001", 0, 0],
  ] as const) {
    assert.equal(parseHex(hex, true), { errors, windowScale }, hex);
  }
});

test("reports an MSS of any size as it was sent", () => {
  for (const mss of [0, 1, 8, 47, 65535]) {
    assert.equal(parseHex(`0204${mss.toString(16).padStart(4, "0")}`, true), { errors: 0, mss });
  }
});

test("ignores each SACK block that is empty or reversed and keeps the others in order [attack 35]", () => {
  assert.equal(parseHex("0101 0522 00000005 00000005  00000020 00000030  00000009 00000008  fffffff0 00000010"), {
    errors: 2,
    sack: [
      [0x20, 0x30],
      [0xfffffff0, 0x10],
    ],
  });
  assert.equal(parseHex("050a 00000001 80000001"), { errors: 1 }, "2^31 bytes have no order");
});

test("takes the last of an option sent twice", () => {
  assert.equal(parseHex("02040218 020405b4 030301 030302", true), { errors: 0, mss: 1460, windowScale: 2 });
  assert.equal(parseHex("0512 00000001 00000002 00000003 00000004 050a 00000007 00000009"), {
    errors: 0,
    sack: [[7, 9]],
  });
  assert.equal(parseHex("050a 00000001 00000002 050a 00000009 00000007"), { errors: 1 });
});

// ------------------------------------------------------------------------------------------- any list of options, in any form

type Piece = { hex: string; apply: (parsed: Parsed, isSyn: boolean) => void };
const hex32 = (value: number) => value.toString(16).padStart(8, "0");
const piece: fc.Arbitrary<Piece> = fc.oneof(
  fc.constant({ hex: "01", apply: () => {} }),
  fc.nat(65535).map((mss) => ({
    hex: `0204${mss.toString(16).padStart(4, "0")}`,
    apply: (parsed: Parsed, isSyn: boolean) => void (isSyn && Object.assign(parsed, { mss })),
  })),
  fc.nat(14).map((windowScale) => ({
    hex: `0303${windowScale.toString(16).padStart(2, "0")}`,
    apply: (parsed: Parsed, isSyn: boolean) => void (isSyn && Object.assign(parsed, { windowScale })),
  })),
  fc.constant({
    hex: "0402",
    apply: (parsed: Parsed, isSyn: boolean) => void (isSyn && Object.assign(parsed, { sackPermitted: true })),
  }),
  timestampsValue.map((timestamps) => ({
    hex: `080a${timestamps.map(hex32).join("")}`,
    apply: (parsed: Parsed) => void Object.assign(parsed, { timestamps }),
  })),
  fc.array(block, { minLength: 1, maxLength: 4 }).map((sack) => ({
    hex: `05${(2 + 8 * sack.length).toString(16).padStart(2, "0")}${sack.flat().map(hex32).join("")}`,
    apply: (parsed: Parsed, isSyn: boolean) => void (!isSyn && Object.assign(parsed, { sack })),
  })),
  fc.uint8Array({ maxLength: 6 }).map((body) => ({
    hex: `fd${(2 + body.length).toString(16).padStart(2, "0")}${hexOf(body)}`,
    apply: () => {},
  })),
);

test("understands any list of options that fits, in any order and alignment [9293 3.1]", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10, size: "max" }), fc.boolean(), (pieces, isSyn) => {
      const expected: Parsed = { errors: 0 };
      let hex = "";
      for (const each of pieces) {
        if (hex.length + each.hex.length > 80) break;
        hex += each.hex;
        each.apply(expected, isSyn);
      }
      assert.equal(parseHex(hex, isSyn), expected, hex);
    }),
  );
});

test("survives any bytes at the end of memory, and keeps its promises", () => {
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 10, 18, 26, 34));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 40, size: "max" }), fc.boolean(), (bytes, isSyn) => {
      const ptr = u8.length - bytes.length;
      u8.set(bytes, ptr);
      const parsed = parseAt(ptr, bytes.length, isSyn);
      assert.ok((parsed.windowScale ?? 0) <= 14);
      assert.ok((parsed.sack ?? []).length <= 4);
      for (const [left, right] of parsed.sack ?? []) assert.ok(((right - left) | 0) > 0);
      assert.equal(parse(Uint8Array.from(bytes), isSyn), parsed, "the bytes around do not matter");
    }),
    { numRuns: 2000 },
  );
});

test.run();
