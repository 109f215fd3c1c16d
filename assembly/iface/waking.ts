// What happens to those who wait for a next hop when it has answered, or has not: queued frames leave or are dropped, connections
// try again or learn that the host cannot be reached.

import { count } from "../count";
import { COUNTER_ARP_QUEUE_DROPPED } from "../counters";
import { heapFree } from "../heap";
import { EHOSTUNREACH, ENETDOWN, STATE_SYN_SENT } from "../layout";
import { NONE } from "../storage/none";
import { isTcbInUse, wantOutput } from "../tcp/connections";
import { Tcb } from "../tcp/tcb";
import { hardError, softError } from "../tcp/user-calls";
import { ETHERNET_HEADER, EthernetHeader, macCopy } from "../wire/ethernet";
import { ICMPV4_ECHO, Icmpv4Header } from "../wire/icmpv4";
import { Ipv4Header, PROTOCOL_ICMP } from "../wire/ipv4";
import { wakeAll } from "./egress";
import { sendFrame } from "./frame-out";
import { Neighbor } from "./neighbor";
import { neighborDequeue, QUEUE_HEADROOM, queuedFrameLength } from "./neighbor-queue";
import { pingFailed } from "./ping";
import { waitTakeFirst } from "./wait-lists";

/** The MAC address of a neighbour is known now. */
export function wakeResolved(index: u32): void {
  const neighbor = Neighbor.at(index);
  for (let block = neighborDequeue(neighbor); block !== 0; block = neighborDequeue(neighbor)) {
    const frame = block + QUEUE_HEADROOM;
    macCopy(EthernetHeader.at(frame).destinationPtr, neighbor.macPtr);
    sendFrame(neighbor.interfaceIndex, frame, queuedFrameLength(block), block);
  }
  wakeAll(index);
}

/**
 * A neighbour does not answer.
 *
 *   RFC 1122 2.3.2.2 and 3.3.1.4 leave it to the host what it tells its users: a connection being opened fails with EHOSTUNREACH,
 *   one that is open learns it as a soft error and goes on trying until its own time-out.
 */
export function wakeFailed(index: u32, nowUs: u64): void {
  dropQueued(index, EHOSTUNREACH);
  for (let waiter = waitTakeFirst(index); waiter !== NONE; waiter = waitTakeFirst(index)) {
    if (!isTcbInUse(waiter)) continue;
    const tcb = Tcb.at(waiter);
    if (tcb.state === STATE_SYN_SENT) {
      hardError(tcb, EHOSTUNREACH, nowUs);
      continue;
    }
    softError(tcb, EHOSTUNREACH);
    wantOutput(tcb); // what it has to send is lost on the way, and its own timers take over
  }
}

/** The link to a neighbour went down: who waits for it finds that out, and waits no more. */
export function wakeGivenUp(index: u32): void {
  dropQueued(index, ENETDOWN);
  wakeAll(index);
}

function dropQueued(index: u32, errno: u32): void {
  const neighbor = Neighbor.at(index);
  for (let block = neighborDequeue(neighbor); block !== 0; block = neighborDequeue(neighbor)) {
    count(COUNTER_ARP_QUEUE_DROPPED);
    failPing(block + QUEUE_HEADROOM, errno);
    heapFree(block);
  }
}

/** If a frame is an echo request of ours, who waits for the reply is told. */
function failPing(frame: usize, errno: u32): void {
  const ip = Ipv4Header.at(frame + ETHERNET_HEADER);
  if (ip.protocol !== PROTOCOL_ICMP || Icmpv4Header.at(ip.payloadPtr).type !== ICMPV4_ECHO) return;
  pingFailed(ip.dst, Icmpv4Header.at(ip.payloadPtr).rest, errno, 0);
}
