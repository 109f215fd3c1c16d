// What is known of the paths to others beside the MTU of our own link (RFC 1191): one record per destination whose path proved
// narrower, forgotten after SYSCTL_MTU_EXPIRES, the oldest one evicted when all are in use. Who believes whom is decided by the
// callers: what gets here quoted something that we have in flight.
import { SECRET_TUPLES, SYSCTL_IP_NO_PMTU_DISC, SYSCTL_MIN_PMTU, SYSCTL_MTU_EXPIRES } from "../layout";
import { NONE } from "../storage/none";
import { sipHash24 } from "../storage/siphash";
import { Slab, slabBytes } from "../storage/slab";
import { NEVER_US } from "../storage/timer-wheel";
import { IPV4_HEADER } from "../wire/ipv4";

const CAPACITY: u32 = 1024;
const BUCKETS: u32 = CAPACITY;

/** RFC 1191 7.1: the plateaus, bytes. */
const PLATEAUS: usize = memory.data<u16>([65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68]);
const PLATEAU_COUNT: u32 = 11;

@unmanaged
@final
class Path {
  addressHigh: u64;
  addressLow: u64;
  expiresUs: u64;
  mtu: u32;
  isLocked: u32; // 1: the path is narrower still than we believe, so packets must be allowed to be fragmented
  hashNext: u32; // index + 1, 0 = end; likewise below
  older: u32;
  newer: u32;
  reserved: u32;

  static at(index: u32): Path {
    return changetype<Path>(recordsPtr + <usize>index * offsetof<Path>());
  }
}

let recordsPtr: usize = 0;
let slabPtr: usize = 0;
let bucketsPtr: usize = 0;
let oldest: u32 = 0;
let newest: u32 = 0;

/** Changes whenever the answer of pathMtu() to anything may have changed: who keeps an answer compares. Never 0. */
export let pathMtuGeneration: u32 = 1;

/** Lays out the records in zeroed memory at `tablesPtr`. @returns their end */
export function pathMtuInitialise(tablesPtr: usize): usize {
  recordsPtr = (tablesPtr + 63) & ~63;
  slabPtr = recordsPtr + CAPACITY * offsetof<Path>();
  bucketsPtr = slabPtr + slabBytes(CAPACITY);
  oldest = 0;
  newest = 0;
  pathMtuGeneration = 1;
  Slab.at(slabPtr).init(recordsPtr, <u32>offsetof<Path>(), CAPACITY);
  return bucketsPtr + BUCKETS * 4;
}

/** Destinations with a path MTU of their own. */
export function pathMtusInUse(): u32 {
  return Slab.at(slabPtr).inUse;
}

/** What pathMtu() answered for some destination may not hold any more. */
export function pathMtuInvalidate(): void {
  pathMtuGeneration = pathMtuGeneration === 0xffffffff ? 1 : pathMtuGeneration + 1;
}

/** Bytes of the largest packet that fits the path to a destination: at most `linkMtu`, that of the link to it. */
export function pathMtu(high: u64, low: u64, linkMtu: u32): u32 {
  if (oldest === 0) return linkMtu;
  const index = find(high, low);
  return index === NONE ? linkMtu : min(Path.at(index).mtu, linkMtu);
}

/**
 * Whether packets to a destination that fit its path carry DF (RFC 1191 3): not while discovery is off, nor where a
 * path is narrower than SYSCTL_MIN_PMTU, so that routers must cut.
 */
export function pathForbidsFragments(high: u64, low: u64): bool {
  return isPathMtuDiscovered() && !isPathLocked(high, low);
}

/** Whether SYSCTL_IP_NO_PMTU_DISC leaves path MTU discovery on. */
export function isPathMtuDiscovered(): bool {
  const mode = load<u32>(SYSCTL_IP_NO_PMTU_DISC);
  return mode !== 1 && mode !== 2;
}

/** Whether a path is narrower than SYSCTL_MIN_PMTU, so that routers must cut what is sent on it. */
export function isPathLocked(high: u64, low: u64): bool {
  if (oldest === 0) return false;
  const index = find(high, low);
  return index !== NONE && Path.at(index).isLocked !== 0;
}

/**
 * Somebody on the path says that a packet was too big: remembered if it tells anything new.
 *
 *   RFC 1191 3: "A host MUST never reduce its estimate of the Path MTU below 68 octets. A host MUST not increase its estimate of the
 *   Path MTU in response to the contents of a Datagram Too Big message."
 *
 * An estimate below SYSCTL_MIN_PMTU is not believed either: the path counts as that wide, and DF is off (Linux).
 * @param linkMtu of the link to it
 * @param claimed next-hop MTU; 0 = an old router did not say, and the next plateau below the packet is tried (RFC 1191 5)
 * @param quotedBytes total length of the packet that was too big
 * @returns whether the estimate is lower now, or DF off
 */
export function pathMtuClaim(high: u64, low: u64, linkMtu: u32, claimed: u32, quotedBytes: u32, nowUs: u64): bool {
  const mode = load<u32>(SYSCTL_IP_NO_PMTU_DISC);
  if (mode === 2) return false;
  let index = find(high, low);
  const current = index === NONE ? linkMtu : min(Path.at(index).mtu, linkMtu);
  if (claimed === 0 && isStaleQuote(quotedBytes, current)) return false;
  const least = load<u32>(SYSCTL_MIN_PMTU);
  let mtu = claimed !== 0 ? claimed : plateauBelow(min(quotedBytes, current));
  const isLocked: u32 = mtu < least ? 1 : 0;
  if (isLocked !== 0 || mode === 1) mtu = min(current, least);
  if (mtu >= current && (isLocked === 0 || (index !== NONE && Path.at(index).isLocked !== 0))) return false;
  if (index === NONE) {
    index = make(high, low);
  } else {
    unlink(index);
    linkNewest(index);
  }
  const path = Path.at(index);
  path.mtu = mtu;
  path.isLocked = isLocked;
  path.expiresUs = nowUs + <u64>load<u32>(SYSCTL_MTU_EXPIRES) * 1000000;
  pathMtuInvalidate();
  return true;
}

/** When pathMtuExpire() has something to do, µs; NEVER_US if nothing is remembered. */
export function pathMtuDeadline(): u64 {
  return oldest === 0 ? NEVER_US : Path.at(oldest - 1).expiresUs;
}

/** Forgets what is too old to be true still (RFC 1191 6.3): who sends there tries the link's MTU again. */
export function pathMtuExpire(nowUs: u64): void {
  while (oldest !== 0 && Path.at(oldest - 1).expiresUs <= nowUs) forget(oldest - 1);
}

// Whether the packet is larger than the present estimate: it was sent before that was made, and tells nothing new. Except that routers
// with 4.2BSD's code add the header's length to the total length that they quote (RFC 1191 5)
function isStaleQuote(quotedBytes: u32, current: u32): bool {
  return quotedBytes > current && quotedBytes !== current + IPV4_HEADER;
}

// The largest plateau below `bytes`, 68 at least
function plateauBelow(bytes: u32): u32 {
  for (let i: u32 = 0; i < PLATEAU_COUNT; i++) {
    const plateau: u32 = load<u16>(PLATEAUS + ((<usize>i) << 1));
    if (plateau < bytes) return plateau;
  }
  return 68;
}

// The address to hash, in memory
const KEY: usize = memory.data(16, 16);

function bucketPtr(high: u64, low: u64): usize {
  store<u64>(KEY, high);
  store<u64>(KEY, low, 8);
  return bucketsPtr + <usize>(<u32>sipHash24(SECRET_TUPLES, KEY, 16) & (BUCKETS - 1)) * 4;
}

function find(high: u64, low: u64): u32 {
  let next = load<u32>(bucketPtr(high, low));
  while (next !== 0) {
    const path = Path.at(next - 1);
    if (path.addressLow === low && path.addressHigh === high) return next - 1;
    next = path.hashNext;
  }
  return NONE;
}

function make(high: u64, low: u64): u32 {
  if (Slab.at(slabPtr).inUse === CAPACITY) forget(oldest - 1);
  const index = Slab.at(slabPtr).alloc();
  const path = Path.at(index);
  path.addressHigh = high;
  path.addressLow = low;
  const bucket = bucketPtr(high, low);
  path.hashNext = load<u32>(bucket);
  store<u32>(bucket, index + 1);
  linkNewest(index);
  return index;
}

function forget(index: u32): void {
  const path = Path.at(index);
  let at = bucketPtr(path.addressHigh, path.addressLow);
  while (load<u32>(at) !== index + 1) at = changetype<usize>(Path.at(load<u32>(at) - 1)) + offsetof<Path>("hashNext");
  store<u32>(at, path.hashNext);
  unlink(index);
  Slab.at(slabPtr).free(index);
  pathMtuInvalidate();
}

function linkNewest(index: u32): void {
  const path = Path.at(index);
  path.older = newest;
  path.newer = 0;
  if (newest !== 0) Path.at(newest - 1).newer = index + 1;
  else oldest = index + 1;
  newest = index + 1;
}

function unlink(index: u32): void {
  const path = Path.at(index);
  if (path.older !== 0) Path.at(path.older - 1).newer = path.newer;
  else oldest = path.newer;
  if (path.newer !== 0) Path.at(path.newer - 1).older = path.older;
  else newest = path.older;
}
