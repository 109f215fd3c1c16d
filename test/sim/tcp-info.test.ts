// What info() tells of a connection's time and counts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../assembly/layout.ts";
import type { SimSocket, Simulator } from "../../src/sim/index.ts";
import { readTcpInfo, type TcpInfo } from "../../src/tcp-info.ts";
import { connected, SECOND, simulate } from "../support/sim.ts";

const test = suite("sim/tcp-info");
const info = (sim: Simulator, side: "a" | "b", socket: SimSocket): TcpInfo => readTcpInfo(sim[side].views, socket.tcb);

function send(sim: Simulator, socket: SimSocket, bytes: number): void {
  const data = new Uint8Array(bytes);
  let from = 0;
  assert.ok(
    sim.runFor(SECOND, () => {
      from += socket.write(data, from);
      return from === bytes;
    }),
  );
}

test("segments, bytes and rates of both ends agree", () => {
  const sim = simulate();
  const { client, server } = connected(sim);
  send(sim, client, 14_480);
  assert.ok(info(sim, "a", client).notsentBytes >= 0);
  sim.runFor(2 * SECOND);
  const there = info(sim, "a", client);
  const here = info(sim, "b", server);
  assert.is(there.dataSegsOut, 10);
  assert.is(here.dataSegsIn, 10);
  assert.is(here.dataSegsOut, 0);
  assert.is(there.notsentBytes, 0);
  assert.ok(there.deliveryRate > 0);
  assert.is(here.deliveryRate, 0);
  assert.is(there.maxPacingRate, 0);
});

test("what waits for the peer's window is not sent", () => {
  const sim = simulate();
  const { client } = connected(sim);
  const chunk = new Uint8Array(65_536);
  sim.processes.push(() => client.write(chunk));
  sim.runFor(5 * SECOND);
  assert.is(client.field(L.TCB_SND_WND), 0);
  const { notsentBytes, sndQueuedBytes, sndNxt, sndUna } = info(sim, "a", client);
  assert.ok(notsentBytes > 0);
  assert.is(notsentBytes, sndQueuedBytes - ((sndNxt - sndUna) >>> 0));
});

test("time-outs and what they took are counted", () => {
  const sim = simulate();
  const { client } = connected(sim);
  send(sim, client, 100);
  sim.runFor(SECOND);
  sim.filter = () => false;
  send(sim, client, 100);
  sim.runFor(3 * SECOND);
  sim.filter = () => true;
  assert.ok(sim.runFor(20 * SECOND, () => client.unacknowledged === 0));
  const { totalRto, totalRtoRecoveries, totalRtoTimeMs } = info(sim, "a", client);
  assert.ok(totalRto >= 3, `${totalRto}`);
  assert.is(totalRtoRecoveries, 1);
  assert.ok(totalRtoTimeMs >= 1000 && totalRtoTimeMs < 10_000, `${totalRtoTimeMs}`);
});

test.run();
