// Vegas on a path with a bottleneck and an endless queue, as numbers: where it comes to rest.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SSTHRESH_NONE } from "../../../assembly/layout.ts";
import { CongestionPath } from "../../support/congestion-path.ts";
import { tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/congestion/vegas");
const instance = await tcpInstance({ tcp_congestion_control: "vegas" });
const rounds = (path: CongestionPath, count: number) => {
  for (let round = 0; round < count; round++) path.round();
};

for (const [rttMs, rate] of [
  [20, 8000],
  [100, 1000],
  [5, 20_000],
] as const) {
  test(`comes to rest with two to four segments queued: ${rttMs} ms, ${rate} segments/s [Brakmo 1995, alpha 2, beta 4]`, () => {
    const path = new CongestionPath(instance, { rttUs: rttMs * 1000, rate });
    path.round(); // sees the empty path
    rounds(path, 500); // slow start has overshot, and each round gives back one
    for (let round = 0; round < 20; round++) {
      path.round();
      assert.ok(path.queued >= 1 && path.queued <= 5, `${path.queued} queued at a window of ${path.cwnd}`);
    }
  });
}

test("leaves slow start when more than one segment is queued, and gives back what it took too much [gamma 1]", () => {
  const path = new CongestionPath(instance, { rttUs: 20_000, rate: 8000 }); // a BDP of 160
  let most = 0;
  for (let round = 0; round < 20; round++) {
    path.round();
    most = Math.max(most, path.cwnd);
  }
  assert.ok(path.ssthresh < SSTHRESH_NONE);
  // The round trip tells one round late, in which the window doubles once more
  assert.ok(most <= 4 * 160 + 20, `${most}`);
  const left = path.cwnd;
  assert.ok(left < 0.7 * most, `${left} of ${most}`);
  path.round();
  assert.is(path.cwnd, left - 1);
});

test("gives way by one segment per round trip when more than four are queued", () => {
  const path = new CongestionPath(instance, { rttUs: 20_000, rate: 8000 });
  path.round();
  path.set(180, 100);
  rounds(path, 2);
  const before = path.cwnd;
  rounds(path, 5);
  assert.is(path.cwnd, before - 5);
});

test("halves the window at a loss, and goes on by Vegas afterwards [5681 3.1]", () => {
  const path = new CongestionPath(instance, { rttUs: 20_000, rate: 8000 });
  path.round();
  path.set(160, 100);
  path.loss();
  assert.is(path.cwnd, 80);
  rounds(path, 40);
  assert.ok(path.cwnd > 110 && path.cwnd <= 121, `${path.cwnd}: one segment a round`);
});

test("forgets the shortest round trip after a pause: the path may be another one", () => {
  const path = new CongestionPath(instance, { rttUs: 20_000 });
  rounds(path, 3);
  path.set(50, 20);
  path.rttUs = 60_000;
  path.idle(1_000_000);
  rounds(path, 10);
  assert.ok(path.cwnd >= 58, `${path.cwnd}: three times the round trip is not a queue`);
});

test.run();
