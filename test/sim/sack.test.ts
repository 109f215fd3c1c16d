// SACK end to end: what a receiver tells is enough for a sender to resend what was lost, and nothing else.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_TCP_DSACK_OLD_SENT, COUNTER_TCP_RETRANS_SEGS } from "../../assembly/counters.ts";
import { TCB_OPTION_SACK, TCB_OPTIONS, TCB_SND_WSCALE } from "../../assembly/layout.ts";
import { assertAllFree, connected, Reader, SECOND, simulate, Writer } from "../support/sim.ts";

const test = suite("sim/sack");

/** Loses frames with payload from a to b, by their number, counted from 0. @returns how many carried payload */
function lose(sim: ReturnType<typeof simulate>, isLost: (frame: number) => boolean): () => number {
  let frames = 0;
  sim.filter = (from, frame) => from !== "a" || frame.bytes.length < 200 || !isLost(frames++);
  return () => frames;
}

function send(sim: ReturnType<typeof simulate>, bytes: number): void {
  const { client, server, listener } = connected(sim);
  assert.ok(((client.field(TCB_SND_WSCALE) >>> (8 * (TCB_OPTIONS - TCB_SND_WSCALE))) & TCB_OPTION_SACK) !== 0);
  const writer = new Writer(client, bytes);
  const reader = new Reader(server);
  server.closeWrite();
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  assert.ok(sim.runFor(60 * SECOND, () => reader.ended));
  sim.processes.splice(0);
  client.close();
  listener.close();
  server.close();
  assertAllFree(sim);
}

test("five holes that one batch brings are all told, though an ACK tells of three: only what was lost is sent again [RFC 2018 4]", () => {
  const sim = simulate({ aToB: { delayMs: 10 }, bToA: { delayMs: 10 } });
  lose(sim, (frame) => frame < 10 && frame % 2 === 0);
  send(sim, 100_000);
  assert.is(sim.a.counter(COUNTER_TCP_RETRANS_SEGS), 5);
  assert.is(sim.b.counter(COUNTER_TCP_DSACK_OLD_SENT), 0);
});

test("segments that come twice are told as duplicates, each once [RFC 2883 4]", () => {
  const sim = simulate({ aToB: { delayMs: 10, duplicate: 1 }, bToA: { delayMs: 10 } });
  const frames = lose(sim, () => false);
  send(sim, 20_000);
  const told = sim.b.counter(COUNTER_TCP_DSACK_OLD_SENT);
  assert.ok(told >= frames() / 2 && told <= frames(), `${told} of ${frames()}`);
});

test.run();
