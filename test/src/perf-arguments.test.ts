// The command lines of `wasmtcp perf`: what is refused before an interface is opened, and with which words.
import { Command, CommanderError } from "commander";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addPerf } from "../../src/cli/perf.ts";

const OWN = ["--interface", "none", "--address", "10.0.0.1/24"];

/** What commander says to a command line that it refuses. */
async function refusal(...args: string[]): Promise<string> {
  let said = "";
  const program = new Command("wasmtcp").exitOverride().configureOutput({
    writeErr: (text) => {
      said += text;
    },
    writeOut: () => {},
  });
  addPerf(program);
  try {
    await program.parseAsync(["perf", ...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return said;
  }
  throw new Error(`not refused: ${args.join(" ")}`);
}

const perf = suite("src/perf-arguments");

const REFUSED: [what: string, args: string[], message: RegExp][] = [
  ["an unknown measurement", ["throughput"], /unknown command 'throughput'/],
  ["no port", ["sink", ...OWN], /missing required argument 'port'/],
  ["port 0", ["sink", "0", ...OWN], /'0' is invalid for argument 'port'.*1 to 65535/],
  ["a port that is no number", ["echo", "http", ...OWN], /'http' is invalid for argument 'port'/],
  ["no interface", ["echo", "7", "--address", "10.0.0.1/24"], /required option '-i, --interface <name>'/],
  ["no address", ["echo", "7", "--interface", "eth0"], /required option '-a, --address <cidr>'/],
  ["no seconds", ["source", "10.0.0.2", "5001", ...OWN], /missing required argument 'seconds'/],
  ["no time at all", ["source", "10.0.0.2", "5001", "0", ...OWN], /'0' is invalid for argument 'seconds'/],
  ["time that is none", ["accept", "5001", "soon", ...OWN], /'soon' is invalid for argument 'seconds'/],
  ["a chunk of nothing", ["source", "10.0.0.2", "5001", "1", "0", ...OWN], /'0' is invalid for argument 'chunk'/],
  ["a chunk of 2 GiB", ["source", "10.0.0.2", "5001", "1", "2G", ...OWN], /'2G' is invalid for argument 'chunk'/],
  ["no flows", ["sink", "5001", "--flows", "0", ...OWN], /option '--flows <count>' argument '0' is invalid/],
  ["no round trips", ["ping", "10.0.0.2", "7", "0", ...OWN], /'0' is invalid for argument 'count'/],
  ["half a round trip", ["ping", "10.0.0.2", "7", "0.5", ...OWN], /'0.5' is invalid for argument 'count'/],
  ["nothing at a time", ["conn", "10.0.0.2", "7", "1", "0", ...OWN], /'0' is invalid for argument 'concurrency'/],
  [
    "a thread that there is not",
    ["echo", "7", "--thread", "kernel", ...OWN],
    /argument 'kernel' is invalid.*worker, caller/,
  ],
  ["too much", ["sink", "5001", "5002", ...OWN], /too many arguments/],
];

for (const [what, args, message] of REFUSED) {
  perf(`${what} is refused`, async () => {
    assert.match(await refusal(...args), message);
  });
}

perf.run();
