// The congestion controls by name, as Linux names them, and the codes they have in the core.
import * as layout from "../assembly/layout.ts";

const CODES = {
  reno: layout.CONGESTION_RENO,
  cubic: layout.CONGESTION_CUBIC,
  vegas: layout.CONGESTION_VEGAS,
  bbr: layout.CONGESTION_BBR,
  bbr1: layout.CONGESTION_BBR1,
} as const;

/** Congestion controls of a stack or socket. */
export type CongestionControl = keyof typeof CODES;

/** All names. */
export const CONGESTION_CONTROLS = Object.keys(CODES) as CongestionControl[];

/** The CONGESTION_ code of a name, or undefined if there is no such algorithm. */
export function congestionCode(name: unknown): number | undefined {
  return typeof name === "string" && Object.hasOwn(CODES, name) ? CODES[name as CongestionControl] : undefined;
}

/** The name of a CONGESTION_ code. */
export function congestionName(code: number): CongestionControl {
  return CONGESTION_CONTROLS.find((name) => CODES[name] === code) ?? "reno";
}
