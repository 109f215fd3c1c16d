// The options that every command which opens an interface takes, and how they become a stack. Public API only.
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  captureLink,
  createStack,
  emulatedLink,
  type Link,
  openControlSocket,
  packetLink,
  parseEmulation,
  type Stack,
  type Sysctl,
} from "../index.ts";
import { type Affinity, affinity } from "./affinity.ts";
import { printLinkLines } from "./link-lines.ts";
import { printStateLines } from "./state-lines.ts";
import { takeOver } from "./take-over.ts";

export type CommonOptions = {
  interface: string;
  address: string;
  gateway?: string;
  mac?: string;
  mtu?: number;
  gro: boolean;
  capture?: string;
  debug?: boolean;
  emulate?: string;
  takeOver?: boolean;
  sysctl: string[];
  thread: "worker" | "caller";
  affinity: Affinity;
  shards?: number;
  json?: boolean;
};

/** Adds the common options to a command. */
export function addCommonOptions(command: Command): Command {
  return command
    .requiredOption("-i, --interface <name>", "network interface to open, such as h1-eth0")
    .requiredOption("-a, --address <cidr>", "address of this stack, such as 10.0.0.1/24; must not be the kernel's own")
    .option("-g, --gateway <ip>", "next hop for addresses outside the network")
    .option("--mac <mac>", "MAC address of this stack (default: derived from the address)")
    .option("--mtu <bytes>", "MTU (default: the interface's)", integer)
    .option("--no-gro", "do not merge received segments before TCP looks at them")
    .option("--capture <file>", "write every frame to a pcapng file")
    .option("--emulate <what>", "impair what this end sends, such as 'loss=1%,delay=10ms,rate=100mbit'")
    .addOption(
      new Option("--sysctl <name=value>", "set a Linux sysctl of this stack; may be repeated")
        .argParser((value, all: string[]) => [...all, value])
        .default([], "none"),
    )
    .addOption(
      new Option("--thread <where>", "run the stack in a worker, or in the thread of the command: less latency")
        .choices(["worker", "caller"])
        .default("worker"),
    )
    .addOption(
      new Option(
        "--affinity <where>",
        "processors of the worker: none (any), a list such as 0,2-3, or auto (not those of the interface's RPS)",
      )
        .argParser(affinity)
        .default("none"),
    )
    .option(
      "--shards <count>",
      "run the stack on so many processors, each with some of the connections (default: 1)",
      integer,
    )
    .option("--take-over", "take the address and its routes from the kernel for the run, and give them back at the end")
    .option("--debug", "print every change of a connection's state")
    .option("--json", "print one line of JSON instead of text");
}

/** Parses a whole number, for commander. */
export function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError(`Expected a whole number, got '${text}'.`);
  return Number(text);
}

/** Parses a port, 1..65535, for commander. */
export function port(text: string): number {
  const value = integer(text);
  if (value < 1 || value > 65535) throw new InvalidArgumentError(`Expected a port, 1 to 65535, got '${text}'.`);
  return value;
}

/** Parses a duration such as `1s`, `250ms` or `2` (seconds) into milliseconds, for commander. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text);
  if (!match) throw new InvalidArgumentError(`Expected a duration such as 1s or 250ms, got '${text}'.`);
  return Number(match[1]) * (match[2] === "ms" ? 1 : 1000);
}

/** Parses a size such as `64M`, `1GiB` or `4096` into bytes (powers of 1024), for commander. */
export function size(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMG]?)(?:i?B)?$/i.exec(text);
  if (!match) throw new InvalidArgumentError(`Expected a size such as 64MiB, got '${text}'.`);
  const power = ["", "K", "M", "G"].indexOf((match[2] ?? "").toUpperCase());
  return Math.round(Number(match[1]) * 1024 ** power);
}

/** Turns repeated `name=value` texts into sysctls; lists of numbers may be separated by spaces or commas. */
function parseSysctls(texts: string[]): Partial<Sysctl> {
  const entries = texts.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new InvalidArgumentError(`Expected name=value, got '${text}'.`);
    const name = text
      .slice(0, at)
      .trim()
      .replace(/^net\.ipv4\./, "");
    const values = text
      .slice(at + 1)
      .trim()
      .split(/[\s,]+/);
    const parsed = values.map((value) => (/^\d+$/.test(value) ? Number(value) : value));
    return [name, parsed.length === 1 ? parsed[0] : parsed];
  });
  return Object.fromEntries(entries) as Partial<Sysctl>;
}

function warn(message: string): void {
  process.stderr.write(`wasmtcp: ${message}\n`);
}

/** Lets `wasmtcp ss` look into this process. Without it the command works as well, so it only warns. */
async function showInSs(stack: Stack): Promise<void> {
  try {
    await openControlSocket(stack);
  } catch (error) {
    warn(`not to be seen by \`wasmtcp ss\`: ${(error as Error).message}`);
  }
}

/** Opens the interface and brings the stack up as the options say. */
export async function openStack(options: CommonOptions): Promise<Stack> {
  const taken = options.takeOver ? takeOver(options.interface, options.address, warn) : undefined;
  let link: Link = packetLink({ interface: options.interface });
  if (options.emulate !== undefined) link = emulatedLink(link, parseEmulation(options.emulate));
  if (options.capture !== undefined) link = captureLink(link, options.capture);
  const stack = await createStack({
    interfaces: [
      {
        link,
        address: options.address,
        name: options.interface,
        ...(options.gateway !== undefined && { gateway: options.gateway }),
        ...(options.mac !== undefined && { mac: options.mac }),
        ...(options.mtu !== undefined && { mtu: options.mtu }),
        gro: options.gro,
      },
    ],
    sysctl: parseSysctls(options.sysctl),
    thread: options.thread,
    affinity: options.affinity,
    ...(options.shards !== undefined && { shards: options.shards }),
    // Its gateway option counts more than the default route that the kernel had.
    ...(taken !== undefined && {
      routes: taken.routes.filter(({ destination }) => options.gateway === undefined || destination !== "0.0.0.0/0"),
    }),
  });
  printLinkLines(stack);
  if (options.debug) printStateLines(stack);
  await showInSs(stack);
  return stack;
}
