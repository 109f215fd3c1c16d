// TCBs that are freed and taken again while somebody still remembers their index: the new connection must not inherit anything
// of the old one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_OP_STALE_HANDLE } from "../../assembly/counters.ts";
import {
  EHOSTUNREACH,
  HANDLE_INDEX_MASK,
  STATE_SYN_RECEIVED,
  TCB_BYTES,
  TCB_HANDLE,
  TCB_RECORDS,
  TCB_STATE,
} from "../../assembly/layout.ts";
import { assertAllFree, B, SECOND, simulate } from "../support/sim.ts";

const test = suite("sim/reuse");
const NOBODY = 0x0a000063;

test("a connection in the place of one that waited for a next hop does not fail with that next hop [1122 2.3.2]", () => {
  const sim = simulate();
  sim.a.ping(B);
  sim.runFor(SECOND);
  const listener = sim.b.listen(80);
  const old = sim.a.connect(NOBODY, 80);
  sim.runFor(SECOND / 2);
  const place = old.tcb;
  old.abort();
  sim.runFor(1000);
  sim.filter = (_from, frame) => frame.bytes[12] === 8 && frame.bytes[13] === 6;
  const client = sim.a.connect(B, 80);
  sim.runFor(SECOND / 4);
  assert.is(client.tcb, place, "it is the same TCB");
  sim.runFor(4 * SECOND);
  assert.is.not(client.error, EHOSTUNREACH);
  sim.filter = null;
  assert.ok(sim.runFor(60 * SECOND, () => client.connected));
  client.abort();
  listener.close();
  assertAllFree(sim);
});

test("closing a connection that is still being opened frees it once [9293 3.10.4]", () => {
  const sim = simulate();
  sim.a.ping(B);
  sim.runFor(SECOND);
  sim.filter = () => false;
  const client = sim.a.connect(B, 80);
  sim.runFor(SECOND / 2);
  client.close();
  sim.runFor(SECOND);
  assertAllFree(sim);
});

test("main can do nothing to a child that it was not offered, nor to a socket that it gave back", () => {
  const sim = simulate();
  const { u32 } = sim.b.views;
  const listener = sim.b.listen(80);
  sim.runFor(1);
  sim.filter = (from, frame) => from === "b" || frame.bytes[47] !== 16; // all but the handshake's last ACK
  const client = sim.a.connect(B, 80);
  sim.runFor(SECOND / 2);
  const child = (TCB_RECORDS + (1 + (listener.handle & HANDLE_INDEX_MASK)) * TCB_BYTES) >>> 2;
  assert.is(u32[child + TCB_STATE / 4]! & 255, STATE_SYN_RECEIVED);
  for (const call of ["accept", "close", "abort"] as const) sim.b.ops[call](u32[child + TCB_HANDLE / 4]!);
  sim.runFor(1000);
  assert.is(sim.b.counter(COUNTER_OP_STALE_HANDLE), 3);
  sim.filter = null;
  assert.ok(sim.runFor(10 * SECOND, () => listener.pending === 1));
  client.closeWrite();
  sim.runFor(SECOND / 2);
  const server = listener.accept()!;
  const { handle } = server;
  server.close();
  sim.b.ops.shutdownWrite(handle);
  sim.runFor(1);
  assert.is(sim.b.counter(COUNTER_OP_STALE_HANDLE), 4);
  listener.close();
  client.close();
  assertAllFree(sim);
});

test.run();
