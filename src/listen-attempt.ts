// A passive open under way: from OP_LISTEN to a listener or an error.
import type { AcceptQueue } from "./accept-queue.ts";
import { formatIpv4 } from "./address.ts";
import { netstackError } from "./errors.ts";
import { ListenerSocket } from "./listener.ts";
import type { Endpoint } from "./op-queue.ts";
import { OpenAttempt } from "./open-attempt.ts";
import type { SocketOption } from "./socket-options.ts";
import type { SocketContext } from "./tcp-socket.ts";

/** What is asked of the core. */
export interface ListenRequest {
  local: Endpoint;
  backlog: number;
  options: readonly SocketOption[];
}

/** One `listen` call. */
export class ListenAttempt extends OpenAttempt<ListenerSocket> {
  readonly #local: Endpoint;
  readonly #queue: AcceptQueue;

  constructor(context: SocketContext, request: ListenRequest, queue: AcceptQueue, signal: AbortSignal | undefined) {
    super(context, signal);
    this.#queue = queue;
    const { local, backlog, options } = request;
    this.#local = local;
    this.start((token) => context.ops.listen(token, local, backlog, options));
  }

  onAttached(handle: number, local: Endpoint): void {
    if (this.settled) this.context.ops.closeListener(handle);
    else this.succeed(new ListenerSocket(this.context, handle, local, this.#queue));
  }

  onFailed(errno: number): void {
    const { address, port } = this.#local;
    this.fail(netstackError(errno, { syscall: "listen", address: formatIpv4(address), port }));
  }
}
