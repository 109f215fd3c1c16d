// Words of the TCB that two things use whose lives exclude each other (assembly/tcp/tcb.ts, listener-record.ts): whatever happens to the one,
// the other is as it was. Each test fails if the lives overlap.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, ECE, FIN, PSH, RST, SYN, sackBlocks } from "./input-harness.ts";

const test = suite("tcp/shared-words");
const SECOND = 1_000_000;

/** Sets every option there is, to several values, and takes most back. */
function fiddle(core: Core, index: number, except: number[] = []): void {
  for (const value of [1, 2, 3, 4, 0, 0xffff, 0]) {
    for (let code = 1; code < L.SOCKET_OPTION_COUNT; code++) {
      if (!except.includes(code)) core.x.inputOption(index, code, value, value, core.now);
    }
  }
}

/** A child in the SYN queue (`isHalf`) or the accept queue of who listens on port 80. */
function child(core: Core, remotePort: number, isHalf = false): number {
  core.arrive({ flags: SYN, mss: 1460, remotePort });
  const { index } = core.pull()!;
  if (!isHalf) core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort });
  core.pullAll();
  return index;
}

test("a listener keeps its queues and its place whatever options it is given", async () => {
  const core = await Core.create();
  const others = [81, 82].map((port) => core.listen(10, port));
  const listener = core.listen();
  const specific = core.x.inputListen(83, 10, false, core.now);
  const half = [1000, 1001, 1002].map((port) => child(core, port, true));
  const whole = [2000, 2001].map((port) => child(core, port));
  for (const each of [listener, specific, ...others]) fiddle(core, each);
  assert.is(core.x.inputSynQueue(listener), 3);
  assert.is(core.x.inputAcceptQueue(listener), 2);
  core.x.inputAccept(whole[0]);
  assert.is(core.x.inputAcceptQueue(listener), 1);
  core.now += 10_000;
  core.arrive({ flags: RST, seq: 1, remotePort: 1001 });
  assert.is(core.x.inputSynQueue(listener), 2);
  core.x.inputCloseListener(listener, core.now);
  const resets = core.pullAll();
  assert.equal(resets.map((out) => out.index).sort(), [half[0], half[2], whole[1]].sort());
  assert.is(core.state(whole[0]), L.STATE_ESTABLISHED);
  core.events();
  assert.ok(core.isFree(listener));
  assert.ok(core.x.inputListen(80, 1, true, core.now) >= 0, "the port is free");
  for (const port of [81, 82, 83]) assert.ok(core.x.inputListen(port, 1, true, core.now) < 0, `port ${port} is not`);
});

test("a record that was a listener's begins anew as a connection, and the other way round", async () => {
  const core = await Core.create();
  const listener = core.listen(7);
  core.x.inputCloseListener(listener, core.now);
  core.events();
  const index = core.x.inputConnect(0, 80, false, 0, core.now);
  assert.is(index, listener, "the record is used again");
  core.pullAll();
  core.x.inputAbort(index, core.now);
  core.events();
  assert.is(core.listen(2), listener);
  for (let port = 1000; port < 1003; port++) child(core, port);
  assert.is(core.x.inputAcceptQueue(listener), 3, "a backlog of n admits n + 1");
  core.arrive({ flags: SYN, mss: 1460, remotePort: 1003 });
  core.expectNothing("the accept queue is full");
});

test("children keep their place in a queue though main speaks of them before it has taken them", async () => {
  const core = await Core.create();
  const listener = core.listen();
  const children = [1000, 1001, 1002, 1003].map((port) => child(core, port));
  for (const each of children) {
    fiddle(core, each);
    for (const offset of [0, 1, 100]) core.x.inputMark(each, L.SEND_MARK_MORE | L.SEND_MARK_END_OF_RECORD, offset);
    core.x.inputKick(each, core.now);
  }
  assert.is(core.counter(C.COUNTER_RING_INDEX_INVALID), 12);
  core.x.inputAccept(children[1]);
  core.x.inputAccept(children[2]);
  assert.is(core.x.inputAcceptQueue(listener), 2);
  core.pullAll();
  core.x.inputCloseListener(listener, core.now);
  assert.equal(
    core.pullAll().map((out) => [out.index, out.flags]),
    [children[3], children[0]].map((index) => [index, RST | ACK]),
  );
});

test("SO_KEEPALIVE of a socket that connects neither ends nor puts off main's limit", async () => {
  const keepAlive = [L.SOCKET_OPTION_KEEPALIVE, L.SOCKET_OPTION_KEEPIDLE, L.SOCKET_OPTION_KEEPINTVL];
  for (const value of [0, 1, 5]) {
    const core = await Core.create();
    const index = core.x.inputConnect(0, 80, false, 3000, core.now);
    core.pullAll();
    for (const code of keepAlive) core.x.inputOption(index, code, value, 0, core.now);
    core.now += 2.9 * SECOND;
    core.x.inputRunTimers(core.now);
    for (const code of keepAlive) core.x.inputOption(index, code, value, 0, core.now);
    assert.is(core.state(index), L.STATE_SYN_SENT);
    core.now += 0.1 * SECOND;
    core.x.inputRunTimers(core.now);
    assert.is(core.error(index), L.ETIMEDOUT, `keepalive options of ${value}`);
  }
});

test("main's limit for a connect ends with the handshake, and keepalive begins then", async () => {
  const core = await Core.create();
  core.index = core.x.inputConnect(0, 80, false, 3000, core.now);
  core.x.inputOption(core.index, L.SOCKET_OPTION_KEEPIDLE, 10_000, 0, core.now);
  core.x.inputOption(core.index, L.SOCKET_OPTION_KEEPALIVE, 1, 0, core.now);
  core.pullAll();
  core.localPort = core.view.getUint16(L.TCB_RECORDS + core.index * L.TCB_BYTES + L.TCB_LOCAL_PORT, true);
  core.now += 2 * SECOND;
  core.arrive({ flags: SYN | ACK, ack: 1, mss: 1460, remotePort: 80 });
  core.pullAll();
  core.now += 5 * SECOND;
  core.x.inputRunTimers(core.now);
  core.expectNothing("3 s are over, 10 s are not");
  assert.is(core.state(), L.STATE_ESTABLISHED);
  core.now += 5 * SECOND;
  core.x.inputRunTimers(core.now);
  core.expect({ flags: ACK, seq: 0 }, "a keepalive probe");
});

/** A connection of the peer's that ends in TIME-WAIT, forgotten by main. */
function pass(core: Core, remotePort: number): void {
  const index = child(core, remotePort);
  core.x.inputAccept(index);
  core.x.inputClose(index, core.now);
  core.pullAll();
  core.arrive({ flags: FIN | ACK, seq: 1, ack: 2, remotePort });
  core.pullAll();
  core.events();
}

/** The peer's ports of all in TIME-WAIT. */
function waiting(core: Core): number[] {
  const records = Array.from({ length: 16 }, (_, index) => index).filter(
    (index) => core.state(index) === L.STATE_TIME_WAIT,
  );
  return records.map((index) => core.tcb(L.TCB_LOCAL_PORT, index) >>> 16).sort();
}

test("connections in TIME-WAIT keep their order whatever arrives for them", async () => {
  const core = await Core.create([[L.SYSCTL_TCP_MAX_TW_BUCKETS, 4]]);
  core.listen();
  const ports = [1000, 1001, 1002, 1003];
  const ends: number[] = [];
  for (const port of ports) {
    pass(core, port);
    ends.push(core.iss);
  }
  for (let round = 0; round < 3; round++) {
    ports.forEach((remotePort, i) => {
      core.iss = ends[i]!;
      core.now += SECOND;
      for (const ack of [0, 1, 2, 2, 2, 2, 3]) {
        core.arrive({ flags: ACK | ECE, seq: 2, ack, remotePort, wnd: ack });
        core.arrive({ flags: ACK | PSH, seq: 2, ack, remotePort, data: 10 });
      }
      core.x.inputRunTimers(core.now);
      core.pullAll();
    });
  }
  const later = [2000, 2001, 2002, 2003];
  for (const [i, port] of later.entries()) {
    pass(core, port);
    assert.is(core.counter(C.COUNTER_TCP_TIME_WAIT_OVERFLOW), i + 1);
    assert.equal(waiting(core), [...ports.slice(i + 1), ...later.slice(0, i + 1)]);
  }
  core.now += 61 * SECOND;
  core.x.inputRunTimers(core.now);
  assert.is(core.x.inputTimeWaits(), 0);
});

test("what waited out of order is in no SACK block once main has closed and its bytes are given back", async () => {
  const core = (await Core.create()).established({ sackPermitted: true });
  const before = core.x.heapBytesInUse();
  core.arrive({ flags: ACK, seq: 11, ack: 1, data: 10 });
  assert.equal(sackBlocks(core.expect({ ack: 1 }).options), [[11, 21]]);
  core.x.inputClose(core.index, core.now);
  assert.is(core.x.heapBytesInUse(), before);
  assert.equal(sackBlocks(core.expect({ flags: FIN | ACK, ack: 1 }).options), []);
});

test("the block that a congestion control holds is given back whatever main says to a connection that has ended", async () => {
  for (const congestion of [L.CONGESTION_BBR, L.CONGESTION_BBR1]) {
    const core = (await Core.create()).established();
    const before = core.x.heapBytesInUse();
    core.x.inputOption(core.index, L.SOCKET_OPTION_CONGESTION, congestion, 0, core.now);
    const block = core.x.heapBytesInUse() - before;
    assert.ok(block > 0);
    core.arrive({ flags: RST | ACK, seq: 1, ack: 1 });
    assert.is(core.state(), L.STATE_CLOSED);
    const closed = core.x.heapBytesInUse();
    fiddle(core, core.index, [L.SOCKET_OPTION_CONGESTION]);
    assert.is(core.x.heapBytesInUse(), closed);
    core.x.inputClose(core.index, core.now);
    core.events();
    assert.ok(core.isFree(core.index));
    assert.ok(core.x.heapBytesInUse() <= closed - block);
  }
});

test.run();
