// `wasmtcp server PORT`: the lab's echo server. Each message comes back as `server echoes: MESSAGE`.
import type { Command } from "commander";
import type { Connection } from "../index.ts";
import { addCommonOptions, type CommonOptions, duration, openStack, port } from "./common-options.ts";
import { addPeerTimeout, peerTimeout, type TimeoutOptions } from "./peer-timeout.ts";
import { abortOn, pause, runCommand, withStack } from "./session.ts";
import { debug } from "./state-lines.ts";

type ServerOptions = CommonOptions & TimeoutOptions & { delayClose: number; keepListening?: boolean };

/** Adds the command to the program. */
export function addServer(program: Command): void {
  addPeerTimeout(
    addCommonOptions(
      program
        .command("server")
        .description("echo every message back as 'server echoes: MESSAGE', for one connection")
        .argument("<port>", "port to listen on", port)
        .option("--delay-close <time>", "wait this long between the peer's FIN and ours", duration, 0)
        .option("--keep-listening", "serve connections until Ctrl-C instead of one"),
    ),
  )
    .addHelpText("after", "\nExample:\n  wasmtcp server 10001 --interface h1-eth0 --address 10.0.0.1/24 --debug")
    .action((portNumber: number, options: ServerOptions) =>
      runCommand((signal) => server(portNumber, options, signal)),
    );
}

async function server(portNumber: number, options: ServerOptions, signal: AbortSignal): Promise<void> {
  await withStack(
    () => openStack(options),
    async (stack) => {
      const listener = await stack.listen({ port: portNumber, ...peerTimeout(options) });
      if (options.debug) debug(`listen to port ${portNumber}.`);
      do {
        const connection = await listener.accept({ signal });
        if (options.debug) debug("accept a connection.");
        if (!options.keepListening) listener.close();
        const served = echo(connection, options, signal);
        if (!options.keepListening) await served;
        else served.catch((error: Error) => process.stderr.write(`wasmtcp: ${error.message}\n`));
      } while (options.keepListening);
    },
  );
}

async function echo(connection: Connection, options: ServerOptions, signal: AbortSignal): Promise<void> {
  using _ = abortOn(signal, connection);
  const buffer = Buffer.alloc(65536);
  const prefix = Buffer.from("server echoes: ");
  for (let length = await connection.read(buffer); length !== null; length = await connection.read(buffer)) {
    await connection.write(Buffer.concat([prefix, buffer.subarray(0, length)]));
  }
  if (options.debug) debug("tcp_sock_read return 0, finish transmission.");
  await pause(options.delayClose, connection);
  if (options.debug) debug("close this connection.");
  await connection.close();
}
