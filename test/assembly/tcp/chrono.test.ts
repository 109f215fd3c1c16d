// What a connection with something to send waits for, and for how long.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readTcpInfo } from "../../../src/tcp-info.ts";
import { B, SECOND, simulate } from "../../support/sim.ts";

const test = suite("tcp/chrono");

/** Two connected hosts, 10 ms apart; B reads nothing unless told. */
function connected(rcvbuf: number) {
  const sim = simulate({
    b: { sysctl: { tcp_rmem: [4096, rcvbuf, rcvbuf] } },
    aToB: { delayMs: 10 },
    bToA: { delayMs: 10 },
  });
  const listener = sim.b.listen(80);
  const client = sim.a.connect(B, 80);
  assert.ok(sim.runFor(SECOND, () => client.connected && listener.pending > 0));
  client.write(new Uint8Array(1)); // asks for the ring
  sim.runFor(SECOND);
  return { sim, client, server: listener.accept()! };
}

test("counts the time until all is acknowledged as busy, and idle time not at all", () => {
  const { sim, client } = connected(131_072);
  assert.is(client.write(new Uint8Array(1000)), 1000);
  assert.ok(sim.runFor(SECOND, () => client.unacknowledged === 0));
  sim.runFor(SECOND);
  const info = readTcpInfo(sim.a.views, client.tcb);
  assert.is(info.chrono, "idle");
  assert.ok(info.busyUs >= 20_000 && info.busyUs < 100_000, `${info.busyUs}`);
  assert.is(info.rwndLimitedUs, 0);
});

test("counts time before a closed window apart", () => {
  const { sim, client, server } = connected(8192);
  assert.is(client.write(new Uint8Array(60_000)), 60_000);
  sim.runFor(SECOND);
  const held = readTcpInfo(sim.a.views, client.tcb);
  assert.is(held.chrono, "rwnd-limited");
  const bytes = new Uint8Array(65_536);
  sim.processes.push(() => server.read(bytes));
  assert.ok(sim.runFor(60 * SECOND, () => client.unacknowledged === 0));
  const info = readTcpInfo(sim.a.views, client.tcb);
  assert.is(info.chrono, "idle");
  assert.ok(info.rwndLimitedUs > 800_000, `${info.rwndLimitedUs}`);
  assert.ok(info.busyUs >= info.rwndLimitedUs);
});

test.run();
