// One record of a retransmission queue: a range of sequence numbers that was sent and is not acknowledged, in one transmission
// of one or many wire segments, with what loss recovery and delivery-rate sampling must know about it. Decides nothing.

/** Bytes of a record: two cache lines, of which a transfer without loss touches the first. */
export const RTX_RECORD_BYTES: u32 = 128;

// RtxRecord.flags
export const RTX_SYN: u8 = 1; // the range starts with our SYN
export const RTX_FIN: u8 = 2; // the range ends with our FIN
export const RTX_LOST: u8 = 4; // taken to have left the network undelivered; counted in lostOut
export const RTX_RETRANSMITTED: u8 = 8; // a retransmission of it is in flight; counted in retransOut
export const RTX_SACKED: u8 = 16; // delivered out of order as the peer says; counted in sackedOut (RFC 2018)
export const RTX_EVER_RETRANSMITTED: u8 = 32; // no round-trip time can be taken from it (Karn, RFC 6298 3)
export const RTX_PUSH: u8 = 64; // its last segment carries PSH
export const RTX_TIMED: u8 = 128; // in the connection's list of retransmissions in flight (rtx-time.ts)

@unmanaged
@final
export class RtxRecord {
  next: u32; // index of the record after it, NONE = last
  prev: u32; // NONE = first
  seq: u32; // first sequence number
  end: u32; // the one after the last
  sentUs: u64; // last transmission
  flags: u8; // RTX_
  appLimited: u8; // 1: the application had no more to send then
  transmissions: u16; // 1 = sent once; stays at 65535
  segments: u32; // wire segments, at least 1
  // the connection's delivery state when it was sent (BBR draft 4.1.2.1)
  delivered: u64; // bytes
  deliveredUs: u64;
  firstSentUs: u64;
  inflight: u32; // segments in flight just after it was sent
  lostTotal: u32; // tcb.lostTotal then
  // only touched once something is SACKED or sent again
  mss: u32; // bytes of payload per wire segment when it was last counted, 0 = unknown
  treeLeft: u32; // rtx-index.ts
  treeRight: u32;
  timeNext: u32; // rtx-time.ts
  timePrev: u32;
  spare0: u32;
  spare1: u64;
  spare2: u64;
  spare3: u64;
  spare4: u64;
  spare5: u64;

  static at(ptr: usize): RtxRecord {
    return changetype<RtxRecord>(ptr);
  }

  has(flag: u8): bool {
    return (this.flags & flag) !== 0;
  }

  /** Bytes of payload: the range without SYN and FIN. */
  get payloadBytes(): u32 {
    return this.end - this.seq - (this.has(RTX_SYN) ? 1 : 0) - (this.has(RTX_FIN) ? 1 : 0);
  }

  /** Sequence number of the first payload byte. */
  get payloadSeq(): u32 {
    return this.seq + (this.has(RTX_SYN) ? 1 : 0);
  }
}

if (offsetof<RtxRecord>() !== RTX_RECORD_BYTES) ERROR("layout drift: RtxRecord");
