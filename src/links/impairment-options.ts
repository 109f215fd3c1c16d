// The options of an emulated link: types, defaults and checks. What each impairment does is in impairment.ts; their
// spelling on a command line is in emulation-text.ts.

import { argumentError, rangeError } from "./argument-errors.ts";

/** Bursts of loss (Gilbert's model): the link is good, or in a burst in which it loses every packet. */
export interface BurstLoss {
  /** Probability, 0..1, that a burst starts with a packet that finds the link good. */
  start: number;
  /** Mean packets per burst, 1..1,000,000; lengths are distributed geometrically. */
  length: number;
}

/**
 * What an emulated link does to the packets of one direction. Everything is per wire-size packet: super-segments are
 * split first. Probabilities are 0..1 and independent of each other. What is left out is off.
 */
export interface Impairments {
  /** Time from the last bit's leaving the link's queue to its delivery, 0..3,600,000 ms. Default 0. */
  delayMs?: number | undefined;
  /**
   * The delay varies uniformly by ± this much, 0..3,600,000 ms, but is never below 0. Packets do not overtake each
   * other because of it: one that drew a shorter delay than its forerunner is delivered right behind it. Default 0.
   */
  jitterMs?: number | undefined;
  /** Probability that a packet is lost, each on its own. Default 0. */
  loss?: number | undefined;
  /**
   * Bursts of loss, on top of `loss`: a number is the probability that a burst starts at a packet, with a mean length
   * of 8 packets; give `{ start, length }` to choose the length as well. In the long run
   * `start * length / (1 - start + start * length)` of the packets are lost this way. Default 0.
   */
  burstLoss?: number | BurstLoss | undefined;
  /**
   * Probability that a packet is delivered twice; the copy follows right behind and takes its share of `rateBps`.
   * Default 0.
   */
  duplicate?: number | undefined;
  /**
   * Probability that a packet changes places with others. With `delayMs` > 0 it skips delay and jitter and so arrives
   * before all that are under way. With `delayMs` = 0 it is held back until 1 to 5 later packets have passed, but for 1
   * ms at most. Default 0.
   */
  reorder?: number | undefined;
  /**
   * Probability that one random bit behind the Ethernet header is flipped. A partial checksum is completed first, and a
   * frame's "checksum valid" mark is taken off, so that the receiver can notice. Default 0.
   */
  corrupt?: number | undefined;
  /** Bits per second, 1..1e12, counting frame bytes without FCS, preamble and gap. Default: unlimited. */
  rateBps?: number | undefined;
  /**
   * Bytes that wait for the rate limit, the frame being sent included, 1..1 GiB; a frame that does not fit is dropped
   * (drop tail), but one that finds the link idle is always taken. Only with `rateBps`. Default 1,514,000: 1,000 full
   * frames.
   */
  queueBytes?: number | undefined;
  /**
   * A packet that finds at least this many bytes waiting is marked "congestion experienced" if its sender said that it understands
   * (ECT(0) or ECT(1), RFC 3168 5), 0..1 GiB. Only with `rateBps`. Default: no marks.
   */
  ecnBytes?: number | undefined;
  /** Integer, 0..2^53 - 1: the same seed, options, packets and times give the same result. Default 1. */
  seed?: number | undefined;
}

/** {@link Impairments} with every default filled in; `rateBps` is Infinity when unlimited, `ecnBytes` when nothing is marked. */
export interface ResolvedImpairments {
  delayMs: number;
  jitterMs: number;
  loss: number;
  burstLoss: BurstLoss;
  duplicate: number;
  reorder: number;
  corrupt: number;
  rateBps: number;
  queueBytes: number;
  ecnBytes: number;
  seed: number;
}

/** Mean packets per burst when `burstLoss` is a number. */
const DEFAULT_BURST_LENGTH = 8;
/** 1,000 full Ethernet frames. */
const DEFAULT_QUEUE_BYTES = 1_514_000;
const DEFAULT_SEED = 1;

const MAX_DELAY_MS = 3_600_000;
const MAX_BURST_LENGTH = 1_000_000;
const MAX_RATE_BPS = 1e12;
const MAX_QUEUE_BYTES = 1_073_741_824;

const NAMES: readonly (keyof Impairments)[] = [
  "delayMs",
  "jitterMs",
  "loss",
  "burstLoss",
  "duplicate",
  "reorder",
  "corrupt",
  "rateBps",
  "queueBytes",
  "ecnBytes",
  "seed",
];

/**
 * Checks the options of an emulated link and fills in the defaults.
 * @param options - {@link Impairments}
 * @throws TypeError with code `ERR_INVALID_ARG_VALUE`: not an object, an unknown name, a value of the wrong type, or
 * `queueBytes` without `rateBps`
 * @throws RangeError with code `ERR_OUT_OF_RANGE`: a number outside of its range
 */
export function validateImpairment(options: Impairments): ResolvedImpairments {
  if (typeof options !== "object" || options === null) throw invalid("impairments", "an object", options);
  for (const name of Object.keys(options)) {
    if (!(NAMES as readonly string[]).includes(name)) {
      throw argumentError(`Unknown option \`${name}\`, expected one of ${NAMES.join(", ")}`);
    }
  }
  const { delayMs = 0, jitterMs = 0, loss = 0, burstLoss = 0, duplicate = 0, reorder = 0, corrupt = 0 } = options;
  const { rateBps, queueBytes = DEFAULT_QUEUE_BYTES, seed = DEFAULT_SEED } = options;
  if (options.queueBytes !== undefined && rateBps === undefined) {
    throw argumentError("`queueBytes` has no effect without `rateBps`: give `rateBps` as well, or leave it out");
  }
  if (options.ecnBytes !== undefined && rateBps === undefined) {
    throw argumentError("`ecnBytes` has no effect without `rateBps`: give `rateBps` as well, or leave it out");
  }
  return {
    delayMs: number("delayMs", delayMs, 0, MAX_DELAY_MS),
    jitterMs: number("jitterMs", jitterMs, 0, MAX_DELAY_MS),
    loss: number("loss", loss, 0, 1),
    burstLoss: resolveBurstLoss(burstLoss),
    duplicate: number("duplicate", duplicate, 0, 1),
    reorder: number("reorder", reorder, 0, 1),
    corrupt: number("corrupt", corrupt, 0, 1),
    rateBps: rateBps === undefined ? Number.POSITIVE_INFINITY : number("rateBps", rateBps, 1, MAX_RATE_BPS),
    queueBytes: integer("queueBytes", queueBytes, 1, MAX_QUEUE_BYTES),
    ecnBytes:
      options.ecnBytes === undefined
        ? Number.POSITIVE_INFINITY
        : integer("ecnBytes", options.ecnBytes, 0, MAX_QUEUE_BYTES),
    seed: integer("seed", seed, 0, Number.MAX_SAFE_INTEGER),
  };
}

function resolveBurstLoss(value: unknown): BurstLoss {
  if (typeof value === "number") {
    return { start: number("burstLoss", value, 0, 1), length: DEFAULT_BURST_LENGTH };
  }
  if (typeof value !== "object" || value === null) throw invalid("burstLoss", "0..1 or { start, length }", value);
  const { start, length } = value as { start?: unknown; length?: unknown };
  return {
    start: number("burstLoss.start", start, 0, 1),
    length: number("burstLoss.length", length, 1, MAX_BURST_LENGTH),
  };
}

function number(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== "number") throw invalid(name, `${least}..${most}`, value);
  if (!(value >= least && value <= most)) throw rangeError(expected(name, `${least}..${most}`, value));
  return value;
}

function integer(name: string, value: unknown, least: number, most: number): number {
  const valid = number(name, value, least, most);
  if (!Number.isInteger(valid)) throw rangeError(expected(name, `an integer in ${least}..${most}`, value));
  return valid;
}

function invalid(name: string, wanted: string, value: unknown): TypeError {
  return argumentError(expected(name, wanted, value));
}

function expected(name: string, wanted: string, value: unknown): string {
  const shown = typeof value === "object" ? Object.prototype.toString.call(value) : String(value);
  return `Expected \`${name}\` to be ${wanted}, got \`${shown}\` (${typeof value})`;
}
