// The operations of the conformance protocol.

export const OP_HELLO = 1;
export const OP_CONFIG = 2;
export const OP_END = 3;
export const OP_INJECT = 4;
export const OP_NEXT_PACKET = 5;
export const OP_RUN = 6;

export const OP_SOCKET = 16;
export const OP_BIND = 17;
export const OP_LISTEN = 18;
export const OP_ACCEPT = 19;
export const OP_CONNECT = 20;
export const OP_SEND = 21;
export const OP_RECV = 22;
export const OP_SHUTDOWN = 23;
export const OP_CLOSE = 24;
export const OP_FCNTL = 25;
export const OP_IOCTL = 26;
export const OP_GETSOCKOPT = 27;
export const OP_SETSOCKOPT = 28;
export const OP_POLL = 29;
export const OP_EPOLL_CREATE = 30;
export const OP_EPOLL_CTL = 31;
export const OP_EPOLL_WAIT = 32;

/** A connection's first request says which of the two it is. */
export const ROLE_MAIN = 0;
export const PROTOCOL_VERSION = 1;
