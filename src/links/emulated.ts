// The descriptor of an emulated link: another link, and what happens to packets on the way out. The emulation is impairment.ts.
import { invalidType } from "../errors.ts";
import { type Impairments, validateImpairment } from "./impairment-options.ts";
import type { EmulatedLink, Link } from "./link.ts";

const KINDS = ["memory", "packet", "emulated", "capture"];

/**
 * A link that delays, loses, duplicates, reorders or corrupts the packets that leave through it. Wrap both ends of a cable to
 * impair both directions.
 * @param link - the link that is impaired
 * @param impairments - per wire-size packet: super-segments are split first
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`), RangeError (`ERR_OUT_OF_RANGE`)
 */
export function emulatedLink(link: Link, impairments: Impairments): EmulatedLink {
  return { kind: "emulated", link: checkLink("link", link), impairments: validateImpairment(impairments) };
}

/**
 * Checks that a value is a link.
 * @throws TypeError with code `ERR_INVALID_ARG_TYPE`
 */
export function checkLink(name: string, link: unknown): Link {
  const kind = typeof link === "object" && link !== null ? (link as { kind?: unknown }).kind : undefined;
  if (typeof kind !== "string" || !KINDS.includes(kind)) {
    throw invalidType(name, "a link (packetLink, memoryLinkPair, emulatedLink, captureLink)", link);
  }
  return link as Link;
}
