// The SIMD Internet checksum against the scalar oracle: every alignment, scattered pieces, the bounds of its wrap estimate.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { checksumOracle, onesComplementSum } from "../../support/checksum-oracle.ts";
import { instantiate } from "../../support/wasm.ts";
import { bytesOf } from "../../support/words.ts";

const test = suite("wire/checksum");
const { exports: wasm, u8 } = await instantiate(1 << 21);

const BASE = HEAP + 4096;

/** Puts bytes at `ptr` with noise around them, so that a byte read too many shows. */
function place(bytes: Uint8Array, ptr = BASE): void {
  u8.fill(0xa5, ptr - 64, ptr);
  u8.set(bytes, ptr);
  u8.fill(0x5a, ptr + bytes.length, ptr + bytes.length + 64);
}

function noise(length: number, seed = 1): Uint8Array {
  let x = seed;
  return Uint8Array.from({ length }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x >>> 24;
  });
}

/** `length` bytes made of repeated little-endian u32 words. */
function repeated(words: number[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i + 4 <= length; i += 4) view.setUint32(i, words[(i / 4) % words.length]!, true);
  return bytes;
}

test("gives the RFC's own example [1071 3]", () => {
  place(bytesOf("0001 f203 f4f5 f6f7"));
  assert.is(wasm.wireFold(wasm.wireSumBytes(BASE, 8, 0n)), 0xddf2);
  assert.is(wasm.wireChecksum(BASE, 8), 0x220d);
});

test("equals the oracle for every length to 300 at every alignment [1071 1]", () => {
  for (let length = 0; length <= 300; length++) {
    const bytes = noise(length, length + 1);
    const expected = checksumOracle(bytes);
    for (let shift = 0; shift < 16; shift++) {
      place(bytes, BASE + shift);
      assert.is(wasm.wireChecksum(BASE + shift, length), expected, `length ${length}, shift ${shift}`);
    }
  }
});

test("equals the oracle for random bytes [1071 1]", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4000, size: "max" }), fc.nat(63), (bytes, shift) => {
      place(bytes, BASE + shift);
      assert.is(wasm.wireChecksum(BASE + shift, bytes.length), checksumOracle(bytes));
    }),
  );
});

// Eight vectors whose upper half-words make every rounding average round up: the estimate is 12 too high per lane and round.
const WORST_ABOVE = [0, 1, 1, 2, 1, 2, 2, 3].flatMap((upper) => [upper << 16, upper << 16, upper << 16, upper << 16]);
// No rounding, all that the estimate leaves out at its greatest: 8 too low per lane and round.
const WORST_BELOW = [0x0000ffff];

for (const [name, words] of Object.entries({
  "rounds up everywhere": WORST_ABOVE,
  "leaves out the most": WORST_BELOW,
  "is saturated": [0xffffffff],
  "is the least": [1],
  "alternates between extremes": [0xffffffff, 0],
  "is zero": [0],
})) {
  test(`stays exact for large pieces whose wrap estimate ${name}`, () => {
    for (const length of [128, 65_535, 65_536, 131_072, 131_073, 131_200, 524_288, 1_048_573]) {
      const bytes = repeated(words, length);
      place(bytes);
      assert.is(wasm.wireFold(wasm.wireSumBytes(BASE, length, 0n)), onesComplementSum(bytes), `length ${length}`);
    }
  });
}

test("adds scattered pieces at even and odd offsets, in any order [1071 2 (B)]", () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 400, size: "max" }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(pieces, fc.boolean(), (parts, backwards) => {
      let offset = 0;
      const placed = parts.map((bytes, i) => {
        const piece = { ptr: BASE + 1000 * i + i, length: bytes.length, offset };
        place(bytes, piece.ptr);
        offset += bytes.length;
        return piece;
      });
      if (backwards) placed.reverse();
      const sum = placed.reduce((total, p) => wasm.wireSumPieceAt(p.ptr, p.length, p.offset, total), 0n);
      const whole = new Uint8Array(parts.flatMap((bytes) => [...bytes]));
      assert.is(wasm.wireFold(sum), onesComplementSum(whole));
      assert.is(wasm.wireFinish(sum), checksumOracle(whole));
    }),
  );
});

test("goes on from an initial sum", () => {
  const bytes = noise(1460);
  place(bytes);
  const head = wasm.wireSumBytes(BASE, 700, 0n);
  assert.is(wasm.wireFold(wasm.wireSumBytes(BASE + 700, 760, head)), onesComplementSum(bytes));
});

test("reads nothing after the last byte of memory", () => {
  for (let length = 0; length <= 300; length++) {
    const bytes = noise(length, 7);
    u8.set(bytes, u8.length - length);
    assert.is(wasm.wireChecksum(u8.length - length, length), checksumOracle(bytes), `length ${length}`);
  }
});

test("folds any u64, to zero only from zero", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (sum) => {
      const rest = sum % 65535n;
      const inMemoryOrder = Number(sum !== 0n && rest === 0n ? 65535n : rest);
      assert.is(wasm.wireFold(sum), ((inMemoryOrder & 0xff) << 8) | (inMemoryOrder >> 8));
    }),
    { examples: [[0n], [65535n], [65536n], [2n ** 32n - 1n], [2n ** 32n], [2n ** 48n], [2n ** 64n - 1n]] },
  );
});

test("accepts data that includes its own checksum and refuses any changed bit [1071 1 (3)]", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 200, size: "max" }), fc.nat(), (data, bit) => {
      const bytes = data.subarray(0, data.length & ~1);
      bytes.fill(0, 2, 4);
      const sum = checksumOracle(bytes);
      bytes[2] = sum >> 8;
      bytes[3] = sum & 0xff;
      place(bytes);
      assert.is(wasm.wireIsChecksumValid(BASE, bytes.length), 1);
      u8[BASE + ((bit >> 3) % bytes.length)]! ^= 1 << (bit & 7);
      assert.is(wasm.wireIsChecksumValid(BASE, bytes.length), 0);
    }),
  );
});

test("sums the IPv4 pseudo header [9293 3.1]", () => {
  const u32 = fc.nat(0xffffffff);
  fc.assert(
    fc.property(u32, u32, fc.nat(255), fc.nat(65535), (src, dst, protocol, length) => {
      const bytes = new Uint8Array(12);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, src);
      view.setUint32(4, dst);
      view.setUint8(9, protocol);
      view.setUint16(10, length);
      assert.is(wasm.wireFold(wasm.wirePseudoHeaderSumIpv4(src, dst, protocol, length)), onesComplementSum(bytes));
    }),
  );
});

test.run();
