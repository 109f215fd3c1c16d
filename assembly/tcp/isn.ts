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
