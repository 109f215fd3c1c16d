// The two counters of an interface that its link writes (INTERFACE_LINK_DROPS, INTERFACE_LINK_ERRORS).
import { INTERFACE_LINK_ERRORS } from "../assembly/layout.ts";
import type { SharedViews } from "../src/memory.ts";

/** Counts frames that could not be sent, other than by back-pressure. */
export function countLinkErrors(views: SharedViews, interfaceRecord: number, frames: number): void {
  const index = (interfaceRecord + INTERFACE_LINK_ERRORS) >>> 3;
  views.u64[index] = views.u64[index]! + BigInt(frames);
}
