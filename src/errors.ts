// The errors of the API: one table from errno to class, code and words. Socket failures carry Node's codes, so handlers written
// for node:net work. Knows nothing of sockets; who failed and where is handed in.
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  ECONNABORTED,
  ECONNREFUSED,
  ECONNRESET,
  EHOSTDOWN,
  EHOSTUNREACH,
  EINVAL,
  EMFILE,
  EMSGSIZE,
  ENETDOWN,
  ENETUNREACH,
  ENOBUFS,
  ENODEV,
  ENOMEM,
  ENONET,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  EPIPE,
  EPROTO,
  ETIMEDOUT,
} from "../assembly/layout.ts";

/** Where an error happened. */
export interface ErrorPlace {
  /** The call that failed: `connect`, `listen`, `read`, `write`, `ping`, ... */
  syscall?: string | undefined;
  /** Remote address of a connection, local address of a listener. */
  address?: string | undefined;
  /** Its port. */
  port?: number | undefined;
  /** What it came of. */
  cause?: unknown;
}

/** What every failure of a stack or socket is an instance of. */
export class NetstackError extends Error {
  /** Stable name of the failure, such as `ECONNREFUSED`. */
  readonly code: string;
  /** The negative system error number, as Node has it, or undefined for failures that have none. */
  readonly errno: number | undefined;
  /** The call that failed: `connect`, `listen`, `read`, `write`, `open`, ... */
  readonly syscall: string | undefined;
  /** Remote address of a connection, local address of a listener, if the failure has one. */
  readonly address: string | undefined;
  /** Its port. */
  readonly port: number | undefined;

  constructor(code: string, message: string, place: ErrorPlace = {}, errno?: number) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause });
    this.name = new.target.name;
    this.code = code;
    this.errno = errno;
    this.syscall = place.syscall;
    this.address = place.address;
    this.port = place.port;
  }
}

/** The peer answered with a reset: nobody listens there (`ECONNREFUSED`). */
export class ConnectionRefusedError extends NetstackError {}
/** The connection is gone: reset by the peer or aborted here (`ECONNRESET`, `ECONNABORTED`, `EPIPE`). */
export class ConnectionLostError extends NetstackError {}
/** The peer did not answer in time (`ETIMEDOUT`). */
export class TimedOutError extends NetstackError {}
/** The peer cannot be reached (`EHOSTUNREACH`, `ENETUNREACH`, `ENETDOWN`, `ENODEV` (the interface is gone), `EHOSTDOWN`, `ENONET`, `EOPNOTSUPP`). */
export class UnreachableError extends NetstackError {}
/** The address or port cannot be used (`EADDRINUSE`, `EADDRNOTAVAIL`). */
export class AddressError extends NetstackError {}
/** Something is used up (`ENOMEM`, `ENOBUFS`, `EMFILE`). */
export class ResourceError extends NetstackError {}
/** The worker of the stack died; nothing of the stack works any more (`ERR_STACK_CRASHED`). */
export class StackCrashedError extends NetstackError {}
/** The stack, connection or listener was closed before (`ERR_STACK_CLOSED`, `ERR_SOCKET_CLOSED`). */
export class ClosedError extends NetstackError {}

/** A wait was cancelled through its `AbortSignal`; `cause` is the signal's reason. */
export class AbortError extends Error {
  /** As of all aborted operations of Node. */
  readonly code = "ABORT_ERR";

  constructor(signal?: AbortSignal) {
    super("The operation was aborted", signal === undefined ? undefined : { cause: signal.reason });
    this.name = "AbortError";
  }
}

type ErrorRow = readonly [code: string, words: string, type: typeof NetstackError];

const ERRORS: Readonly<Record<number, ErrorRow>> = {
  [EPERM]: ["EPERM", "operation not permitted", NetstackError],
  [EAGAIN]: ["EAGAIN", "try again", NetstackError],
  [ENOMEM]: ["ENOMEM", "the stack's memory is used up", ResourceError],
  [EINVAL]: ["EINVAL", "invalid argument", NetstackError],
  [EMFILE]: ["EMFILE", "the stack has no socket left", ResourceError],
  [EPIPE]: ["EPIPE", "the writable side has ended", ConnectionLostError],
  [EMSGSIZE]: ["EMSGSIZE", "message too long", NetstackError],
  [EADDRINUSE]: ["EADDRINUSE", "address already in use", AddressError],
  [EADDRNOTAVAIL]: ["EADDRNOTAVAIL", "no such local address, or no free port", AddressError],
  [ENETDOWN]: ["ENETDOWN", "the interface is down", UnreachableError],
  [ENODEV]: ["ENODEV", "the interface is gone", UnreachableError],
  [ENETUNREACH]: ["ENETUNREACH", "no route to the network", UnreachableError],
  [ECONNABORTED]: ["ECONNABORTED", "connection aborted", ConnectionLostError],
  [ECONNRESET]: ["ECONNRESET", "connection reset by peer", ConnectionLostError],
  [ENOBUFS]: ["ENOBUFS", "no buffer space left", ResourceError],
  [ETIMEDOUT]: ["ETIMEDOUT", "timed out", TimedOutError],
  [ECONNREFUSED]: ["ECONNREFUSED", "connection refused", ConnectionRefusedError],
  [ENONET]: ["ENONET", "host is not on the network", UnreachableError],
  [EPROTO]: ["EPROTO", "protocol error", NetstackError],
  [ENOPROTOOPT]: ["ENOPROTOOPT", "the peer does not speak TCP", ConnectionRefusedError],
  [EOPNOTSUPP]: ["EOPNOTSUPP", "source route failed", UnreachableError],
  [EHOSTDOWN]: ["EHOSTDOWN", "host is down", UnreachableError],
  [EHOSTUNREACH]: ["EHOSTUNREACH", "host is unreachable", UnreachableError],
};

/**
 * The error of a system error number.
 * @param errno - positive, an `E*` constant of `assembly/layout.ts`; an unknown one gives code `EUNKNOWN`
 * @param detail - said instead of the table's words
 */
export function netstackError(errno: number, place: ErrorPlace = {}, detail?: string): NetstackError {
  const [code, words, Type] = ERRORS[errno] ?? ["EUNKNOWN", `unknown error ${errno}`, NetstackError];
  const what = place.syscall === undefined ? code : `${place.syscall} ${code}`;
  return new Type(code, `${what}${formatPlace(place)}: ${detail ?? words}`, place, -errno);
}

/** What to say of an error that an interface is to blame for, by its name; undefined for all others. */
export function interfaceDetail(errno: number, name: string): string | undefined {
  if (errno === ENETDOWN) return `interface ${name} is down`;
  if (errno === ENODEV) return `interface ${name} is gone: it was deleted, or moved to another network namespace`;
  return undefined;
}

/** The error of using something after it was closed. `what`: `stack`, `connection`, `listener`. */
export function closedError(what: "stack" | "connection" | "listener", syscall?: string): ClosedError {
  const code = what === "stack" ? "ERR_STACK_CLOSED" : "ERR_SOCKET_CLOSED";
  return new ClosedError(code, `${syscall === undefined ? "" : `${syscall}: `}the ${what} is closed`, { syscall });
}

/**
 * The error of an option of the wrong type.
 * @returns a TypeError with code `ERR_INVALID_ARG_TYPE`
 */
export function invalidType(name: string, wanted: string, value: unknown): TypeError {
  return Object.assign(new TypeError(expected(name, wanted, value)), { code: "ERR_INVALID_ARG_TYPE" });
}

/**
 * The error of an option of the right type with a value that cannot be.
 * @returns a TypeError with code `ERR_INVALID_ARG_VALUE`
 */
export function invalidValue(name: string, wanted: string, value: unknown): TypeError {
  return Object.assign(new TypeError(expected(name, wanted, value)), { code: "ERR_INVALID_ARG_VALUE" });
}

/**
 * The error of a number outside of its range.
 * @returns a RangeError with code `ERR_OUT_OF_RANGE`
 */
export function outOfRange(name: string, wanted: string, value: unknown): RangeError {
  return Object.assign(new RangeError(expected(name, wanted, value)), { code: "ERR_OUT_OF_RANGE" });
}

function expected(name: string, wanted: string, value: unknown): string {
  return `Expected \`${name}\` to be ${wanted}, got \`${show(value)}\` (${value === null ? "null" : typeof value})`;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}

function formatPlace({ address, port }: ErrorPlace): string {
  if (address === undefined) return port === undefined ? "" : ` port ${port}`;
  return port === undefined ? ` ${address}` : ` ${address}:${port}`;
}
