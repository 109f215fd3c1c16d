// What the ACK in hand turned out to say, as far as it has been looked at: filled by acks.ts and the SACK scoreboard, read by RACK, the
// loss probe, undo, F-RTO and the recovery machine. One record at a fixed place in SCRATCH, valid until the next ACK. Decides nothing.

import { ACK_EVENT } from "./scratch";

// AckEvent.flags
export const EVENT_DATA: u32 = 1; // the segment carried text
export const EVENT_WINDOW: u32 = 2; // it changed the window
export const EVENT_DATA_ACKED: u32 = 4; // data was cumulatively acknowledged
export const EVENT_SYN_ACKED: u32 = 8;
export const EVENT_RETRANS_ACKED: u32 = 16; // some of it had been sent more than once
export const EVENT_ORIGINAL_DELIVERED: u32 = 32; // data of before high_seq that was sent only once was acknowledged or SACKed
export const EVENT_SACKED: u32 = 64; // data was newly SACKed
export const EVENT_DSACK: u32 = 128; // the peer reported a duplicate (RFC 2883)
export const EVENT_DSACK_TLP: u32 = 256; // and it was the loss probe
export const EVENT_UNA_ADVANCED: u32 = 512;
export const EVENT_ECE: u32 = 1024; // the peer echoes a congestion mark (RFC 3168)
export const EVENT_RENEGING: u32 = 2048; // what SND.UNA points to now had been SACKed
export const EVENT_TIMER: u32 = 4096; // the retransmission timer is to be set anew
export const EVENT_LOST_RETRANSMISSION: u32 = 8192; // a retransmission was found lost

/** An ACK with one of these is no duplicate. */
export const EVENT_NOT_DUPLICATE: u32 = EVENT_DATA | EVENT_WINDOW | EVENT_DATA_ACKED | EVENT_SYN_ACKED;
/** An ACK with one of these is looked at even if all was well before. */
export const EVENT_ALERT: u32 = EVENT_SACKED | EVENT_DSACK | EVENT_ECE;

@unmanaged
@final
export class AckEvent {
  nowUs: u64;
  firstSackedUs: u64; // when the first and the last of the segments newly SACKED, sent once, had left; 0 = none
  lastSackedUs: u64;
  flags: u32; // EVENT_
  tsEcr: u32; // 0 = none
  priorUna: u32; // SND.UNA before it
  priorFack: u32; // the highest SACKed sequence number before it
  priorDelivered: u32; // tcb.deliveredSegments before it
  priorLost: u32; // tcb.lostTotal before it
  reordered: u32; // lowest sequence number delivered now that lay in a hole and was sent once
  ackedSegments: u32; // cumulatively acknowledged
  dsackSegments: u32; // reported as duplicates

  has(flags: u32): bool {
    return (this.flags & flags) !== 0;
  }
}

/** The ACK in hand. */
export function ackEvent(): AckEvent {
  return changetype<AckEvent>(ACK_EVENT);
}
