// SipHash-2-4 against its published vectors and against an independent BigInt version.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";

const test = suite("storage/siphash");
const { exports: wasm, u8 } = await instantiate();

const KEY = HEAP;
const DATA = HEAP + 64;
const U64 = (1n << 64n) - 1n;

function hash(key: Uint8Array, data: Uint8Array, misalignment = 0): bigint {
  u8.set(key, KEY);
  u8.fill(0xa5, DATA, DATA + 256); // what follows the data must not matter
  u8.set(data, DATA + misalignment);
  return BigInt.asUintN(64, wasm.sipHash24(KEY, DATA + misalignment, data.length));
}

const littleEndian = (bytes: Uint8Array) => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
const rotl = (value: bigint, bits: bigint) => ((value << bits) | (value >> (64n - bits))) & U64;

// The definition in section 2 of the paper, word by word
function oracle(key: Uint8Array, data: Uint8Array): bigint {
  const k0 = littleEndian(key.subarray(0, 8));
  const k1 = littleEndian(key.subarray(8, 16));
  let [v0, v1] = [k0 ^ littleEndian(Buffer.from("uespemos")), k1 ^ littleEndian(Buffer.from("modnarod"))];
  let [v2, v3] = [k0 ^ littleEndian(Buffer.from("arenegyl")), k1 ^ littleEndian(Buffer.from("setybdet"))];
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) & U64;
      v1 = rotl(v1, 13n) ^ v0;
      v0 = rotl(v0, 32n);
      v2 = (v2 + v3) & U64;
      v3 = rotl(v3, 16n) ^ v2;
      v0 = (v0 + v3) & U64;
      v3 = rotl(v3, 21n) ^ v0;
      v2 = (v2 + v1) & U64;
      v1 = rotl(v1, 17n) ^ v2;
      v2 = rotl(v2, 32n);
    }
  };
  const padded = new Uint8Array((data.length & ~7) + 8);
  padded.set(data);
  padded[padded.length - 1] = data.length & 255;
  for (let i = 0; i < padded.length; i += 8) {
    const word = littleEndian(padded.subarray(i, i + 8));
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  v2 ^= 0xffn;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

test("gives the published tags for the key 00..0f and the data 00..(n-1)", () => {
  const published: [number, bigint][] = [
    [0, 0x726fdb47dd0e0e31n],
    [1, 0x74f839c593dc67fdn],
    [2, 0x0d6c8009d9a94f5an],
    [3, 0x85676696d7fb7e2dn],
    [4, 0xcf2794e0277187b7n],
    [5, 0x18765564cd99a68dn],
    [6, 0xcbc9466e58fee3cen],
    [7, 0xab0200f58b01d137n],
    [8, 0x93f5f5799a932462n],
    [15, 0xa129ca6149be45e5n], // appendix A of the paper
    [63, 0x958a324ceb064572n],
  ];
  const key = Uint8Array.from({ length: 16 }, (_, i) => i);
  for (const [length, tag] of published) {
    const data = Uint8Array.from({ length }, (_, i) => i);
    assert.is(hash(key, data), tag, `${length} bytes`);
    assert.is(oracle(key, data), tag, `oracle, ${length} bytes`);
  }
});

test("agrees with the definition for any key, length and alignment", () => {
  const key = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const data = fc.uint8Array({ maxLength: 80, size: "max" });
  fc.assert(
    fc.property(key, data, fc.nat(7), (k, d, misalignment) => {
      assert.is(hash(k, d, misalignment), oracle(k, d));
    }),
  );
});

test("takes only the low byte of the length into the tag, and all of the data", () => {
  const key = new Uint8Array(16).fill(7);
  const long = Uint8Array.from({ length: 1500 }, (_, i) => i * 31);
  assert.is(hash(key, long), oracle(key, long));
});

test.run();
