// Connections in bulk transfer share the receive slots of their link, and what all windows and rings of a direction have together: what they
// are promised and offered, which of them count, for how long, and that a promise which is small beside a unit of the window field opens again.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../../assembly/layout.ts";
import { Sender, tcpInstance } from "../../support/tcp-sender.ts";
import { ACK, Core } from "./input-harness.ts";

const test = suite("tcp/bulk-share");
const SLOTS = 128;
const MSS = 1460;
const EPOCH = 100_000;
const RECEIVE_SLOTS = L.INTERFACES + L.INTERFACE_RX_SLOTS;

type End = { index: number; iss: number; remotePort: number; rcvWscale: number };

/** A core whose interfaces 1 and 2 have so many receive slots. */
async function linkOf(slots: number, sysctls: [number, number][] = []): Promise<Core> {
  const core = await Core.create(sysctls);
  for (const at of [1, 2]) core.set(RECEIVE_SLOTS + at * L.INTERFACE_BYTES, slots);
  return core;
}

/** Connections of `core`, from the peer's port `from` on. */
function open(core: Core, connections: number, from = 5000): End[] {
  return Array.from({ length: connections }, (_, at) => {
    core.remotePort = from + at;
    const { index, iss, remotePort, rcvWscale } = core.established();
    return { index, iss, remotePort, rcvWscale };
  });
}

const edgeOf = (core: Core, { index }: End): number => core.x.inputAdvertised(index) >>> 0;
const promised = (core: Core, end: End): number => (edgeOf(core, end) - core.tcb(L.TCB_RCV_NXT, end.index)) >>> 0;
const sum = (core: Core, ends: readonly End[]): number => ends.reduce((bytes, end) => bytes + promised(core, end), 0);

/** The peer sends as much as it may, at most a segment, and main reads it. @returns its bytes */
function receive(core: Core, end: End): number {
  Object.assign(core, end);
  const data = Math.min(MSS, promised(core, end));
  if (data > 0) core.arrive({ flags: ACK, seq: core.rcvNxt(), ack: 1, data });
  core.read();
  core.kick();
  core.pullAll();
  return data;
}

/** `rounds` segments to each in turn, one round in half a millisecond. @returns how many edges moved left */
function receiveAll(core: Core, ends: readonly End[], rounds: number): number {
  let moved = 0;
  for (let round = 0; round < rounds; round++, core.now += 500) {
    for (const end of ends) {
      const edge = edgeOf(core, end);
      receive(core, end);
      if (((edgeOf(core, end) - edge) | 0) < 0) moved += 1;
    }
  }
  return moved;
}

function expectShared(core: Core, ends: readonly End[]): void {
  const frames = sum(core, ends) / MSS;
  assert.ok(frames <= SLOTS / 2 + ends.length, `${frames} frames: ${ends.map((end) => promised(core, end))}`);
  for (const end of ends) assert.ok(promised(core, end) >= 2 * MSS, `${promised(core, end)}`);
}

test("all that receive in bulk are promised half of the link's receive slots together, and no edge moves left [RFC 9293 SHLD-14]", async () => {
  const core = await linkOf(SLOTS);
  const ends = open(core, 8);
  assert.is(receiveAll(core, ends, 200), 0);
  expectShared(core, ends);
});

test("one that receives beside others that do not has the slots for itself", async () => {
  const core = await linkOf(SLOTS);
  const [one] = open(core, 8) as [End, ...End[]];
  receiveAll(core, [one], 200);
  assert.ok(promised(core, one) >= 60_000, `${promised(core, one)}`);
});

for (const [name, prepare] of [
  [
    "whose buffer SO_RCVBUF fixes",
    (core: Core, end: End) => core.x.inputOption(end.index, L.SOCKET_OPTION_RCVBUF, 131_072, 0, core.now),
  ],
  ["whose buffers tcp_moderate_rcvbuf fixes", (core: Core) => core.set(L.SYSCTL_TCP_MODERATE_RCVBUF, 0)],
] as [string, (core: Core, end: End) => unknown][]) {
  test(`those ${name} share, too`, async () => {
    const core = await linkOf(SLOTS, [[L.SYSCTL_RMEM_MAX, 212_992]]);
    const ends = open(core, 8);
    for (const end of ends) prepare(core, end);
    receiveAll(core, ends, 200);
    expectShared(core, ends);
  });
}

test("a connection counts until the second epoch after its last bulk, whoever looks next", async () => {
  for (const isFixed of [false, true]) {
    const core = await linkOf(SLOTS);
    const ends = open(core, 16);
    receiveAll(core, ends, 200);
    core.now += 2 * EPOCH + 1;
    if (isFixed) core.set(L.SYSCTL_TCP_MODERATE_RCVBUF, 0);
    const [late] = open(core, 1, 6000) as [End];
    assert.ok(promised(core, late) >= 60_000, `${promised(core, late)}`);
    receiveAll(core, [ends[0]!], 4);
    assert.ok(promised(core, ends[0]!) >= 60_000, `${promised(core, ends[0]!)}`);
  }
});

test("connections over one interface leave the slots of another alone", async () => {
  const core = await linkOf(SLOTS);
  const ends = open(core, 8);
  for (const { index } of ends.slice(1)) core.setTcb(L.TCB_INTERFACE, 2, index);
  receiveAll(core, ends, 200);
  assert.ok(promised(core, ends[0]!) >= 60_000, `${promised(core, ends[0]!)}`);
  assert.ok(promised(core, ends[1]!) <= 16_384, `${promised(core, ends[1]!)}`);
});

for (const [rmemMax, wscale] of [
  [128 << 20, 12],
  [512 << 20, 14],
] as const) {
  test(`every window of 8 flows on 32 slots stays open and small with a unit of 2^${wscale} bytes [RFC 7323 2.3]`, async () => {
    const core = await linkOf(32, [[L.SYSCTL_TCP_RMEM_MAX, rmemMax]]);
    const ends = open(core, 8);
    for (const end of ends) assert.is(end.rcvWscale, wscale);
    for (let round = 0; round < 2000; round++, core.now += 500) {
      for (const end of ends) assert.ok(receive(core, end) > 0, `round ${round}: ${promised(core, end)}`);
    }
    for (const end of ends) assert.ok(promised(core, end) <= 3 << wscale, `${promised(core, end)}`);
  });

  test(`a peer that fills its window finds it open after each read, with a unit of 2^${wscale} bytes`, async () => {
    const core = await linkOf(32, [[L.SYSCTL_TCP_RMEM_MAX, rmemMax]]);
    const ends = open(core, 8);
    for (let round = 0; round < 500; round++, core.now += 2000) {
      for (const end of ends) {
        Object.assign(core, end);
        assert.ok(promised(core, end) > 0, `round ${round}`);
        for (let left = promised(core, end); left > 0; left = promised(core, end)) {
          core.arrive({ flags: ACK, seq: core.rcvNxt(), ack: 1, data: Math.min(MSS, left) });
        }
        core.read();
        if (core.mustKick()) core.kick();
        core.pullAll();
      }
    }
  });
}

/** Each of 16 connections is sent `bytes` in pieces as large as a super-segment, and reads them. @returns bytes promised to all, at the end */
function promisedAfter(core: Core, ends: readonly End[], bytes: number): number {
  const piece = 32_768;
  for (let sent = 0; sent < bytes; sent += piece, core.now += 500) {
    for (const end of ends) {
      Object.assign(core, end);
      const data = new Uint8Array(Math.min(piece, promised(core, end)));
      core.arrive({
        flags: ACK,
        seq: core.rcvNxt(),
        ack: 1,
        data,
        segments: Math.ceil(data.length / MSS),
        gsoSize: MSS,
      });
      core.setTcb(L.TCB_RCV_EPOCH_TAKEN, core.tcb(L.TCB_RCV_EPOCH));
      core.setTcb(L.TCB_RCV_HEAD, core.tcb(L.TCB_RCV_TAIL));
      core.kick();
      core.pullAll();
    }
  }
  return sum(core, ends);
}

test("all that receive in bulk are promised 8 MiB together, one alone what its buffer holds", async () => {
  for (const connections of [1, 16]) {
    const core = await linkOf(0, [[L.SYSCTL_TCP_RMEM_DEFAULT, 1 << 20]]);
    const ends = open(core, connections);
    for (const { index } of ends) core.setTcb(L.TCB_MIN_RTT_US, 100, index);
    const before = core.x.heapBytesInUse();
    const all = promisedAfter(core, ends, 3 << 20);
    if (connections === 1) assert.ok(all > 900_000, `${all}`);
    else assert.ok(all <= 8 << 20 && all >= 4 << 20, `${all}`);
    assert.ok(core.x.heapBytesInUse() - before <= 17 << 20, "no ring is twice as large as what is promised");
  }
});

test("a share is as much more as the path is longer, but not for what waits in queues: the least round trip counts", async () => {
  const core = await linkOf(0, [[L.SYSCTL_TCP_RMEM_DEFAULT, 1 << 20]]);
  const ends = open(core, 16);
  for (const { index } of ends) {
    core.setTcb(L.TCB_MIN_RTT_US, 8000, index);
    core.setTcb(L.TCB_SRTT_US, 100_000, index);
  }
  const all = promisedAfter(core, ends, 4 << 20);
  assert.ok(all > 12 << 20 && all <= 8000 * 2048, `${all}`);
});

test("one whose handshake showed no round trip (a cookie, a SYN sent twice) has the share of the path that it sees as a receiver", async () => {
  const core = await linkOf(0, [[L.SYSCTL_TCP_RMEM_DEFAULT, 1 << 20]]);
  core.peerTs = 1;
  const ends = open(core, 16);
  for (const { index } of ends) {
    core.setTcb(L.TCB_MIN_RTT_US, 0, index);
    core.setTcb(L.TCB_RCV_RTT_US, 8000, index);
  }
  const all = promisedAfter(core, ends, 4 << 20);
  assert.ok(all > 12 << 20 && all <= 8000 * 2048, `${all}`);
});

/** The ring that a sender with a wide window is offered beside `others` that have sent in bulk `ageUs` ago. */
async function ringBeside(others: number, ageUs: number): Promise<number> {
  const instance = await tcpInstance();
  const options = { ringBytes: 65_536, window: 4 << 20 };
  for (let n = 0; n < others; n++) {
    const sender = new Sender(instance, options);
    sender.write(65_536);
    assert.ok(sender.pull().length > 0);
  }
  const sender = new Sender(instance, options);
  sender.nowUs += ageUs;
  const field = (at: number): number => L.TCB_RECORDS + sender.index * L.TCB_BYTES + at;
  sender.write(65_536);
  for (let acked = 0, written = 65_536; acked < 3_000_000; ) {
    for (const { seq, bytes } of sender.pull()) acked = seq + bytes;
    sender.nowUs += 100;
    sender.ack(acked);
    instance.view.setUint32(field(L.TCB_SND_EPOCH_TAKEN), instance.view.getUint32(field(L.TCB_SND_EPOCH), true), true);
    instance.exports.outputKick(sender.index);
    const room = instance.exports.outputRingCapacity(sender.index) - (written - acked);
    sender.write(room);
    written += room;
  }
  return instance.exports.outputRingCapacity(sender.index);
}

test("beside others that send in bulk a send ring holds two shares and no more; those that fell silent do not count", async () => {
  assert.ok((await ringBeside(0, 0)) >= 2 << 20);
  assert.is(await ringBeside(127, 0), 131_072);
  assert.ok((await ringBeside(127, 2 * EPOCH + 1)) >= 2 << 20);
});

test.run();
