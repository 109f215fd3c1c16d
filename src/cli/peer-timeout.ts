// `--timeout`: how long a command waits for a peer that does not answer, be it gone, stopped or out of reach. Without it a receiver would
// wait for ever for bytes of a host that has lost its power (RFC 9293 3.8.3, 3.8.4; RFC 5482).
import { type Command, InvalidArgumentError, Option } from "commander";
import type { SocketSettings } from "../index.ts";
import { duration } from "./common-options.ts";

const DEFAULT_MS = 120_000;
const LEAST_MS = 2000;
const MOST_MS = 24 * 3600 * 1000;
/** A peer is asked after half of the time, then this often in the other half. */
const PROBES = 5;

export type TimeoutOptions = { timeout: number };

/** Adds the option to a command. */
export function addPeerTimeout(command: Command): Command {
  const help = "give the connection up when the peer has not answered for so long; 0: as tcp_retries2 says";
  return command.addOption(new Option("--timeout <time>", help).argParser(timeout).default(DEFAULT_MS, "120s"));
}

function timeout(text: string): number {
  const value = duration(text);
  if (value !== 0 && (value < LEAST_MS || value > MOST_MS)) {
    throw new InvalidArgumentError(`Expected 0 or 2s to 86400s, got '${text}'.`);
  }
  return value;
}

/** The settings of a connection that say so: unanswered data and a silent peer both end it. */
export function peerTimeout({ timeout: userTimeoutMs }: TimeoutOptions): SocketSettings {
  if (userTimeoutMs === 0) return {};
  const half = userTimeoutMs / 2;
  const idleMs = clampTime(half);
  return { userTimeoutMs, keepAlive: { idleMs, intervalMs: clampTime(half / PROBES), count: PROBES } };
}

/** The same for one that connects: the way to the peer and its answer to the SYN have no more time either. */
export function connectTimeout(options: TimeoutOptions): SocketSettings & { timeoutMs?: number } {
  return options.timeout === 0 ? {} : { ...peerTimeout(options), timeoutMs: options.timeout };
}

function clampTime(ms: number): number {
  return Math.min(Math.max(Math.round(ms), 1000), 32_767_000);
}
