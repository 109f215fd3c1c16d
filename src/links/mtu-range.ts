// What an MTU may be: bytes of an IPv4 packet.

/** RFC 791: every link carries as much. */
export const LEAST_MTU = 68;
/** RFC 791's total length. */
export const MOST_MTU = 65535;
