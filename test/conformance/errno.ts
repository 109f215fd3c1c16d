// Linux's error numbers, as the conformance protocol and the core speak them.

export const EBADF = 9;
export const EAGAIN = 11;
export const EINVAL = 22;
export const EPIPE = 32;
export const EDEADLK = 35;
export const ENOSYS = 38;
export const ENOENT = 2;
export const EEXIST = 17;
export const ENOTTY = 25;
export const EPROTO = 71;
export const ENOPROTOOPT = 92;
export const EPROTONOSUPPORT = 93;
export const ESOCKTNOSUPPORT = 94;
export const EOPNOTSUPP = 95;
export const EAFNOSUPPORT = 97;
export const EADDRNOTAVAIL = 99;
export const ECONNABORTED = 103;
export const EISCONN = 106;
export const ENOTCONN = 107;
export const EALREADY = 114;
export const EINPROGRESS = 115;
