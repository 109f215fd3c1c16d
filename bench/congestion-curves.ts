// Draws docs/congestion-curves.svg: the congestion window of each algorithm over 40 s of one flow in the simulator (20 ms, 100 Mbit/s, queue
// of one bandwidth-delay product, no random loss) against its textbook curve. `npm run docs:curves`.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { TCB_CWND, TCB_PACKETS_OUT } from "../assembly/layout.ts";
import { connected, Reader, SECOND, simulate, Writer } from "../test/support/sim.ts";

const OUT = fileURLToPath(new URL("../docs/congestion-curves.svg", import.meta.url));
const RATE_BPS = 100e6;
const RTT_S = 0.02;
const PACKET_BYTES = 1514;
const SECONDS = 40;
const STEP_S = 0.05;
/** Segments in flight that fill the path, and that fill path and queue. */
const BDP = (RATE_BPS * RTT_S) / 8 / PACKET_BYTES;
const FULL = 2 * BDP;

type Point = { algorithm: string; curve: string; seconds: number; segments: number };

/** Time from one turn to the next at a window: the base RTT, or what the queue makes of it. */
function rttAt(window: number): number {
  return Math.max(RTT_S, (window * PACKET_BYTES * 8) / RATE_BPS);
}

/**
 * A sawtooth: from `beta` of the full window up along a curve, again and again.
 * @param rise - makes a curve that starts at `from`; each call of it is a step further
 */
function sawtooth(algorithm: string, beta: number, rise: (from: number) => () => number): Point[] {
  const points: Point[] = [];
  let window = beta * FULL;
  let next = rise(window);
  for (let t = 0; t < SECONDS; t += STEP_S) {
    points.push({ algorithm, curve: "textbook", seconds: t, segments: window });
    window = next();
    if (window < FULL) continue;
    window = beta * FULL;
    next = rise(window);
  }
  return points;
}

/** RFC 5681: one segment more each round trip, half after a loss. */
function renoTextbook(): Point[] {
  return sawtooth("reno", 0.5, (from) => {
    let window = from;
    return () => {
      window += STEP_S / rttAt(window);
      return window;
    };
  });
}

/**
 * RFC 9438 4.2 and 4.3: the cubic function, or what Reno would reach with the same backing off if that is more. The window is one segment
 * beyond the full one when the loss is noticed, a round trip later.
 */
function cubicTextbook(): Point[] {
  const [beta, c, most] = [0.7, 0.4, FULL + 1];
  return sawtooth("cubic", beta, (from) => {
    const k = Math.cbrt((most - from) / c);
    let seconds = 0;
    let friendly = from;
    return () => {
      seconds += STEP_S;
      friendly += (((3 * (1 - beta)) / (1 + beta)) * STEP_S) / rttAt(friendly);
      return Math.max(c * (seconds - k) ** 3 + most, friendly);
    };
  });
}

function level(algorithm: string, curve: string, segments: number): Point[] {
  return [0, SECONDS].map((seconds) => ({ algorithm, curve, seconds, segments }));
}

/** What the simulator does. `field`: the window, or what is out (BBR's window is only a bound). */
function measured(algorithm: string, field: number): Point[] {
  const host = { sysctl: { tcp_congestion_control: algorithm } as object };
  const queueBytes = (RATE_BPS * RTT_S) / 8;
  const sim = simulate({
    a: host,
    b: host,
    aToB: { delayMs: 10, rateBps: RATE_BPS, queueBytes },
    bToA: { delayMs: 10 },
    checkInvariants: false,
  });
  const { client, server } = connected(sim);
  const [writer, reader] = [new Writer(client, 2 ** 40), new Reader(server)];
  sim.processes.push(() => {
    writer.pump();
    reader.pump();
  });
  const points: Point[] = [];
  for (let t = 0; t < SECONDS; t += STEP_S) {
    points.push({ algorithm, curve: "measured", seconds: t, segments: client.field(field) });
    sim.runFor(STEP_S * SECOND);
  }
  return points;
}

const values = [
  ...renoTextbook(),
  ...measured("reno", TCB_CWND),
  ...cubicTextbook(),
  ...measured("cubic", TCB_CWND),
  // Brakmo and Peterson: between alpha = 2 and beta = 4 segments of its own in the queue
  ...level("vegas", "textbook", BDP + 2),
  ...level("vegas", "textbook (upper)", BDP + 4),
  ...measured("vegas", TCB_CWND),
  // In flight: one BDP while cruising
  ...level("bbr", "textbook", BDP),
  ...measured("bbr", TCB_PACKETS_OUT),
];

const spec: TopLevelSpec = {
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  title: "20 ms, 100 Mbit/s, queue 1 BDP: segments in the window (bbr: in flight) against the textbook",
  data: { values },
  columns: 2,
  facet: { field: "algorithm", title: null, sort: ["reno", "cubic", "vegas", "bbr"], type: "nominal" },
  spec: {
    width: 420,
    height: 220,
    mark: { type: "line", strokeWidth: 1.2, clip: true },
    encoding: {
      x: { field: "seconds", type: "quantitative", title: "seconds" },
      y: { field: "segments", type: "quantitative", scale: { domain: [0, 1.3 * FULL] } },
      color: { field: "curve", type: "nominal", title: null },
    },
  },
};
const view = new View(parse(compile(spec).spec), { renderer: "none" });
writeFileSync(OUT, `${await view.toSVG()}\n`);
console.log(`wrote ${OUT}`);
