// The end of CUBIC's slow start: HyStart as in Linux, and HyStart++.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SSTHRESH_NONE } from "../../../assembly/layout.ts";
import { CongestionPath } from "../../support/congestion-path.ts";
import { tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/congestion/hystart");
const off = await tcpInstance({ tcp_congestion_control: "cubic", tcp_cubic_hystart: 0 });
const classic = await tcpInstance({ tcp_congestion_control: "cubic", tcp_cubic_hystart: 1 });
const plusPlus = await tcpInstance({ tcp_congestion_control: "cubic", tcp_cubic_hystart: 2 });

const rounds = (path: CongestionPath, count: number) => {
  for (let round = 0; round < count; round++) path.round();
};

test("lets slow start run into the queue if it is off", () => {
  const path = new CongestionPath(off, { rttUs: 20_000, rate: 8000 });
  rounds(path, 10);
  assert.is(path.ssthresh, SSTHRESH_NONE);
  assert.is(path.cwnd, 10_240);
});

test("ends slow start when the train of ACKs is as long as half the path", () => {
  // A BDP of 160 segments: a train of 80 takes 10 ms. The first round looked at begins where the window reaches 16
  const path = new CongestionPath(classic, { rttUs: 20_000, rate: 8000 });
  rounds(path, 10);
  assert.ok(path.ssthresh >= 80 && path.ssthresh <= 256, `${path.ssthresh}`);
});

test("does not look at windows below sixteen segments", () => {
  const path = new CongestionPath(classic, { rttUs: 20_000, rate: 400 }); // a BDP of 8
  path.round();
  assert.is(path.ssthresh, SSTHRESH_NONE);
  rounds(path, 4);
  assert.ok(path.ssthresh >= 16 && path.ssthresh < 64, `${path.ssthresh}`);
});

test("ends slow start when the round trip grows by an eighth, and by 4 ms at least [9438#10]", () => {
  for (const [rise, isSeen] of [
    [3999, false],
    [4100, true],
  ] as const) {
    const path = new CongestionPath(classic, { rttUs: 20_000 });
    path.round();
    path.rttUs += rise;
    rounds(path, 2);
    assert.is(path.ssthresh < SSTHRESH_NONE, isSeen, `${rise} µs`);
  }
});

test("needs more than eight round trips of a round to judge it", () => {
  const path = new CongestionPath(classic, { rttUs: 20_000, perAck: 4 });
  rounds(path, 1);
  path.rttUs += 10_000;
  path.round(); // five ACKs
  assert.is(path.ssthresh, SSTHRESH_NONE);
  rounds(path, 2);
  assert.ok(path.ssthresh < SSTHRESH_NONE);
});

test("HyStart++: goes on at a quarter of the pace when the round trip grows, for five rounds [9406 4.3] [9438#10]", () => {
  const path = new CongestionPath(plusPlus, { rttUs: 20_000, perAck: 1 });
  rounds(path, 3);
  assert.is(path.cwnd, 80);
  path.rttUs += 5000;
  path.round(); // after eight samples: conservative slow start for the other ACKs
  const entry = path.cwnd;
  assert.ok(entry > 80 && entry < 120, `${entry}`);
  assert.is(path.ssthresh, SSTHRESH_NONE);
  for (let round = 0; round < 4; round++) {
    const before = path.cwnd;
    path.round();
    assert.ok(Math.abs(path.cwnd - before * 1.25) <= 3, `${before} -> ${path.cwnd}`);
  }
  path.round();
  assert.ok(path.ssthresh < SSTHRESH_NONE, "congestion avoidance");
  assert.ok(path.cwnd <= path.ssthresh * 1.1);
});

test("HyStart++: resumes slow start when the round trip shrinks again [9406 4.3]", () => {
  const path = new CongestionPath(plusPlus, { rttUs: 20_000, perAck: 1 });
  rounds(path, 3);
  path.rttUs += 5000;
  path.round();
  path.rttUs -= 5000;
  path.round(); // its first eight samples tell
  const before = path.cwnd;
  path.round();
  assert.is(path.cwnd, 2 * before);
  assert.is(path.ssthresh, SSTHRESH_NONE);
});

test("HyStart++: only in the first slow start [9406 4.3]", () => {
  const path = new CongestionPath(plusPlus, { rttUs: 20_000, perAck: 1 });
  path.set(10, 1000);
  rounds(path, 3);
  path.rttUs += 5000;
  path.round();
  assert.is(path.cwnd, 160);
});

test.run();
