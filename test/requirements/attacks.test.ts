// Attacks and bad input (test/requirements/data/attacks.txt) that need more than a line of another test.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TCB_RCV_NXT, TCB_RCV_WND, USAGE_HEAP_BYTES, USAGE_RTX_RECORDS } from "../../assembly/layout.ts";
import { readStats } from "../../src/stats.ts";
import { readTcpInfo } from "../../src/tcp-info.ts";
import { established, Script } from "../support/script/index.ts";
import { simulate, transfer } from "../support/sim.ts";

const test = suite("requirements/attacks");

const answered = (options: string): string => `
  listen
  < S 0:0(0) win 65535 <${options}>
  > S. 0:0(0) ack 1
  < . 1:1(0) ack 1 win 65535
  accept`;

const info = (run: Script) => readTcpInfo(run.host.views, run.endpoint().socket!.tcb);

test("a tiny MSS makes neither many records nor large bursts, an MSS of 0 is none, a huge one ends at the path's MTU [attack 36] [attack 37]", () => {
  for (const [mss, payload] of [
    [0, 536],
    [1, 8],
    [8, 8],
    [47, 47],
    [88, 88],
    [65_535, 1460],
  ] as const) {
    const run = new Script().run(answered(`mss ${mss}`));
    const before = run.host.exports.usage(USAGE_HEAP_BYTES);
    run.run("write 60000");
    const sent = run.takeSegments();
    assert.ok(sent.length <= 10, `${sent.length} segments in the first flight`);
    assert.is(sent[0]!.payload.length, payload, `MSS ${mss}`);
    assert.ok(run.host.exports.usage(USAGE_RTX_RECORDS) <= 10);
    assert.ok(run.host.exports.usage(USAGE_HEAP_BYTES) - before <= 262_144);
  }
});

test("reports of every other byte split no more than there is room for, and the transfer goes on [attack 38] [attack 37]", () => {
  const run = new Script().run(answered("mss 48, sack ok"));
  run.run("write 60000");
  let acked = 1;
  let next = 1;
  for (let round = 0; round < 60; round++) {
    run.pass(0.05);
    for (const { seq, payload } of run.takeSegments())
      next = Math.max(next, ((seq - run.endpoint().iss!) | 0) + payload.length);
    for (let at = acked + 1; at + 7 < next; at += 8) {
      run.run(
        `< . 1:1(0) ack ${acked} win 65535 <sack ${at}:${at + 1} ${at + 2}:${at + 3} ${at + 4}:${at + 5} ${at + 6}:${at + 7}>`,
      );
      run.take();
      if (at > acked + 400) break;
    }
    assert.ok(run.host.exports.usage(USAGE_RTX_RECORDS) <= 4096);
    acked = Math.min(next, acked + 96);
    run.run(`< . 1:1(0) ack ${acked} win 65535`);
    for (const { seq, payload } of run.takeSegments())
      next = Math.max(next, ((seq - run.endpoint().iss!) | 0) + payload.length);
  }
  assert.ok(acked > 3000);
  run.run("state ESTABLISHED");
});

test("single bytes out of order cost no more than a bound, and are pruned from the far end [attack 75]", () => {
  const run = established();
  const before = run.host.exports.usage(USAGE_HEAP_BYTES);
  for (let at = 3; at < 4003; at += 2) run.run(`< . ${at}:${at + 1}(1) ack 1 win 65535\nignore`);
  assert.ok(run.host.exports.usage(USAGE_HEAP_BYTES) - before <= 262_144);
  run.run("state ESTABLISHED\nreadable 0\n< . 1:4004(4003) ack 1 win 65535\nignore\nread 4003");
});

test("with the largest window scale there is no error of sign: neither edge is passed [attack 78] [attack 79]", () => {
  const run = new Script({ sysctl: { tcp_rmem: [4096, 131_072, 268_435_456] } }).run(answered("mss 1000, ws 14"));
  assert.is(info(run).sndWnd, 65_535 * 2 ** 14);
  run.run("write 5000\nignore 5\n< . 1:1(0) ack 5001 win 65535\ninfo packetsOut 0");
  const { views } = run.host;
  const tcb = run.endpoint().socket!.tcb;
  const edge = views.u32[(tcb + TCB_RCV_NXT) >>> 2]! + views.u32[(tcb + TCB_RCV_WND) >>> 2]! - run.endpoint().isn;
  const right = edge | 0;
  run.run(`
    < . ${right - 1}:${right}(1) ack 5001 win 65535
    ignore 1
    < . ${right + 1}:${right + 2}(1) ack 5001 win 1
    ignore 1
    < . ${1 - 2 ** 31 + 5}:${1 - 2 ** 31 + 6}(1) ack 5001 win 1
    ignore 1
    info sndWnd ${65_535 * 2 ** 14}
    readable 0`);
});

test("a round trip of 20 µs stalls nothing: no time-out, no retransmission [attack 81]", () => {
  for (const delayMs of [0.005, 0.01, 0.025]) {
    const sim = simulate({ aToB: { delayMs }, bToA: { delayMs } });
    const took = transfer(sim, 4 << 20);
    const { counters } = readStats(sim.a.views, []);
    assert.is(counters.tcpTimeouts, 0);
    assert.is(counters.tcpRetransSegs, 0);
    assert.ok(took < 1_000_000, `${took} µs`);
  }
});

test("a clock that stands still, or jumps by hours, leaves no arithmetic behind [attack 80]", () => {
  const run = established().run("write 3000\nignore 3\n< . 1:1(0) ack 3001 win 65535");
  assert.ok(info(run).srttUs >= 1, "a round trip of 0 µs");
  assert.ok(info(run).rtoUs >= 200_000);
  run.run("write 1000\nignore 1");
  run.pass(1000);
  run.take();
  run.run("< . 1:1(0) ack 4001 win 65535\nstate ESTABLISHED");
  const { cwnd, rtoUs, srttUs } = info(run);
  assert.ok(cwnd >= 1 && cwnd < 100, `${cwnd} segments`);
  assert.ok(rtoUs >= 200_000 && rtoUs <= 120_000_000);
  assert.ok(srttUs < 120_000_000);
  run.run("write 1000");
  run.pass(3600);
  run.take();
  run.run("closed ETIMEDOUT");
});

test("segments larger than our MSS, and payload that the IP length denies, do no harm [attack 46] [attack 32]", () => {
  const run = established();
  run.run("< . 1:1473(1472) ack 1 win 65535\n> . 1:1(0) ack 1473\nread 1472");
  run.run("< P. 1473:9473(8000) ack 1 win 65535\nignore\nread 8000");
  run.end();
});

test("connections whose peers close their windows for ever cost what they hold and no more, and orphans of them end [attack 71]", () => {
  const run = new Script({ sysctl: { tcp_orphan_retries: 3 } }).run("listen backlog 4096");
  const listener = run.endpoint().listener!;
  for (let i = 0; i < 300; i++) {
    run.run(
      `peer p${i} port ${20_000 + i}\np${i}: < S 0:0(0) win 1000 <mss 1000>\np${i}: > S. 0:0(0) ack 1\np${i}: < . 1:1(0) ack 1 win 0\np${i}: accept\np${i}: write 1000`,
    );
  }
  assert.is(listener.pending, 0);
  for (let i = 0; i < 300; i++) run.run(`p${i}: close`);
  run.pass(2000);
  run.take();
  run.run("usage tcbs 1\nusage rtx_records 0");
});

test.run();
