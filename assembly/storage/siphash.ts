// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed 64-bit hash of short inputs that cannot be predicted without the key.
// For the tuple table (no flood of colliding flows) and RFC 6528 initial sequence numbers. Knows no tables and no TCP.

/**
 * @param keyPtr 16 bytes, secret and random
 * @param dataPtr length bytes, any alignment
 * @returns the tag, as the reference's eight output bytes read little-endian
 */
export function sipHash24(keyPtr: usize, dataPtr: usize, length: u32): u64 {
  return sipHash24Keyed(load<u64>(keyPtr), load<u64>(keyPtr, 8), dataPtr, length);
}

/** sipHash24 with the key as its two little-endian halves, for callers that keep it in registers. */
export function sipHash24Keyed(key0: u64, key1: u64, dataPtr: usize, length: u32): u64 {
  let v0 = key0 ^ (((<u64>0x736f6d65) << 32) | 0x70736575);
  let v1 = key1 ^ (((<u64>0x646f7261) << 32) | 0x6e646f6d);
  let v2 = key0 ^ (((<u64>0x6c796765) << 32) | 0x6e657261);
  let v3 = key1 ^ (((<u64>0x74656462) << 32) | 0x79746573);
  const words = length >> 3;
  // The words, then the padded tail, then the four finalisation rounds as two more steps with a zero word: every step is
  // the same two rounds
  for (let step: u32 = 0; step < words + 3; step++) {
    let word: u64 = 0;
    if (step < words) word = load<u64>(dataPtr + ((<usize>step) << 3));
    else if (step === words) word = tailWord(dataPtr, length);
    else if (step === words + 1) v2 ^= 0xff;
    v3 ^= word;
    for (let round = 0; round < 2; round++) {
      v0 += v1;
      v2 += v3;
      v1 = rotl<u64>(v1, 13) ^ v0;
      v3 = rotl<u64>(v3, 16) ^ v2;
      v0 = rotl<u64>(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = rotl<u64>(v1, 17) ^ v2;
      v3 = rotl<u64>(v3, 21) ^ v0;
      v2 = rotl<u64>(v2, 32);
    }
    v0 ^= word;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}

// The last 0..7 bytes, and the length modulo 256 in the top byte
function tailWord(dataPtr: usize, length: u32): u64 {
  let word: u64 = (<u64>length) << 56;
  const tailPtr = dataPtr + (length & ~7);
  for (let i: u32 = 0; i < (length & 7); i++) word |= (<u64>load<u8>(tailPtr + i)) << (i << 3);
  return word;
}
