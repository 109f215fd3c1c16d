// What million.test.ts draws its runs from: hosts, paths, how a connection begins, and users who write, read and change their mind at
// random. Everything follows from the dice, so that a seed replays.
import {
  CONGESTION_BBR,
  CONGESTION_CUBIC,
  CONGESTION_RENO,
  CONGESTION_VEGAS,
  SEND_MARK_END_OF_RECORD,
  SEND_MARK_MORE,
  SEND_MARK_URGENT,
  SOCKET_OPTION_CONGESTION,
  SOCKET_OPTION_CORK,
  SOCKET_OPTION_FASTOPEN,
  SOCKET_OPTION_FASTOPEN_CONNECT,
  SOCKET_OPTION_NODELAY,
  SOCKET_OPTION_OOBINLINE,
  SOCKET_OPTION_QUICKACK,
  SOCKET_OPTION_RCVBUF,
} from "../../assembly/layout.ts";
import type { Random } from "../../src/links/random.ts";
import type { Simulator } from "../../src/sim/index.ts";
import { socketOption } from "../../src/socket-options.ts";
import { type NarrowPath, narrowPath } from "../support/narrow-path.ts";
import { Reader, SECOND, Writer } from "../support/sim.ts";

/** Client and server, both without cookies, for all listeners. */
const FASTOPEN_FREELY = 1 | 2 | 4 | 0x200 | 0x400;
const ALGORITHMS = [CONGESTION_RENO, CONGESTION_CUBIC, CONGESTION_VEGAS, CONGESTION_BBR];

function oneOf<T>(dice: Random, values: readonly T[]): T {
  return values[dice.below(values.length)]!;
}

/** True once in `times`. */
function rarely(dice: Random, times: number): boolean {
  return dice.below(times) === 0;
}

/** A reader that stops now and then, for up to two virtual seconds. */
export class MoodyReader extends Reader {
  readonly #sim: Simulator;
  readonly #dice: Random;
  #asleepUntilUs = 0;

  constructor(sim: Simulator, dice: Random, ...rest: ConstructorParameters<typeof Reader>) {
    super(...rest);
    this.#sim = sim;
    this.#dice = dice;
    this.socket.setOption(SOCKET_OPTION_OOBINLINE, 1);
  }

  override pump(): void {
    if (this.#sim.nowUs < this.#asleepUntilUs) return;
    if (rarely(this.#dice, 4000)) this.#asleepUntilUs = this.#sim.nowUs + this.#dice.below(2 * SECOND);
    else super.pump();
  }
}

/** A writer that marks what it writes (more to come, end of a record, urgent) and changes its socket's options on the way. */
export class RestlessWriter extends Writer {
  readonly #dice: Random;
  readonly #turns: number;

  constructor(dice: Random, ...rest: ConstructorParameters<typeof Writer>) {
    super(...rest);
    this.#dice = dice;
    this.#turns = oneOf(dice, [0, 0, 20, 400]);
  }

  override mark(): number {
    if (this.#turns === 0 || !rarely(this.#dice, this.#turns)) return 0;
    this.#changeMind();
    return oneOf(this.#dice, [SEND_MARK_MORE, SEND_MARK_END_OF_RECORD, SEND_MARK_URGENT, 0]);
  }

  #changeMind(): void {
    const { socket } = this;
    const isOn = this.#dice.below(2);
    if (rarely(this.#dice, 4)) socket.setOption(SOCKET_OPTION_CORK, isOn);
    if (rarely(this.#dice, 4)) socket.setOption(SOCKET_OPTION_NODELAY, isOn);
    if (rarely(this.#dice, 8)) socket.setOption(SOCKET_OPTION_QUICKACK, isOn);
    if (rarely(this.#dice, 8)) socket.setKeepAlive(isOn === 1, 1000, 1000, 100);
    if (rarely(this.#dice, 16)) socket.setOption(SOCKET_OPTION_CONGESTION, oneOf(this.#dice, ALGORITHMS));
    if (rarely(this.#dice, 32)) socket.setOption(SOCKET_OPTION_RCVBUF, 2048 << this.#dice.below(8));
  }
}

/** One direction of a cable. */
export function randomPath(dice: Random): object {
  const delayMs = oneOf(dice, [0.05, 1, 5, 20]);
  const isLimited = rarely(dice, 2);
  return {
    delayMs,
    jitterMs: rarely(dice, 2) ? 0 : delayMs / 4,
    loss: oneOf(dice, [0, 0.001, 0.01, 0.05]),
    burstLoss: oneOf(dice, [0, 0, { start: 0.0005, length: 3 }]), // not so long that a window of one segment counts as dead
    reorder: oneOf(dice, [0, 0.01, 0.1]),
    duplicate: oneOf(dice, [0, 0.01]),
    corrupt: oneOf(dice, [0, 0.005]),
    ...(isLimited ? { rateBps: oneOf(dice, [5e6, 50e6]), queueBytes: oneOf(dice, [20_000, 200_000]) } : {}),
  };
}

/** A host that uses `congestion`. */
export function randomHost(dice: Random, congestion: string): object {
  const receiveMax = oneOf(dice, [16_384, 131_072, 6_291_456]);
  return {
    mtu: oneOf(dice, [100, 576, 1500, 1500, 1500, 9000]),
    gsoMax: oneOf(dice, [0, 65_535]),
    sysctl: {
      tcp_congestion_control: congestion,
      tcp_timestamps: rarely(dice, 4) ? 0 : 1,
      tcp_sack: rarely(dice, 4) ? 0 : 1,
      tcp_dsack: rarely(dice, 4) ? 0 : 1,
      tcp_recovery: rarely(dice, 4) ? 0 : 1,
      tcp_window_scaling: rarely(dice, 5) ? 0 : 1,
      tcp_ecn: oneOf(dice, [0, 1, 2]),
      tcp_mtu_probing: oneOf(dice, [0, 1, 2]),
      tcp_fastopen: FASTOPEN_FREELY,
      tcp_retries2: 50,
      tcp_mtu_probe_floor: 400, // a lossy path must not count as one for the smallest packets only
      tcp_rmem: [4096, Math.min(receiveMax, 131_072), receiveMax],
      ...(rarely(dice, 4) ? { tcp_mem: [8, 16, 24] } : {}),
    },
  };
}

/** Options of the connect() and of the listener: with Fast Open, or without. */
export function randomBeginning(dice: Random) {
  if (!rarely(dice, 3)) return { client: [], server: [] };
  return {
    client: [socketOption(SOCKET_OPTION_FASTOPEN_CONNECT, 1)],
    server: [socketOption(SOCKET_OPTION_FASTOPEN, 16)],
  };
}

/** A router on the way from a to b whose next link gets narrower now and then; undefined: there is none. */
export function randomRouter(sim: Simulator, dice: Random): NarrowPath | undefined {
  if (!rarely(dice, 3)) return undefined;
  const path = narrowPath(sim, oneOf(dice, [9000, 1500, 1400]), oneOf(dice, [undefined, undefined, 0]));
  sim.processes.push(() => {
    if (path.mtu > 600 && rarely(dice, 2000)) path.mtu -= dice.below(200);
  });
  return path;
}
