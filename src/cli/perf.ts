// `wasmtcp perf ...`: one end of a measurement from memory to memory on the public API, one line of JSON at its end. The lines have the fields that
// small measuring programs for kernel sockets print (bytes, secs, gbps, cpu; n, p50, ...; n, secs, rate), and `retrans` and `drops` of the stack.
import { setMaxListeners } from "node:events";
import { type Command, InvalidArgumentError } from "commander";
import { addCommonOptions, type CommonOptions, duration, integer, openStack, port, size } from "./common-options.ts";
import { sink, source } from "./perf-bulk.ts";
import { accept, conn } from "./perf-connections.ts";
import { idle, idleListen } from "./perf-idle.ts";
import { echo, ping } from "./perf-latency.ts";
import type { PerfRun } from "./perf-report.ts";
import { runCommand, withStack } from "./session.ts";

const MAX_FLOWS = 65_536;
const MAX_CHUNK_BYTES = 1 << 30;
const MAX_COUNT = 10_000_000;
const LINGER_MS = 5000;

type FlowOptions = CommonOptions & { flows: number };

/** Adds the commands to the program. */
export function addPerf(program: Command): void {
  const perf = program
    .command("perf")
    .description("measure: one end each of bulk data, of a ping-pong, of connections; prints one line of JSON")
    .addHelpText("after", EXAMPLES);
  addBulk(perf);
  addLatency(perf);
  addConnections(perf);
  addIdle(perf);
}

const EXAMPLES = `
Examples (h1 is 10.0.0.1, h2 is 10.0.0.2):
  wasmtcp perf sink 5001 --interface h1-eth0 --address 10.0.0.1/24
  wasmtcp perf source 10.0.0.1 5001 2 --interface h2-eth0 --address 10.0.0.2/24
  wasmtcp perf echo 7 --interface h1-eth0 --address 10.0.0.1/24
  wasmtcp perf ping 10.0.0.1 7 20000 --interface h2-eth0 --address 10.0.0.2/24`;

function addBulk(perf: Command): void {
  addCommonOptions(
    perf
      .command("sink")
      .description("accept connections and read them to their end: bytes, secs, gbps, cpu")
      .argument("<port>", "port to listen on", port)
      .option("--flows <count>", "connections to accept", flows, 1),
  ).action((portNumber: number, options: FlowOptions) =>
    measure(options, (run) => sink(run, portNumber, options.flows)),
  );
  addCommonOptions(
    perf
      .command("source")
      .description("connect and write for some seconds: bytes, secs, gbps, cpu, retrans")
      .argument("<host>", "address of the sink")
      .argument("<port>", "its port", port)
      .argument("<seconds>", "how long to write", seconds)
      .argument("[chunk]", "bytes of a write", chunk, 131_072)
      .option("--flows <count>", "connections to make", flows, 1),
  ).action((host: string, portNumber: number, ms: number, chunkBytes: number, options: FlowOptions) =>
    measure(options, (run) => source(run, { host, port: portNumber }, { ms, chunkBytes, flows: options.flows })),
  );
}

function addLatency(perf: Command): void {
  addCommonOptions(
    perf
      .command("echo")
      .description("accept one connection and send back what comes, until its end")
      .argument("<port>", "port to listen on", port),
  ).action((portNumber: number, options: CommonOptions) => measure(options, (run) => echo(run, portNumber)));
  addCommonOptions(
    perf
      .command("ping")
      .description("send one byte and wait for it to come back, again and again: n, p50, p90, p99, p999, max (us), rps")
      .argument("<host>", "address of the echo")
      .argument("<port>", "its port", port)
      .argument("<count>", "round trips that count; a tenth as many go before them", count),
  ).action((host: string, portNumber: number, n: number, options: CommonOptions) =>
    measure(options, (run) => ping(run, { host, port: portNumber }, n)),
  );
}

function addConnections(perf: Command): void {
  addCommonOptions(
    perf
      .command("accept")
      .description("accept connections and reset them, for some seconds after the first: n, secs, rate, cpu")
      .argument("<port>", "port to listen on", port)
      .argument("<seconds>", "how long", seconds),
  ).action((portNumber: number, ms: number, options: CommonOptions) =>
    measure(options, (run) => accept(run, portNumber, ms)),
  );
  addCommonOptions(
    perf
      .command("conn")
      .description("connect and reset, again and again: n, secs, rate, errs, cpu")
      .argument("<host>", "address of the other end")
      .argument("<port>", "its port", port)
      .argument("<seconds>", "how long", seconds)
      .argument("[concurrency]", "attempts at a time", flows, 32),
  ).action((host: string, portNumber: number, ms: number, concurrency: number, options: CommonOptions) =>
    measure(options, (run) => conn(run, { host, port: portNumber }, ms, concurrency)),
  );
}

function addIdle(perf: Command): void {
  addCommonOptions(
    perf
      .command("idle-listen")
      .description("accept connections and hold them, echo what comes; when all have ended: n, memory of each")
      .argument("<port>", "port to listen on; more than 25000 connections take the ports after it too", port)
      .argument("<count>", "connections to hold", count),
  ).action((portNumber: number, n: number, options: CommonOptions) =>
    measure(options, (run) => idleListen(run, portNumber, n)),
  );
  addCommonOptions(
    perf
      .command("idle")
      .description("make connections and hold them, then echo one byte on each: open, echoed, memory of each")
      .argument("<host>", "address of the other end")
      .argument("<port>", "its first port", port)
      .argument("<count>", "connections to hold", count),
  ).action((host: string, portNumber: number, n: number, options: CommonOptions) =>
    measure(options, (run) => idle(run, { host, port: portNumber }, n)),
  );
}

/** Opens the stack, measures, prints the line, closes the stack. */
async function measure(options: CommonOptions, body: (run: PerfRun) => Promise<object>): Promise<void> {
  await runCommand((signal) =>
    withStack(
      () => openStack(options),
      async (stack) => {
        const interrupt = (): void => void stack.close({ lingerMs: 0 }); // ends all that is waited for
        setMaxListeners(0, signal); // each attempt to connect listens
        signal.addEventListener("abort", interrupt, { once: true });
        const line = await body({ stack, signal });
        signal.removeEventListener("abort", interrupt);
        process.stdout.write(`${JSON.stringify(line)}\n`);
      },
      LINGER_MS,
    ),
  );
}

function within(text: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw new InvalidArgumentError(`Expected ${least} to ${most}, got '${text}'.`);
}

function flows(text: string): number {
  return within(text, integer(text), 1, MAX_FLOWS);
}

function count(text: string): number {
  return within(text, integer(text), 1, MAX_COUNT);
}

function chunk(text: string): number {
  return within(text, size(text), 1, MAX_CHUNK_BYTES);
}

/** Seconds (or `500ms`) into milliseconds. */
function seconds(text: string): number {
  const ms = duration(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError(`Expected more than no time, got '${text}'.`);
}
