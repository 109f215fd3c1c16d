// TCP Fast Open as a script sees it (Linux): the key of a listener, and how the cookies that a client knows are forgotten. What goes
// into a SYN is the stack's business, sendto() with MSG_FASTOPEN is transfer.ts's.
import { SOCKET_OPTION_FASTOPEN_KEY0, SOCKET_OPTION_FASTOPEN_KEY1 } from "../../assembly/layout.ts";
import { type SocketOption, socketOption } from "../../src/socket-options.ts";

const KEY_BYTES = 16;

/** The value of TCP_FASTOPEN_KEY for the stack; null if it is none. Of two keys the first makes the cookies. */
export function fastOpenKey(value: Buffer): SocketOption[] | null {
  if (value.length !== KEY_BYTES && value.length !== 2 * KEY_BYTES) return null;
  return [
    socketOption(SOCKET_OPTION_FASTOPEN_KEY0, value.readUInt32LE(0), value.readUInt32LE(4)),
    socketOption(SOCKET_OPTION_FASTOPEN_KEY1, value.readUInt32LE(8), value.readUInt32LE(12)),
  ];
}

/** Whether `ip tcp_metrics flush` is among the lines: what is known of other hosts is forgotten. */
export function forgetsMetrics(lines: readonly [key: string, value: string][]): boolean {
  return lines.some(([key, value]) => key === "cmd.ip" && /^tcp_metrics\s+flush\b/.test(value));
}
