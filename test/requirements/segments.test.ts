// A segment arrives in a synchronized state: RFC 9293 3.10.7.4 with RFC 5961, as scripts. The peer's SYN announced no options.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildInbound } from "../support/script/inbound.ts";
import { ANSWERED, CALLED, established, fillWindow, Script, script } from "../support/script/index.ts";

const test = suite("requirements/segments");

/** A connection with a receive buffer of 4 KiB. */
const small = (): Script => new Script({ sysctl: { tcp_rmem: [4096, 4096, 4096] } }).run(ANSWERED);

test("accepts by the four cases of length and window [9293#8] [9293#9]", () => {
  const receiving = (line: string, isAccepted: boolean) => {
    const run = established().run("< . 1:1(0) ack 1 win 65535");
    const edge = 65_536; // RCV.NXT + RCV.WND, the window was 65,535
    const [flags, first, length] = line.split(" ");
    const seq = first === "edge" ? edge : Number(first);
    run.run(`< ${flags} ${seq}:${seq + Number(length)}(${length}) ack 1 win 777`);
    const replies = run.takeSegments();
    const taken = readWindow(run) === 777;
    assert.is(taken, isAccepted, line);
    // What is not accepted is answered with SND.NXT and RCV.NXT
    if (!isAccepted) {
      assert.is(replies.length, 1, line);
      assert.is((replies[0]!.ack - run.endpoint().isn) | 0, 1);
    }
  };
  const readWindow = (run: ReturnType<typeof established>) =>
    run.host.views.u32[(run.endpoint().socket!.tcb + 172) >>> 2];
  receiving(". 1 0", true);
  receiving(". 0 0", false);
  receiving(". 65535 0", true);
  receiving(". edge 0", true); // a bare ACK at the right edge, docs/decisions.md
  receiving(". 65537 0", false);
  receiving(". 1 1", true);
  receiving(". 0 1", false);
  receiving(". 65535 1", true);
  receiving(". 65537 1", false);
});

test("with a closed window takes ACK, RST and what has no length, and no text [9293#8] [9293#10] [MUST-66]", () => {
  const run = small();
  const next = fillWindow(run);
  run.run(`
    info rcvWnd 0
    write 10
    > P. 1:11(10) ack ${next} win 0
    < P. ${next}:${next + 10}(10) ack 1 win 65535
    > . 11:11(0) ack ${next} win 0
    readable ${next - 1}
    The ACK counts, with text or without.
    < . ${next}:${next}(0) ack 6 win 65535
    info packetsOut 1
    < . ${next}:${next}(0) ack 11 win 65535
    info packetsOut 0
    < R ${next}:${next}(0)
    closed ECONNRESET`);
});

test("cuts off what is old and what is beyond the window, FIN and all [9293#11] [9293#20]", () => {
  script(`${ANSWERED}
    < . 1:101(100) ack 1 win 65535
    > . 1:1(0) ack 101
    Half of it is old.
    < . 51:151(100) ack 1 win 65535
    > . 1:1(0) ack 151
    < F. 101:201(100) ack 1 win 65535
    > . 1:1(0) ack 202
    reader on
    received 200
    eof`);
});

test("does not take a FIN beyond the window [9293#11] [attack 68]", () => {
  const run = small();
  const next = fillWindow(run, 500);
  run.run(`< F. ${next}:${next + 1000}(1000) ack 1 win 65535`);
  run.pass(1);
  run.take();
  run.run(`state ESTABLISHED\nreadable ${next + 499}\n< F. ${next + 500}:${next + 500}(0) ack 1 win 65535`);
  run.pass(1);
  run.take();
  run.run("state CLOSE-WAIT");
});

test("answers an ACK of what was never sent, and drops what came with it [9293#13] [5961#7] [attack 50] [attack 73]", () => {
  script(`${ANSWERED}
    write 100
    > P. 1:101(100) ack 1
    < . 1:1(0) ack 102 win 65535
    > . 101:101(0) ack 1
    +0.1 < P. 1:11(10) ack 5000 win 65535
    readable 0
    info packetsOut 1
    < . 1:1(0) ack 101 win 65535
    info packetsOut 0`);
});

test("answers an ACK older than the largest window, and drops the text of who cannot know better [5961#7] [MAY-12] [attack 50]", () => {
  script(`${ANSWERED}
    write 100
    > P. 1:101(100) ack 1
    < . 1:1(0) ack 101 win 65535
    < P. 1:11(10) ack -70000 win 65535
    > . 101:101(0) ack 1
    readable 0
    An old ACK within the window is no attack.
    < P. 1:11(10) ack 1 win 65535
    > . 101:101(0) ack 11
    readable 10`);
});

test("takes a window only from a segment that is not older [9293#14] [attack 73]", () => {
  script(`${ANSWERED}
    < . 1:11(10) ack 1 win 5000
    > . 1:1(0) ack 11
    info sndWnd 5000
    An ACK that was overtaken says less.
    < . 1:1(0) ack 1 win 100
    > . 1:1(0) ack 11
    info sndWnd 5000
    write 100
    > P. 1:101(100) ack 11
    < . 11:11(0) ack 51 win 6000
    info sndWnd 6000
    < . 11:11(0) ack 1 win 7000
    info sndWnd 6000
    < . 11:11(0) ack 51 win 8000
    info sndWnd 8000`);
});

test("drops what has no ACK flag [9293#15]", () => {
  script(`${ANSWERED}
    < P 1:11(10) win 65535
    < F 1:1(0) win 65535
    +1 readable 0
    counter TCP_IN_NO_ACK_FLAG 2
    state ESTABLISHED`);
});

test("keeps a FIN that comes early until the hole before it is filled [9293#21]", () => {
  script(`${ANSWERED}
    < F. 1001:2001(1000) ack 1 win 65535
    > . 1:1(0) ack 1
    state ESTABLISHED
    < . 1:1001(1000) ack 1 win 65535
    > . 1:1(0) ack 2002
    state CLOSE-WAIT
    read 2000
    read eof`);
});

test("queues what comes early, and acknowledges all once the hole is filled [SHLD-31] [2525#5] [5681#10] [5681#11] [MAY-13]", () => {
  script(`${ANSWERED}
    < . 1001:2001(1000) ack 1 win 65535
    > . 1:1(0) ack 1
    < . 3001:4001(1000) ack 1 win 65535
    > . 1:1(0) ack 1
    readable 0
    Half of the hole, then all of it.
    < . 1:501(500) ack 1 win 65535
    > . 1:1(0) ack 501
    < . 501:1001(500) ack 1 win 65535
    > . 1:1(0) ack 2001
    < . 2001:3001(1000) ack 1 win 65535
    > . 1:1(0) ack 4001
    read 4000`);
});

test("keeps the first copy where copies differ [attack 76]", () => {
  const run = established().run(`
    < . 101:201(100) ack 1 win 65535
    > . 1:1(0) ack 1
    < . 101:201(100) ack 1 win 65535 {fill 7}
    > . 1:1(0) ack 1
    < . 1:101(100) ack 1 win 65535
    > . 1:1(0) ack 201
    < . 1:201(200) ack 1 win 65535 {fill 9}
    > . 1:1(0) ack 201
    read 200`);
  run.end();
});

test("acknowledges a batch of segments once, with the last one's number [MUST-58] [MUST-59]", () => {
  script(`${ANSWERED}
    < . 1:1001(1000) ack 1 win 65535
    & < . 1001:2001(1000) ack 1 win 65535
    & < . 2001:3001(1000) ack 1 win 65535
    & < . 3001:4001(1000) ack 1 win 65535
    > . 1:1(0) ack 4001
    read 4000`);
});

test("is reset by a RST at RCV.NXT alone, with text or without [5961#1] [5961#2] [5961#3] [SHLD-2] [9293#26] [attack 47]", () => {
  script(`${ANSWERED}
    < R 0:0(0)
    < R 70000:70000(0)
    counter TCP_IN_RST_IGNORED 2
    < R 2:2(0)
    > . 1:1(0) ack 1
    +1 < R 65535:65535(0)
    > . 1:1(0) ack 1
    state ESTABLISHED
    < R 1:11(10)
    closed ECONNRESET`);
});

/** Lines that bring a connection into a state, and RCV.NXT and SND.NXT there. */
const STATES: [state: string, lines: string, rcvNxt: number, sndNxt: number][] = [
  ["ESTABLISHED", "", 1, 1],
  ["FIN-WAIT-1", "shutdown\n> F. 1:1(0) ack 1", 1, 2],
  ["FIN-WAIT-2", "shutdown\n> F. 1:1(0) ack 1\n< . 1:1(0) ack 2 win 65535", 1, 2],
  ["CLOSE-WAIT", "< F. 1:1(0) ack 1 win 65535\n> . 1:1(0) ack 2", 2, 1],
  ["CLOSING", "shutdown\n> F. 1:1(0) ack 1\n< F. 1:1(0) ack 1 win 65535\n> . 2:2(0) ack 2", 2, 2],
  ["LAST-ACK", "< F. 1:1(0) ack 1 win 65535\n> . 1:1(0) ack 2\nshutdown\n> F. 1:1(0) ack 2", 2, 2],
];

for (const [state, lines, rcvNxt, sndNxt] of STATES) {
  const opened = `${ANSWERED}\n${lines}\nstate ${state}`;

  test(`${state}: RST at RCV.NXT resets, in the window is challenged, elsewhere nothing [5961#4] [attack 47]`, () => {
    script(
      `${opened}
      < R ${rcvNxt - 1}:${rcvNxt - 1}(0)
      < R ${rcvNxt + 1}:${rcvNxt + 1}(0)
      > . ${sndNxt}:${sndNxt}(0) ack ${rcvNxt}
      state ${state}
      < R ${rcvNxt}:${rcvNxt}(0)
      ${state === "CLOSING" || state === "LAST-ACK" ? "usage tcp_timers 0" : "closed ECONNRESET"}`,
    );
  });

  test(`${state}: a SYN is challenged whatever its number [5961#5] [7323#17] [attack 48] [attack 44]`, () => {
    script(`${opened}
      < S ${rcvNxt}:${rcvNxt}(0) win 65535
      > . ${sndNxt}:${sndNxt}(0) ack ${rcvNxt}
      +0.1 < S 900000:900000(0) win 65535
      state ${state}`);
    script(`${opened}
      < S -900000:-900000(0) win 65535
      > . ${sndNxt}:${sndNxt}(0) ack ${rcvNxt}
      state ${state}`);
    script(`${opened}
      < S. ${rcvNxt}:${rcvNxt}(0) ack ${sndNxt} win 65535
      > . ${sndNxt}:${sndNxt}(0) ack ${rcvNxt}
      state ${state}`);
  });
}

test("is cleared when the peer that restarted answers the challenge with RST [5961#6] [9293#25]", () => {
  script(`${ANSWERED}
    The peer came back and opens with another number.
    < S 500000:500000(0) win 65535 <mss 1000>
    > . 1:1(0) ack 1
    < R 1:1(0)
    closed ECONNRESET`);
  script(`${CALLED}
    It knows nothing of us, and says so to what we send.
    write 10
    > P. 1:11(10) ack 1
    < R 1:1(0)
    closed ECONNRESET`);
});

test("limits challenge ACKs, per connection [5961#8] [attack 51] [attack 52]", () => {
  const run = established().run(`
    peer b port 40001
    b: < S 0:0(0) win 65535 <mss 1000>
    b: > S. 0:0(0) ack 1
    b: < . 1:1(0) ack 1 win 65535
    b: accept`);
  for (let i = 0; i < 200; i++) run.run("< R 2:2(0)");
  assert.is(run.take().length, 1);
  run.run("b: < R 2:2(0)\nb: > . 1:1(0) ack 1");
  run.run("+0.6 < R 2:2(0)\n> . 1:1(0) ack 1");
  run.end();
});

test("acknowledges a duplicate with text each time, and a bare one ever so often [attack 52]", () => {
  const run = established().run("< . 1:101(100) ack 1 win 65535\n> . 1:1(0) ack 101");
  for (let i = 0; i < 5; i++) run.run("< . 1:101(100) ack 1 win 65535\n> . 1:1(0) ack 101");
  for (let i = 0; i < 50; i++) run.run("< . 0:0(0) ack 1 win 65535");
  assert.ok(run.take().length <= 1);
});

test("takes a million duplicate ACKs without allocating or sending [attack 74]", () => {
  const run = established().run("write 1000\n> P. 1:1001(1000) ack 1");
  const before = run.host.exports.usage(2);
  const frame = buildFrames(run, 64);
  for (let i = 0; i < 200; i++) run.settle(frame);
  assert.is(run.host.exports.usage(2), before);
  assert.ok(run.take().length <= 3);
  run.run("state ESTABLISHED");
});

function buildFrames(run: ReturnType<typeof established>, count: number): Uint8Array[] {
  const { frame } = buildInbound(run.endpoint(), ". 1:1(0) ack 1 win 65535");
  return Array.from({ length: count }, () => frame);
}

test("takes a SYN, FIN, RST or nothing at all in every combination without harm [attack 44]", () => {
  for (let flags = 0; flags < 256; flags++) {
    const letters = ["S", "F", "R", "P", "U", "E", "W", "."].filter((_, bit) => (flags >> bit) & 1).join("") || "-";
    for (const seq of [1, 0, 5, 70_000]) {
      const run = established();
      run.run(`< ${letters} ${seq}:${seq + 3}(3) ack 1 win 500`);
      assert.ok(run.take().length <= 1, letters);
    }
  }
});

test.run();
