// What is sent when, and acknowledged when: RFC 9293 3.7.4, 3.8.6.3 and 3.9.1.2, RFC 5681 4.2, as scripts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ANSWERED, established, script } from "../support/script/index.ts";

const test = suite("requirements/sending");

test("collects small writes while something is unacknowledged, by default [SHLD-7]", () => {
  // A short segment behind full ones may leave, one at a time: Nagle as Minshall has it, and Linux
  script(`${ANSWERED}
    write 10
    > P. 1:11(10)
    write 10
    write 10
    write 10
    +0.1 < . 1:1(0) ack 11 win 65535
    > P. 11:41(30)
    write 10
    A full segment waits for nothing.
    write 990
    > P. 41:1041(1000)`);
});

test("sends small writes at once when told so [MUST-17]", () => {
  script(`${ANSWERED}
    nodelay on
    write 10
    > P. 1:11(10)
    write 10
    > P. 11:21(10)
    write 10
    > P. 21:31(10)
    nodelay off
    write 10
    +0.1 < . 1:1(0) ack 31 win 65535
    > P. 31:41(10)`);
});

test("holds nothing back for ever: the last byte leaves once the one before is acknowledged, or it is retransmitted [MUST-60]", () => {
  script(`${ANSWERED}
    write 1
    > P. 1:2(1)
    write 1
    The first byte's ACK is lost.
    +* > p. 1:2(1)
    +0.1 < . 1:1(0) ack 2 win 65535
    > P. 2:3(1)
    < . 1:1(0) ack 3 win 65535
    info packetsOut 0`);
});

test("pushes the last segment of what was written [MUST-61]", () => {
  script(`${ANSWERED}
    write 2500
    > . 1:1001(1000)
    > . 1001:2001(1000)
    > P. 2001:2501(500)
    < . 1:1(0) ack 2501 win 65535
    write 1000
    > P. 2501:3501(1000)`);
});

test("sends the largest segments it can, whatever was written how [SHLD-27] [SHLD-28] [MAY-16]", () => {
  const run = established().run("write 1000\n> P. 1:1001(1000)\nwrite 70\n> P. 1001:1071(70)");
  for (let i = 0; i < 50; i++) run.run("write 70");
  assert.equal(
    run.takeSegments().map((segment) => segment.payload.length),
    [1000, 1000, 1000],
  );
  run.end("< . 1:1(0) ack 4071 win 65535\n> P. 4071:4571(500)");
});

/** A dialogue: in it the answer is waited for, which carries the ACK. The first ACKs of a connection are not delayed, as Linux. */
const DIALOGUE = `
  < P. 1:11(10) ack 1 win 65535
  > . 1:1(0) ack 11
  write 10
  > P. 1:11(10) ack 11
  < P. 11:21(10) ack 11 win 65535`;

test("delays an ACK, and never for half a second, whatever tcp_delack_min_us says [MUST-40] [SHLD-18] [5681#16]", () => {
  established().end(`${DIALOGUE}\n+0.04~0.2 > . 11:11(0) ack 21`);
  established({ sysctl: { tcp_delack_min_us: 500_000 } }).end(`${DIALOGUE}\n+0.3~0.498999 > . 11:11(0) ack 21`);
});

test("acknowledges every second full segment at once, and each segment at most once [SHLD-19] [5681#16] [5681#17] [2525#13]", () => {
  const run = established().run(`${DIALOGUE}\nwrite 10\nignore\n< . 21:21(0) ack 21 win 65535\nreader on`);
  let acks = 0;
  for (let seq = 21; seq < 40_021; seq += 1000) {
    run.run(`< . ${seq}:${seq + 1000}(1000) ack 21 win 65535`);
    const sent = run.take().length;
    assert.ok(sent <= 1);
    acks += sent;
  }
  assert.ok(acks >= 19, `${acks} ACKs for 40 segments`);
});

test.run();
