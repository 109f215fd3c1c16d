// TCP options: parsed once per segment into a record, and written in the order Linux writes them, word-aligned.
// RFC 9293 3.1-3.2 (format, MSS), RFC 7323 (window scale, timestamps), RFC 2018 (SACK). Kind and length are one byte each.
// Must not know what was negotiated or what a sequence number is compared with: it tells what the segment carries.
//
//      MSS             ┌── 2 ──┬── 4 ──┬───── mss ─────┐
//      window scale    ┌── 3 ──┬── 3 ──┬ shift ┐
//      SACK permitted  ┌── 4 ──┬── 2 ──┐
//      SACK            ┌── 5 ──┬ 2+8n  ┬──── left edge 4 ────┬──── right edge 4 ───┬ ... n = 1..4
//      Fast Open       ┌─ 34 ──┬ 2+n ──┬ cookie n, 4..16 and even, or 0: a request (RFC 7413 4.1.1)
//      timestamps      ┌── 8 ──┬─ 10 ──┬────── TSval 4 ──────┬────── TSecr 4 ──────┐

const KIND_END: u8 = 0;
const KIND_NOP: u8 = 1;
const KIND_MSS: u8 = 2;
const KIND_WINDOW_SCALE: u8 = 3;
const KIND_SACK_PERMITTED: u8 = 4;
const KIND_SACK: u8 = 5;
const KIND_TIMESTAMPS: u8 = 8;
const KIND_FASTOPEN: u8 = 34;
const KIND_EXPERIMENT: u8 = 254; // RFC 6994; before it had a kind of its own, Fast Open was this with a magic number
const MAGIC_FASTOPEN: u16 = 0x89f9; // as it lies in memory

// Bytes of a Fast Open cookie
const COOKIE_MIN: u32 = 4;
const COOKIE_MAX: u32 = 16;

// The first four bytes of options as little-endian words.
const WORD_MSS: u32 = 0x00000402; // mss follows in the upper half
const WORD_NOP_NOP_SACK_PERMITTED: u32 = 0x02040101;
const WORD_SACK_PERMITTED_TIMESTAMPS: u32 = 0x0a080204;
const WORD_NOP_NOP_TIMESTAMPS: u32 = 0x0a080101;
const WORD_NOP_WINDOW_SCALE: u32 = 0x00030301; // shift follows in the last byte
const WORD_NOP_NOP_SACK: u32 = 0x00050101; // length follows in the last byte

// Bits of `TcpOptions.present`.
export const OPT_MSS: u32 = 1;
export const OPT_WSCALE: u32 = 2;
export const OPT_SACK_PERMITTED: u32 = 4;
export const OPT_TIMESTAMPS: u32 = 8;
export const OPT_SACK: u32 = 16;
export const OPT_FASTOPEN: u32 = 32;

/** RFC 7323 2.3: a greater shift count is used as 14. */
export const WINDOW_SCALE_MAX: u8 = 14;

/** Bytes that {@link emitTimestamps} writes. */
export const TIMESTAMPS_OPTION_BYTES: u32 = 12;

const SACK_BLOCKS_MAX: u32 = 4;
const SACK_BLOCK: u32 = 8;

/** What the options of one segment said. A field means something only if its bit is in `present`. */
@unmanaged
@final
export class TcpOptions {
  present: u32; // OPT_ bits
  tsVal: u32;
  tsEcr: u32;
  mss: u16; // as sent: 0 and tiny values included
  windowScale: u8; // 0..14, clamped
  sackCount: u8; // 0..4 blocks below
  left0: u32; // block i: left edge at 8 * i, right edge 4 bytes on; host order
  right0: u32;
  left1: u32;
  right1: u32;
  left2: u32;
  right2: u32;
  left3: u32;
  right3: u32;
  optionErrors: u8; // options and SACK blocks that were malformed
  fastOpenBytes: u8; // of the cookie below; 0 = a request for one
  fastOpenExperimental: u8; // 1: the option came with the experimental kind
  fastOpen0: u64; // as on the wire, zero behind its end
  fastOpen1: u64;

  static at(ptr: usize): TcpOptions {
    return changetype<TcpOptions>(ptr);
  }

  /** Whether all bits of `options` are present. */
  has(options: u32): bool {
    return (this.present & options) === options;
  }

  /** SLE of block `i` (0 <= i < sackCount): its first sequence number. */
  sackLeft(i: u32): u32 {
    return load<u32>(changetype<usize>(this) + i * SACK_BLOCK, offsetof<TcpOptions>("left0"));
  }

  /** SRE of block `i` (0 <= i < sackCount): the sequence number after its last. */
  sackRight(i: u32): u32 {
    return load<u32>(changetype<usize>(this) + i * SACK_BLOCK, offsetof<TcpOptions>("right0"));
  }
}

/** Bytes of a {@link TcpOptions} record. */
export const TCP_OPTIONS_BYTES: usize = offsetof<TcpOptions>();

/**
 * Parses the options of one segment.
 *
 * An option with the wrong length for its kind is ignored, and so is a SACK block that is empty or reversed; a length of 0
 * or 1, or past the header, ends the walk, as nobody can tell where the next option starts. All these, and a window scale
 * above 14, are counted in `optionErrors`. MSS, window scale and SACK-permitted are ignored on segments without SYN, SACK blocks on those with one.
 * Of an option sent twice the last counts.
 * @param ptr -> first option byte; reads exactly `length` bytes
 * @param length bytes of options: 0..40
 * @param into the record to fill; nothing of an earlier segment remains valid in it
 * @see RFC 9293 3.1 (MUST-5, MUST-6, MUST-7, MUST-68), RFC 7323 2.3, RFC 2018 2-3
 */
export function parseTcpOptions(ptr: usize, length: u32, isSyn: bool, into: TcpOptions): void {
  into.present = 0;
  into.sackCount = 0;
  into.optionErrors = 0;
  // What almost every segment carries (RFC 7323 appendix A).
  if (length === TIMESTAMPS_OPTION_BYTES && load<u32>(ptr) === WORD_NOP_NOP_TIMESTAMPS) {
    readTimestamps(ptr + 2, into);
    return;
  }
  const end = ptr + length;
  while (ptr < end) {
    const kind = load<u8>(ptr);
    if (kind === KIND_END) return;
    if (kind === KIND_NOP) {
      ptr += 1;
      continue;
    }
    const optionLength: u32 = ptr + 1 < end ? load<u8>(ptr, 1) : 0;
    if (optionLength < 2 || ptr + optionLength > end) {
      into.optionErrors += 1;
      return;
    }
    if (!readOption(ptr, kind, optionLength, isSyn, into)) into.optionErrors += 1;
    ptr += optionLength;
  }
}

/** Reads one option of `length` bytes. Returns false if that is not a length of its kind. */
function readOption(ptr: usize, kind: u8, length: u32, isSyn: bool, into: TcpOptions): bool {
  switch (kind) {
    case KIND_TIMESTAMPS:
      if (length !== 10) return false;
      readTimestamps(ptr, into);
      return true;
    case KIND_SACK:
      if (length < 10 || (length - 2) % SACK_BLOCK !== 0) return false;
      if (!isSyn) readSackBlocks(ptr + 2, (length - 2) / SACK_BLOCK, into);
      return true;
    case KIND_MSS:
      if (length !== 4) return false;
      if (!isSyn) return true;
      into.mss = bswap<u16>(load<u16>(ptr, 2));
      into.present |= OPT_MSS;
      return true;
    case KIND_WINDOW_SCALE:
      if (length !== 3) return false;
      if (!isSyn) return true;
      into.windowScale = min<u8>(load<u8>(ptr, 2), WINDOW_SCALE_MAX);
      if (load<u8>(ptr, 2) > WINDOW_SCALE_MAX) into.optionErrors += 1; // "SHOULD log the error but MUST use 14"
      into.present |= OPT_WSCALE;
      return true;
    case KIND_SACK_PERMITTED:
      if (length !== 2) return false;
      if (isSyn) into.present |= OPT_SACK_PERMITTED;
      return true;
    case KIND_FASTOPEN:
      if (!readFastOpen(ptr + 2, length - 2, isSyn, into)) return false;
      into.fastOpenExperimental = 0;
      return true;
    case KIND_EXPERIMENT:
      if (length < 4 || load<u16>(ptr, 2) !== MAGIC_FASTOPEN) return true; // somebody else's experiment
      if (!readFastOpen(ptr + 4, length - 4, isSyn, into)) return false;
      into.fastOpenExperimental = 1;
      return true;
    default:
      return true; // MUST-6: unknown options are skipped by their length
  }
}

/** `ptr` -> the kind byte. */
function readTimestamps(ptr: usize, into: TcpOptions): void {
  into.tsVal = bswap<u32>(load<u32>(ptr, 2));
  into.tsEcr = bswap<u32>(load<u32>(ptr, 6));
  into.present |= OPT_TIMESTAMPS;
}

/** `ptr` -> the cookie of `length` bytes. Returns false if that is no length of one. */
function readFastOpen(ptr: usize, length: u32, isSyn: bool, into: TcpOptions): bool {
  if (length !== 0 && (length < COOKIE_MIN || length > COOKIE_MAX || (length & 1) !== 0)) return false;
  if (!isSyn) return true;
  into.fastOpenBytes = <u8>length;
  into.fastOpen0 = 0;
  into.fastOpen1 = 0;
  memory.copy(changetype<usize>(into) + offsetof<TcpOptions>("fastOpen0"), ptr, length);
  into.present |= OPT_FASTOPEN;
  return true;
}

/** Keeps the blocks that have a first byte before their end; 40 bytes of options hold four at most. */
function readSackBlocks(ptr: usize, count: u32, into: TcpOptions): void {
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const left = bswap<u32>(load<u32>(ptr));
    const right = bswap<u32>(load<u32>(ptr, 4));
    ptr += SACK_BLOCK;
    // Sequence order, modulo 2^32. Whether a block lies in the window is for the scoreboard to say.
    if (<i32>(right - left) <= 0 || kept === SACK_BLOCKS_MAX) {
      into.optionErrors += 1;
      continue;
    }
    const blockPtr = changetype<usize>(into) + kept * SACK_BLOCK;
    store<u32>(blockPtr, left, offsetof<TcpOptions>("left0"));
    store<u32>(blockPtr, right, offsetof<TcpOptions>("right0"));
    kept += 1;
  }
  into.sackCount = <u8>kept;
  if (kept !== 0) into.present |= OPT_SACK;
  else into.present &= ~OPT_SACK;
}

/**
 * Writes the options of a SYN or SYN-ACK: `mss, sackOK, TS, nop, wscale`; without timestamps
 * `mss, nop, nop, sackOK, nop, wscale`; without SACK `mss, nop, nop, TS, nop, wscale`; with neither `mss, nop, wscale`.
 * @param ptr -> room for 20 bytes
 * @param mss bytes, 0..65535
 * @param windowScale 0..14, or -1 to leave the option out
 * @returns bytes written, a multiple of 4: 4..20
 */
export function emitSynOptions(
  ptr: usize,
  mss: u32,
  hasSackPermitted: bool,
  hasTimestamps: bool,
  tsVal: u32,
  tsEcr: u32,
  windowScale: i32,
): u32 {
  store<u32>(ptr, WORD_MSS | ((<u32>bswap<u16>(<u16>mss)) << 16));
  let length: u32 = 4;
  if (hasTimestamps) {
    store<u32>(ptr, hasSackPermitted ? WORD_SACK_PERMITTED_TIMESTAMPS : WORD_NOP_NOP_TIMESTAMPS, 4);
    store<u32>(ptr, bswap<u32>(tsVal), 8);
    store<u32>(ptr, bswap<u32>(tsEcr), 12);
    length = 16;
  } else if (hasSackPermitted) {
    store<u32>(ptr, WORD_NOP_NOP_SACK_PERMITTED, 4);
    length = 8;
  }
  if (windowScale >= 0) {
    store<u32>(ptr + length, WORD_NOP_WINDOW_SCALE | ((<u32>windowScale) << 24));
    length += 4;
  }
  return length;
}

/**
 * Writes the Fast Open option and no-ops up to a whole word (RFC 7413 4.1.1).
 * @param ptr -> room for 20 bytes
 * @param cookiePtr -> `bytes` of cookie: 4..16, even; 0 bytes ask for one
 * @param isExperimental with the experimental kind, for a peer that spoke so
 * @returns bytes written, a multiple of 4
 */
export function emitFastOpen(ptr: usize, cookiePtr: usize, bytes: u32, isExperimental: bool): u32 {
  const headBytes: u32 = isExperimental ? 4 : 2;
  store<u8>(ptr, isExperimental ? KIND_EXPERIMENT : KIND_FASTOPEN);
  store<u8>(ptr, <u8>(headBytes + bytes), 1);
  if (isExperimental) store<u16>(ptr, MAGIC_FASTOPEN, 2);
  if (bytes !== 0) memory.copy(ptr + headBytes, cookiePtr, bytes);
  let length = headBytes + bytes;
  while ((length & 3) !== 0) {
    store<u8>(ptr + length, KIND_NOP);
    length += 1;
  }
  return length;
}

/** Writes `nop, nop, TS` (RFC 7323 appendix A). `ptr` -> room for 12 bytes. Returns 12. */
export function emitTimestamps(ptr: usize, tsVal: u32, tsEcr: u32): u32 {
  store<u32>(ptr, WORD_NOP_NOP_TIMESTAMPS);
  store<u32>(ptr, bswap<u32>(tsVal), 4);
  store<u32>(ptr, bswap<u32>(tsEcr), 8);
  return TIMESTAMPS_OPTION_BYTES;
}

/**
 * Writes `nop, nop, sack` (RFC 2018 3).
 * @param ptr -> room for {@link sackOptionBytes}
 * @param blocksPtr -> `count` pairs of u32: left and right edge, host order
 * @param count 0..{@link sackBlocksMax}; 0 writes nothing
 * @returns bytes written
 */
export function emitSack(ptr: usize, blocksPtr: usize, count: u32): u32 {
  if (count === 0) return 0;
  store<u32>(ptr, WORD_NOP_NOP_SACK | ((2 + count * SACK_BLOCK) << 24));
  for (let i: u32 = 0; i < count; i++) {
    const block = blocksPtr + i * SACK_BLOCK;
    const out = ptr + i * SACK_BLOCK;
    store<u32>(out, bswap<u32>(load<u32>(block)), 4);
    store<u32>(out, bswap<u32>(load<u32>(block, 4)), 8);
  }
  return sackOptionBytes(count);
}

/** Bytes that {@link emitSack} writes for `count` blocks. */
export function sackOptionBytes(count: u32): u32 {
  return count === 0 ? 0 : 4 + count * SACK_BLOCK;
}

/** How many SACK blocks fit into 40 bytes of options: 3 beside timestamps, else 4 (RFC 2018 3). */
export function sackBlocksMax(hasTimestamps: bool): u32 {
  return hasTimestamps ? 3 : SACK_BLOCKS_MAX;
}
