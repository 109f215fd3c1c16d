// `wasmtcp ss [PID]`: the connections of running stacks of this user, in the manner of `ss -ti`, once or again and again.
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { type ConnectionInfo, controlFolder, findControlSockets, readReport, type StackReport } from "../index.ts";
import { duration, integer } from "./common-options.ts";
import { CommandError, runCommand } from "./session.ts";

type SsOptions = { watch?: number | true; json?: boolean; stats?: boolean };

const CLEAR_SCREEN = "\x1b[2J\x1b[H";

/** Adds the command to the program. */
export function addSs(program: Command): void {
  program
    .command("ss")
    .description("show the connections of your running stacks, in the manner of `ss -ti`")
    .argument("[pid]", "of one process only", integer)
    .option("-w, --watch [time]", "again and again, each second or as often as said", duration)
    .option("--stats", "the counters that are not 0 as well")
    .option("--json", "print one line of JSON for each process instead of text")
    .addHelpText("after", "\nExample:\n  wasmtcp ss --watch 500ms")
    .action((pid: number | undefined, options: SsOptions) => runCommand((signal) => ss(pid, options, signal)));
}

async function ss(pid: number | undefined, options: SsOptions, signal: AbortSignal): Promise<void> {
  const everyMs = options.watch === true ? 1000 : options.watch;
  if (everyMs === undefined) {
    process.stdout.write(await table(pid, options));
    return;
  }
  while (!signal.aborted) {
    const text = await table(pid, options);
    process.stdout.write(options.json || !process.stdout.isTTY ? text : `${CLEAR_SCREEN}${text}`);
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
}

async function table(pid: number | undefined, options: SsOptions): Promise<string> {
  const paths = await findControlSockets();
  // A process may end between being found and being asked.
  const answers = await Promise.allSettled(paths.map(readReport));
  const reports = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const chosen = reports.filter((report) => pid === undefined || report.pid === pid);
  chosen.sort((one, other) => one.pid - other.pid);
  if (chosen.length === 0) {
    const who = pid === undefined ? "stack of yours runs" : `stack of yours runs in process ${pid}`;
    throw new CommandError(`no ${who} with a control socket in ${controlFolder()}`);
  }
  if (options.json) return chosen.map((report) => `${JSON.stringify(report)}\n`).join("");
  return chosen.map((report) => reportText(report, options.stats === true)).join("\n");
}

/** The text of one process. */
function reportText(report: StackReport, withStats: boolean): string {
  const head = ["State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port"];
  const rows = report.connections.map((connection) => [
    connection.state,
    `${connection.rcvQueuedBytes}`,
    `${connection.sndQueuedBytes}`,
    `${connection.localAddr.hostname}:${connection.localAddr.port}`,
    connection.state === "LISTEN" ? "*:*" : `${connection.remoteAddr.hostname}:${connection.remoteAddr.port}`,
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  const lines = [`${report.title} (pid ${report.pid})`, line(head)];
  for (const [index, connection] of report.connections.entries()) {
    lines.push(line(rows[index]!));
    if (connection.state !== "LISTEN") lines.push(`\t ${details(connection)}`);
  }
  for (const { name, state, mtu } of report.stats.interfaces) {
    if (state !== "up") lines.push(`${name}: ${state}, mtu ${mtu}`);
  }
  if (withStats) lines.push(...counters(report));
  return `${lines.join("\n")}\n`;
}

function details(info: ConnectionInfo): string {
  const { options } = info;
  const words = [options.timestamps && "ts", options.sack && "sack", options.ecn && "ecn", info.congestionControl];
  const ms = (us: number): string => `${Math.round(us) / 1000}`;
  if (options.windowScaling) words.push(`wscale:${info.sndWscale},${info.rcvWscale}`);
  words.push(`rto:${ms(info.rtoUs)}`);
  if (info.srttUs > 0) words.push(`rtt:${ms(info.srttUs)}/${ms(info.rttvarUs)}`);
  words.push(
    `mss:${info.sndMss}`,
    `pmtu:${info.pmtu}`,
    `rcvmss:${info.rcvMss}`,
    `advmss:${info.advMss}`,
    `cwnd:${info.cwnd}`,
  );
  if (Number.isFinite(info.ssthresh)) words.push(`ssthresh:${info.ssthresh}`);
  const optional: [string, number][] = [
    ["bytes_sent", info.bytesSent],
    ["bytes_retrans", info.bytesRetrans],
    ["bytes_acked", info.bytesAcked],
    ["bytes_received", info.bytesReceived],
    ["segs_out", info.segsOut],
    ["segs_in", info.segsIn],
    ["backoff", info.backoff],
    ["unacked", info.packetsOut],
    ["sacked", info.sackedOut],
    ["lost", info.lostOut],
    ["rcv_ooopack", info.rcvOooSegs],
  ];
  for (const [name, value] of optional) if (value > 0) words.push(`${name}:${value}`);
  if (info.totalRetrans > 0) words.push(`retrans:${info.retransOut}/${info.totalRetrans}`);
  words.push(`snd_wnd:${info.sndWnd}`, `rcv_wnd:${info.rcvWnd}`);
  if (info.minRttUs > 0) words.push(`minrtt:${ms(info.minRttUs)}`);
  return words.filter(Boolean).join(" ");
}

function counters(report: StackReport): string[] {
  const named = Object.entries(report.stats.counters).filter(([, value]) => value > 0);
  const lines = named.map(([name, value]) => `${name.padEnd(32)} ${value}`);
  for (const { name, state, ...values } of report.stats.interfaces) {
    const parts = Object.entries(values).flatMap(([key, value]) => (value > 0 ? [`${key} ${value}`] : []));
    lines.push(`${name}: ${[state, ...parts].join(", ")}`);
  }
  return lines;
}
