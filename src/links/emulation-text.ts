// The spelling of an emulated link on a command line, such as `loss=1%,delay=10ms`, turned into options. Syntax only:
// what the impairments mean is in impairment-options.ts.

import { argumentError, rangeError } from "./argument-errors.ts";
import { type BurstLoss, type Impairments, validateImpairment } from "./impairment-options.ts";

type Reader = (key: string, text: string, options: Impairments) => void;

const TIME_UNITS_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };
const RATE_UNITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };
const SIZE_UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

const READERS: Readonly<Record<string, Reader>> = {
  loss: (key, text, options) => {
    options.loss = probability(key, text);
  },
  "burst-loss": (key, text, options) => {
    options.burstLoss = burstLoss(key, text);
  },
  duplicate: (key, text, options) => {
    options.duplicate = probability(key, text);
  },
  reorder: (key, text, options) => {
    options.reorder = probability(key, text);
  },
  corrupt: (key, text, options) => {
    options.corrupt = probability(key, text);
  },
  delay: (key, text, options) => {
    options.delayMs = quantity(key, text, "a time such as 10ms, 500us or 1s", TIME_UNITS_MS);
  },
  jitter: (key, text, options) => {
    options.jitterMs = quantity(key, text, "a time such as 10ms, 500us or 1s", TIME_UNITS_MS);
  },
  rate: (key, text, options) => {
    options.rateBps = quantity(key, text, "bits per second such as 100mbit, 1gbit or 64kbit", RATE_UNITS);
  },
  queue: (key, text, options) => {
    options.queueBytes = quantity(key, text, "bytes such as 64k, 1m or 150000", SIZE_UNITS);
  },
  ecn: (key, text, options) => {
    options.ecnBytes = quantity(key, text, "bytes such as 64k, 1m or 150000", SIZE_UNITS);
  },
  seed: (key, text, options) => {
    if (!/^\d+$/.test(text)) throw unexpected(key, "an integer", text);
    options.seed = Number(text);
  },
};

/**
 * Reads the text form of {@link Impairments}: comma-separated `key=value`, each key at most once.
 *
 * | key | value |
 * |---|---|
 * | `loss` `duplicate` `reorder` `corrupt` | a percentage, `1%`, or a fraction, `0.01` |
 * | `burst-loss` | the same, the probability that a burst starts; `0.1%:12` adds the mean burst length in packets |
 * | `delay` `jitter` | a time, `10ms`, `500us`, `1s` |
 * | `rate` | bits per second, `9600bit`, `64kbit`, `100mbit`, `1gbit` (powers of 1000) |
 * | `queue` | bytes, `150000`, `64k`, `1m` (powers of 1024); needs `rate` |
 * | `ecn` | bytes as `queue`: from there on packets are marked instead of only queued; needs `rate` |
 * | `seed` | an integer |
 *
 * @param text - for example `loss=1%,delay=10ms,jitter=1ms,rate=100mbit,queue=64k,seed=7`
 * @throws TypeError with code `ERR_INVALID_ARG_VALUE` for an unknown key, a key given twice or a value of another form
 * @throws RangeError with code `ERR_OUT_OF_RANGE` for a value out of range
 */
export function parseEmulation(text: string): Impairments {
  const options: Impairments = {};
  const seen = new Set<string>();
  for (const part of text.split(",")) {
    const separator = part.indexOf("=");
    const key = part.slice(0, Math.max(0, separator)).trim();
    if (separator < 0) throw argumentError(`Expected \`key=value\` such as loss=1%, got \`${part.trim()}\``);
    const read = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
    if (read === undefined) {
      throw argumentError(`Expected one of ${Object.keys(READERS).join(", ")}, got \`${key}\``);
    }
    if (seen.has(key)) throw argumentError(`Expected \`${key}\` once, got it twice`);
    seen.add(key);
    const value = part.slice(separator + 1).trim();
    read(key, value.toLowerCase(), options);
  }
  if (options.queueBytes !== undefined && options.rateBps === undefined) {
    throw argumentError("`queue` has no effect without `rate`: give `rate` as well, or leave it out");
  }
  if (options.ecnBytes !== undefined && options.rateBps === undefined) {
    throw argumentError("`ecn` has no effect without `rate`: give `rate` as well, or leave it out");
  }
  validateImpairment(options);
  return options;
}

function burstLoss(key: string, text: string): number | BurstLoss {
  const separator = text.indexOf(":");
  if (separator < 0) return probability(key, text);
  const length = number(text.slice(separator + 1));
  if (length === undefined) throw unexpected(key, "a probability and a mean length such as 0.1%:12", text);
  return { start: probability(key, text.slice(0, separator)), length };
}

function probability(key: string, text: string): number {
  const percent = text.endsWith("%");
  const value = number(percent ? text.slice(0, -1) : text);
  if (value === undefined) throw unexpected(key, "a percentage such as 1% or a fraction such as 0.01", text);
  const fraction = percent ? value / 100 : value;
  if (fraction > 1) throw rangeError(`Expected \`${key}\` to be 0%..100% (a fraction: 0..1), got \`${text}\``);
  return fraction;
}

function quantity(key: string, text: string, wanted: string, units: Readonly<Record<string, number>>): number {
  const match = /^([\d.]+)([a-z]*)$/.exec(text);
  const value = number(match?.[1] ?? "");
  const unit = match?.[2] ?? "";
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (value === undefined || factor === undefined) throw unexpected(key, wanted, text);
  return value * factor;
}

/** A decimal number without sign or exponent, or undefined. */
function number(text: string): number | undefined {
  return /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : undefined;
}

function unexpected(key: string, wanted: string, text: string): TypeError {
  return argumentError(`Expected \`${key}\` to be ${wanted}, got \`${text}\``);
}
