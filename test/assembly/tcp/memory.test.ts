// tcp_mem: what connections may take together, and what happens above it. Nothing is ever corrupted, nobody is left without progress.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, pattern, SYN } from "./input-harness.ts";

const test = suite("tcp/memory");
const PAGE = 4096;

const limits = (low: number, pressure: number, high: number): [number, number][] => [
  [L.SYSCTL_TCP_MEM_LOW, low],
  [L.SYSCTL_TCP_MEM_PRESSURE, pressure],
  [L.SYSCTL_TCP_MEM_HIGH, high],
];

/** A peer that fills half the ring and a reader that takes it at once, `rounds` times: what autotuning grows for. */
function hurry(core: Core, rounds: number): void {
  for (let i = 0; i < rounds; i++) {
    core.now += 25;
    const seq = core.rcvNxt();
    core.arrive({ flags: ACK, seq, ack: 1, data: 60000 });
    core.read();
    core.kick();
    core.pullAll();
  }
}

test("a ring grows up to tcp_mem's pressure, and again once less than low is in use", async () => {
  const core = (await Core.create(limits(64, 128, 256))).established();
  hurry(core, 30);
  assert.is(core.x.inputCapacity(core.index), 262144, "512 KiB and the ring before would pass 128 pages");
  const hog = core.x.inputHog(256 * 1024);
  hurry(core, 30);
  core.x.inputUnhog(hog);
  assert.is(core.counter(C.COUNTER_TCP_MEMORY_PRESSURES), 0, "512 KiB are not above the limit");
  core.x.inputUnhog(core.x.inputHog(1));
  const more = core.x.inputHog(512 * 1024);
  hurry(core, 1);
  for (const page of [L.SYSCTL_TCP_MEM_PRESSURE, L.SYSCTL_TCP_MEM_HIGH]) core.set(page, 4096);
  hurry(core, 30);
  assert.ok(core.x.inputCapacity(core.index) > 262144, "a limit that was raised counts at once");
  core.x.inputUnhog(more);
});

test("pressure begins above tcp_mem[1] and ends below tcp_mem[0], counted once each time", async () => {
  const core = (await Core.create(limits(64, 128, 256))).established();
  hurry(core, 3);
  const pressures = (): number => core.counter(C.COUNTER_TCP_MEMORY_PRESSURES);
  const capacity = core.x.inputCapacity(core.index);
  const hog = core.x.inputHog(1 << 20);
  hurry(core, 30);
  assert.is(pressures(), 1);
  assert.is(core.x.inputCapacity(core.index), capacity);
  core.x.inputUnhog(hog);
  core.set(L.SYSCTL_TCP_MEM_LOW, 1);
  hurry(core, 30);
  assert.is(core.x.inputCapacity(core.index), capacity, "not below low yet");
  core.set(L.SYSCTL_TCP_MEM_LOW, 127);
  hurry(core, 30);
  assert.ok(core.x.inputCapacity(core.index) > capacity || capacity === 262144);
});

test("above tcp_mem[2] the first ring is the least; what does not fit is dropped, counted, and taken when it comes again", async () => {
  const core = (await Core.create(limits(1, 1, 1))).established();
  assert.ok(
    (core.x.inputAdvertised(core.index) - core.tcb(L.TCB_RCV_NXT)) >>> 0 >= 60000,
    "promised before memory ran out",
  );
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10000 });
  assert.is(core.rcvNxt(), 4097);
  assert.is(core.counter(C.COUNTER_TCP_RCV_RING_REDUCED), 1);
  assert.is(core.counter(C.COUNTER_TCP_RCVQ_DROP), 1);
  core.expect({ ack: 4097 });
  core.arrive({ flags: ACK, seq: 4097, ack: 1, data: 100 });
  core.expect({ ack: 4097 }, "nothing was read");
  assert.is(core.counter(C.COUNTER_TCP_RCVQ_DROP), 2);
  let got: number[] = [];
  for (let i = 0; core.rcvNxt() < 10001 && i < 20; i++) {
    got = got.concat([...core.read(3000)]);
    const seq = core.rcvNxt();
    core.arrive({ flags: ACK, seq, ack: 1, data: pattern(1, 10000).subarray(seq - 1) });
    core.pullAll();
  }
  got = got.concat([...core.read()]);
  assert.equal(got, [...pattern(1, 10000)]);
});

test("under pressure a new connection promises tcp_rmem's minimum", async () => {
  const core = await Core.create(limits(1, 2, 4096));
  const hog = core.x.inputHog(4 * PAGE);
  core.listen();
  const { window } = core.synReceived();
  assert.is(window, 4096 - 256, "less the part that rounding needs");
  core.x.inputUnhog(hog);
});

test("10,000 connections with full rings stay within tcp_mem but for the least of each, deliver exact bytes, and give all back", async () => {
  const CONNECTIONS = 10_000;
  const BYTES = 6000;
  const core = await Core.create(limits(512, 1024, 2048));
  const listener = core.listen(100);
  const ends: { index: number; iss: number; port: number }[] = [];
  for (let port = 1; port <= CONNECTIONS; port++) {
    core.remotePort = port;
    core.arrive({ flags: SYN, mss: 1460, wscale: 7, wnd: 65535 });
    const { index } = core.expect({ flags: SYN | ACK });
    core.arrive({ flags: ACK, seq: 1, ack: 1 });
    core.x.inputAccept(index);
    ends.push({ index, iss: core.iss, port });
  }
  core.events();
  let peak = 0;
  for (const { index, iss, port } of ends) {
    Object.assign(core, { index, iss, remotePort: port });
    core.arrive({ flags: ACK, seq: 1, ack: 1, data: BYTES });
    core.pullAll();
    peak = Math.max(peak, core.x.heapBytesInUse());
  }
  assert.ok(peak <= 2048 * PAGE + CONNECTIONS * 4096, `${peak} bytes`);
  assert.ok(core.counter(C.COUNTER_TCP_RCV_RING_REDUCED) + core.counter(C.COUNTER_TCP_IN_BEYOND_WINDOW) > 1000);
  const whole = Buffer.from(pattern(1, BYTES));
  for (const { index, iss, port } of ends) {
    Object.assign(core, { index, iss, remotePort: port });
    const parts = [core.read()];
    for (let i = 0; core.rcvNxt() <= BYTES && i < 10; i++) {
      core.kick();
      core.pullAll();
      const seq = core.rcvNxt();
      core.arrive({ flags: ACK, seq, ack: 1, data: whole.subarray(seq - 1) });
      parts.push(core.read());
    }
    core.pullAll();
    assert.ok(Buffer.concat(parts).equals(whole), `connection ${port}`);
  }
  for (const { index } of ends) core.x.inputAbort(index, core.now);
  core.x.inputCloseListener(listener, core.now);
  core.pullAll();
  core.events();
  assert.is(core.x.heapBytesInUse(), 0);
  assert.is(core.x.tcbsInUse(), 0);
});

test.run();
