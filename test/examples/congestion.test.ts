// A congestion control of a user's own: the example is put into a copy of the core, built, and carries a transfer in the simulator.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SYSCTL_TCP_CONGESTION_CONTROL, TCB_CONGESTION, TCB_CWND, TCB_TOTAL_RETRANS } from "../../assembly/layout.ts";
import { addToCore } from "../../examples/congestion/add-to-core.ts";
import { loadCore, Simulator } from "../../src/sim/index.ts";
import { connected, Reader, SECOND, Writer } from "../support/sim.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const test = suite("examples/congestion");
const copy = mkdtempSync(join(tmpdir(), "wasmtcp-congestion-"));

test.before(() => {
  for (const name of ["assembly", "asconfig.json", "package.json", "src/congestion-controls.ts"]) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
});
test.after(() => rmSync(copy, { recursive: true, force: true }));

/** Payload per second with 0.5 % of random loss, and the retransmissions. */
function goodput(module: WebAssembly.Module, code: number): { bytes: number; retransmissions: number; cwnd: number } {
  const path = { delayMs: 10 };
  const sim = new Simulator({ module, seed: 3, aToB: { ...path, rateBps: 50e6, loss: 0.005 }, bToA: path });
  sim.a.views.u32[SYSCTL_TCP_CONGESTION_CONTROL >>> 2] = code;
  const { client, server } = connected(sim);
  assert.is(sim.a.views.u8[client.tcb + TCB_CONGESTION], code);
  const [writer, reader] = [new Writer(client, 2 ** 40), new Reader(server)];
  sim.processes.push(() => {
    writer.pump();
    reader.pump();
  });
  sim.runFor(10 * SECOND);
  return { bytes: reader.received, retransmissions: client.field(TCB_TOTAL_RETRANS), cwnd: client.field(TCB_CWND) };
}

test("builds into the core with one file and one case for each event, and does better than Reno on a lossy path", () => {
  const code = addToCore(join(ROOT, "examples/congestion/westwood.ts"), copy);
  const asc = spawnSync("npx", ["asc", "assembly/testing.ts", "--target", "testing"], { cwd: copy, encoding: "utf8" });
  assert.is(asc.status, 0, asc.stderr);
  const module = loadCore(join(copy, "build/testing.wasm"));
  const westwood = goodput(module, code);
  const reno = goodput(module, 0);
  assert.ok(westwood.retransmissions > 20 && reno.retransmissions > 20, "both lose");
  assert.ok(westwood.bytes > 1.5 * reno.bytes, `${westwood.bytes} and ${reno.bytes}`);
});

test("refuses a file that is no congestion control", () => {
  assert.throws(() => addToCore(join(ROOT, "examples/hello.ts"), copy), /exports no helloOnAck/);
});

test.run();
