// The script engine itself: what it accepts, and that a script that is wrong fails, and says how.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ANSWERED, CALLED, established, Script, script } from "../support/script/index.ts";
import { parseSegment } from "../support/script/segment-text.ts";
import { statements } from "../support/script/syntax.ts";

const test = suite("script/engine");

test("opens a connection from either side and moves data both ways", () => {
  script(
    `${ANSWERED}
    The peer writes, we answer.
    < P. 1:11(10) ack 1 win 65535
    > . 1:1(0) ack 11`.replace("11:11(0)", "1:1(0)"),
  );
  script(`${CALLED}
    write 10
    > P. 1:11(10) ack 1
    +0.01 < . 1:1(0) ack 11 win 65535`);
});

test("starts the stack's sequence numbers just below 2^32", () => {
  const run = script(CALLED);
  assert.is(run.endpoint().iss! >>> 8, 0xffffff);
});

test("fails when the stack sends what no line expects, also after the last one", () => {
  assert.throws(() => script("connect\n+0.5 quiet"), /no line expects it:\n.*S 0:0\(0\)/);
  assert.throws(() => script("connect"), /after the last line/);
});

test("fails when nothing is sent, and says until when it waited", () => {
  assert.throws(() => script("listen\n+0.5 > S 0:0(0)"), /line 2.*\nnothing was sent until 0.501000 s/);
});

test("fails at another flag, number, length, window, option or time, and says which", () => {
  const wrong: [string, RegExp][] = [
    ["> . 1:11(10) ack 1", /flags: expected ., got P./],
    ["> P. 2:12(10) ack 1", /first sequence number: expected 2, got 1/],
    ["> P. 1:12(11) ack 1", /payload bytes: expected 11, got 10/],
    ["> P. 1:11(10) ack 2", /ack: expected 2, got 1/],
    ["> P. 1:11(10) ack 1 win 1", /window: expected 1~1, got/],
    ["> P. 1:11(10) ack 1 <mss 5>", /option mss 5 is missing/],
    ["> P. 1:11(10) ack 1 {ttl 9}", /ttl: expected 9, got 64/],
    ["+0.1 > P. 1:11(10) ack 1", /sent at 0.000000 s, not at 0.099000 s/],
    ["> icmp 3/3", /not that ICMP message/],
  ];
  for (const [line, message] of wrong) assert.throws(() => established().run(`write 10\n${line}`), message);
});

test("fails when the stack's payload is not what was written", () => {
  const run = established();
  run.endpoint().written = 5;
  assert.throws(() => run.run("write 10\n> P. 1:11(10) ack 1"), /byte 1 is not what was written there/);
});

test("fails when a statement about the socket does not hold", () => {
  assert.throws(() => established().run("state CLOSED"), /state: expected CLOSED, got ESTABLISHED/);
  assert.throws(() => established().run("info cwnd 11"), /cwnd: expected 11, got 10/);
  assert.throws(() => established().run("read 5"), /bytes read: expected 5, got 0/);
  assert.throws(() => established().run("closed"), /closed: expected true, got false/);
  assert.throws(() => established().run("counter TCP_IN_ERRS 5"), /expected 5, counted 0/);
  assert.throws(() => established().run("accept"), /no connection was there/);
});

test("shows what happened before the line that failed", () => {
  assert.throws(() => established().run("write 10\n> . 1:1(0)"), /what happened:\n.*- listen\n.*< S 0:0\(0\)/);
});

test("refuses lines it does not understand", () => {
  assert.throws(() => new Script().run("frobnicate"), /no call/);
  assert.throws(() => new Script().run("< S 0:1(0)"), /does not add up/);
  assert.throws(() => new Script().run("< S 0:0(0) wind 5"), /not understood/);
  assert.throws(() => new Script().run("< Q 0:0(0)"), /is no segment/);
  assert.throws(() => new Script().run("< S 0:0(0) <mms 5>"), /none of mss/);
  assert.throws(() => new Script().run("b: < S 0:0(0)"), /no peer `b` was declared/);
  assert.throws(() => new Script().run("listen\n& < S 0:0(0)"), /joins a segment of the peer/);
  assert.throws(() => new Script().run("+0.1~0.2 listen"), /range of times/);
});

test("takes prose for prose and reads times, names and together", () => {
  const lines = statements("Prose here.\n(and here)\n+0.1 b: < . 1:1(0) ack 1\n& < . 1:1(0)\n+* > R 1:1(0)\nlisten");
  assert.equal(
    lines.map(({ time, name, kind, isTogether, isOpen }) => [time, name, kind, isTogether, isOpen]),
    [
      ["0.1", "b", "<", false, true],
      [null, "", "<", true, false],
      ["*", "", ">", false, false],
      [null, "", "call", false, false],
    ],
  );
});

test("reads every option", () => {
  const { options, otherOptions } = parseSegment(
    "S 0:0(0) win 1~5 <mss 5, sack ok, ts 1 *, ws 3, sack 1:2 3:4, tfo 0102, nop, ...>",
  );
  assert.ok(otherOptions);
  assert.equal(
    options!.map(({ name, values }) => [name, ...values]),
    [["mss", 5], ["sackok"], ["ts", 1, null], ["ws", 3], ["sack", 1, 2, 3, 4], ["tfo", 1, 2], ["nop"]],
  );
});

test("delivers lines that are joined in one turn of the stack", () => {
  const run = established().run(
    "< . 1:1001(1000) ack 1 win 65535\n& < . 1001:2001(1000) ack 1 win 65535\n> . 1:1(0) ack 2001",
  );
  run.end();
});

test.run();
