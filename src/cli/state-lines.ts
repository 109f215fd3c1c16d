// The state changes of a stack in the words of the seed lab: `DEBUG: 10.0.0.1:10001 switch state, from CLOSED to SYN_RECV.`
import type { Stack, TcpState } from "../index.ts";

/** The lab's spelling of the RFC's states. */
const LAB_STATES: Record<TcpState, string> = {
  CLOSED: "CLOSED",
  LISTEN: "LISTEN",
  "SYN-SENT": "SYN_SENT",
  "SYN-RECEIVED": "SYN_RECV",
  ESTABLISHED: "ESTABLISHED",
  "FIN-WAIT-1": "FIN_WAIT-1",
  "FIN-WAIT-2": "FIN_WAIT-2",
  "CLOSE-WAIT": "CLOSE_WAIT",
  CLOSING: "CLOSING",
  "LAST-ACK": "LAST_ACK",
  "TIME-WAIT": "TIME_WAIT",
};

/** Prints one line a state change to standard error until the stack is closed. */
export function printStateLines(stack: Stack): void {
  stack.on("state", ({ localAddr, from, to }) => {
    debug(`${localAddr.hostname}:${localAddr.port} switch state, from ${LAB_STATES[from]} to ${LAB_STATES[to]}.`);
  });
}

/** Prints one of the lab's DEBUG lines to standard error. */
export function debug(text: string): void {
  process.stderr.write(`DEBUG: ${text}\n`);
}
