// Who uses which part of SCRATCH in tcp/: its first 2 KiB (iface/scratch.ts has the rest). Nothing in it outlives the segment,
// ACK or call that wrote it, but the staged options.
import { SCRATCH } from "../layout";

/** The segment in hand (segment.ts). */
export const SEGMENT: usize = SCRATCH;
/** Its options, a wire/TcpOptions record. */
export const SEGMENT_OPTIONS: usize = SCRATCH + 256;
/** A key of the tuple table while it is looked up (connections.ts). */
export const TUPLE_KEY: usize = SCRATCH + 512;
/** What the offset of an ephemeral port depends on (ports.ts). */
export const PORT_KEY: usize = SCRATCH + 576;
/** What the ACK in hand turned out to say (ack-event.ts). */
export const ACK_EVENT: usize = SCRATCH + 768;
/** The valid SACK blocks of the ACK in hand, in sequence order (sack-scoreboard.ts). */
export const SACK_WORK: usize = SCRATCH + 896;
/** The segment about to leave (outgoing.ts). */
export const OUTGOING: usize = SCRATCH + 1024;
/** What congestion control is told of an ACK (congestion/ack-sample.ts). */
export const ACK_SAMPLE: usize = SCRATCH + 1152;
/** What congestion control reads and answers (congestion/ack-sample.ts). */
export const CONGESTION_WINDOW: usize = SCRATCH + 1344;
/** What congestion control is told of a loss (congestion/ack-sample.ts). */
export const LOST_SAMPLE: usize = SCRATCH + 1472;
/** Options that wait for the OP_CONNECT or OP_LISTEN of their token (options-staged.ts), 512 bytes; they outlive the call. */
export const STAGED_OPTIONS: usize = SCRATCH + 1536;
