// Sizes that the formats of IP and TCP fix, and what of a packet a connection's segments have for payload (RFC 9293 3.1, 3.7.1). The one
// place that knows them in tcp/; which segment size is in use is send-window.ts's.
import { IPV4_HEADER } from "../wire/ipv4";
import { TCP_HEADER, TCP_HEADER_MAX } from "../wire/tcp";
import { TIMESTAMPS_OPTION_BYTES } from "../wire/tcp-options";
import { Tcb } from "./tcb";
import { hasTimestamps } from "./timestamps";

/** Bytes of IP and TCP header without options. */
export const FIXED_HEADERS: u32 = IPV4_HEADER + TCP_HEADER;
export const FIXED_HEADERS_V6: u32 = 40 + TCP_HEADER;
/** Most bytes of TCP options. */
export const OPTIONS_MAX: u32 = TCP_HEADER_MAX - TCP_HEADER;
/** The send MSS of a peer that sent no MSS option (RFC 9293 MUST-15): what everybody can take. */
export const MSS_DEFAULT: u32 = 536;
export const MSS_DEFAULT_V6: u32 = 1220;

/** Bytes of the options that every segment with payload carries; SACK blocks come and go. */
export function constantOptions(tcb: Tcb): u32 {
  return hasTimestamps(tcb) ? TIMESTAMPS_OPTION_BYTES : 0;
}

/** Bytes of a packet that are not payload, SACK blocks not counted. */
export function headerBytes(tcb: Tcb): u32 {
  return FIXED_HEADERS + constantOptions(tcb);
}

/** Where in the stream SND.NXT stands: sequence number = ISS + 1 + offset. The FIN counts as a byte. */
export function sentOffset(tcb: Tcb): u32 {
  return tcb.sndNxt - tcb.iss - 1;
}
