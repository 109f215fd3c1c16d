// Whether a whole IPv4 packet is for this shard: all shards get the fragments of all packets (workers/ports/shard-port.ts), so each
// leaves what it has put together and does not want to the others. Chooses as native/fanout.cc does for packets that came whole.
import { isFirstShard, isOfThisShard } from "../tcp/shard";
import {
  ICMPV4_HEADER,
  ICMPV4_PARAMETER_PROBLEM,
  ICMPV4_TIME_EXCEEDED,
  ICMPV4_UNREACHABLE,
  Icmpv4Header,
} from "../wire/icmpv4";
import { Ipv4Header, PROTOCOL_ICMP, PROTOCOL_TCP } from "../wire/ipv4";
import { TCP_HEADER, TcpHeader } from "../wire/tcp";
import { mappedLow } from "./address";

/** @param ptr an IPv4 packet with a valid header, not a fragment */
export function isPacketOfThisShard(ptr: usize): bool {
  const ip = Ipv4Header.at(ptr);
  if (ip.protocol === PROTOCOL_TCP && ip.payloadLength >= TCP_HEADER) {
    const tcp = TcpHeader.at(ip.payloadPtr);
    return isOfThisShard(mappedLow(ip.src), tcp.srcPort, tcp.dstPort);
  }
  if (ip.protocol === PROTOCOL_ICMP && Icmpv4Header.isValid(ip.payloadPtr, ip.payloadLength)) {
    const message = Icmpv4Header.at(ip.payloadPtr);
    if (quotesPacket(message.type) && Ipv4Header.isValidQuote(message.bodyPtr, ip.payloadLength - ICMPV4_HEADER)) {
      const quoted = Ipv4Header.at(message.bodyPtr);
      if (quoted.protocol === PROTOCOL_TCP && quoted.fragmentOffset === 0) {
        const tcp = TcpHeader.at(quoted.payloadPtr);
        return isOfThisShard(mappedLow(quoted.dst), tcp.dstPort, tcp.srcPort);
      }
    }
  }
  return isFirstShard();
}

function quotesPacket(type: u8): bool {
  return type === ICMPV4_UNREACHABLE || type === ICMPV4_TIME_EXCEEDED || type === ICMPV4_PARAMETER_PROBLEM;
}
