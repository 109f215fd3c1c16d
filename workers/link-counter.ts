// The two counters of an interface that its link writes (INTERFACE_LINK_DROPS, INTERFACE_LINK_ERRORS).
import { INTERFACE_LINK_DROPS, INTERFACE_LINK_ERRORS } from "../assembly/layout.ts";
import type { SharedViews } from "../src/memory.ts";

/** Counts frames that were lost in front of us: there was no room. */
export function countLinkDrops(views: SharedViews, interfaceRecord: number, frames: number): void {
  count(views, interfaceRecord + INTERFACE_LINK_DROPS, frames);
}

/** Counts frames that could not be sent, other than by back-pressure. */
export function countLinkErrors(views: SharedViews, interfaceRecord: number, frames: number): void {
  count(views, interfaceRecord + INTERFACE_LINK_ERRORS, frames);
}

function count({ u64 }: SharedViews, address: number, frames: number): void {
  const index = address >>> 3;
  u64[index] = u64[index]! + BigInt(frames);
}
