// Retransmission, its time-out and when to give up: RFC 9293 3.8.1 and 3.8.3, RFC 6298, RFC 5482, as scripts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readTcpInfo } from "../../src/tcp-info.ts";
import { arp, OUR_IP, PEER_IP, PEER_MAC } from "../support/frames.ts";
import { ANSWERED, established, Script, script } from "../support/script/index.ts";
import { firstWrong } from "../support/script/stream.ts";

const test = suite("requirements/timers");

/** A connection whose handshake took `rtt` seconds. */
const answeredAfter = (rtt: number) => `
  listen
  < S 0:0(0) win 65535 <mss 1000>
  > S. 0:0(0) ack 1
  +${rtt} < . 1:1(0) ack 1 win 65535
  accept`;

test("computes the time-out of RFC 6298 from the first sample on [MUST-18] [6298#2] [6298#8]", () => {
  script(`${answeredAfter(0.4)}
    SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR.
    info srttUs 400000
    info rttvarUs 200000
    info rtoUs 1200000
    write 10
    > P. 1:11(10)
    +1.2 > P. 1:11(10)`);
});

test("moves SRTT by an eighth and RTTVAR by a quarter, RTTVAR first [MUST-18] [6298#3] [6298#7]", () => {
  const run = new Script().run(answeredAfter(0.4));
  let [srtt, rttvar] = [400_000, 200_000];
  let seq = 1;
  for (const rtt of [0.4, 0.8, 0.8, 0.5, 1.0, 0.4, 0.4]) {
    run.run(`write 10\n> P. ${seq}:${seq + 10}(10)\n+${rtt} < . 1:1(0) ack ${seq + 10} win 65535`);
    seq += 10;
    const us = rtt * 1e6;
    rttvar = (3 * rttvar + Math.abs(srtt - us)) / 4;
    srtt = (7 * srtt + us) / 8;
    const info = readTcpInfo(run.host.views, run.endpoint().socket!.tcb);
    // The variance falls once a round trip, as Linux counts it; it never is less than the RFC's
    assert.ok(Math.abs(info.srttUs - srtt) < 2000, `SRTT ${info.srttUs}, not ${srtt}`);
    assert.ok(info.rttvarUs >= rttvar * 0.9, `RTTVAR ${info.rttvarUs}, RFC's ${rttvar}`);
    assert.ok(info.rtoUs >= info.srttUs + 4 * rttvar * 0.9);
    rttvar = Math.max(rttvar, info.rttvarUs);
  }
});

test("takes no sample from what was sent twice [MUST-18] [6298#6]", () => {
  script(`${answeredAfter(0.1)}
    write 10
    > P. 1:11(10)
    +0.3 > P. 1:11(10)
    +0.02 < . 1:1(0) ack 11 win 65535
    info srttUs 100000
    write 10
    > P. 11:21(10)
    The RTO stays backed off until there is a sample (RFC 6298 5.7, Linux drops it with the ACK).
    +0.1 < . 1:1(0) ack 21 win 65535
    info srttUs 100000
    info rtoUs 300000`);
});

test("tells by the timestamp which one was acknowledged [6298#6] [7323#10]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000, ts 1 0>
    > S. 0:0(0) ack 1 <mss 1460, ts 0 1>
    +0.1 < . 1:1(0) ack 1 win 65535 <ts 101 0>
    accept
    write 10
    > P. 1:11(10) <ts 100 101>
    +0.3 > P. 1:11(10) <ts 400 101>
    +0.1 < . 1:1(0) ack 11 win 65535 <ts 501 400>
    info srttUs 99000~101000`);
});

test("waits a second before there is any sample [6298#1]", () => {
  script(`
    connect
    > S 0:0(0)
    +1 > S 0:0(0)
    +2 > S 0:0(0)`);
});

test("starts a connection whose SYN was lost with a time-out of 3 s [6298#14]", () => {
  const run = script(`
    connect
    > S 0:0(0)
    +1 > S 0:0(0)
    +0.1 < S. 0:0(0) ack 1 win 65535 <mss 1000>
    > . 1:1(0) ack 1
    write 10
    > P. 1:11(10)
    +2.9~3.1 > P. 1:11(10)`);
  assert.is(run.endpoint().socket!.error, 0);
});

test("has 200 ms at least, on top of the round trip [6298#4]", () => {
  script(`${ANSWERED}
    write 10
    > P. 1:11(10)
    +0.0001 < . 1:1(0) ack 11 win 65535
    write 10
    > P. 11:21(10)
    +0.2 > P. 11:21(10)`);
});

test("doubles the time-out each time, up to two minutes, and sends the head alone [MUST-19] [6298#5] [6298#11] [6298#12] [6298#13] [2525#10] [2525#14]", () => {
  const run = new Script().run(`${answeredAfter(0.1)}
    write 5000
    > . 1:1001(1000)
    > . 1001:2001(1000)
    > . 2001:3001(1000)
    > . 3001:4001(1000)
    > P. 4001:5001(1000)`);
  let rto = 0.3;
  for (let i = 0; i < 13; i++) {
    run.run(`+${rto.toFixed(3)} > . 1:1001(1000)\ninfo cwnd 1`);
    rto = Math.min(2 * rto, 120);
  }
  run.end();
});

test("stops the timer with the last ACK, and restarts it with each that brings news [6298#9] [6298#10]", () => {
  script(`${answeredAfter(0.1)}
    write 3000
    > . 1:1001(1000)
    > . 1001:2001(1000)
    > P. 2001:3001(1000)
    +0.1 < . 1:1(0) ack 1001 win 65535
    From this ACK on, not from when it was sent.
    +0.25 < . 1:1(0) ack 2001 win 65535
    +0.25 < . 1:1(0) ack 3001 win 65535
    +1000 info packetsOut 0`);
});

test("drops the back-off with the next sample [6298#15]", () => {
  script(`${answeredAfter(0.1)}
    write 10
    > P. 1:11(10)
    +0.3 > P. 1:11(10)
    +0.6 > P. 1:11(10)
    +0.01 < . 1:1(0) ack 11 win 65535
    write 10
    > P. 11:21(10)
    +0.1 < . 1:1(0) ack 21 win 65535
    info backoff 0
    info rtoUs 300000`);
});

test("gives up when nothing was acknowledged for R2, a quarter of an hour by default [MUST-20] [SHLD-11] [9293#24] [attack 70]", () => {
  const run = established().run("write 10\n> P. 1:11(10)");
  const start = run.nowUs;
  while (!run.endpoint().socket!.closed) {
    assert.ok(run.nowUs - start < 1_200_000_000);
    run.pass(1);
  }
  assert.ok(run.nowUs - start >= 100_000_000, "R2 is at least 100 s");
  assert.ok(run.nowUs - start > 900_000_000);
  run.take();
  run.run("closed ETIMEDOUT").end("", 1000);
});

test("doubts the way to the peer after R1 retransmissions: three [MUST-20] [SHLD-10]", () => {
  const run = new Script({ isArpManual: true });
  run.inject([arp(1, PEER_MAC, PEER_IP, OUR_IP)], "arp");
  run.take();
  run.run(`${ANSWERED}\nwrite 10`);
  const seen: string[] = [];
  run.pass(8);
  for (const { packet } of run.take()) seen.push(packet.kind === "arp" ? "arp" : "segment");
  // The segment and two retransmissions; with the third the link is asked whether the peer is still there
  assert.is(seen.slice(0, 5).join(), "segment,segment,segment,arp,segment");
  assert.ok(seen.filter((kind) => kind === "segment").length >= 5, "TCP goes on meanwhile");
});

test("gives up after the user time-out of the connection [MUST-21] [5482#1]", () => {
  const until = (ms: number | null): number => {
    const run = established().run(`${ms === null ? "" : `option USER_TIMEOUT ${ms}\n`}write 10\n> P. 1:11(10)`);
    const start = run.nowUs;
    while (!run.endpoint().socket!.closed && run.nowUs - start < 2_000_000_000) run.pass(0.5);
    run.take();
    run.run("closed ETIMEDOUT");
    return (run.nowUs - start) / 1e6;
  };
  assert.ok(until(3000) >= 3 && until(3000) < 6);
  assert.ok(until(60_000) >= 60 && until(60_000) < 100);
  assert.ok(until(1_500_000) >= 1500, "longer than the default, too");
});

test("sends the same bytes again at the same places, whatever the segments were [2525#4]", () => {
  // The engine compares each payload with what was written at its sequence numbers
  const run = new Script().run(`${answeredAfter(0.1)}\nwrite 300\n> P. 1:301(300)\nwrite 900`);
  run.run("+0.05 < . 1:1(0) ack 151 win 65535");
  run.pass(10);
  for (const segment of run.takeSegments()) {
    const position = (segment.seq - run.endpoint().iss!) | 0;
    assert.is(firstWrong(segment.payload, position), -1);
  }
});

test.run();
