// What a simulated connection does over time: its window, what it has in flight and its rates, a row for each step of time, as a script
// draws them or a test compares them with a curve.

import * as layout from "../../assembly/layout.ts";
import { rateOfSample } from "../tcp-info.ts";
import type { SimHost } from "./host.ts";
import type { Simulator } from "./simulator.ts";
import type { SimSocket } from "./socket.ts";

/** One row. Windows in segments, rates in bytes/s, times in µs. */
export interface ConnectionRow {
  /** Virtual time. */
  timeUs: number;
  /** Congestion window. */
  cwnd: number;
  /** Infinity: none yet. */
  ssthresh: number;
  /** Sent and neither acknowledged, nor thought lost, nor reported received. */
  inFlight: number;
  /** Smoothed round trip. */
  srttUs: number;
  /** 0: not paced. */
  pacingRate: number;
  /** What the path was last seen to deliver. */
  deliveryRate: number;
  /** A CA_ code of the layout. */
  caState: number;
  /** Segments sent again so far. */
  totalRetrans: number;
}

/**
 * Records a connection from now on, as long as the simulation runs and the core knows it.
 * @param host - the host of the socket
 * @param everyUs - time between rows; what happens in between is not seen. Default 1000
 * @returns the rows, of which there are more as time goes by
 */
export function recordConnection(sim: Simulator, host: SimHost, socket: SimSocket, everyUs = 1000): ConnectionRow[] {
  const rows: ConnectionRow[] = [];
  let nextUs = sim.nowUs;
  let latest: ConnectionRow | null = null;
  sim.processes.push(() => {
    if (!socket.isAttached) return;
    // Nothing changes between two events, so a row due in between is that of the event before
    for (; nextUs <= sim.nowUs; nextUs += everyUs) {
      const isNow = nextUs === sim.nowUs || latest === null;
      rows.push({ ...(isNow ? read(host, socket, nextUs) : latest!), timeUs: nextUs });
    }
    latest = read(host, socket, sim.nowUs);
  });
  return rows;
}

function read(host: SimHost, socket: SimSocket, timeUs: number): ConnectionRow {
  const u64 = (field: number): number => Number(host.views.u64[(socket.tcb + field) >>> 3]!);
  const field = (offset: number): number => socket.field(offset);
  const gone = field(layout.TCB_LOST_OUT) + field(layout.TCB_SACKED_OUT);
  const ssthresh = field(layout.TCB_SSTHRESH);
  return {
    timeUs,
    cwnd: field(layout.TCB_CWND),
    ssthresh: ssthresh >= layout.SSTHRESH_NONE ? Number.POSITIVE_INFINITY : ssthresh,
    inFlight: Math.max(0, field(layout.TCB_PACKETS_OUT) + field(layout.TCB_RETRANS_OUT) - gone),
    srttUs: field(layout.TCB_SRTT_US),
    pacingRate: u64(layout.TCB_PACING_RATE),
    deliveryRate: rateOfSample(host.views.u64[(socket.tcb + layout.TCB_RATE_SAMPLE) >>> 3]!),
    caState: host.views.u8[socket.tcb + layout.TCB_CA_STATE]!,
    totalRetrans: field(layout.TCB_TOTAL_RETRANS),
  };
}
