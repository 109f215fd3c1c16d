// Plain functions over the wire views for the unit tests and micro-benchmarks; not part of the production module.
// A `...Read` function writes what the accessors say as u32 words to `out`, in the order of its lines.
import { ArpPacket } from "./arp";
import { checksum, finish, fold, isChecksumValid, pseudoHeaderSumIpv4, sumBytes, sumPieceAt } from "./checksum";
import {
  ETHERNET_HEADER,
  ETHERTYPE_IPV4,
  EthernetHeader,
  isBroadcastMac,
  isMulticastMac,
  macCopy,
  macEquals,
} from "./ethernet";
import { echoRest, Icmpv4Header, isIcmpv4Error } from "./icmpv4";
import {
  IPV4_DF,
  IPV4_HEADER,
  Ipv4Header,
  ipv4OptionsAcceptable,
  isLimitedBroadcast,
  isLoopback,
  isMulticast,
  isThisNetwork,
  isUnspecified,
  PROTOCOL_TCP,
} from "./ipv4";
import { ACK, TCP_HEADER, TcpHeader } from "./tcp";
import {
  emitSack,
  emitSynOptions,
  emitTimestamps,
  parseTcpOptions,
  sackBlocksMax,
  sackOptionBytes,
  TCP_OPTIONS_BYTES,
  TcpOptions,
} from "./tcp-options";

// ------------------------------------------------------------------------------------------------------------- checksum
export function wireSumBytes(ptr: usize, length: u32, initial: u64): u64 {
  return sumBytes(ptr, length, initial);
}
export function wireSumPieceAt(ptr: usize, length: u32, offset: u32, initial: u64): u64 {
  return sumPieceAt(ptr, length, offset, initial);
}
export function wireFold(sum: u64): u32 {
  return fold(sum);
}
export function wireFinish(sum: u64): u32 {
  return finish(sum);
}
export function wireChecksum(ptr: usize, length: u32): u32 {
  return checksum(ptr, length);
}
export function wireIsChecksumValid(ptr: usize, length: u32): bool {
  return isChecksumValid(ptr, length);
}
export function wirePseudoHeaderSumIpv4(src: u32, dst: u32, protocol: u32, length: u32): u64 {
  return pseudoHeaderSumIpv4(src, dst, protocol, length);
}

// ------------------------------------------------------------------------------------------------------------- Ethernet
export function wireEthernetIsValid(ptr: usize, length: u32): bool {
  return EthernetHeader.isValid(ptr, length);
}
export function wireEthernetEmit(ptr: usize, destinationPtr: usize, sourcePtr: usize, etherType: u16): void {
  EthernetHeader.at(ptr).emit(destinationPtr, sourcePtr, etherType);
}
export function wireEthernetRead(ptr: usize, out: usize): void {
  const header = EthernetHeader.at(ptr);
  store<u32>(out, header.etherType);
  macCopy(out + 4, header.destinationPtr);
  macCopy(out + 10, header.sourcePtr);
}
export function wireMacEquals(aPtr: usize, bPtr: usize): bool {
  return macEquals(aPtr, bPtr);
}
export function wireIsBroadcastMac(macPtr: usize): bool {
  return isBroadcastMac(macPtr);
}
export function wireIsMulticastMac(macPtr: usize): bool {
  return isMulticastMac(macPtr);
}

// ------------------------------------------------------------------------------------------------------------------ ARP
export function wireArpIsValid(ptr: usize, length: u32): bool {
  return ArpPacket.isValid(ptr, length);
}
export function wireArpEmit(ptr: usize, op: u16, sMacPtr: usize, sAddress: u32, tMacPtr: usize, tAddress: u32): void {
  ArpPacket.at(ptr).emit(op, sMacPtr, sAddress, tMacPtr, tAddress);
}
export function wireArpRead(ptr: usize, out: usize): void {
  const packet = ArpPacket.at(ptr);
  store<u32>(out, packet.operation);
  store<u32>(out, packet.senderAddress, 4);
  store<u32>(out, packet.targetAddress, 8);
  macCopy(out + 12, packet.senderMacPtr);
  macCopy(out + 18, packet.targetMacPtr);
}

// ----------------------------------------------------------------------------------------------------------------- IPv4
export function wireIpv4IsValid(ptr: usize, length: u32): bool {
  return Ipv4Header.isValid(ptr, length);
}
export function wireIpv4IsValidQuote(ptr: usize, length: u32): bool {
  return Ipv4Header.isValidQuote(ptr, length);
}
export function wireIpv4IsChecksumValid(ptr: usize): bool {
  return Ipv4Header.at(ptr).isChecksumValid;
}
export function wireIpv4Emit(
  ptr: usize,
  totalLength: u32,
  typeOfService: u8,
  identification: u16,
  flagsAndOffset: u16,
  ttl: u8,
  protocol: u8,
  src: u32,
  dst: u32,
): void {
  Ipv4Header.at(ptr).emit(totalLength, typeOfService, identification, flagsAndOffset, ttl, protocol, src, dst);
}
export function wireIpv4Read(ptr: usize, out: usize): void {
  const header = Ipv4Header.at(ptr);
  store<u32>(out, header.headerLength);
  store<u32>(out, header.typeOfService, 4);
  store<u32>(out, header.totalLength, 8);
  store<u32>(out, header.identification, 12);
  store<u32>(out, header.flagsAndOffset, 16);
  store<u32>(out, <u32>header.df, 20);
  store<u32>(out, <u32>header.mf, 24);
  store<u32>(out, header.fragmentOffset, 28);
  store<u32>(out, <u32>header.isFragment, 32);
  store<u32>(out, header.ttl, 36);
  store<u32>(out, header.protocol, 40);
  store<u32>(out, header.checksum, 44);
  store<u32>(out, header.src, 48);
  store<u32>(out, header.dst, 52);
  store<u32>(out, <u32>(header.payloadPtr - ptr), 56);
  store<u32>(out, header.payloadLength, 60);
}
export function wireIpv4OptionsAcceptable(ptr: usize): bool {
  return ipv4OptionsAcceptable(ptr);
}
/** One bit per predicate: multicast, loopback, limited broadcast, unspecified, this network. */
export function wireIpv4AddressClass(address: u32): u32 {
  return (
    <u32>isMulticast(address) |
    ((<u32>isLoopback(address)) << 1) |
    ((<u32>isLimitedBroadcast(address)) << 2) |
    ((<u32>isUnspecified(address)) << 3) |
    ((<u32>isThisNetwork(address)) << 4)
  );
}

// --------------------------------------------------------------------------------------------------------------- ICMPv4
export function wireIcmpv4IsValid(ptr: usize, length: u32): bool {
  return Icmpv4Header.isValid(ptr, length);
}
export function wireIcmpv4IsChecksumValid(ptr: usize, length: u32): bool {
  return Icmpv4Header.at(ptr).isChecksumValid(length);
}
export function wireIcmpv4Emit(ptr: usize, type: u8, code: u8, rest: u32, length: u32): void {
  Icmpv4Header.at(ptr).emit(type, code, rest, length);
}
export function wireIcmpv4EmitEcho(ptr: usize, type: u8, identifier: u16, sequence: u16, length: u32): void {
  Icmpv4Header.at(ptr).emit(type, 0, echoRest(identifier, sequence), length);
}
export function wireIcmpv4Read(ptr: usize, out: usize): void {
  const header = Icmpv4Header.at(ptr);
  store<u32>(out, header.type);
  store<u32>(out, header.code, 4);
  store<u32>(out, header.checksum, 8);
  store<u32>(out, header.rest, 12);
  store<u32>(out, header.identifier, 16);
  store<u32>(out, header.sequence, 20);
  store<u32>(out, header.nextHopMtu, 24);
  store<u32>(out, <u32>(header.bodyPtr - ptr), 28);
}
export function wireIsIcmpv4Error(type: u8): bool {
  return isIcmpv4Error(type);
}

// ------------------------------------------------------------------------------------------------------------------ TCP
export function wireTcpIsValid(ptr: usize, length: u32): bool {
  return TcpHeader.isValid(ptr, length);
}
export function wireTcpEmit(
  ptr: usize,
  srcPort: u16,
  dstPort: u16,
  seq: u32,
  ack: u32,
  dataOffset: u32,
  flags: u32,
  window: u32,
): void {
  TcpHeader.at(ptr).emit(srcPort, dstPort, seq, ack, dataOffset, flags, window);
}
/** Writes the fields that have a setter. */
export function wireTcpPatch(ptr: usize, seq: u32, ack: u32, flags: u32, wnd: u32, sum: u16, up: u32): void {
  const header = TcpHeader.at(ptr);
  header.seq = seq;
  header.ack = ack;
  header.flags = flags;
  header.window = wnd;
  header.checksum = sum;
  header.urgentPointer = up;
}
export function wireTcpRead(ptr: usize, out: usize): void {
  const header = TcpHeader.at(ptr);
  store<u32>(out, header.srcPort);
  store<u32>(out, header.dstPort, 4);
  store<u32>(out, header.seq, 8);
  store<u32>(out, header.ack, 12);
  store<u32>(out, header.dataOffset, 16);
  store<u32>(out, header.flags, 20);
  store<u32>(out, header.window, 24);
  store<u32>(out, header.checksum, 28);
  store<u32>(out, header.urgentPointer, 32);
  store<u32>(out, <u32>(header.optionsPtr - ptr), 36);
}

// ---------------------------------------------------------------------------------------------------------- TCP options
export function wireTcpOptionsBytes(): u32 {
  return <u32>TCP_OPTIONS_BYTES;
}
export function wireParseTcpOptions(ptr: usize, length: u32, isSyn: bool, intoPtr: usize): void {
  parseTcpOptions(ptr, length, isSyn, TcpOptions.at(intoPtr));
}
export function wireTcpOptionsRead(optionsPtr: usize, out: usize): void {
  const options = TcpOptions.at(optionsPtr);
  store<u32>(out, options.present);
  store<u32>(out, options.mss, 4);
  store<u32>(out, options.windowScale, 8);
  store<u32>(out, options.tsVal, 12);
  store<u32>(out, options.tsEcr, 16);
  store<u32>(out, options.sackCount, 20);
  store<u32>(out, options.optionErrors, 24);
  for (let i: u32 = 0; i < options.sackCount; i++) {
    store<u32>(out + i * 8, options.sackLeft(i), 28);
    store<u32>(out + i * 8, options.sackRight(i), 32);
  }
}
export function wireEmitSynOptions(
  ptr: usize,
  mss: u32,
  hasSackPermitted: bool,
  hasTimestamps: bool,
  tsVal: u32,
  tsEcr: u32,
  windowScale: i32,
): u32 {
  return emitSynOptions(ptr, mss, hasSackPermitted, hasTimestamps, tsVal, tsEcr, windowScale);
}
export function wireEmitTimestamps(ptr: usize, tsVal: u32, tsEcr: u32): u32 {
  return emitTimestamps(ptr, tsVal, tsEcr);
}
export function wireEmitSack(ptr: usize, blocksPtr: usize, count: u32): u32 {
  return emitSack(ptr, blocksPtr, count);
}
export function wireSackOptionBytes(count: u32): u32 {
  return sackOptionBytes(count);
}
export function wireSackBlocksMax(hasTimestamps: bool): u32 {
  return sackBlocksMax(hasTimestamps);
}

// ------------------------------------------------------------- benchmark loops, in here to leave out the cost of the call
/** `iterations` checksums of one piece. The result keeps the work alive. */
export function benchChecksum(ptr: usize, length: u32, iterations: u32): u32 {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < iterations; i++) sum = sumBytes(ptr, length, sum);
  return fold(sum);
}

/**
 * `iterations` times what ingress does with a TCP frame before the socket: all checks but the payload's checksum, every
 * header field, the options.
 * @param ptr -> an Ethernet frame of `length` bytes; `optionsPtr` -> room for a TcpOptions record
 * @returns how many were accepted, plus a mix of the fields in the upper bits
 */
export function benchParseFrame(ptr: usize, length: u32, optionsPtr: usize, iterations: u32): u32 {
  let mix: u32 = 0;
  for (let i: u32 = 0; i < iterations; i++) mix += parseFrame(ptr, length, optionsPtr) ^ i;
  return mix;
}

function parseFrame(ptr: usize, length: u32, optionsPtr: usize): u32 {
  if (!EthernetHeader.isValid(ptr, length)) return 0;
  if (EthernetHeader.at(ptr).etherType !== ETHERTYPE_IPV4) return 0;
  const ip = Ipv4Header.at(ptr + ETHERNET_HEADER);
  if (!Ipv4Header.isValid(ptr + ETHERNET_HEADER, length - ETHERNET_HEADER)) return 0;
  if (!ip.isChecksumValid || ip.isFragment || ip.protocol !== PROTOCOL_TCP) return 0;
  if (ip.headerLength > IPV4_HEADER && !ipv4OptionsAcceptable(ptr + ETHERNET_HEADER)) return 0;
  const tcp = TcpHeader.at(ip.payloadPtr);
  if (!TcpHeader.isValid(ip.payloadPtr, ip.payloadLength)) return 0;
  const options = TcpOptions.at(optionsPtr);
  parseTcpOptions(tcp.optionsPtr, tcp.dataOffset - TCP_HEADER, false, options);
  const fields = ip.src ^ ip.dst ^ tcp.seq ^ tcp.ack ^ tcp.window ^ tcp.flags ^ <u32>tcp.srcPort ^ <u32>tcp.dstPort;
  return fields ^ options.tsVal ^ options.tsEcr;
}

/** `iterations` times the headers of a data segment with timestamps: Ethernet, IPv4, TCP with a partial checksum. */
export function benchBuildFrame(ptr: usize, macsPtr: usize, payloadLength: u32, iterations: u32): u32 {
  for (let i: u32 = 0; i < iterations; i++) buildFrame(ptr, macsPtr, payloadLength, i);
  return load<u32>(ptr, ETHERNET_HEADER + IPV4_HEADER + 16);
}

function buildFrame(ptr: usize, macsPtr: usize, payloadLength: u32, i: u32): void {
  EthernetHeader.at(ptr).emit(macsPtr, macsPtr + 6, ETHERTYPE_IPV4);
  const ipPtr = ptr + ETHERNET_HEADER;
  const tcpPtr = ipPtr + IPV4_HEADER;
  const optionsLength = emitTimestamps(tcpPtr + TCP_HEADER, i, i + 1);
  const tcpLength = TCP_HEADER + optionsLength + payloadLength;
  Ipv4Header.at(ipPtr).emit(IPV4_HEADER + tcpLength, 0, <u16>i, IPV4_DF, 64, PROTOCOL_TCP, 0x0a000001, 0x0a000002);
  const tcp = TcpHeader.at(tcpPtr);
  tcp.emit(40000, 80, i * payloadLength, 1, TCP_HEADER + optionsLength, ACK, 65535);
  tcp.checksum = fold(pseudoHeaderSumIpv4(0x0a000001, 0x0a000002, PROTOCOL_TCP, tcpLength));
}
