import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, FIN, RST, SYN } from "./input-harness.ts";

const test = suite("tcp/time-wait");
const SECOND = 1_000_000;

/** Opens, accepts and closes a connection from a port of the peer's; it ends in TIME-WAIT and main has forgotten it. */
function passThrough(core: Core, remotePort: number, localPort = 80): number {
  core.arrive({ flags: SYN, mss: 1460, remotePort, localPort });
  const index = core.pull()!.index;
  core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort, localPort });
  core.x.inputAccept(index);
  core.x.inputClose(index, core.now);
  core.pullAll();
  core.arrive({ flags: FIN | ACK, seq: 1, ack: 2, remotePort, localPort });
  core.pullAll();
  core.events();
  return index;
}

test("ends the oldest early when tcp_max_tw_buckets is reached, and counts it [attack 70]", async () => {
  const core = await Core.create([[L.SYSCTL_TCP_MAX_TW_BUCKETS, 3]]);
  core.listen();
  const indices = [1000, 1001, 1002].map((port) => passThrough(core, port));
  assert.is(core.x.inputTimeWaits(), 3);
  const fourth = passThrough(core, 1003);
  assert.is(core.x.inputTimeWaits(), 3);
  assert.is(core.counter(C.COUNTER_TCP_TIME_WAIT_OVERFLOW), 1);
  assert.is(fourth === indices[0] || core.isFree(indices[0]), true, "the first is gone");
  assert.is(core.state(indices[1]), L.STATE_TIME_WAIT);
});

test("a retransmitted FIN makes a connection the newest again: order is that of the 2 MSL [RFC 9293 3.10.7.4]", async () => {
  const core = await Core.create([[L.SYSCTL_TCP_MAX_TW_BUCKETS, 2]]);
  core.listen();
  const first = passThrough(core, 1000);
  const iss = core.iss;
  passThrough(core, 1001);
  core.iss = iss;
  core.arrive({ flags: FIN | ACK, seq: 1, ack: 2, remotePort: 1000 });
  core.pullAll();
  passThrough(core, 1002);
  assert.is(core.state(first), L.STATE_TIME_WAIT);
  assert.is(core.counter(C.COUNTER_TCP_TIME_WAIT_OVERFLOW), 1);
});

test("100,000 connections through TIME-WAIT hold no more than tcp_max_tw_buckets, and all end in time [attack 70]", async () => {
  const core = await Core.create([[L.SYSCTL_TCP_MAX_TW_BUCKETS, 2000]]);
  const listeners = [80, 81].map((port) => core.listen(10, port));
  for (let i = 0; i < 100_000; i++) passThrough(core, 1000 + (i % 60_000), i < 60_000 ? 80 : 81);
  assert.is(core.x.inputTimeWaits(), 2000);
  assert.is(core.counter(C.COUNTER_TCP_TIME_WAIT_OVERFLOW), 98_000);
  assert.ok(core.x.tcbsInUse() <= 2002, `${core.x.tcbsInUse()} TCBs`);
  core.now += 61 * SECOND;
  core.x.inputRunTimers(core.now);
  core.pullAll();
  assert.is(core.x.inputTimeWaits(), 0);
  for (const listener of listeners) core.x.inputCloseListener(listener, core.now);
  assert.is(core.x.tcbsInUse(), 0);
  assert.is(core.x.heapBytesInUse(), 0);
});

/** A connection that we opened and closed, with timestamps; in TIME-WAIT. @returns our SND.NXT */
function closedByUs(core: Core, localPort: number): number {
  core.localPort = localPort;
  core.remotePort = 80;
  core.peerTs = 500;
  core.index = core.x.inputConnect(localPort, 80, false, 0, core.now);
  core.expect({ flags: SYN });
  core.arrive({ flags: SYN | ACK, seq: 0, ack: 1, mss: 1460 });
  core.pullAll();
  core.x.inputClose(core.index, core.now);
  core.pullAll();
  core.arrive({ flags: FIN | ACK, seq: 1, ack: 2 });
  core.pullAll();
  core.events();
  assert.is(core.state(), L.STATE_TIME_WAIT);
  return core.tcb(L.TCB_SND_NXT);
}

test("connect takes the ports of a TIME-WAIT of more than a second where tcp_tw_reuse is 1, beyond the old numbers [RFC 6191]", async () => {
  for (const [mode, waitUs, isTaken] of [
    [1, 1_500_000, true],
    [1, 900_000, false],
    [0, 1_500_000, false],
    [2, 1_500_000, false],
  ] as const) {
    const core = await Core.create([[L.SYSCTL_TCP_TW_REUSE, mode]]);
    const next = closedByUs(core, 40_000);
    core.now += waitUs;
    const again: number = core.x.inputConnect(40_000, 80, false, 0, core.now);
    assert.is(again >= 0, isTaken, `tcp_tw_reuse ${mode} after ${waitUs} µs: ${again}`);
    if (!isTaken) {
      assert.is(again, -L.EADDRINUSE);
      continue;
    }
    core.index = again;
    core.expect({ flags: SYN });
    assert.ok(((core.iss - next) | 0) > 65_536, "ISS beyond the old SND.NXT by more than a window");
    assert.is(core.x.inputTimeWaits(), 0);
    assert.is(core.counter(C.COUNTER_TCP_TIME_WAIT_REUSED), 1);
  }
});

test("an ephemeral port is reused by the same rule when all are in TIME-WAIT [RFC 6191]", async () => {
  const core = await Core.create([
    [L.SYSCTL_TCP_TW_REUSE, 1],
    [L.SYSCTL_IP_LOCAL_PORT_RANGE_MIN, 40_000],
    [L.SYSCTL_IP_LOCAL_PORT_RANGE_MAX, 40_000],
  ]);
  closedByUs(core, 40_000);
  assert.is(core.x.inputConnect(0, 80, false, 0, core.now), -L.EADDRNOTAVAIL);
  core.now += 2 * SECOND;
  assert.ok(core.x.inputConnect(0, 80, false, 0, core.now) >= 0);
});

// ----------------------------------------------------------------------------------------------------------------- orphans

test("resets what is closed beyond tcp_max_orphans [attack 71]", async () => {
  const core = await Core.create([[L.SYSCTL_TCP_MAX_ORPHANS, 2]]);
  core.listen();
  const close = (remotePort: number) => {
    core.arrive({ flags: SYN, mss: 1460, remotePort });
    const index = core.pull()!.index;
    core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort });
    core.x.inputAccept(index);
    core.x.inputClose(index, core.now);
    return core.pullAll().map(({ flags }) => flags);
  };
  assert.equal([1000, 1001, 1002].map(close), [[FIN | ACK], [FIN | ACK], [RST | ACK]]);
  assert.is(core.x.inputOrphans(), 2);
  assert.is(core.counter(C.COUNTER_TCP_ABORT_ON_MEMORY), 1);
});

for (const [name, reach] of [
  ["FIN-WAIT-1", (core: Core) => core],
  ["FIN-WAIT-2", (core: Core) => void core.arrive({ flags: ACK, seq: 1, ack: 2 })],
  ["CLOSING", (core: Core) => void core.arrive({ flags: FIN | ACK, seq: 1, ack: 1 })],
  [
    "LAST-ACK",
    (core: Core) => {
      core.arrive({ flags: FIN | ACK, seq: 1, ack: 1 });
      core.pullAll();
    },
  ],
] as const) {
  test(`a peer that vanishes in ${name} costs nothing in the end, and no orphan is left [attack 70]`, async () => {
    const core = await Core.create();
    core.established();
    if (name === "LAST-ACK") reach(core);
    core.x.inputClose(core.index, core.now);
    core.pullAll();
    if (name !== "LAST-ACK") reach(core);
    core.pullAll();
    assert.is(core.x.inputOrphans(), 1);
    for (let due: number = core.x.inputNextTimer(); due >= 0; due = core.x.inputNextTimer()) {
      core.now = Math.max(core.now, due);
      core.x.inputRunTimers(core.now);
      core.pullAll();
      core.events();
    }
    assert.is(core.x.inputOrphans(), 0);
    assert.is(core.x.tcbsInUse(), 0);
    assert.is(core.x.heapBytesInUse(), 0);
    assert.ok(core.now < 1000 * SECOND, `${core.now / SECOND} s`);
  });
}

test.run();
