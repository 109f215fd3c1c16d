// Who is plugged into which end of the memory links of this thread, so that each end can be told the other's doorbell.
import type { MemoryLink } from "./links/link.ts";
import { bellOf } from "./local-bells.ts";

/** A stack at an end of a cable. */
export interface PluggedStack {
  /** Its memory, which holds its doorbell. */
  memory: SharedArrayBuffer;
  /** Tells its worker about the other end's memory. */
  peerAttached(memory: SharedArrayBuffer): Promise<void>;
}

const cables = new WeakMap<SharedArrayBuffer, [PluggedStack | undefined, PluggedStack | undefined]>();

/** Notes that a stack is plugged in; introduces both ends to each other if the other is too. */
export async function plug(link: MemoryLink, stack: PluggedStack): Promise<void> {
  const ends = cables.get(link.cable) ?? [undefined, undefined];
  cables.set(link.cable, ends);
  ends[link.end] = stack;
  const other = ends[link.end === 0 ? 1 : 0];
  if (other === undefined) return;
  // The other one may be closing: then it has no use for the news.
  await Promise.all([stack.peerAttached(other.memory), other.peerAttached(stack.memory).catch(() => {})]);
}

/** Notes that the stack at an end has gone, and has taken its plug out; who is at the other end is rung, so that he sees it. */
export function unplug(link: MemoryLink, stack: PluggedStack): void {
  const ends = cables.get(link.cable);
  if (ends?.[link.end] !== stack) return;
  ends[link.end] = undefined;
  const other = ends[link.end === 0 ? 1 : 0];
  if (other !== undefined) bellOf(other.memory).ring();
}
