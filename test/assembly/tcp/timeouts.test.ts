// What expired timers do: retransmission with back-off, R1 and R2, window probes, keepalive, delayed ACK. The clock is ours.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  STATE_CLOSED,
  STATE_ESTABLISHED,
  SYSCTL_TCP_KEEPALIVE_INTVL,
  SYSCTL_TCP_KEEPALIVE_PROBES,
  SYSCTL_TCP_KEEPALIVE_TIME,
  SYSCTL_TCP_RETRIES2,
  TCB_BYTES,
  TCB_ERROR,
  TCB_RECORDS,
  TCB_STATE,
} from "../../../assembly/layout.ts";
import { ACK, FIN, RST, Sender, setSysctl, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/timeouts");
const instance = await tcpInstance();
const { exports: wasm, view } = instance;
const RETRANSMIT = 1; // TIMER_RETRANSMIT
const PERSIST = 2; // TIMER_PERSIST
const LOSS_PROBE = 5; // TIMER_LOSS_PROBE
const OWNED = 1; // TCB_FLAG_OWNED
const ACK_DELAYED = 256; // TCB_FLAG_ACK_DELAYED
const ETIMEDOUT = 110;
const SECOND = 1_000_000;

const errorOf = (sender: Sender) => view.getUint16(TCB_RECORDS + sender.index * TCB_BYTES + TCB_ERROR, true);
const kind = (sender: Sender) => wasm.outputTimerKind(sender.index);

/** A sender with a measured round trip of 50 ms: RTO 250 ms. */
function measured(window = 1_000_000): Sender {
  const sender = new Sender(instance, { window });
  sender.write(1000);
  sender.pull();
  sender.nowUs += 50_000;
  sender.ack(1000);
  assert.is(sender.get("rtoUs"), 250_000);
  return sender;
}

test("starts the timer with data, restarts it with an ACK of new data, stops it with the last [6298 5.1-5.3]", () => {
  const sender = measured();
  assert.is(sender.timerIn, null);
  sender.write(3000);
  sender.pull();
  assert.is(sender.timerIn, 250_000);
  assert.is(kind(sender), RETRANSMIT);
  sender.nowUs += 100_000;
  sender.ack(1000); // nothing new
  assert.is(sender.timerIn, 150_000);
  sender.ack(2000);
  assert.is(sender.timerIn, sender.get("rtoUs"));
  sender.ack(4000);
  assert.is(sender.timerIn, null);
});

test("doubles the time-out at each expiry and retransmits the first segment [6298 5.4-5.6]", () => {
  const sender = measured();
  sender.write(5000);
  sender.pull();
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) {
    waits.push(sender.timerIn! / 1000);
    assert.ok(sender.wait(sender.timerIn!));
    assert.equal(
      sender.pull().map(({ seq, bytes }) => [seq, bytes]),
      [[1000, 1000]],
    );
  }
  assert.equal(waits, [250, 500, 1000, 2000, 4000]);
  assert.is(sender.retransmits, 5);
  sender.ack(2000);
  assert.is(sender.retransmits, 0); // R2 counts anew
});

test("does nothing before its time, though the wheel may ask earlier", () => {
  const sender = measured();
  sender.write(2000);
  sender.pull();
  sender.nowUs += 100_000;
  sender.ack(2000); // moves the deadline away
  const due = sender.timerIn!;
  sender.wait(due - 1);
  assert.is(sender.retransmits, 0);
  sender.wait(1);
  assert.is(sender.retransmits, 1);
});

test("has the wheel fire no later than the time-out, however that is moved: by data, ACKs, probes and a shut window", async () => {
  const fresh = await tcpInstance();
  const sender = new Sender(fresh, { sack: true });
  const { inputNextTimer, outputTimerKind, outputTimerUs } = fresh.exports;
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const kinds = new Set<number>();
  let sent = 0;
  let acked = 0;
  for (let step = 0; step < 5000; step++) {
    if (random(3) === 0) sender.write(100 + random(3000));
    for (const { seq, bytes } of sender.pull()) sent = Math.max(sent, seq + bytes);
    const next = inputNextTimer();
    if (random(4) === 0 && next > sender.nowUs) sender.nowUs = next;
    else sender.nowUs += [0, 10, 1000, 20_000][random(4)]!;
    fresh.exports.outputRunTimers(sender.nowUs);
    if (random(2) === 0) {
      acked = Math.min(acked + random(4000), sent);
      sender.window = random(8) === 0 ? 0 : 1_000_000;
      sender.ack(acked);
    }
    const dueUs = outputTimerUs(sender.index);
    kinds.add(outputTimerKind(sender.index));
    if (dueUs !== 0) assert.ok(inputNextTimer() > 0 && inputNextTimer() <= dueUs, `step ${step}`);
  }
  assert.is(sender.state, STATE_ESTABLISHED);
  for (const each of [RETRANSMIT, PERSIST, LOSS_PROBE]) assert.ok(kinds.has(each), `timer of kind ${each}`);
});

test("waits again if what it would retransmit is still in our own queue", () => {
  const sender = measured();
  sender.write(1000);
  sender.pull();
  wasm.outputQueued(sender.index, 1000);
  sender.wait(sender.timerIn!);
  assert.is(sender.retransmits, 0);
  assert.is(sender.timerIn, 250_000);
  wasm.outputSent(sender.index, 1000);
  sender.wait(sender.timerIn!);
  assert.is(sender.retransmits, 1);
});

test("gives up after R2 also if the link takes nothing, and stays until it does [9293 3.8.3, MUST-20]", () => {
  const sender = measured();
  const startUs = sender.nowUs;
  sender.write(1000);
  sender.pull();
  wasm.outputQueued(sender.index, 1000);
  while (sender.timerIn !== null && sender.nowUs - startUs < 2000 * SECOND) sender.wait(sender.timerIn);
  assert.is(errorOf(sender), ETIMEDOUT);
  const seconds = (sender.nowUs - startUs) / SECOND;
  assert.ok(seconds > 924 && seconds < 926, `${seconds} s`);
  assert.is(view.getUint8(TCB_RECORDS + sender.index * TCB_BYTES + TCB_STATE), STATE_CLOSED);
  wasm.outputSent(sender.index, 1000);
});

test("suspects the route from R1 on [9293 3.8.3, MUST-20]", () => {
  const sender = measured();
  sender.write(1000);
  sender.pull();
  const suspects: boolean[] = [];
  for (let i = 0; i < 4; i++) {
    sender.wait(sender.timerIn!);
    suspects.push(sender.pull()[0]!.suspect);
  }
  assert.equal(suspects, [false, false, true, true]); // tcp_retries1 is 3
});

test("gives up after R2, 924.6 s by default, and says ETIMEDOUT [9293 3.8.3, MUST-20, SHLD-11]", () => {
  const sender = measured();
  assert.is(wasm.outputPatience(sender.index) / SECOND, 924.6);
  sender.write(1000);
  sender.pull();
  let firstUs = 0;
  for (let i = 0; i < 40 && sender.state === STATE_ESTABLISHED; i++) {
    sender.wait(sender.timerIn!);
    firstUs ||= sender.nowUs;
    sender.pull();
  }
  const took = (sender.nowUs - firstUs) / SECOND;
  assert.ok(took >= 924.6 && took < 924.6 + 120, `${took} s`);
  assert.is(sender.state, STATE_CLOSED);
  assert.is(errorOf(sender), ETIMEDOUT);
});

test("gives up earlier if tcp_retries2 says so, and for a socket that nobody holds", () => {
  setSysctl(instance, SYSCTL_TCP_RETRIES2, 3);
  const sender = measured();
  assert.is(wasm.outputPatience(sender.index) / SECOND, 3);
  setSysctl(instance, SYSCTL_TCP_RETRIES2, 15);
  wasm.outputClearFlags(sender.index, OWNED);
  assert.is(wasm.outputPatience(sender.index) / SECOND, 102.2); // tcp_orphan_retries is 8
  wasm.outputSetFlags(sender.index, OWNED);
});

test("probes a zero window after one time-out, then ever more rarely [9293 3.8.6.1, MUST-36, SHLD-29, SHLD-30]", () => {
  const sender = measured();
  sender.window = 0;
  sender.ack(1000);
  sender.write(5000);
  assert.equal(sender.pull(), []);
  assert.is(kind(sender), PERSIST);
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    waits.push(sender.timerIn! / 1000);
    assert.ok(sender.wait(sender.timerIn!));
    assert.equal(sender.pull(), [{ seq: 999, bytes: 0, flags: ACK, gsoSize: 0, segments: 1, suspect: false }]);
    sender.ack(1000); // answered, still shut
  }
  assert.equal(waits, [250, 500, 1000, 2000, 4000, 8000]);
});

test("starts from one time-out again when the window shuts again", () => {
  const sender = measured();
  sender.window = 0;
  sender.ack(1000);
  sender.write(5000);
  sender.pull();
  for (let i = 0; i < 3; i++) {
    sender.wait(sender.timerIn!);
    sender.pull();
  }
  sender.window = 1000;
  sender.ack(1000);
  assert.equal(sender.pullSizes(), [1000]);
  sender.window = 0;
  sender.ack(2000);
  assert.equal(sender.pullSizes(), []);
  assert.is(kind(sender), PERSIST);
  assert.is(sender.timerIn, sender.get("rtoUs"));
});

test("keeps probing for hours while the peer answers [9293 MUST-37]", () => {
  const sender = measured();
  sender.window = 0;
  sender.ack(1000);
  sender.write(5000);
  sender.pull();
  for (let i = 0; i < 200; i++) {
    sender.wait(sender.timerIn!);
    assert.is(sender.pull().length, 1);
    sender.ack(1000);
  }
  assert.is(sender.state, STATE_ESTABLISHED);
  assert.ok(sender.nowUs > 6 * 3600 * SECOND);
  sender.window = 100_000;
  sender.ack(1000);
  assert.equal(sender.pullSizes(), [1000, 1000, 1000, 1000, 1000]);
  assert.is(kind(sender), RETRANSMIT);
});

test("gives up when tcp_retries2 probes in a row are unanswered", () => {
  const sender = measured();
  sender.window = 0;
  sender.ack(1000);
  sender.write(5000);
  sender.pull();
  let probes = 0;
  for (; probes < 100 && sender.state === STATE_ESTABLISHED; probes++) {
    sender.wait(sender.timerIn!);
    sender.pull();
  }
  assert.is(probes, 16); // the sixteenth expiry gives up
  assert.is(errorOf(sender), ETIMEDOUT);
});

test("sends what a small window takes when the override timer expires [9293 3.8.6.2.1 (4)]", () => {
  const sender = measured(60_000);
  sender.window = 300;
  sender.ack(1000);
  sender.write(5000);
  assert.equal(sender.pull(), []);
  assert.is(sender.timerIn, 250_000);
  sender.wait(250_000);
  assert.equal(sender.pullSizes(), [300]);
});

test("does not wait with the override for the next rare probe", () => {
  const sender = measured();
  sender.window = 0;
  sender.ack(1000);
  sender.write(5000);
  sender.pull();
  for (let i = 0; i < 8; i++) {
    sender.wait(sender.timerIn!);
    sender.pull();
  }
  assert.ok(sender.timerIn! > 60 * SECOND);
  sender.window = 300;
  sender.ack(1000);
  assert.equal(sender.pull(), []);
  assert.is(sender.timerIn, 250_000);
});

test("expires the override within a second, however long the time-out [9293 3.8.6.2.1]", () => {
  const { index } = new Sender(instance);
  assert.is(wasm.outputPersistInterval(index, 250_000, 0, 100), 250_000);
  assert.is(wasm.outputPersistInterval(index, 3_000_000, 0, 100), 1_000_000);
  assert.is(wasm.outputPersistInterval(index, 3_000_000, 0, 0), 3_000_000);
  assert.is(wasm.outputPersistInterval(index, 3_000_000, 200, 0), 120_000_000);
});

test("goes on retransmitting into a window that was shut, without counting R2 while the peer answers [9293 3.8.6, MUST-35]", () => {
  const sender = measured();
  sender.write(3000);
  sender.pull();
  sender.window = 0;
  sender.ack(1000);
  for (let i = 0; i < 60; i++) {
    sender.wait(sender.timerIn!);
    assert.equal(
      sender.pull().map(({ seq, bytes }) => [seq, bytes]),
      [[1000, 1000]],
    );
    sender.ack(1000);
  }
  assert.is(sender.state, STATE_ESTABLISHED);
});

test("waits for the window with a FIN as with a byte, and probes for it", () => {
  const sender = measured();
  sender.window = 0;
  sender.ack(1000);
  wasm.outputFin(sender.index);
  assert.equal(sender.pull(), []);
  sender.wait(sender.timerIn!);
  assert.equal(
    sender.pull().map(({ seq, flags }) => [seq, flags]),
    [[999, ACK]],
  );
  sender.window = 1000;
  sender.ack(1000);
  assert.equal(
    sender.pull().map(({ seq, flags }) => [seq, flags]),
    [[1000, ACK | FIN]],
  );
});

test("starts keepalives after the idle time, repeats them, gives up with a RST [9293 3.8.4, MUST-29, SHLD-12]", () => {
  const sender = measured();
  wasm.outputSetKeepAlive(sender.index, 5000, 1000, 3, sender.nowUs);
  sender.wait(4_999_999);
  assert.equal(sender.pull(), []);
  sender.wait(1);
  assert.equal(
    sender.pull().map(({ seq, bytes, flags }) => [seq, bytes, flags]),
    [[999, 0, ACK]],
  );
  for (let i = 0; i < 2; i++) {
    sender.wait(1_000_000);
    assert.is(sender.pull().length, 1);
  }
  sender.wait(1_000_000);
  assert.is(sender.state, STATE_CLOSED);
  assert.is(errorOf(sender), ETIMEDOUT);
  assert.is(sender.next()!.flags, RST | ACK);
});

test("starts the idle time anew with whatever the peer sends", () => {
  const sender = measured();
  wasm.outputSetKeepAlive(sender.index, 5000, 1000, 2, sender.nowUs);
  sender.wait(5_000_000);
  assert.is(sender.pull().length, 1);
  sender.wait(1_000_000);
  sender.pull();
  sender.ack(1000); // the second probe is answered
  sender.wait(4_999_999);
  assert.equal(sender.pull(), []);
  sender.wait(1);
  assert.is(sender.pull().length, 1);
  assert.is(sender.state, STATE_ESTABLISHED);
});

test("sends no keepalive while data is outstanding [9293 MUST-26]", () => {
  const sender = measured();
  wasm.outputSetKeepAlive(sender.index, 100, 100, 1, sender.nowUs);
  sender.write(1000);
  sender.pull();
  sender.wait(100_000);
  assert.equal(sender.pull(), []);
  assert.is(sender.state, STATE_ESTABLISHED);
});

test("waits two hours for the first keepalive by default [9293 MUST-28]", () => {
  assert.is(view.getUint32(SYSCTL_TCP_KEEPALIVE_TIME, true), 7200);
  assert.is(view.getUint32(SYSCTL_TCP_KEEPALIVE_INTVL, true), 75);
  assert.is(view.getUint32(SYSCTL_TCP_KEEPALIVE_PROBES, true), 9);
  const sender = measured();
  wasm.outputSetKeepAlive(sender.index, 0, 0, 0, sender.nowUs);
  sender.wait(7200 * SECOND - 1);
  assert.equal(sender.pull(), []);
  sender.wait(1);
  assert.is(sender.pull().length, 1);
});

test("sends a delayed ACK when its time is up, and only then [9293 MUST-58, MUST-59]", () => {
  const sender = measured();
  wasm.outputDelayedAck(sender.index, sender.nowUs + 40_000, ACK_DELAYED);
  sender.wait(39_999);
  assert.equal(sender.pull(), []);
  sender.wait(1);
  assert.equal(
    sender.pull().map(({ seq, bytes, flags }) => [seq, bytes, flags]),
    [[1000, 0, ACK]],
  );
  assert.equal(sender.pull(), []);
});

test("halves the window for each time-out of idleness before it sends again [5681 4.1] [5681#15]", () => {
  const sender = new Sender(instance);
  sender.write(1_000_000);
  let acked = 0;
  for (let i = 0; i < 3; i++) {
    acked += sender.pull().reduce((n, { bytes }) => n + bytes, 0);
    sender.nowUs += 10_000;
    sender.ack(acked);
  }
  assert.is(sender.get("cwnd"), 80);
  acked += sender.pull().reduce((n, { bytes }) => n + bytes, 0);
  sender.ack(acked);
  assert.is(sender.get("cwnd"), 160);
  sender.nowUs += 2 * sender.get("rtoUs") + 1;
  assert.ok(sender.next() !== null);
  assert.is(sender.get("cwnd"), 40);
  assert.is(sender.get("ssthresh"), 0x7fffffff);
});

/** Opens a connection that nobody answers. @returns µs at which each SYN left and at which it ended, and the error */
async function connectToNobody(timeoutMs: number) {
  const { exports: wasm, view } = await tcpInstance(); // with no timers but ours
  const startUs = 5 * SECOND;
  const tcb = wasm.inputConnect(0, 80, false, timeoutMs, startUs);
  assert.ok(tcb >= 0);
  const state = () => view.getUint8(TCB_RECORDS + tcb * TCB_BYTES + TCB_STATE);
  const syns: number[] = [];
  let nowUs = startUs;
  for (let i = 0; i < 100 && state() !== STATE_CLOSED; i++) {
    while (wasm.inputPull(nowUs) === tcb) syns.push(nowUs - startUs);
    nowUs = wasm.inputNextTimer();
    wasm.inputRunTimers(nowUs);
  }
  const errno = view.getUint16(TCB_RECORDS + tcb * TCB_BYTES + TCB_ERROR, true);
  return { syns, endedUs: nowUs - startUs, errno };
}

test("sends a SYN again for three minutes and more, then says ETIMEDOUT [9293 3.8.3, MUST-23]", async () => {
  const { syns, endedUs, errno } = await connectToNobody(0);
  assert.equal(
    syns.map((us) => us / SECOND),
    [0, 1, 3, 7, 15, 31, 63, 127], // tcp_syn_retries is 7
  );
  assert.is(endedUs / SECOND, 247); // the last wait is bounded by tcp_rto_max
  assert.is(errno, ETIMEDOUT);
});

test("ends a connect at exactly the time that was asked for", async () => {
  const { syns, endedUs, errno } = await connectToNobody(1234);
  assert.equal(
    syns.map((us) => us / SECOND),
    [0, 1],
  );
  assert.is(endedUs, 1_234_000);
  assert.is(errno, ETIMEDOUT);
});

test.run();
