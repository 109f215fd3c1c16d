// Initial sequence numbers: a 4 µs clock plus a keyed hash of the connection's ends. RFC 6528 3, RFC 9293 3.4.1 (MUST-8, MUST-9,
// SHLD-1). Predictable only to who knows SECRET_ISN; for one four-tuple they only grow.
import { SECRET_ISN, TCB_LOCAL_ADDRESS } from "../layout";
import { sipHash24 } from "../storage/siphash";
import { TUPLE_KEY_BYTES } from "../storage/tuple-table";
import { Tcb } from "./tcb";

const CLOCK_TICK_US: u64 = 4;

/**
 * ISN = M + F(local address, local port, remote address, remote port, secret).
 * @param tcb its addresses and ports are set
 */
export function initialSequenceNumber(tcb: Tcb, nowUs: u64): u32 {
  return <u32>(nowUs / CLOCK_TICK_US) + <u32>sipHash24(SECRET_ISN, tcb.ptr + TCB_LOCAL_ADDRESS, TUPLE_KEY_BYTES);
}

/**
 * A new incarnation of a connection starts at least this far beyond the last sequence number of the one before, whatever of it is still
 * on its way: more than a window without scaling.
 */
export const ISS_DISTANCE: u32 = 65537;

/**
 * As initialSequenceNumber, but not before `beyond`, because an earlier incarnation of the connection used what is before it.
 * @param beyond 0 = there was none
 */
export function initialSequenceNumberBeyond(tcb: Tcb, beyond: u32, nowUs: u64): u32 {
  const iss = initialSequenceNumber(tcb, nowUs);
  return beyond !== 0 && <i32>(iss - beyond) <= 0 ? beyond + 1 : iss;
}
