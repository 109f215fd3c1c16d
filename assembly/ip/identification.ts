// The identification of datagrams that may be fragmented (RFC 6864 4.2, 4.3): a counter per source, destination and protocol, hashed
// together with a secret, that starts anywhere and moves in steps nobody can foretell (CVE-2019-10638). Atomic datagrams carry 0.
import { SECRET_TUPLES } from "../layout";
import { randomBelow } from "../storage/random";
import { sipHash24 } from "../storage/siphash";

const COUNTERS: u32 = 2048;
// 65536 / 8 datagrams at least before a number comes again: RFC 6864 4.2 asks for none within the maximum lifetime
const STEP: u32 = 8;

let countersPtr: usize = 0; // u16 each

/** Lays out the counters in zeroed memory at `tablesPtr`. @returns their end */
export function identificationInitialise(tablesPtr: usize): usize {
  countersPtr = (tablesPtr + 63) & ~63;
  return countersPtr + COUNTERS * 2;
}

const KEY: usize = memory.data(16, 16);

/** The identification of the next datagram. `src`, `dst`: host order */
export function nextIdentification(src: u32, dst: u32, protocol: u8): u16 {
  store<u32>(KEY, src);
  store<u32>(KEY, dst, 4);
  store<u32>(KEY, protocol, 8);
  const hash = sipHash24(SECRET_TUPLES, KEY, 12);
  const counter = countersPtr + <usize>(<u32>hash & (COUNTERS - 1)) * 2;
  const next = <u32>load<u16>(counter) + 1 + randomBelow(STEP);
  store<u16>(counter, <u16>next);
  return <u16>(next + <u32>(hash >> 32));
}
