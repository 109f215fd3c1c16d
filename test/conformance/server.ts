// The unix socket: connections, their roles, and the run they belong to. The HELLO of a main connection begins a run; everything
// before it is forgotten.
import { createServer, type Server, type Socket } from "node:net";
import { ENOTCONN, EPROTO } from "./errno.ts";
import { encodeReply, fail, KIND_DONE, KIND_STARTED, ok, type Reply, type Request, RequestReader } from "./frames.ts";
import { OP_HELLO, PROTOCOL_VERSION, ROLE_MAIN } from "./ops.ts";
import { Run } from "./run.ts";

const PORT_NAME = "wasmtcp";

/**
 * Serves the conformance protocol, one run at a time, many one after another.
 * @param module - the compiled core; each run instantiates it on a memory of its own
 * @returns a server that does not listen yet
 */
export function createConformanceServer(module: WebAssembly.Module): Server {
  let current: Run | null = null;
  return createServer((socket) => {
    serve(socket, module, {
      begin: (run) => {
        current = run;
      },
      current: () => current,
    });
  });
}

interface Runs {
  begin(run: Run): void;
  current(): Run | null;
}

function serve(socket: Socket, module: WebAssembly.Module, runs: Runs): void {
  const reader = new RequestReader();
  let run: Run | null = null;
  let isMain = false;

  const hello = (request: Request): Reply => {
    if (request.a !== PROTOCOL_VERSION) return fail(EPROTO);
    isMain = request.b === ROLE_MAIN;
    if (isMain) runs.begin(new Run(module, request.payload.toString(), request.now));
    run = runs.current();
    return run === null ? fail(EPROTO) : ok(0, { payload: Buffer.from(PORT_NAME) });
  };

  const answer = (request: Request): void => {
    if (request.op === OP_HELLO) {
      socket.write(encodeReply(KIND_DONE, request.now, hello(request)));
    } else if (run === null || run !== runs.current()) {
      socket.write(encodeReply(KIND_DONE, request.now, fail(ENOTCONN)));
    } else {
      const mine = run;
      const done = (reply: Reply): void => {
        socket.write(encodeReply(KIND_DONE, mine.now, reply));
      };
      const reply = mine.execute(request, socket, !isMain, done);
      if (reply !== null) done(reply);
      else socket.write(encodeReply(KIND_STARTED, mine.now, ok()));
    }
  };

  socket.on("data", (chunk: Buffer) => {
    const requests = reader.push(chunk);
    if (requests === null) {
      socket.destroy();
      return;
    }
    try {
      for (const request of requests) answer(request);
    } catch (error) {
      // A fault of ours ends the run where the shim sees it: the connection is gone
      console.error(error);
      socket.destroy();
    }
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => run?.disconnect(socket));
}
