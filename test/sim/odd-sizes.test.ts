// Two ends that fit each other badly: any MTU, rings from 512 bytes to megabytes, windows in units larger than a segment, readers
// that pause for a minute. From fixed seeds. Whatever it is, bytes must flow again at once when the reader goes on.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Impairments } from "../../src/links/impairment.ts";
import { Random } from "../../src/links/random.ts";
import type { SimHostOptions, Simulator } from "../../src/sim/index.ts";
import { assertAllFree, connected, Reader, SECOND, simulate, transfer, Writer } from "../support/sim.ts";

const test = suite("sim/odd-sizes");
const SEEDS = 60;
const PAUSES_MAX = 40;
/** A few round trips of 40 ms and an RTO after a queue overflow; a probe after a minute's pause would come later. */
const RESUME_US = 2 * SECOND;

function pick<T>(dice: Random, ...choices: T[]): T {
  return choices[dice.below(choices.length)]!;
}

function oddHost(dice: Random): Partial<SimHostOptions> {
  const receive = pick(dice, 256, 1024, 4096, 65_536, 131_072);
  const send = pick(dice, 1024, 4096, 16_384);
  return {
    mtu: pick(dice, 68, 88, 296, 576, 1500, 9000),
    rxSlots: pick(dice, 4, 256),
    sysctl: {
      tcp_window_scaling: dice.below(3) === 0 ? 0 : 1,
      tcp_timestamps: dice.below(3) === 0 ? 0 : 1,
      tcp_rmem: [256, receive, pick(dice, receive, 6_291_456)],
      tcp_wmem: [1024, send, pick(dice, send, 4_194_304)],
      tcp_moderate_rcvbuf: dice.below(2),
      tcp_initial_cwnd: pick(dice, 1, 2, 10),
    },
  };
}

function oddLink(dice: Random): Omit<Impairments, "seed"> {
  return pick(dice, { delayMs: 0.05 }, { delayMs: 2 }, { delayMs: 20, rateBps: 5_000_000, queueBytes: 20_000 });
}

function oddPair(seed: number, dice: Random): Simulator {
  const a = oddHost(dice);
  const b = oddHost(dice);
  if (dice.below(3) === 0) {
    b.mtu = a.mtu!;
    a.gsoMax = b.gsoMax = 65_535;
  }
  return simulate({ seed, a, b, aToB: oddLink(dice), bToA: oddLink(dice) });
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`bytes flow again when the readers go on, seed ${seed} [9293 3.8.6]`, () => {
    const dice = new Random(seed, 3);
    const sim = oddPair(seed, dice);
    const { client, server, listener } = connected(sim);
    const writers = [new Writer(client, 100_000, pick(dice, 100, 1000, 65_536)), new Writer(server, 100_000)];
    const readers = [new Reader(server, pick(dice, 100, 1000, 65_536)), new Reader(client, pick(dice, 100, 65_536))];
    let isReading = true;
    sim.processes.push(() => {
      for (const writer of writers) writer.pump();
      if (isReading) for (const reader of readers) reader.pump();
    });
    for (let pause = 0; pause < PAUSES_MAX && !readers.every((reader) => reader.ended); pause++) {
      isReading = false;
      sim.runFor(dice.below(4) === 0 ? 70 * SECOND : dice.below(300_000));
      for (const reader of readers) reader.pump();
      isReading = true;
      const before = readers.map((reader) => reader.received);
      const flow = () => readers.every((reader, i) => reader.ended || reader.received > before[i]!);
      const resumedUs = sim.nowUs;
      assert.ok(sim.runFor(RESUME_US, flow), `pause ${pause}: nothing after ${before} for ${sim.nowUs - resumedUs} µs`);
      sim.runFor(dice.below(100_000));
    }
    assert.ok(sim.runFor(600 * SECOND, () => readers.every((reader) => reader.ended)));
    assert.equal([client.error, server.error], [0, 0]);
    sim.processes.splice(0);
    client.close();
    server.close();
    listener.close();
    assertAllFree(sim);
  });
}

test("with SACK blocks due no packet is larger than a tiny MTU [9293 MUST-16] [RFC 6691]", () => {
  for (const mtu of [68, 80, 88, 100]) {
    const tooBig: number[] = [];
    const path = { delayMs: 2, loss: 0.05 };
    const onFrame = (_: string, { bytes }: { bytes: Uint8Array }) => {
      if (bytes.length - 14 > mtu && (bytes[47]! & 2) === 0) tooBig.push(bytes.length - 14); // a SYN has 20 bytes of options
    };
    const sim = simulate({ seed: 5, a: { mtu }, b: { mtu }, aToB: path, bToA: path, onFrame });
    transfer(sim, 20_000, { back: 20_000 });
    assert.equal(tooBig, [], `MTU ${mtu}`);
  }
});

test.run();
