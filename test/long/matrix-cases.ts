// The grid of the simulation matrix, and one run of it: a bulk transfer through a bottleneck under virtual time.
import { COUNTER_TCP_RETRANS_SEGS, COUNTER_TCP_TIMEOUTS } from "../../assembly/counters.ts";
import { MIB, SECOND, simulate, transfer } from "../support/sim.ts";

/** One cell of the matrix. */
export interface MatrixCase {
  /** Its text form, which replays it: `cc=cubic,rtt=20,loss=1,queue=1,reorder=0`. */
  name: string;
  congestion: string;
  /** ms. */
  rttMs: number;
  /** Percent of the data packets. */
  loss: number;
  /** In bandwidth-delay products. */
  queueBdp: number;
  /** Percent of the data packets. */
  reorder: number;
}

/** What came out. */
export interface MatrixResult {
  /** Share of the bottleneck's rate that arrived as payload, percent with one decimal. */
  goodput: string;
  /** Segments sent again per 1,000 that were needed. */
  retransmitted: string;
  timeouts: number;
}

/** What the other long tests run over. */
export const CONGESTION_CONTROLS = ["reno", "cubic", "vegas", "bbr", "bbr1"];
/** The matrix leaves out bbr1, which adds nothing to it but time. */
const MATRIX_CONTROLS = CONGESTION_CONTROLS.filter((name) => name !== "bbr1");
const RATE_BPS = 20e6;
const BYTES = 2 * MIB;
const MSS = 1448;
const PACKET_BYTES = 1514;

/** All cells, in the order of the table. */
export function* matrixCases(): Generator<MatrixCase> {
  for (const rttMs of [2, 20, 100]) {
    for (const queueBdp of [0.5, 1, 4]) {
      for (const reorder of [0, 2]) {
        for (const loss of [0, 0.1, 1, 5]) {
          for (const congestion of MATRIX_CONTROLS) yield matrixCase(congestion, rttMs, loss, queueBdp, reorder);
        }
      }
    }
  }
}

function matrixCase(congestion: string, rttMs: number, loss: number, queueBdp: number, reorder: number): MatrixCase {
  const name = `cc=${congestion},rtt=${rttMs},loss=${loss},queue=${queueBdp},reorder=${reorder}`;
  return { name, congestion, rttMs, loss, queueBdp, reorder };
}

/** Runs one cell; every byte is checked, the invariants after every event, and that nothing is left. */
export function runCase({ congestion, rttMs, loss, queueBdp, reorder }: MatrixCase, seed: number): MatrixResult {
  const bdp = (RATE_BPS / 8) * (rttMs / 1000);
  // Not less than a few packets: a queue for none is no queue
  const queueBytes = Math.max(Math.round(bdp * queueBdp), 8 * PACKET_BYTES);
  const delayMs = rttMs / 2;
  const sysctl = { tcp_congestion_control: congestion } as object;
  const sim = simulate({
    seed,
    a: { sysctl },
    b: { sysctl },
    aToB: { delayMs, rateBps: RATE_BPS, queueBytes, loss: loss / 100, reorder: reorder / 100 },
    bToA: { delayMs },
  });
  const tookUs = transfer(sim, BYTES, { limitUs: 3600 * SECOND });
  const goodput = (BYTES * 8) / (tookUs / 1e6) / RATE_BPS;
  const again = sim.a.counter(COUNTER_TCP_RETRANS_SEGS) / Math.ceil(BYTES / MSS);
  return {
    goodput: (goodput * 100).toFixed(1),
    retransmitted: (again * 1000).toFixed(1),
    timeouts: sim.a.counter(COUNTER_TCP_TIMEOUTS),
  };
}

/** The table that is committed. */
export function matrixTable(results: [MatrixCase, MatrixResult][]): string {
  const head = "| RTT ms | queue BDP | reorder % | loss % | algorithm | goodput % | retransmitted ‰ | time-outs |";
  const rows = results.map(
    ([cell, result]) =>
      `| ${cell.rttMs} | ${cell.queueBdp} | ${cell.reorder} | ${cell.loss} | ${cell.congestion} | ${result.goodput} | ${result.retransmitted} | ${result.timeouts} |`,
  );
  return [head, head.replaceAll(/[^|]+/g, " --- "), ...rows].join("\n");
}
