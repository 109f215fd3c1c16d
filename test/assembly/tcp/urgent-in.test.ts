// Urgent data in, segment by segment (RFC 9293 3.8.5); whole exchanges are in test/sim/urgent.test.ts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, PSH, URG } from "./input-harness.ts";

const test = suite("tcp/urgent-in");
const GIB = 2 ** 30;

const state = (core: Core) => core.tcb(L.TCB_URGENT_STATE);
const phase = (core: Core) => (state(core) >>> 8) & 255;
const pointers = (core: Core) => state(core) >>> 16;

test("takes the urgent byte from a segment without URG, if the pointer came before it [9293 3.8.5]", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK | URG, seq: 1, ack: 1, data: 10, up: 15 });
  assert.is(phase(core), L.URGENT_POINTER);
  core.arrive({ flags: ACK | PSH, seq: 11, ack: 1, data: Uint8Array.from([1, 2, 3, 4, 99, 6]) });
  assert.is(phase(core), L.URGENT_BYTE);
  assert.is(state(core) & 255, 99);
});

test("believes a new pointer however far behind the mark before it is [attack 43] [attack 77]", async () => {
  const core = (await Core.create()).established();
  let known = 0;
  for (const gap of [100, GIB, 1.5 * GIB, 2 * GIB, 3 * GIB, 4 * GIB - 50]) {
    core.arrive({ flags: ACK | URG, seq: core.rcvNxt(), ack: 1, data: 10, up: 10, isn: core.tcb(L.TCB_IRS) });
    known += 1;
    assert.is(pointers(core), known, `the pointer before ${gap}`);
    core.read();
    for (let left = gap; left > 0; left -= GIB) core.x.inputSkip(core.index, Math.min(left, GIB));
  }
});

test.run();
