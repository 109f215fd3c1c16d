// SYN cookies: a handshake without a half-open connection. The ISN of the SYN-ACK is a keyed hash of the four-tuple, the minute and the
// peer's MSS; the timestamp of the SYN-ACK carries its window scale, SACK and ECN, as in Linux; the ACK brings both back. RFC 4987 3.6.
// Knows what goes into a cookie, not when one is used (listen.ts) nor the child that comes of it (arrives-listen.ts).
//
//   cookie = H(tuple) + SEG.SEQ + minute << 24 + (H(tuple, minute) + MSS index) mod 2^24
//
// A guess passes for 2 minutes of 256 and 8 indices of 2^24: one in 2^28.
import { count } from "../count";
import { COUNTER_TCP_SYNCOOKIES_FAILED, COUNTER_TCP_SYNCOOKIES_RECV } from "../counters";
import { SECRET_ISN, SYSCTL_TCP_SYNCOOKIES } from "../layout";
import { sipHash24 } from "../storage/siphash";
import { ACK, CWR, ECE, SYN } from "../wire/tcp";
import {
  OPT_MSS,
  OPT_SACK_PERMITTED,
  OPT_TIMESTAMPS,
  OPT_WSCALE,
  TcpOptions,
  WINDOW_SCALE_MAX,
} from "../wire/tcp-options";
import { isEcnSetupSyn } from "./ecn";
import { listening } from "./listener-record";
import { Segment } from "./segment";
import { MSS_DEFAULT } from "./sizes";
import { Tcb } from "./tcb";

/** What "minute" means: a cookie is valid in the one it was made and the next. */
const MINUTE_US: u64 = 64000000;
const MINUTES_VALID: u32 = 2;
/** After the last cookie sent an ACK may still bring one. */
const OVERFLOW_VALID_US: u64 = MINUTES_VALID * MINUTE_US;
const DATA_MASK: u32 = 0xffffff;

// The MSS a peer may have: the largest that is not above what it announced is used. u16 each, ascending
const MSS_COUNT: u32 = 8;
const MSS_TABLE: usize = memory.data<u16>([48, 216, 536, 1220, 1360, 1440, 1460, 8960]);

// The low bits of our timestamp in a SYN-ACK with a cookie
const TS_WSCALE_MASK: u32 = 15; // 15 = the peer does not scale
const TS_SACK: u32 = 16;
const TS_ECN: u32 = 32;
const TS_BITS: u32 = 6;

// What is hashed: four-tuple, minute, and a word that tells the two hashes apart. ISNs (isn.ts) hash fewer bytes with the same key
const KEY: usize = memory.data(48, 8);
const KEY_BYTES: u32 = 44;

function hash(seg: Segment, minute: u32, tag: u32): u32 {
  store<u64>(KEY, seg.localAddressHigh);
  store<u64>(KEY, seg.localAddressLow, 8);
  store<u64>(KEY, seg.remoteAddressHigh, 16);
  store<u64>(KEY, seg.remoteAddressLow, 24);
  store<u16>(KEY, seg.localPort, 32);
  store<u16>(KEY, seg.remotePort, 34);
  store<u32>(KEY, minute, 36);
  store<u32>(KEY, tag, 40);
  return <u32>sipHash24(SECRET_ISN, KEY, KEY_BYTES);
}

function minuteOf(nowUs: u64): u32 {
  return <u32>(nowUs / MINUTE_US);
}

function mssIndex(options: TcpOptions): u32 {
  const mss: u32 = options.has(OPT_MSS) && options.mss !== 0 ? options.mss : MSS_DEFAULT;
  let index = MSS_COUNT - 1;
  while (index !== 0 && load<u16>(MSS_TABLE + ((<usize>index) << 1)) > mss) index--;
  return index;
}

/**
 * The ISN that answers a SYN.
 * @param seg the SYN
 */
export function cookieOf(seg: Segment, nowUs: u64): u32 {
  const minute = minuteOf(nowUs);
  const data = (hash(seg, minute, 1) + mssIndex(seg.options)) & DATA_MASK;
  return hash(seg, 0, 0) + seg.seq + (minute << 24) + data;
}

/** Takes from a SYN what no cookie can carry: without timestamps there is room for the MSS alone. */
export function forgetWhatIsNotCarried(seg: Segment): void {
  if (seg.options.has(OPT_TIMESTAMPS)) return;
  seg.options.present &= OPT_MSS;
  seg.flags &= ~(ECE | CWR);
}

/**
 * The timestamp of the SYN-ACK: now, with the options in its low bits, never in the future.
 * @param seg the SYN; `nowMs` without the connection's offset
 */
export function cookieTimestamp(seg: Segment, nowMs: u32): u32 {
  const options = seg.options;
  let bits: u32 = options.has(OPT_WSCALE) ? options.windowScale : TS_WSCALE_MASK;
  if (options.has(OPT_SACK_PERMITTED)) bits |= TS_SACK;
  if (isEcnSetupSyn(seg)) bits |= TS_ECN;
  const mask: u32 = (1 << TS_BITS) - 1;
  const ts = (nowMs & ~mask) | bits;
  return <i32>(ts - nowMs) > 0 ? ts - (1 << TS_BITS) : ts;
}

/** Whether a listener that gets an ACK for nobody should look for a cookie in it. */
export function expectsCookies(listener: Tcb, nowUs: u64): bool {
  const mode = load<u32>(SYSCTL_TCP_SYNCOOKIES);
  if (mode === 0) return false;
  const overflowUs = listening(listener).synOverflowUs;
  return mode === 2 || (overflowUs !== 0 && nowUs - overflowUs <= OVERFLOW_VALID_US);
}

/**
 * Looks for a cookie in the ACK that should complete a handshake.
 * @returns the MSS it carried, or 0: forged, too old, or no cookie (counted)
 */
export function cookieMss(seg: Segment, nowUs: u64): u32 {
  const minute = minuteOf(nowUs);
  const cookie = seg.ack - 1 - hash(seg, 0, 0) - (seg.seq - 1);
  const age = (minute - (cookie >> 24)) & 0xff;
  if (age < MINUTES_VALID) {
    const index = (cookie - hash(seg, minute - age, 1)) & DATA_MASK;
    if (index < MSS_COUNT) {
      count(COUNTER_TCP_SYNCOOKIES_RECV);
      return load<u16>(MSS_TABLE + ((<usize>index) << 1));
    }
  }
  count(COUNTER_TCP_SYNCOOKIES_FAILED);
  return 0;
}

/**
 * Makes of an ACK with a cookie the SYN it answers for: options and ECN bits as they came with it. SEG.FLAGS is the caller's to
 * restore; what is added to the options means nothing on a segment without SYN.
 * @param mss that the cookie carried; `tsOffset` of the connection's timestamps
 */
export function rebuildSyn(seg: Segment, mss: u32, tsOffset: u32): void {
  const options = seg.options;
  options.present |= OPT_MSS;
  options.mss = <u16>mss;
  seg.flags = SYN;
  if (!options.has(OPT_TIMESTAMPS)) return;
  const bits = options.tsEcr - tsOffset;
  if ((bits & TS_WSCALE_MASK) !== TS_WSCALE_MASK) {
    options.present |= OPT_WSCALE;
    options.windowScale = min<u8>(<u8>(bits & TS_WSCALE_MASK), WINDOW_SCALE_MAX);
  }
  if ((bits & TS_SACK) !== 0) options.present |= OPT_SACK_PERMITTED;
  if ((bits & TS_ECN) !== 0) seg.flags |= ECE | CWR;
}

/** Whether a segment can bring a cookie: an ACK and nothing that forbids it. */
export function mayBringCookie(seg: Segment): bool {
  return (seg.flags & (SYN | ACK)) === ACK;
}
