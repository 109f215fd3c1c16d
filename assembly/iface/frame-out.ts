// Hands finished frames that are not TCP data to the link: ARP, ICMP, resets. They are small, nobody waits for them and no
// copy is kept; if the TX ring has no slot they are dropped and counted, as a busy network would.

import { count } from "../count";
import { COUNTER_FRAME_TX_DROPPED } from "../counters";
import { heapFree } from "../heap";
import { TX_HEADER_BYTES } from "../layout";
import { Interface } from "./interfaces";
import { txNext, txPush, txRoom } from "./tx-ring";

/**
 * Queues a whole frame.
 * @param framePtr from the Ethernet header on
 * @param length bytes; at most TX_HEADER_BYTES if `block` is 0
 * @param block heap block in which the frame lies, to be freed once it is sent, and now if it cannot be; 0 = copy the frame
 * @returns false if it was dropped
 */
export function sendFrame(interfaceIndex: u32, framePtr: usize, length: u32, block: usize): bool {
  if (
    !Interface.at(interfaceIndex).isLinkUp ||
    txRoom(interfaceIndex) === 0 ||
    (block === 0 && length > <u32>TX_HEADER_BYTES)
  ) {
    if (block !== 0) heapFree(block);
    count(COUNTER_FRAME_TX_DROPPED);
    return false;
  }
  const descriptor = txNext(interfaceIndex);
  descriptor.headerLength = length;
  if (block !== 0) {
    descriptor.headerPtr = <u32>framePtr;
    descriptor.block = <u32>block;
  } else {
    memory.copy(descriptor.headerPtr, framePtr, length);
  }
  txPush(interfaceIndex);
  return true;
}
