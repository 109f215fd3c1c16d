// `wasmtcp client HOST PORT`: the lab's client. Ten messages, each a shorter suffix of 36 characters, each answer printed.
import type { Command } from "commander";
import type { Connection } from "../index.ts";
import { addCommonOptions, type CommonOptions, duration, integer, openStack, port } from "./common-options.ts";
import { addPeerTimeout, connectTimeout, type TimeoutOptions } from "./peer-timeout.ts";
import { abortOn, CommandError, pause, runCommand, withStack } from "./session.ts";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const PREFIX = "server echoes: ";

type ClientOptions = CommonOptions & TimeoutOptions & { messages: number; hold: number };

/** Adds the command to the program. */
export function addClient(program: Command): void {
  addPeerTimeout(
    addCommonOptions(
      program
        .command("client")
        .description("send messages to an echo server and print its answers")
        .argument("<host>", "address of the server")
        .argument("<port>", "its port", port)
        .option("-n, --messages <count>", "messages to send", integer, 10)
        .option("--hold <time>", "stay connected this long before closing", duration, 0),
    ),
  )
    .addHelpText(
      "after",
      "\nExample:\n  wasmtcp client 10.0.0.1 10001 --interface h2-eth0 --address 10.0.0.2/24 --debug",
    )
    .action((host: string, portNumber: number, options: ClientOptions) =>
      runCommand((signal) => client(host, portNumber, options, signal)),
    );
}

async function client(host: string, portNumber: number, options: ClientOptions, signal: AbortSignal): Promise<void> {
  await withStack(
    () => openStack(options),
    async (stack) => {
      const target = { hostname: host, port: portNumber, signal, ...connectTimeout(options) };
      const connection = await stack.connect(target);
      using _ = abortOn(signal, connection);
      for (let turn = 0; turn < options.messages; turn++) {
        const message = ALPHABET.slice(turn % ALPHABET.length);
        await connection.write(Buffer.from(message));
        process.stdout.write(`${await readAnswer(connection, PREFIX.length + message.length)}\n`);
      }
      await pause(options.hold, connection);
      await connection.closeWrite();
      await drain(connection);
      await connection.close();
    },
  );
}

async function readAnswer(connection: Connection, length: number): Promise<string> {
  const answer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const count = await connection.read(answer.subarray(filled));
    if (count === null) throw new CommandError(`the server closed after ${filled} of ${length} bytes of an answer`);
    filled += count;
  }
  return answer.toString("latin1");
}

/** Reads to the peer's FIN, so that the four-way close is seen whole. */
async function drain(connection: Connection): Promise<void> {
  const rest = Buffer.alloc(4096);
  for (let count = await connection.read(rest); count !== null; count = await connection.read(rest)) {
    process.stdout.write(rest.subarray(0, count));
  }
}
