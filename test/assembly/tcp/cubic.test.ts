// CUBIC against its curve: a path of constant delay, as numbers.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CONGESTION_CUBIC, CONGESTION_RENO, SSTHRESH_NONE } from "../../../assembly/layout.ts";
import { CongestionPath } from "../../support/congestion-path.ts";
import { tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/congestion/cubic");
const instance = await tcpInstance({ tcp_congestion_control: "cubic", tcp_cubic_hystart: 0 });

const C = 0.4;
const BETA = 0.7;

test("multiplies the window by 0.7 at a loss [9438 4.6] [9438#1] [9438#6]", () => {
  const path = new CongestionPath(instance, { rttUs: 100_000 });
  path.set(1000, 500);
  path.loss();
  assert.is(path.cwnd, 700);
});

for (const [rttMs, window] of [
  [100, 1000],
  [200, 3000],
] as const) {
  test(`follows W(t) = C(t-K)^3 + W_max at ${rttMs} ms and a window of ${window} [9438 4.2] [9438#1] [9438#2] [9438#3] [9438#5]`, () => {
    const path = new CongestionPath(instance, { rttUs: rttMs * 1000 });
    path.set(window, window >> 1);
    path.loss();
    const k = Math.cbrt((window * (1 - BETA)) / C);
    const startUs = path.nowUs;
    const farthest = Math.ceil((2.2 * k * 1000) / rttMs);
    for (let round = 0; round < farthest; round++) {
      path.round();
      const t = (path.nowUs - startUs) / 1e6;
      const curve = C * (t - k) ** 3 + window;
      // Reno is slower here, and the window follows the curve within the growth of one round trip
      const slope = 3 * C * (t - k) ** 2 * (rttMs / 1000);
      assert.ok(Math.abs(path.cwnd - curve) <= slope + 0.01 * window + 2, `${t} s: ${path.cwnd}, not ${curve}`);
    }
    assert.ok(path.cwnd > window, "passes W_max");
  });
}

test("follows Reno with CUBIC's decrease where that is faster: a short path [9438 4.3] [9438#4]", () => {
  const path = new CongestionPath(instance, { rttUs: 10_000 });
  path.set(100, 50);
  path.loss();
  const start = path.cwnd;
  const rounds = 50;
  for (let round = 0; round < rounds; round++) path.round();
  const reno = start + rounds * ((3 * (1 - BETA)) / (1 + BETA));
  const curve = C * (0.5 - Math.cbrt((100 * 0.3) / C)) ** 3 + 100;
  assert.ok(curve < reno - 10, `the curve alone would be at ${curve}`);
  assert.ok(Math.abs(path.cwnd - reno) <= 3, `${path.cwnd}, not ${reno}`);
});

test("gives up part of W_max when congestion comes before it is reached: fast convergence [9438 4.7] [9438#7]", () => {
  const shrinking = new CongestionPath(instance, { rttUs: 100_000 });
  const steady = new CongestionPath(instance, { rttUs: 100_000 });
  for (const path of [shrinking, steady]) path.set(1000, 500);
  shrinking.loss();
  shrinking.loss(); // at 700, below W_max of 1000: W_max becomes 700 * 1.7 / 2 = 595
  steady.set(700, 350);
  steady.loss(); // W_max is 700
  assert.equal([shrinking.cwnd, steady.cwnd], [490, 490]);
  const at = (path: CongestionPath, seconds: number) => {
    for (let round = 0; round < seconds * 10; round++) path.round();
    return path.cwnd;
  };
  // The plateaus after K = 6.4 s and 8 s
  assert.ok(Math.abs(at(shrinking, 6.4) - 595) < 12, `${shrinking.cwnd}`);
  assert.ok(Math.abs(at(steady, 8) - 700) < 14, `${steady.cwnd}`);
});

test("never shrinks the window on an ACK [attack 80]", () => {
  for (const rttUs of [1, 50, 1000, 100_000, 10_000_000, 3_600_000_000]) {
    const path = new CongestionPath(instance, { rttUs });
    path.set(300, 100);
    path.loss();
    let last = path.cwnd;
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 20; i++) {
        path.ack(1, Math.min(rttUs, 0x7fffffff), 0, path.nowUs + i * (rttUs / 20));
        assert.ok(path.cwnd >= last, `${rttUs} µs: ${last} -> ${path.cwnd}`);
        last = path.cwnd;
      }
      path.nowUs += rttUs;
      if (round % 20 === 19) {
        path.loss();
        last = path.cwnd;
      }
    }
  }
});

test("grows by half a segment per segment acknowledged at most, whatever the round trip [9438 4.2, attack 80]", () => {
  for (const rttUs of [1, 50, 100_000, 3_600_000_000]) {
    const path = new CongestionPath(instance, { rttUs });
    path.set(300, 100);
    path.loss();
    for (let round = 0; round < 10; round++) {
      const before = path.cwnd;
      path.round();
      assert.ok(path.cwnd <= before + (before >> 1) + 1, `${rttUs} µs: ${before} -> ${path.cwnd}`);
    }
  }
});

test("does not let the curve run away while nothing is sent [9438 5.8] [9438#11]", () => {
  const busy = new CongestionPath(instance, { rttUs: 100_000 });
  const paused = new CongestionPath(instance, { rttUs: 100_000 });
  for (const path of [busy, paused]) {
    path.set(1000, 500);
    path.loss();
    for (let round = 0; round < 20; round++) path.round();
  }
  paused.idle(60_000_000);
  for (let round = 0; round < 20; round++) {
    busy.round();
    paused.round();
  }
  assert.ok(Math.abs(busy.cwnd - paused.cwnd) <= 2, `${busy.cwnd} and ${paused.cwnd}`);
});

test("starts anew from one segment after a time-out, with 0.7 of the window as threshold [9438 4.8] [9438#8]", () => {
  const path = new CongestionPath(instance, { rttUs: 100_000 });
  path.set(1000, 500);
  path.timeout();
  assert.equal([path.cwnd, path.ssthresh], [1, 700]);
  for (let round = 0; round < 9; round++) path.round();
  assert.is(path.cwnd, 512);
});

test("grows as much whether ACKs come one by one or for many segments each [attack 73]", () => {
  const windows = [1, 2, 44].map((perAck) => {
    const path = new CongestionPath(instance, { rttUs: 100_000, perAck });
    path.set(1000, 500);
    path.loss();
    for (let round = 0; round < 30; round++) path.round();
    return path.cwnd;
  });
  for (const window of windows) assert.ok(Math.abs(window - windows[0]!) <= 2, `${windows}`);
});

test("goes back to the window of before a spurious reduction [4015 3.2] [9438#9]", () => {
  const path = new CongestionPath(instance, { rttUs: 100_000 });
  path.set(1000, SSTHRESH_NONE);
  path.loss();
  instance.exports.congestionTestUndo(path.tcb, 1000, SSTHRESH_NONE);
  assert.equal([path.cwnd, path.ssthresh], [1000, SSTHRESH_NONE]);
});

test("is chosen per connection, and leaves the window as it is [MAY-18]", () => {
  const path = new CongestionPath(instance, { rttUs: 100_000 });
  path.set(100, 50);
  instance.exports.congestionTestChoose(path.tcb, CONGESTION_RENO);
  path.loss();
  assert.is(path.cwnd, 50);
  instance.exports.congestionTestChoose(path.tcb, CONGESTION_CUBIC);
  path.loss();
  assert.is(path.cwnd, 35);
  assert.not(instance.exports.congestionTestChoose(path.tcb, 200));
});

test.run();
