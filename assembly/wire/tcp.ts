// TCP header (RFC 9293 3.1). Options are in tcp-options.ts.
// Must not know connections, sequence arithmetic or what a flag means: it finds the fields and writes them.
//
//       0               1               2               3
//      ┌───────────────────────────────┬───────────────────────────────┐
//   0  │          source port          │       destination port        │
//      ├───────────────────────────────┴───────────────────────────────┤
//   4  │                        sequence number                        │
//      ├───────────────────────────────────────────────────────────────┤
//   8  │                     acknowledgment number                     │
//      ├───────┬───────┬───────────────┬───────────────────────────────┤
//  12  │offset │ rsrvd │C E U A P R S F│            window             │
//      ├───────┴───────┴───────────────┼───────────────────────────────┤
//  16  │           checksum            │        urgent pointer         │
//      ├───────────────────────────────┴───────────────────────────────┤
//  20  │                  options, offset * 4 - 20 bytes               │
//      └───────────────────────────────────────────────────────────────┘

/** Where the acknowledgment number lies, 4 bytes: for who compares headers as they stand. */
export const TCP_ACKNOWLEDGMENT_AT: usize = 8;
/** Where the data offset and the reserved bits lie, 1 byte. */
export const TCP_DATA_OFFSET_AT: usize = 12;
/** Where the window lies, 2 bytes. */
export const TCP_WINDOW_AT: usize = 14;

const SOURCE_PORT: usize = 0;
const DESTINATION_PORT: usize = 2;
const SEQUENCE: usize = 4;
const ACKNOWLEDGMENT: usize = TCP_ACKNOWLEDGMENT_AT;
const DATA_OFFSET: usize = TCP_DATA_OFFSET_AT;
const FLAGS: usize = 13;
const WINDOW: usize = TCP_WINDOW_AT;
const CHECKSUM: usize = 16;
const URGENT_POINTER: usize = 18;

/** Bytes of the header without options. */
export const TCP_HEADER: u32 = 20;
/** Bytes of the longest header. */
export const TCP_HEADER_MAX: u32 = 60;
/** Where the checksum field lies in the header: what a link that completes partial checksums is told. */
export const TCP_CHECKSUM_OFFSET: u32 = 16;

// Control bits, a mask over `flags`.
export const FIN: u32 = 1;
export const SYN: u32 = 2;
export const RST: u32 = 4;
export const PSH: u32 = 8;
export const ACK: u32 = 16;
export const URG: u32 = 32;
export const ECE: u32 = 64; // RFC 3168
export const CWR: u32 = 128; // RFC 3168

@unmanaged
@final
export class TcpHeader {
  static at(ptr: usize): TcpHeader {
    return changetype<TcpHeader>(ptr);
  }

  /** Whether `length` bytes of IP payload hold the header and all its options: 5 <= data offset, offset * 4 <= length. */
  static isValid(ptr: usize, length: u32): bool {
    if (length < TCP_HEADER) return false;
    const dataOffset = (<u32>load<u8>(ptr, DATA_OFFSET) >> 4) << 2;
    return dataOffset >= TCP_HEADER && dataOffset <= length;
  }

  get srcPort(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), SOURCE_PORT));
  }

  get dstPort(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), DESTINATION_PORT));
  }

  /** SEG.SEQ */
  get seq(): u32 {
    return bswap<u32>(load<u32>(changetype<usize>(this), SEQUENCE));
  }

  set seq(value: u32) {
    store<u32>(changetype<usize>(this), bswap<u32>(value), SEQUENCE);
  }

  /** SEG.ACK; means nothing without the ACK bit. */
  get ack(): u32 {
    return bswap<u32>(load<u32>(changetype<usize>(this), ACKNOWLEDGMENT));
  }

  set ack(value: u32) {
    store<u32>(changetype<usize>(this), bswap<u32>(value), ACKNOWLEDGMENT);
  }

  /** Bytes of header and options: 20..60, where the data starts. */
  get dataOffset(): u32 {
    return (<u32>load<u8>(changetype<usize>(this), DATA_OFFSET) >> 4) << 2;
  }

  /** Control bits: `FIN | SYN | ...`. The four reserved bits are not looked at (RFC 9293 3.1: "must be ignored"). */
  get flags(): u32 {
    return load<u8>(changetype<usize>(this), FLAGS);
  }

  set flags(value: u32) {
    store<u8>(changetype<usize>(this), value, FLAGS);
  }

  /** SEG.WND as it stands, not scaled. */
  get window(): u32 {
    return bswap<u16>(load<u16>(changetype<usize>(this), WINDOW));
  }

  set window(value: u32) {
    store<u16>(changetype<usize>(this), bswap<u16>(<u16>value), WINDOW);
  }

  get checksum(): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this), CHECKSUM));
  }

  set checksum(value: u16) {
    store<u16>(changetype<usize>(this), bswap<u16>(value), CHECKSUM);
  }

  /** SEG.UP; means nothing without the URG bit. */
  get urgentPointer(): u32 {
    return bswap<u16>(load<u16>(changetype<usize>(this), URGENT_POINTER));
  }

  set urgentPointer(value: u32) {
    store<u16>(changetype<usize>(this), bswap<u16>(<u16>value), URGENT_POINTER);
  }

  /** -> options, `dataOffset - 20` bytes. */
  get optionsPtr(): usize {
    return changetype<usize>(this) + TCP_HEADER;
  }

  /**
   * Writes the 20 fixed bytes, reserved bits, checksum and urgent pointer zero. The options and the checksum are the
   * caller's: only it knows whether a link completes the checksum.
   * @param dataOffset bytes of header and options: 20..60, a multiple of 4
   * @param flags `FIN | SYN | ...`
   * @param window as it goes on the wire, 0..65535
   */
  emit(srcPort: u16, dstPort: u16, seq: u32, ack: u32, dataOffset: u32, flags: u32, window: u32): void {
    const ptr = changetype<usize>(this);
    store<u16>(ptr, bswap<u16>(srcPort), SOURCE_PORT);
    store<u16>(ptr, bswap<u16>(dstPort), DESTINATION_PORT);
    store<u32>(ptr, bswap<u32>(seq), SEQUENCE);
    store<u32>(ptr, bswap<u32>(ack), ACKNOWLEDGMENT);
    store<u8>(ptr, dataOffset << 2, DATA_OFFSET);
    store<u8>(ptr, flags, FLAGS);
    store<u16>(ptr, bswap<u16>(<u16>window), WINDOW);
    store<u32>(ptr, 0, CHECKSUM);
  }
}
