// A hostile network and a hostile main thread, from fixed seeds: mutated frames in every state, guesses of somebody who sees nothing,
// garbage in the words that main writes. The core must not trap (the testing build asserts), must keep its invariants, come to
// rest, and give everything back.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  COUNTER_TCP_CHALLENGE_ACKS,
  COUNTER_TCP_ILLEGAL_TRANSITION,
  COUNTER_TCP_STATE,
} from "../../assembly/counters.ts";
import {
  READY_READABLE,
  READY_WRITABLE,
  SOCKET_OPTION_COUNT,
  SOCKET_OPTION_KEEPALIVE,
  SOCKET_OPTION_NODELAY,
  STATE_COUNT,
  STATE_SYN_SENT,
  TCB_KICKED,
  TCB_RCV_EPOCH_TAKEN,
  TCB_RCV_HEAD,
  TCB_SND_EPOCH_TAKEN,
  TCB_SND_MARKS,
  TCB_SND_TAIL,
  TCB_WAITS,
} from "../../assembly/layout.ts";
import type { Frame } from "../../src/links/frame.ts";
import { Random } from "../../src/links/random.ts";
import type { SimListener, SimSocket, Simulator } from "../../src/sim/index.ts";
import { guessTcp, isTcp, mutateBytes, mutateTcp } from "../support/mutate.ts";
import { A, assertFree, B, MIB, SECOND, simulate, transfer } from "../support/sim.ts";

const test = suite("sim/fuzz");
const SEEDS = 12;
const ACTIONS = 800;
const MUTANTS_MAX = 8000;
const REMEMBERED = 64;
const PORTS = [80, 81];

/** Puts mutants on the cable beside what passes, one in `rate`, and loses some of that. @returns how many so far */
function infest(sim: Simulator, rate: number, dice: Random): () => number {
  const seen: Record<"a" | "b", Uint8Array[]> = { a: [], b: [] };
  let mutants = 0;
  sim.filter = (from, frame) => {
    const before = seen[from];
    before[before.length < REMEMBERED ? before.length : dice.below(REMEMBERED)] = frame.bytes;
    while (mutants < MUTANTS_MAX && dice.below(rate) === 0) {
      mutants++;
      const original = dice.below(2) === 0 ? frame.bytes : before[dice.below(before.length)]!;
      const mutant: Frame =
        isTcp(original) && dice.below(10) !== 0 ? mutateTcp(original, dice) : mutateBytes(original, dice);
      (from === "a" ? sim.aToB : sim.bToA).push(mutant, sim.nowUs);
    }
    return dice.below(20) !== 0;
  };
  return () => mutants;
}

// One that the core has closed is still ours while it holds bytes that were not read
function isOver(socket: SimSocket): boolean {
  return socket.closed && !socket.isAttached;
}

/** Applications on both hosts that do anything at any time. */
class Chaos {
  readonly sim: Simulator;
  readonly sockets: SimSocket[] = [];
  readonly listeners: SimListener[] = [];
  readonly #dice: Random;
  readonly #buffer = new Uint8Array(100_000);
  #nextPort = 1000;

  constructor(sim: Simulator, dice: Random) {
    this.sim = sim;
    this.#dice = dice;
    for (const port of PORTS) this.listeners.push(sim.a.listen(port, 4), sim.b.listen(port, 4));
  }

  act(): void {
    const dice = this.#dice;
    for (const listener of this.listeners) {
      const socket = dice.below(3) === 0 ? listener.accept() : null;
      if (socket !== null) this.sockets.push(socket);
    }
    if (dice.below(8) === 0 && this.sockets.length < 12) this.#open();
    for (const socket of this.sockets) this.#use(socket);
    for (let i = this.sockets.length - 1; i >= 0; i--) if (isOver(this.sockets[i]!)) this.sockets.splice(i, 1);
    this.sim.runFor(dice.below(16) === 0 ? dice.below(3 * SECOND) : dice.below(5_000));
  }

  #open(): void {
    const { a, b } = this.sim;
    const port = this.#nextPort++;
    switch (this.#dice.below(4)) {
      case 0: // simultaneous
        this.sockets.push(a.connect(B, port, [], 0, port), b.connect(A, port, [], 0, port));
        return;
      case 1:
        this.sockets.push(b.connect(A, PORTS[this.#dice.below(2)]!, [{ code: SOCKET_OPTION_KEEPALIVE, value: 1 }]));
        return;
      default:
        this.sockets.push(
          a.connect(
            B,
            PORTS[this.#dice.below(2)]!,
            [{ code: SOCKET_OPTION_NODELAY, value: 1 }],
            this.#dice.below(2) * 3000,
          ),
        );
    }
  }

  #use(socket: SimSocket): void {
    const length = 1 + this.#dice.below(this.#buffer.length - 1);
    switch (this.#dice.below(400)) {
      case 0:
        socket.abort();
        return;
      case 1:
        socket.close();
        return;
      case 2:
      case 3:
        socket.closeWrite();
        return;
      case 4: // both ends at once
        for (const other of this.sockets) other.closeWrite();
        return;
      default:
        socket.read(this.#buffer.subarray(0, length));
        if (this.#dice.below(4) !== 0) socket.write(this.#buffer.subarray(0, length));
    }
  }

  /** All applications end; what is left has time to go. */
  end(): void {
    for (const [i, socket] of this.sockets.entries()) {
      if (i % 2 === 0) socket.abort();
      else socket.close();
    }
    for (const listener of this.listeners) listener.close();
    this.sim.runFor(3600 * SECOND);
  }
}

const entered = new Array<number>(STATE_COUNT).fill(0);

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`mutated frames in every state break no rule and leave nothing behind, seed ${seed}`, () => {
    const dice = new Random(seed, 77);
    const offload = seed % 2 === 0 ? { gsoMax: 65535 } : {};
    // 512 KiB for the rings of all connections: hardly enough
    const poor = seed % 3 === 0 ? { rxSlots: 4, heapBytes: MIB } : {};
    const sim = simulate({ seed, wholeDelayUs: 300, a: { ...offload, ...poor }, b: { ...offload, ...poor } });
    const mutants = infest(sim, 3 + (seed % 4) * 6, dice);
    const chaos = new Chaos(sim, dice);
    for (let i = 0; i < ACTIONS; i++) chaos.act();
    assert.ok(mutants() > 100, `${mutants()} mutants`);
    sim.filter = null;
    chaos.end();
    for (const host of [sim.a, sim.b]) {
      assert.is(host.counter(COUNTER_TCP_ILLEGAL_TRANSITION), 0);
      assertFree(host);
      for (let state = 0; state < STATE_COUNT; state++) entered[state]! += host.counter(COUNTER_TCP_STATE + state);
    }
  });
}

test("the mutants met every state", () => {
  for (let state = STATE_SYN_SENT; state < STATE_COUNT; state++) assert.ok(entered[state]! > 0, `state ${state}`);
});

test("who sees no packet cannot change a byte, nor end the connection [5961 3.2, 4.2, 5.2] [attack 50]", () => {
  const dice = new Random(5, 5);
  const sim = simulate({ wholeDelayUs: 200 });
  sim.filter = (from, frame) => {
    if (isTcp(frame.bytes)) (from === "a" ? sim.aToB : sim.bToA).push(guessTcp(frame.bytes, dice), sim.nowUs);
    return true;
  };
  transfer(sim, MIB, { back: MIB });
  assert.ok(sim.a.counter(COUNTER_TCP_CHALLENGE_ACKS) + sim.b.counter(COUNTER_TCP_CHALLENGE_ACKS) > 0);
});

test("garbage in the words that main writes, and stale handles, harm nobody but the socket", () => {
  for (let seed = 1; seed <= 3; seed++) {
    const dice = new Random(seed, 99);
    const sim = simulate({ seed, wholeDelayUs: 300, checkInvariants: false });
    const chaos = new Chaos(sim, dice);
    const words = [
      TCB_SND_TAIL,
      TCB_SND_MARKS,
      TCB_RCV_HEAD,
      TCB_SND_EPOCH_TAKEN,
      TCB_RCV_EPOCH_TAKEN,
      TCB_WAITS,
      TCB_KICKED,
    ];
    const handles = new Set<number>();
    for (let i = 0; i < ACTIONS; i++) {
      chaos.act();
      const { ops, views } = sim.a;
      const socket = [...sim.a.sockets.values()].filter((s) => s.isAttached)[0];
      if (socket === undefined) continue;
      handles.add(socket.handle);
      const at = (socket.tcb + words[dice.below(words.length)]!) >>> 2;
      if (dice.below(4) === 0)
        views.u32[at] = dice.below(2) === 0 ? dice.u32() : (views.u32[at]! + dice.below(4096)) >>> 0;
      if (dice.below(8) === 0) views.u32[at] = READY_READABLE | READY_WRITABLE;
      const handle = dice.below(8) === 0 ? dice.u32() : [...handles][dice.below(handles.size)]!;
      const calls = [ops.kick, ops.ringWanted, ops.accept, ops.shutdownWrite, ops.closeListener];
      calls[dice.below(calls.length)]!.call(ops, handle);
      if (dice.below(8) === 0) ops.mark(handle, dice.below(8), dice.u32());
      if (dice.below(4) === 0) {
        const code = dice.below(SOCKET_OPTION_COUNT + 2);
        ops.setOption(handle, {
          code,
          value: dice.below(2) === 0 ? dice.u32() : dice.below(64),
          value2: dice.below(4),
        });
      }
    }
    chaos.end();
    for (const handle of handles) sim.a.ops.abort(handle);
    sim.runFor(3600 * SECOND);
    assertFree(sim.a);
    assertFree(sim.b);
  }
});

test.run();
