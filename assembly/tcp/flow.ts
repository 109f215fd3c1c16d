// Whose text the segment in hand brought, if it took the fast path: more of it may follow in the next frames (text-run.ts). RFC 9293 3.10.7.4.
// Written by segment arrival, ended by who takes frames in; must not know either.
import { Tcb } from "./tcb";

let flowing: usize = 0;

/** The segment in hand brought text for this connection, and took the fast path. */
export function beginFlow(tcb: Tcb): void {
  flowing = changetype<usize>(tcb);
}

/** The segment in hand, or the frame, is not one that a frame may continue, or no longer. */
export function endFlow(): void {
  flowing = 0;
}

/** Whether there is one that may be. */
export function isFlowing(): bool {
  return flowing !== 0;
}

/** Its connection. */
export function flowingTcb(): Tcb | null {
  return changetype<Tcb | null>(flowing);
}
