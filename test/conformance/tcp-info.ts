// Linux's `struct tcp_info`, 280 bytes, out of what info() knows of a connection. Times in µs unless said otherwise.

import type { TcpState } from "../../src/states.ts";
import { readTcpInfo, type TcpInfo } from "../../src/tcp-info.ts";
import type { Run } from "./run.ts";
import type { PortSocket } from "./sockets.ts";

const TCP_INFO_BYTES = 280;
const NO_SSTHRESH = 0x7fffffff;
const DEFAULT_MSS = 536;

const STATES: Readonly<Record<TcpState, number>> = {
  ESTABLISHED: 1,
  "SYN-SENT": 2,
  "SYN-RECEIVED": 3,
  "FIN-WAIT-1": 4,
  "FIN-WAIT-2": 5,
  "TIME-WAIT": 6,
  CLOSED: 7,
  "CLOSE-WAIT": 8,
  "LAST-ACK": 9,
  LISTEN: 10,
  CLOSING: 11,
};
const CA_STATES = { open: 0, disorder: 1, cwr: 2, recovery: 3, loss: 4 } as const;

/** The structure as bytes. */
export function tcpInfo(run: Run, socket: PortSocket): Buffer {
  const bytes = Buffer.alloc(TCP_INFO_BYTES);
  const { sim } = socket;
  bytes.writeUInt8(STATES[socket.state], 0);
  if (sim === null || !sim.isAttached) {
    if (sim?.lastInfo) bytes.writeUInt8(optionBits(sim.lastInfo), 5);
    bytes.writeUInt32LE(1_000_000, 8);
    bytes.writeUInt32LE(DEFAULT_MSS, 16);
    bytes.writeUInt32LE(NO_SSTHRESH, 76);
    bytes.writeUInt32LE(10, 80);
    return bytes;
  }
  const info = readTcpInfo(run.host.views, sim.tcb);
  const small: [offset: number, value: number][] = [
    [7, info.deliveryRateAppLimited ? 1 : 0],
    [1, CA_STATES[info.caState]],
    [2, info.retransmits],
    [3, info.probes],
    [4, info.backoff],
    [5, optionBits(info)],
    [6, info.sndWscale | (info.rcvWscale << 4)],
  ];
  for (const [offset, value] of small) bytes.writeUInt8(value & 255, offset);
  const unsent = Math.max(0, info.sndQueuedBytes - ((info.sndNxt - info.sndUna) >>> 0));
  const words: [offset: number, value: number][] = [
    [240, info.totalRto | (info.totalRtoRecoveries << 16)],
    [244, info.totalRtoTimeMs],
    [8, info.rtoUs],
    [16, info.sndMss],
    [20, info.rcvMss],
    [24, info.packetsOut],
    [28, info.sackedOut],
    [32, info.lostOut],
    [36, info.retransOut],
    [12, info.atoUs],
    [44, agoMs(run, info.lastDataSentUs)],
    [52, agoMs(run, info.lastDataReceivedUs)],
    [56, agoMs(run, info.lastReceivedUs)],
    [60, info.pmtu],
    [68, info.srttUs],
    [72, info.rttvarUs],
    [76, Math.min(info.ssthresh, NO_SSTHRESH)],
    [80, info.cwnd],
    [84, info.advMss],
    [88, info.reordering],
    [92, info.rcvRttUs],
    [100, info.totalRetrans],
    [136, info.segsOut],
    [140, info.segsIn],
    [144, unsent],
    [148, info.minRttUs],
    [152, info.dataSegsIn],
    [156, info.dataSegsOut],
    [192, info.delivered],
    [196, info.deliveredCe],
    [216, info.dsackDups],
    [220, info.reordSeen],
    [224, info.rcvOooSegs],
    [228, info.sndWnd],
    [232, info.rcvWnd],
  ];
  for (const [offset, value] of words) bytes.writeUInt32LE(value >>> 0, offset);
  const chrono = run.now - info.chronoUs;
  const since = (kind: TcpInfo["chrono"]): number => (info.chrono === kind ? chrono : 0);
  const longs: [offset: number, value: number][] = [
    [104, info.pacingRate],
    [112, info.maxPacingRate],
    [160, info.deliveryRate],
    [168, info.busyUs + (info.chrono === "idle" ? 0 : chrono)],
    [176, info.rwndLimitedUs + since("rwnd-limited")],
    [184, info.sndbufLimitedUs + since("sndbuf-limited")],
    [120, info.bytesAcked],
    [128, info.bytesReceived],
    [200, info.bytesSent],
    [208, info.bytesRetrans],
  ];
  for (const [offset, value] of longs) bytes.writeBigUInt64LE(BigInt(value), offset);
  return bytes;
}

function optionBits({ options }: TcpInfo): number {
  return (
    (options.timestamps ? 1 : 0) |
    (options.sack ? 2 : 0) |
    (options.windowScaling ? 4 : 0) |
    (options.ecn ? 8 : 0) |
    (options.ecnSeen ? 16 : 0) |
    (options.synData ? 32 : 0)
  );
}

function agoMs(run: Run, us: number): number {
  return us === 0 ? 0 : Math.floor((run.now - us) / 1000);
}
