// What tcb.tlpState says of the loss probe (RFC 8985 7.3: TLP.end_seq and TLP.is_retrans). In a file of its own because those who ask
// must not depend on those who send.

export const TLP_NONE: u8 = 0; // none outstanding
export const TLP_DUE: u8 = 1; // one is to leave with the next output
export const TLP_NEW_DATA: u8 = 2; // outstanding, it carried new data
export const TLP_RETRANSMISSION: u8 = 3; // outstanding, it repeated the last segment
