// How many ICMP errors we send: one per SYSCTL_ICMP_RATELIMIT to one destination, and a budget for all together whose size is
// random, so that nobody can learn from it what we sent to others (RFC 1812 4.3.2.8; the side channel of CVE-2020-25705).
// Bounded: destinations share 256 slots by hash, and two that meet in a slot only make each other wait.
import { SECRET_TUPLES, SYSCTL_ICMP_MSGS_BURST, SYSCTL_ICMP_MSGS_PER_SEC, SYSCTL_ICMP_RATELIMIT } from "../layout";
import { randomBelow } from "../storage/random";
import { sipHash24 } from "../storage/siphash";

const SLOTS: u32 = 256;
// Linux takes 0 to 2 messages more than were sent off the budget
const JITTER: u32 = 3;

let nextUs: usize = 0; // per slot: u64, when the next error may leave
let budget: u64 = 0; // messages
let refilledUs: u64 = 0;

/** Lays out the slots in zeroed memory at `tablesPtr`. @returns their end */
export function rateLimitInitialise(tablesPtr: usize): usize {
  nextUs = (tablesPtr + 63) & ~63;
  budget = load<u32>(SYSCTL_ICMP_MSGS_BURST);
  refilledUs = 0;
  return nextUs + SLOTS * 8;
}

// The address to hash, in memory
const KEY: usize = memory.data(16, 16);

/**
 * Whether an ICMP error may be sent now; if so it is accounted for.
 * @param high, low the destination, 16 bytes
 */
export function mayIcmpErrorLeave(high: u64, low: u64, nowUs: u64): bool {
  refill(nowUs);
  if (budget === 0) return false;
  store<u64>(KEY, high);
  store<u64>(KEY, low, 8);
  const slot = nextUs + <usize>(<u32>sipHash24(SECRET_TUPLES, KEY, 16) & (SLOTS - 1)) * 8;
  if (nowUs < load<u64>(slot)) return false;
  store<u64>(slot, nowUs + <u64>load<u32>(SYSCTL_ICMP_RATELIMIT) * 1000);
  // A random part of the budget is used up by each message
  budget -= min<u64>(budget, 1 + <u64>randomBelow(JITTER));
  return true;
}

function refill(nowUs: u64): void {
  // Longer ago is as long ago: the product stays far below 2^64
  const elapsedUs = min<u64>(nowUs - refilledUs, 1000000000);
  const gained = (elapsedUs * <u64>load<u32>(SYSCTL_ICMP_MSGS_PER_SEC)) / 1000000;
  if (gained === 0) return;
  refilledUs = nowUs;
  budget = min<u64>(budget + gained, load<u32>(SYSCTL_ICMP_MSGS_BURST));
}
