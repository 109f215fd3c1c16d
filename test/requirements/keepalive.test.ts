// Keep-alives: RFC 9293 3.8.4, RFC 2525 2.9 and 2.11, as scripts.
import { suite } from "uvu";
import { ANSWERED, established, script } from "../support/script/index.ts";

const test = suite("requirements/keepalive");

test("are off by default: an idle connection says nothing for days [MUST-25]", () => {
  script(`${ANSWERED}\n+1000000 state ESTABLISHED`);
});

test("can be had, and switched on and off per connection [MUST-24] [MAY-5]", () => {
  script(`${ANSWERED}
    keepalive on idle 10000
    peer b port 40001
    b: < S 0:0(0) win 65535 <mss 1000>
    b: > S. 0:0(0) ack 1
    b: < . 1:1(0) ack 1 win 65535
    b: accept
    +10 > . 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535
    keepalive off
    +100000 state ESTABLISHED`);
});

test("come when nothing was received for the interval, with nothing outstanding [MUST-26]", () => {
  script(`${ANSWERED}
    keepalive on idle 10000 interval 10000
    +9 < P. 1:11(10) ack 1 win 65535
    > . 1:1(0) ack 11
    Ten seconds from then on.
    +10 > . 0:0(0) ack 11
    < . 11:11(0) ack 1 win 65535
    +9 write 10
    > P. 1:11(10) ack 11
    What is unacknowledged is retransmitted: that probes enough.
    +* > P. 1:11(10) ack 11
    +* > P. 1:11(10) ack 11
    +* > P. 1:11(10) ack 11
    < . 11:11(0) ack 11 win 65535
    +10 > . 10:10(0) ack 11`);
});

test("come at the interval that was set, and repeat at the one that was set for that [MUST-27]", () => {
  script(`${ANSWERED}
    keepalive on idle 30000 interval 5000 count 3
    +30 > . 0:0(0) ack 1
    +5 > . 0:0(0) ack 1
    +5 > . 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535
    +30 > . 0:0(0) ack 1`);
});

test("come after two hours by default [MUST-28] [2525#11]", () => {
  script(`${ANSWERED}
    keepalive on
    +7200 > . 0:0(0) ack 1
    +75 > . 0:0(0) ack 1`);
});

test("do not give up at the first one unanswered, but after nine [MUST-29] [2525#9]", () => {
  const run = established().run("keepalive on idle 10000 interval 1000\n+10 > . 0:0(0) ack 1");
  for (let i = 1; i < 8; i++) run.run("+1 > . 0:0(0) ack 1");
  run.run("< . 1:1(0) ack 1 win 65535\nstate ESTABLISHED\n+10 > . 0:0(0) ack 1");
  for (let i = 1; i < 9; i++) run.run("+1 > . 0:0(0) ack 1");
  run.run("open\n+1 > R. 1:1(0) ack 1\nclosed ETIMEDOUT").end();
});

test("carry no data and ask at SND.NXT - 1 [SHLD-12] [MAY-6]", () => {
  script(`${ANSWERED}
    keepalive on idle 1000
    write 10
    > P. 1:11(10) ack 1
    < . 1:1(0) ack 11 win 65535
    +1 > . 10:10(0) ack 1`);
});

test.run();
