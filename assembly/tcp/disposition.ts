// What a step of segment arrival says to its caller: handlers change the TCB and send nothing themselves.

/** The segment is dealt with. */
export const DISPOSITION_DONE: u32 = 0;
/** The segment is to be answered with a RST (reset.ts says which). */
export const DISPOSITION_SEND_RST: u32 = 1;
/** The Outgoing record holds a SYN-ACK that answers the segment and belongs to no TCB (a SYN cookie). */
export const DISPOSITION_SEND_SYN_ACK: u32 = 3;
/** The next step of RFC 9293 3.10.7 may look at it; never leaves tcp/. */
export const GO_ON: u32 = 2;
