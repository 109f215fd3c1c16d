// `wasmtcp ping HOST`: echo requests from a stack of our own, printed as ping(8) does.
import type { Command } from "commander";
import type { PingReply, Stack } from "../index.ts";
import { addCommonOptions, type CommonOptions, duration, integer, openStack } from "./common-options.ts";
import { CommandError, runCommand, withStack } from "./session.ts";

type PingCliOptions = CommonOptions & { count?: number; interval: number; size: number; wait?: number };

/** Adds the command to the program. */
export function addPing(program: Command): void {
  addCommonOptions(
    program
      .command("ping")
      .description("send ICMP echo requests until Ctrl-C, or as many as asked for")
      .argument("<host>", "IPv4 address")
      .option("-c, --count <n>", "requests to send", integer)
      .option("--interval <time>", "time between requests", duration, 1000)
      .option("-s, --size <bytes>", "payload of a request", integer, 56)
      .option("-W, --wait <time>", "time to wait for a reply", duration),
  )
    .addHelpText("after", "\nExample:\n  wasmtcp ping 10.0.0.2 -c 3 --interface h1-eth0 --address 10.0.0.11/24")
    .action((host: string, options: PingCliOptions) =>
      runCommand((signal) =>
        withStack(
          () => openStack(options),
          (stack) => ping(stack, host, options, signal),
          0,
        ),
      ),
    );
}

async function ping(stack: Stack, host: string, options: PingCliOptions, signal: AbortSignal): Promise<void> {
  const { count, interval, size, wait } = options;
  if (!options.json) process.stdout.write(`PING ${host} ${size} bytes of data\n`);
  const replies: PingReply[] = [];
  try {
    const rest = { ...(count !== undefined && { count }), ...(wait !== undefined && { timeoutMs: wait }) };
    for await (const reply of stack.ping(host, { intervalMs: interval, size, signal, ...rest })) {
      replies.push(reply);
      if (!options.json) process.stdout.write(`${replyLine(reply)}\n`);
    }
  } catch (error) {
    if (!signal.aborted) throw error; // Ctrl-C is how a ping ends: it still sums up
  }
  const summary = summarise(replies);
  process.stdout.write(
    options.json ? `${JSON.stringify({ host, ...summary })}\n` : `\n${summaryText(host, summary)}\n`,
  );
  if (summary.received === 0) throw new CommandError(`no reply from ${host}`);
}

function replyLine(reply: PingReply): string {
  const from = `icmp_seq=${reply.sequence}`;
  if (!reply.ok) return `From ${reply.address} ${from} ${reply.error.code}`;
  return `${reply.bytes} bytes from ${reply.address}: ${from} ttl=${reply.ttl} time=${milliseconds(reply.roundTripUs)} ms`;
}

type Summary = { sent: number; received: number; minMs: number; avgMs: number; maxMs: number; mdevMs: number };

function summarise(replies: PingReply[]): Summary {
  const times = replies.flatMap((reply) => (reply.ok ? [reply.roundTripUs / 1000] : []));
  const avgMs = times.reduce((sum, time) => sum + time, 0) / (times.length || 1);
  const variance = times.reduce((sum, time) => sum + (time - avgMs) ** 2, 0) / (times.length || 1);
  return {
    sent: replies.length,
    received: times.length,
    minMs: times.length === 0 ? 0 : Math.min(...times),
    avgMs,
    maxMs: times.length === 0 ? 0 : Math.max(...times),
    mdevMs: Math.sqrt(variance),
  };
}

function summaryText(host: string, { sent, received, minMs, avgMs, maxMs, mdevMs }: Summary): string {
  const lost = sent === 0 ? 0 : Math.round((1 - received / sent) * 100);
  const head = `--- ${host} ping statistics ---\n${sent} packets transmitted, ${received} received, ${lost}% packet loss`;
  if (received === 0) return head;
  const times = [minMs, avgMs, maxMs, mdevMs].map((time) => time.toFixed(3)).join("/");
  return `${head}\nrtt min/avg/max/mdev = ${times} ms`;
}

function milliseconds(us: number): string {
  return (us / 1000).toFixed(us < 10_000 ? 3 : 1);
}
