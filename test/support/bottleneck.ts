// One endless flow through a bottleneck in the simulator, and what the bottleneck carries: goodput tests, and BBR's phases.

import { HANDLE_INDEX_MASK } from "../../assembly/layout.ts";
import type { Sysctl } from "../../src/sysctl.ts";
import { connected, Reader, SECOND, simulate, Writer } from "./sim.ts";

export type BottleneckOptions = {
  congestion: Sysctl["tcp_congestion_control"];
  rateBps?: number;
  rttMs?: number;
  /** Queue in bandwidth-delay products. Default 1. */
  queueBdp?: number;
  loss?: number;
  seed?: number;
  /** Largest super-segment of both hosts. Default 65535, as AF_PACKET has it. */
  gsoMax?: number;
  sysctl?: Partial<Sysctl>;
};

/** BBR's states by their codes in the core. */
export const BBR_STATES = ["Startup", "Drain", "DOWN", "CRUISE", "REFILL", "UP", "ProbeRTT"] as const;
const BBR_FIELDS = [
  "state",
  "bw",
  "minRttUs",
  "inflightLongterm",
  "inflightShortterm",
  "rounds",
  "pacingRate",
  "extraAcked",
  "maxBw",
  "flags",
  "inRecovery",
] as const;

/** The same of version 1. */
export const BBR1_STATES = ["Startup", "Drain", "ProbeBW", "ProbeRTT"] as const;
const BBR1_FIELDS = ["state", "bw", "minRttUs", "cycleIndex", "rounds", "pacingRate", "isConserving"] as const;

/** A flow from a to b that never has too little to send, unless told to pause. */
export class Bottleneck {
  readonly sim: ReturnType<typeof simulate>;
  readonly client: ReturnType<typeof connected>["client"];
  readonly rateBps: number;
  /** Bytes of frames that have left the bottleneck. */
  wireBytes = 0;
  received = 0;
  /** The application has nothing to send while true. */
  isPaused = false;

  constructor(options: BottleneckOptions) {
    const { congestion, rateBps = 100e6, rttMs = 20, queueBdp = 1, loss = 0, seed = 1, gsoMax = 65_535 } = options;
    this.rateBps = rateBps;
    const queueBytes = Math.round((queueBdp * rateBps * rttMs) / 8000);
    const host = { gsoMax, sysctl: { tcp_congestion_control: congestion, ...options.sysctl } };
    this.sim = simulate({
      seed,
      a: host,
      b: host,
      aToB: { delayMs: rttMs / 2, rateBps, queueBytes, loss },
      bToA: { delayMs: rttMs / 2 },
      checkInvariants: false,
    });
    const wire = this.sim.aToB;
    const pop = wire.pop.bind(wire);
    wire.pop = (nowUs) => {
      const frame = pop(nowUs);
      if (frame !== null) this.wireBytes += frame.bytes.length;
      return frame;
    };
    const { client, server } = connected(this.sim);
    this.client = client;
    const writer = new Writer(client, 2 ** 40);
    const reader = new Reader(server);
    this.sim.processes.push(() => {
      if (!this.isPaused) writer.pump();
      reader.pump();
      this.received = reader.received;
    });
  }

  run(seconds: number): void {
    this.sim.runFor(seconds * SECOND);
  }

  /** Share of the bottleneck that is in use while `seconds` pass, in wire bytes, 0..1. */
  utilisation(seconds: number): number {
    const before = this.wireBytes;
    this.run(seconds);
    return ((this.wireBytes - before) * 8) / seconds / this.rateBps;
  }

  /** A number of BBR's model. */
  bbr(field: (typeof BBR_FIELDS)[number]): number {
    const exports = this.sim.a.exports as unknown as { bbrTestField(index: number, field: number): number };
    return exports.bbrTestField(this.client.handle & HANDLE_INDEX_MASK, BBR_FIELDS.indexOf(field));
  }

  get bbrState(): (typeof BBR_STATES)[number] {
    return BBR_STATES[this.bbr("state")]!;
  }

  /** A number of BBR version 1's model. */
  bbr1(field: (typeof BBR1_FIELDS)[number]): number {
    const exports = this.sim.a.exports as unknown as { bbr1TestField(index: number, field: number): number };
    return exports.bbr1TestField(this.client.handle & HANDLE_INDEX_MASK, BBR1_FIELDS.indexOf(field));
  }

  get bbr1State(): (typeof BBR1_STATES)[number] {
    return BBR1_STATES[this.bbr1("state")]!;
  }
}
