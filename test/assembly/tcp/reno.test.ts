// Window growth and reduction of Reno, as numbers.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SYSCTL_TCP_INITIAL_CWND, TCB_BYTES, TCB_CWND, TCB_RECORDS, TCB_SSTHRESH } from "../../../assembly/layout.ts";
import { setSysctl, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/congestion/reno");
const instance = await tcpInstance();
const { exports: wasm, view } = instance;
const tcb = wasm.outputTcb();
const cwnd = () => view.getUint32(TCB_RECORDS + tcb * TCB_BYTES + TCB_CWND, true);
const ssthresh = () => view.getUint32(TCB_RECORDS + tcb * TCB_BYTES + TCB_SSTHRESH, true);

function start(window?: number, threshold = 0x7fffffff): void {
  wasm.congestionTestStart(tcb);
  if (window !== undefined) wasm.congestionTestSet(tcb, window, threshold);
}

test("starts with ten segments and no threshold [6928 2, 5681 3.1] [5681#1] [6928#1] [2525#1]", () => {
  start();
  assert.is(cwnd(), 10);
  assert.is(ssthresh(), 0x7fffffff);
  setSysctl(instance, SYSCTL_TCP_INITIAL_CWND, 3);
  start();
  assert.is(cwnd(), 3);
  setSysctl(instance, SYSCTL_TCP_INITIAL_CWND, 10);
});

test("grows by what is acknowledged in slow start [5681 3.1] [5681#3]", () => {
  start();
  wasm.congestionTestAck(tcb, 10, true);
  assert.is(cwnd(), 20);
  for (let i = 0; i < 20; i++) wasm.congestionTestAck(tcb, 1, true);
  assert.is(cwnd(), 40);
});

test("grows by one segment per window in congestion avoidance, however the ACKs fall [5681 3.1] [5681#5] [2525#6]", () => {
  for (const perAck of [1, 2, 5, 20]) {
    start(20, 10);
    for (let acked = 0; acked < 20; acked += perAck) wasm.congestionTestAck(tcb, perAck, true);
    assert.is(cwnd(), 21, `${perAck} per ACK`);
  }
});

test("leaves slow start exactly at ssthresh, with the rest counted for congestion avoidance [5681#8]", () => {
  start(10, 16);
  wasm.congestionTestAck(tcb, 10, true);
  assert.is(cwnd(), 16);
  wasm.congestionTestAck(tcb, 11, true); // 4 were left over
  assert.is(cwnd(), 16);
  wasm.congestionTestAck(tcb, 1, true);
  assert.is(cwnd(), 17);
});

test("does not grow a window that is not used [7661]", () => {
  start();
  wasm.congestionTestAck(tcb, 10, false);
  assert.is(cwnd(), 10);
});

test("sets ssthresh to half the flight, not half the window [5681 3.1 (4)]", () => {
  start(100);
  wasm.congestionTestLoss(tcb, 40);
  assert.is(ssthresh(), 20);
  wasm.congestionTestExit(tcb);
  assert.is(cwnd(), 20);
});

test("never sets ssthresh below two segments [5681 3.1 (4)]", () => {
  start(3);
  wasm.congestionTestLoss(tcb, 1);
  assert.is(ssthresh(), 2);
});

test("starts again from one segment after a time-out [5681 3.1] [5681#6]", () => {
  start(50);
  wasm.congestionTestTimeout(tcb, 50, true);
  assert.equal([cwnd(), ssthresh()], [1, 25]);
});

test("holds ssthresh when the same data times out again [5681 3.1] [5681#7]", () => {
  start(50);
  wasm.congestionTestTimeout(tcb, 50, true);
  wasm.congestionTestTimeout(tcb, 50, false);
  assert.equal([cwnd(), ssthresh()], [1, 25]);
});

test("forgets at a loss what was counted towards the next step", () => {
  start(20, 10);
  wasm.congestionTestAck(tcb, 19, true);
  wasm.congestionTestLoss(tcb, 20);
  wasm.congestionTestExit(tcb);
  assert.is(cwnd(), 10);
  wasm.congestionTestAck(tcb, 9, true);
  assert.is(cwnd(), 10);
  wasm.congestionTestAck(tcb, 1, true);
  assert.is(cwnd(), 11);
});

test.run();
