// ICMP echo messages (RFC 792; RFC 1122 3.2.2.6): the reply to a request, and a request of ours. Bytes only: whether to answer and
// how the message travels is decided in iface/.
import { echoRest, ICMPV4_ECHO, ICMPV4_ECHO_REPLY, ICMPV4_HEADER, Icmpv4Header } from "../wire/icmpv4";

/**
 * Writes the reply to a request.
 *
 *   RFC 1122 3.2.2.6: "Data received in an ICMP Echo Request MUST be entirely included in the resulting Echo Reply."
 * @param requestPtr `length` bytes, valid
 * @param replyPtr room for `length` bytes, not overlapping
 */
export function writeEchoReply(requestPtr: usize, length: u32, replyPtr: usize): void {
  memory.copy(replyPtr + ICMPV4_HEADER, requestPtr + ICMPV4_HEADER, length - ICMPV4_HEADER);
  Icmpv4Header.at(replyPtr).emit(ICMPV4_ECHO_REPLY, 0, Icmpv4Header.at(requestPtr).rest, length);
}

/**
 * Writes a request whose data is the byte sequence 0, 1, ... 255, 0, ...
 * @param ptr room for ICMPV4_HEADER + payloadBytes
 */
export function writeEchoRequest(ptr: usize, identifier: u16, sequence: u16, payloadBytes: u32): void {
  for (let i: u32 = 0; i < payloadBytes; i++) store<u8>(ptr + ICMPV4_HEADER + i, <u8>i);
  Icmpv4Header.at(ptr).emit(ICMPV4_ECHO, 0, echoRest(identifier, sequence), ICMPV4_HEADER + payloadBytes);
}
