// Congestion control and loss recovery on the wire: RFC 5681, 6582, 6675, 2018, 2883, 8985, 6937 and 5682, as scripts. Round trips take
// 0.1 s; NewReno, so that windows are halved.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readTcpInfo } from "../../src/tcp-info.ts";
import { Script } from "../support/script/index.ts";

const test = suite("requirements/congestion");

const PLAIN = "mss 1000";
const SACK = "mss 1000, sack ok";

/** A connection whose handshake took 0.1 s. */
function open(options: string, congestion: "reno" | "cubic" = "reno"): Script {
  return new Script({ sysctl: { tcp_congestion_control: congestion } as object }).run(`
    listen
    < S 0:0(0) win 65535 <${options}>
    > S. 0:0(0) ack 1
    +0.1 < . 1:1(0) ack 1 win 65535
    accept`);
}

/** As `open`; then ten segments leave, and 0.1 s pass. */
const flight = (options: string, bytes = 20_000): Script =>
  open(options).run(`write ${bytes}\nignore ${Math.min(10, Math.ceil(bytes / 1000))}\n+0.1 quiet`);

const info = (run: Script) => readTcpInfo(run.host.views, run.endpoint().socket!.tcb);

test("starts with one segment after the SYN-ACK was lost twice [5681#2] [6928#2]", () => {
  new Script().end(`
    listen
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    +1 > S. 0:0(0) ack 1
    +2 > S. 0:0(0) ack 1
    +0.1 < . 1:1(0) ack 1 win 65535
    accept
    write 3000
    > p. 1:1001(1000)`);
});

test("sends ten segments at first, less of large ones, whatever the peer's options [5681#1] [6928#1] [2525#1] [2525#3]", () => {
  open(PLAIN).end("write 50000\nignore 10");
  new Script({ mtu: 9000 }).end(`
    listen
    < S 0:0(0) win 65535 <mss 8960>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535
    accept
    info cwnd 10`);
});

test("grows by what is acknowledged, not by how often [5681#4] [5681#3] [attack 73]", () => {
  const run = flight(PLAIN, 10_000);
  for (let ack = 101; ack <= 1001; ack += 100) run.run(`< . 1:1(0) ack ${ack} win 65535`);
  run.end("info cwnd 11\n< . 1:1(0) ack 3001 win 65535\ninfo cwnd 13");
});

test("sends no more than one segment for a duplicate ACK, whoever makes them up, and none beyond the window [attack 73] [attack 74] [5681#13]", () => {
  const run = flight(PLAIN, 100_000);
  let segments = 0;
  for (let i = 1; i <= 500; i++) {
    run.run("< . 1:1(0) ack 1 win 65535");
    segments += run.take().length;
    assert.ok(segments <= i, `${segments} segments for ${i} duplicate ACKs`);
  }
  assert.ok(info(run).packetsOut <= 65);
});

test("recovers by NewReno: one new segment for each of the first two duplicates, the lost one at the third, then at the pace of ssthresh [5681#12] [5681#13] [5681#14] [3042#1] [6582#1] [2525#8]", () => {
  const run = flight(PLAIN).run(`
    < . 1:1(0) ack 1 win 65535
    > . 10001:11001(1000)
    < . 1:1(0) ack 1 win 65535
    > . 11001:12001(1000)
    info cwnd 10
    < . 1:1(0) ack 1 win 65535
    > . 1:1001(1000)
    info ssthresh 5`);
  for (let i = 0; i < 8; i++) run.run("< . 1:1(0) ack 1 win 65535");
  assert.ok(run.take().length <= 5);
  // A full ACK: no burst, the window is ssthresh
  const end = 1 + info(run).packetsOut * 1000;
  run.run(`+0.1 < . 1:1(0) ack ${end} win 65535`);
  assert.ok(run.take().length <= 7);
  run.run("info caState open\ninfo cwnd 5~7");
});

test("at a partial ACK sends the next hole and stays in recovery [6582#3] [6582#4] [6582#5] [6582#7]", () => {
  const run = flight(PLAIN);
  for (let i = 0; i < 8; i++) run.run("< . 1:1(0) ack 1 win 65535");
  run.run(`
    ignore
    +0.1 < . 1:1(0) ack 3001 win 65535
    > . 3001:4001(1000)
    info caState recovery
    The timer starts anew with the partial ACK: 0.3 s from here.
    +0.29 < . 1:1(0) ack 14001 win 65535
    ignore
    info ssthresh 5
    info cwnd 5~7`);
});

test("does not take duplicates of what it sent twice for a loss [6582#2] [6582#6] [6582#7]", () => {
  const run = flight(PLAIN, 5000).run("+* > . 1:1001(1000)");
  run.run(`
    < . 1:1(0) ack 1001 win 65535
    ignore
    < . 1:1(0) ack 5001 win 65535
    ignore
    info packetsOut 0
    The ACKs of the needless copies.
    < . 1:1(0) ack 5001 win 65535
    < . 1:1(0) ack 5001 win 65535
    < . 1:1(0) ack 5001 win 65535
    < . 1:1(0) ack 5001 win 65535`);
  run.end();
});

test("sends the holes only, in order, before new data, at the pace of the reduction [6675#1] [6675#3] [6675#4] [6675#5] [6675#7] [2018#6] [6937#3] [6937#5] [5681#18]", () => {
  const run = flight(SACK).run(`
    < . 1:1(0) ack 1 win 65535 <sack 1001:2001>
    > . 10001:11001(1000)
    < . 1:1(0) ack 1 win 65535 <sack 3001:4001 1001:2001>
    > . 11001:12001(1000)
    < . 1:1(0) ack 1 win 65535 <sack 3001:5001 1001:2001>
    > . 1:1001(1000)
    info caState recovery
    info ssthresh 5
    < . 1:1(0) ack 1 win 65535 <sack 3001:10001 1001:2001>
    > . 2001:3001(1000)
    > . 12001:13001(1000)
    info ssthresh 5`);
  const { packetsOut, sackedOut, lostOut, retransOut } = info(run);
  assert.is(packetsOut - sackedOut - lostOut + retransOut, 5, "in flight: as many as ssthresh");
});

test("ends recovery when all that was out at its start is acknowledged, with ssthresh as window [6675#6] [6937#4] [5681#18]", () => {
  flight(SACK).end(`
    < . 1:1(0) ack 1 win 65535 <sack 1001:4001>
    ignore
    info caState recovery
    < . 1:1(0) ack 1 win 65535 <sack 1001:10001>
    ignore
    +0.1 < . 1:1(0) ack 10001 win 65535
    ignore
    info ssthresh 5
    < . 1:1(0) ack 14001 win 65535
    info caState open
    ignore
    info cwnd 5~6`);
});

test("ignores blocks that are old, empty, reversed or of what was never sent [6675#1] [2883#7] [attack 35]", () => {
  const run = flight(SACK);
  for (const blocks of [
    "-5000:-4000",
    "5001:5001",
    "6001:5001",
    "15001:16001",
    "10001:11001",
    "1:1000000",
    "-1000:20001",
    "5001:100000000",
  ]) {
    run.run(`< . 1:1(0) ack 1 win 65535 <sack ${blocks}>`);
    assert.is(info(run).sackedOut, 0, blocks);
  }
  run.take();
  // Lengths that hold no whole number of blocks
  for (const options of ["0503ff00", "0506010203040000", "0501000000000000", "050affff", "0522"]) {
    const padded = options.padEnd(Math.ceil(options.length / 8) * 8, "0");
    run.run(`< . 1:1(0) ack 1 win 65535 {tcpopts ${padded}}`);
    assert.is(info(run).sackedOut, 0, options);
  }
});

test("forgets what was reported when the peer takes it back, and frees nothing before the cumulative ACK [2018#7] [2018#8] [2018#9] [6675#9]", () => {
  const run = flight(SACK, 10_000).run(`
    < . 1:1(0) ack 1 win 65535 <sack 5001:10001>
    ignore
    info sndQueuedBytes 10000`);
  run.pass(5);
  run.take();
  // The retransmissions are lost, then the time-out comes. The peer has dropped all that it had reported: every byte is sent again in the end
  let acked = 1;
  for (let i = 0; i < 40 && acked < 10_001; i++) {
    run.run(`< . 1:1(0) ack ${acked} win 65535`);
    run.pass(1);
    const got = run.takeSegments().map((segment) => (segment.seq - run.endpoint().iss!) | 0);
    if (got.includes(acked)) acked += 1000;
  }
  run.run("< . 1:1(0) ack 10001 win 65535\ninfo packetsOut 0\ninfo sndQueuedBytes 0").end();
});

test("takes a duplicate report for information, not for new data [2883#7] [2883#1]", () => {
  const run = flight(SACK).run("< . 1:1(0) ack 3001 win 65535\nignore");
  const before = info(run);
  run.run("< . 1:1(0) ack 3001 win 65535 <sack 1001:2001>\n< . 1:1(0) ack 3001 win 65535 <sack 1001:2001>");
  const after = info(run);
  assert.is(after.bytesAcked, before.bytesAcked);
  assert.is(after.sackedOut, 0);
  assert.is(after.packetsOut, before.packetsOut + run.take().length);
});

test("reports each duplicate once [2883#5]", () => {
  open(SACK).end(`
    < . 1:1001(1000) ack 1 win 65535
    > . 1:1(0) ack 1001 <>
    < . 1:1001(1000) ack 1 win 65535
    > . 1:1(0) ack 1001 <sack 1:1001>
    < . 2001:3001(1000) ack 1 win 65535
    > . 1:1(0) ack 1001 <sack 2001:3001>
    < . 2001:3001(1000) ack 1 win 65535
    > . 1:1(0) ack 1001 <sack 2001:3001 2001:3001>
    < . 3001:4001(1000) ack 1 win 65535
    > . 1:1(0) ack 1001 <sack 2001:4001>`);
});

test("checks the timestamp before it looks at what came twice [2883#6] [7323#16]", () => {
  open("mss 1000, sack ok, ts 1000 0").run(`
    < . 1:1001(1000) ack 1 win 65535 <ts 2000 0>
    > . 1:1(0) ack 1001
    Old by its timestamp: answered, and nothing of it is taken.
    < . 1001:2001(1000) ack 1 win 65535 <ts 500 0>
    > . 1:1(0) ack 1001
    readable 1000
    < . 1001:2001(1000) ack 1 win 65535 <ts 2001 0>
    > . 1:1(0) ack 2001`);
});

test("probes a lost tail after two round trips, and gives the time-out its time from there [8985#9] [8985#11] [8985#12] [8985#14] [attack 83]", () => {
  open(SACK).end(`
    write 5000
    ignore 5
    +0.2~0.21 > P. 4001:5001(1000)
    +0.3 > . 1:1001(1000)
    info cwnd 1`);
  // New data goes first, if there is some that the peer's window takes
  const run = open(SACK).run("write 12000\nignore 10");
  run.run("+0.2~0.21 > . 10001:11001(1000)");
});

test("allows for a delayed ACK when one segment is out [8985#9]", () => {
  // 2 SRTT + 200 ms would be 0.4 s: the time-out of 0.3 s comes before
  open(SACK).end("write 100\n> P. 1:101(100)\n+0.3 > P. 1:101(100)");
  open(SACK).run("write 2000\nignore 2\n+0.2~0.21 > P. 1001:2001(1000)");
});

test("does not probe while it recovers, nor with reported segments out, nor without SACK [8985#10]", () => {
  open(PLAIN).end("write 5000\nignore 5\n+0.3 > . 1:1001(1000)");
  const run = open(SACK).run("write 5000\nignore 5\n+0.05 < . 1:1(0) ack 1 win 65535 <sack 3001:4001>");
  run.take();
  run.pass(0.2);
  assert.ok(
    run.takeSegments().every((segment) => ((segment.seq - run.endpoint().iss!) | 0) !== 4001),
    "no probe of the tail",
  );
});

test("notices that a probe repaired a loss, and reduces once; a duplicate report says that there was none [8985#13]", () => {
  open(SACK).end(`
    write 5000
    ignore 5
    +0.2~0.21 > P. 4001:5001(1000)
    The last one had been lost: nobody reports the copy.
    +0.1 < . 1:1(0) ack 5001 win 65535
    write 1000
    > P. 5001:6001(1000)
    +0.1 < . 1:1(0) ack 6001 win 65535
    info ssthresh 2~9`);
  open(SACK).end(`
    write 5000
    ignore 5
    +0.2~0.21 > P. 4001:5001(1000)
    It had not: it came twice.
    +0.1 < . 1:1(0) ack 5001 win 65535 <sack 4001:5001>
    info ssthresh Infinity`);
});

test("recovers a lost retransmission without a time-out [8985#7] [8985#2] [attack 83]", () => {
  const run = flight(SACK).run("< . 1:1(0) ack 1 win 65535 <sack 1001:4001>\nignore");
  // The retransmission of 1:1001 is lost, what left after it arrives: it leaves again before the time-out
  run.run("+0.1 < . 1:1(0) ack 1 win 65535 <sack 1001:11001>");
  run.pass(0.1);
  const again = run.takeSegments().filter((segment) => ((segment.seq - run.endpoint().iss!) | 0) === 1);
  assert.is(again.length, 1);
  assert.is(info(run).caState, "recovery");
});

test("waits for reordering once it has seen some, and reduces nothing for it [8985#4] [8985#5] [8985#6] [attack 82]", () => {
  const run = flight(SACK).run(`
    Two segments come out of order.
    < . 1:1(0) ack 1 win 65535 <sack 2001:3001>
    ignore
    +0.005 < . 1:1(0) ack 3001 win 65535
    ignore
    info ssthresh Infinity
    info caState open`);
  const before = info(run).totalRetrans;
  run.run("+0.05 < . 1:1(0) ack 3001 win 65535 <sack 4001:7001>");
  run.take();
  run.run("+0.01 < . 1:1(0) ack 7001 win 65535\ninfo ssthresh Infinity");
  assert.is(info(run).totalRetrans, before, "three reported segments are no loss where segments are reordered");
});

test("undoes the reduction when a duplicate report shows that nothing had been lost [attack 82] [9438#9]", () => {
  const run = flight(SACK).run(`
    < . 1:1(0) ack 1 win 65535 <sack 1001:4001>
    ignore
    info ssthresh 5
    The first one comes a round trip late, and so does its copy.
    +0.02 < . 1:1(0) ack 4001 win 65535
    ignore`);
  for (let ack = 5001; ack <= 12_001; ack += 1000) {
    run.run(`+0.001 < . 1:1(0) ack ${ack} win 65535${ack === 5001 ? " <sack 1:1001>" : ""}`);
    run.take();
  }
  assert.ok(info(run).cwnd >= 10, `${info(run).cwnd} segments`);
});

test("after a time-out sends the head, not everything [8985#8] [2525#14] [2525#2]", () => {
  open(SACK).end(`
    write 10000
    ignore 10
    +* > P. 9001:10001(1000)
    +0.3 > . 1:1001(1000)
    info cwnd 1`);
});

test("finds a time-out spurious when the first ACKs after it are of segments sent once [5682#2] [5682#1]", () => {
  const run = flight(SACK, 20_000);
  run.pass(0.6);
  run.take();
  assert.is(info(run).caState, "loss");
  run.run("< . 1:1(0) ack 1001 win 65535");
  run.take();
  run.run("+0.01 < . 1:1(0) ack 4001 win 65535");
  run.take();
  run.run("+0.01 < . 1:1(0) ack 10001 win 65535");
  run.take();
  const { caState, ssthresh, cwnd } = info(run);
  assert.is.not(caState, "loss");
  assert.ok(ssthresh === Number.POSITIVE_INFINITY || cwnd >= 10, `ssthresh ${ssthresh}, cwnd ${cwnd}`);
});

test("never has less than one segment in flight, however many echoes of congestion come [3168#5]", () => {
  const run = new Script({ sysctl: { tcp_ecn: 1, tcp_congestion_control: "reno" } as object }).run(`
    listen
    < SEW 0:0(0) win 65535 <mss 1000>
    > SE. 0:0(0) ack 1 {tos 0}
    +0.1 < . 1:1(0) ack 1 win 65535
    accept
    write 60000`);
  let acked = 1;
  for (let i = 0; i < 30; i++) {
    run.pass(0.1);
    const sent = run.takeSegments();
    if (sent.length > 0)
      acked = Math.max(...sent.map(({ seq, payload }) => ((seq - run.endpoint().iss!) | 0) + payload.length));
    run.run(`< E. 1:1(0) ack ${acked} win 65535`);
    assert.ok(info(run).cwnd >= 1);
  }
  assert.ok(acked > 20_000, "and it goes on");
});

test("marks neither SYN nor SYN-ACK as capable of ECN, and data as ECT(0) [3168#2] [3168#12] [SHLD-8]", () => {
  new Script({ sysctl: { tcp_ecn: 1 } as object }).end(`
    connect
    > SEW 0:0(0) {tos 0}
    < SE. 0:0(0) ack 1 win 65535 <mss 1000>
    > . 1:1(0) ack 1 {tos 0}
    write 100
    > P. 1:101(100) ack 1 {tos 2}
    < P. 1:11(10) ack 101 win 65535 {tos 3}
    > E. 101:101(0) ack 11 {tos 0}
    < WP. 11:21(10) ack 101 win 65535 {tos 2}
    > . 101:101(0) ack 21 {tos 0}`);
});

test("offers its first timestamp with an echo of 0, and never believes an echo of what it did not send [7323#9] [attack 42]", () => {
  const run = new Script().run(`
    connect
    > S 0:0(0) <mss 1460, sack ok, ts 0 0, ws *>
    +0.1 < S. 0:0(0) ack 1 win 65535 <mss 1000, ts 100 0>
    > . 1:1(0) ack 1 <ts 100 100>`);
  for (const echo of [1_000_000, -1_000_000, 2_000_000_000, -2_000_000_000, 101, 300]) {
    run.run("write 10\nignore 1");
    run.pass(0.1);
    const next = 1 + run.endpoint().written - 1;
    run.run(`< . 1:1(0) ack ${next} win 65535 <ts 110 ${echo}>`);
    run.take();
    const { srttUs, rtoUs } = info(run);
    assert.ok(srttUs > 10_000 && srttUs < 1_000_000, `echo ${echo}: SRTT ${srttUs}`);
    assert.ok(rtoUs >= 200_000 && rtoUs < 3_000_000, `echo ${echo}: RTO ${rtoUs}`);
  }
});

test.run();
