// The window that a SYN or SYN-ACK told is promised: whoever comes to share the link before the peer answers, what it sends within is taken.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, SYN } from "./input-harness.ts";

const test = suite("tcp/syn-window");
const SLOTS = 128;
const MSS = 1460;
const INITIAL_WINDOW = 10;

type End = { index: number; iss: number; remotePort: number };

/** A core with few receive slots, and 24 connections that will share them. */
async function linkOf(): Promise<{ core: Core; others: End[] }> {
  const core = await Core.create();
  core.set(L.INTERFACES + L.INTERFACE_BYTES + L.INTERFACE_RX_SLOTS, SLOTS);
  const others = Array.from({ length: 24 }, (_, at) => {
    core.remotePort = 7000 + at;
    const { index, iss, remotePort } = core.established();
    return { index, iss, remotePort };
  });
  return { core, others };
}

/** They are in bulk transfer from now on; `core` is left as it was. */
function transfer(core: Core, others: readonly End[]): void {
  const { index, iss, localPort, remotePort } = core;
  core.localPort = 80;
  for (let round = 0; round < 60; round++, core.now += 500) {
    for (const end of others) {
      Object.assign(core, end);
      core.arrive({ flags: ACK, seq: core.rcvNxt(), ack: 1, data: MSS });
      core.read();
      core.kick();
      core.pullAll();
    }
  }
  Object.assign(core, { index, iss, localPort, remotePort });
}

/** The peer sends its initial window, which is less than it was promised. */
function expectTaken(core: Core): void {
  for (let n = 0; n < INITIAL_WINDOW; n++) core.arrive({ flags: ACK, seq: 1 + n * MSS, ack: 1, data: MSS });
  assert.is(core.rcvNxt(), 1 + INITIAL_WINDOW * MSS);
}

test("what our SYN promised is taken though many share the link when it is answered [RFC 9293 SHLD-14]", async () => {
  const { core, others } = await linkOf();
  core.synSent();
  transfer(core, others);
  core.arrive({ flags: SYN | ACK, seq: 0, ack: 1, mss: MSS, wscale: 7, wnd: 65535 });
  const [first] = core.pullAll();
  assert.ok(first!.window << 7 >= 65535 - 127, `window ${first!.window << 7} after 65535`);
  expectTaken(core);
});

test("what our SYN-ACK promised is taken, also when it told more the second time [RFC 9293 SHLD-14]", async () => {
  const { core, others } = await linkOf();
  core.listen(64, 81);
  Object.assign(core, { localPort: 81, remotePort: 5000 });
  transfer(core, others);
  const { window } = core.synReceived();
  core.now += 1_000_000;
  core.x.inputRunTimers(core.now);
  const [again] = core.pullAll();
  assert.is(again!.flags, SYN | ACK);
  assert.is(again!.window, window);
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  expectTaken(core);
});

test("what a SYN cookie promised is taken [RFC 9293 SHLD-14] [RFC 4987]", async () => {
  const { core, others } = await linkOf();
  core.listen(64, 81);
  Object.assign(core, { localPort: 81, remotePort: 5000 });
  core.set(L.SYSCTL_TCP_SYNCOOKIES, 2);
  assert.is(core.cookie({ mss: MSS })!.window, 65535);
  transfer(core, others);
  core.events();
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 5000 });
  for (const [index, bits] of core.events()) if ((bits & 0x10000) !== 0) core.index = index;
  assert.is(core.state(), L.STATE_ESTABLISHED);
  expectTaken(core);
});

test.run();
