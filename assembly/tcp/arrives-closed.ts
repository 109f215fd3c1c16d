// A segment that no TCB owns. RFC 9293 3.10.7.1.
import { countMany } from "../count";
import { COUNTER_TCP_IN_NO_SOCKET } from "../counters";
import { RST } from "../wire/tcp";
import { DISPOSITION_DONE, DISPOSITION_SEND_RST } from "./disposition";
import { Segment } from "./segment";

/**
 *   RFC 9293 3.10.7.1: "An incoming segment containing a RST is discarded. An incoming segment not containing a RST causes a RST
 *   to be sent in response."
 */
export function arrivesClosed(seg: Segment): u32 {
  countMany(COUNTER_TCP_IN_NO_SOCKET, seg.segments);
  return (seg.flags & RST) !== 0 ? DISPOSITION_DONE : DISPOSITION_SEND_RST;
}
