// What a client of TCP Fast Open remembers of servers (RFC 7413 4.1.3): cookie and MSS by address, least recently used out first, and how
// often a SYN with data was lost on the way there, so that a path that eats them is left alone for a while (4.1.3.1, "negative caching").
// Knows no connections.
import { SYSCTL_TCP_FASTOPEN_SERVERS, SYSCTL_TCP_MIN_SND_MSS } from "../layout";
import { NONE } from "../storage/none";

/** Most that tcp_fastopen_servers may say. */
const ENTRIES: u32 = 256;
// Which kind of the option a server without a cookie has been asked with
const TRY_EXPERIMENTAL: u8 = 1; // the assigned one, in vain: the experimental one is next
const TRY_ENDED: u8 = 2; // both, in vain
/** One lost SYN with data may be chance. */
const LOSSES_TOLERATED: u32 = 1;
const LOSSES_MAX: u8 = 10;
/** How long a path is left alone after its second loss; doubles with each further one. Linux's number. */
const PAUSE_US: u64 = 60000000;

/** Longest cookie (RFC 7413 4.1.1). */
export const COOKIE_MAX: u32 = 16;

@unmanaged
@final
export class FastOpenEntry {
  addressHigh: u64;
  addressLow: u64;
  cookie0: u64;
  cookie1: u64;
  usedUs: u64; // 0 = the entry is free
  lostUs: u64;
  mss: u16;
  cookieBytes: u8; // 0 = no cookie is known
  losses: u8; // SYNs with data that were lost in a row
  isExperimental: u8; // 1: the cookie came in the option's experimental kind
  tried: u8; // TRY_

  get cookiePtr(): usize {
    return changetype<usize>(this) + offsetof<FastOpenEntry>("cookie0");
  }
}

const ENTRY_BYTES: usize = 64;
if (<usize>offsetof<FastOpenEntry>() > ENTRY_BYTES) ERROR("a FastOpenEntry does not fit");

let entriesPtr: usize = 0;
/** tcp_fastopen_servers as it was when the entries were made. */
let limit: u32 = 0;

/** Lays out the cache in zeroed memory from `ptr` on. @returns the end */
export function fastOpenCacheInitialise(ptr: usize): usize {
  entriesPtr = ptr;
  limit = 0;
  return ptr + <usize>ENTRIES * ENTRY_BYTES;
}

function at(index: u32): FastOpenEntry {
  return changetype<FastOpenEntry>(entriesPtr + <usize>index * ENTRY_BYTES);
}

// How many entries there are now. Another number than before forgets them all
function entries(): u32 {
  const wanted = min<u32>(load<u32>(SYSCTL_TCP_FASTOPEN_SERVERS), ENTRIES);
  if (wanted !== limit) memory.fill(entriesPtr, 0, <usize>ENTRIES * ENTRY_BYTES);
  limit = wanted;
  return wanted;
}

/** What is known of a server, or null. */
export function fastOpenFind(high: u64, low: u64): FastOpenEntry | null {
  const most = entries();
  for (let i: u32 = 0; i < most; i++) {
    const entry = at(i);
    if (entry.addressLow === low && entry.addressHigh === high && entry.usedUs !== 0) return entry;
  }
  return null;
}

/** The entry of a server; a new one takes the place of the least recently used. Null if nothing is to be remembered. */
export function fastOpenTake(high: u64, low: u64, nowUs: u64): FastOpenEntry | null {
  const known = fastOpenFind(high, low);
  if (known !== null) {
    known.usedUs = max<u64>(nowUs, 1);
    return known;
  }
  let victim: u32 = NONE;
  for (let i: u32 = 0; i < limit; i++) if (victim === NONE || at(i).usedUs < at(victim).usedUs) victim = i;
  if (victim === NONE) return null;
  const entry = at(victim);
  memory.fill(changetype<usize>(entry), 0, ENTRY_BYTES);
  entry.addressHigh = high;
  entry.addressLow = low;
  entry.usedUs = max<u64>(nowUs, 1);
  entry.mss = <u16>min<u32>(load<u32>(SYSCTL_TCP_MIN_SND_MSS), 0xffff);
  return entry;
}

/** Whether the next option for a server has the experimental kind: its cookie came so, or it is time to try that. */
export function fastOpenIsExperimental(entry: FastOpenEntry): bool {
  return entry.cookieBytes !== 0 ? entry.isExperimental !== 0 : entry.tried === TRY_EXPERIMENTAL;
}

/** A server that has never given a cookie gave none. `wasExperimental`: it was asked with the experimental kind */
export function fastOpenTryOther(entry: FastOpenEntry, wasExperimental: bool): void {
  if (entry.cookieBytes === 0) entry.tried = max(entry.tried, wasExperimental ? TRY_ENDED : TRY_EXPERIMENTAL);
}

/** Whether SYNs with data get lost on the way to a server, so that none should be sent now. */
export function isPathPaused(entry: FastOpenEntry, nowUs: u64): bool {
  return <u32>entry.losses > LOSSES_TOLERATED && nowUs < entry.lostUs + (PAUSE_US << (<u64>entry.losses));
}

/** A SYN with data, or with a request, was lost (or not). */
export function notePath(entry: FastOpenEntry, isLost: bool, nowUs: u64): void {
  if (!isLost) {
    entry.losses = 0;
    return;
  }
  if (entry.losses < LOSSES_MAX) entry.losses += 1;
  entry.lostUs = nowUs;
}
