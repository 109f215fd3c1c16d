// ICMP errors about our segments: RFC 9293 3.9.2.2, RFC 5927, as scripts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ANSWERED, CALLED, established, script } from "../support/script/index.ts";

const test = suite("requirements/icmp");

/** Something is in flight: 1:1001. */
const FLYING = `${ANSWERED}
    write 1000
    > P. 1:1001(1000) ack 1`;

test("reach the connection they quote, and no other [MUST-54]", () => {
  script(`
    connect
    > S 0:0(0)
    peer b port 40001 local 8081
    b: connect
    b: > S 0:0(0)
    b: < icmp 3/3 quote 0
    b: closed ECONNREFUSED
    state SYN-SENT
    Quoted with a port that is nobody's, and with a number that was never sent.
    < icmp 3/3 quote 0 {dport 9}
    < icmp 3/3 quote 5000
    state SYN-SENT
    < icmp 3/3 quote 0
    closed ECONNREFUSED`);
});

test("source quench is discarded in silence [MUST-55] [5927#3] [attack 28]", () => {
  script(`${FLYING}
    info cwnd 10
    < icmp 4/0 quote 1
    info cwnd 10
    info ssthresh Infinity
    counter ICMP_IN_IGNORED 1
    state ESTABLISHED`);
});

test("unreachable net, host and source route, time exceeded and parameter problem abort nothing [MUST-56] [MUST-47] [SHLD-25] [792#9]", () => {
  for (const message of ["3/0", "3/1", "3/5", "11/0", "11/1", "12/0", "12/1"]) {
    script(`${FLYING}
      < icmp ${message} quote 1
      state ESTABLISHED
      open
      < . 1:1(0) ack 1001 win 65535
      info packetsOut 0`);
  }
  // Nor an attempt to connect; unreachable net and host do end that, docs/decisions.md
  for (const message of ["11/0", "11/1", "12/0", "12/1"]) {
    script(`connect
      > S 0:0(0)
      < icmp ${message} quote 0
      state SYN-SENT
      < S. 0:0(0) ack 1 win 65535 <mss 1000>
      > . 1:1(0) ack 1
      state ESTABLISHED`);
  }
});

test("soft errors become the reason when the connection times out in the end [MUST-47] [SHLD-9] [SHLD-25]", () => {
  const run = established({ sysctl: { tcp_retries2: 3 } }).run("write 10\n> P. 1:11(10)\n< icmp 3/1 quote 1");
  run.pass(100);
  run.take();
  run.run("closed EHOSTUNREACH");
});

test("a soft error is forgotten when data gets through again [MUST-47]", () => {
  const run = established({ sysctl: { tcp_retries2: 3 } }).run(`
    write 10
    > P. 1:11(10)
    < icmp 3/1 quote 1
    < . 1:1(0) ack 11 win 65535
    write 10
    > P. 11:21(10)`);
  run.pass(100);
  run.take();
  run.run("closed ETIMEDOUT");
});

test("hard errors refuse a connection that is being opened, and only that [SHLD-26] [5927#2] [attack 27]", () => {
  for (const [message, errno] of [
    ["3/2", "ENOPROTOOPT"],
    ["3/3", "ECONNREFUSED"],
  ]) {
    script(`connect\n> S 0:0(0)\n< icmp ${message} quote 0\nclosed ${errno}`);
    script(`${FLYING}
      < icmp ${message} quote 1
      state ESTABLISHED
      < . 1:1(0) ack 1001 win 65535
      info packetsOut 0`);
  }
});

test("count only if the quoted number is outstanding [5927#1] [attack 26]", () => {
  script(`
    connect
    > S 0:0(0)
    < icmp 3/3 quote 1
    < icmp 3/3 quote -1
    < icmp 3/3 quote 100000
    state SYN-SENT
    counter ICMP_IN_NO_MATCH 3`);
});

test("with a quote that is cut short or broken are dropped [attack 25]", () => {
  for (const bytes of [0, 1, 19, 20, 21, 27]) {
    script(`connect\n> S 0:0(0)\n< icmp 3/3 quote 0 bytes ${bytes}\nstate SYN-SENT`);
  }
  script("connect\n> S 0:0(0)\n< icmp 3/3 quote 0 {flip 9}\nstate SYN-SENT\ncounter ICMP_IN_CSUM_ERRORS 1");
});

test("of types that nobody knows are dropped, and so are redirects [792#3] [792#8] [792#10] [792#11] [attack 28]", () => {
  const types = [1, 2, 4, 5, 6, 7, 9, 10, 13, 14, 15, 16, 17, 18, 19, 30, 41, 200, 255];
  const run = established();
  for (const type of types) run.run(`< icmp ${type}/0 data 40\n< icmp ${type}/0 quote 1`);
  run.end(`state ESTABLISHED\ncounter ICMP_IN_IGNORED ${2 * types.length}`);
});

test("while the application waits for the handshake neither crash it nor come twice [attack 60]", () => {
  const run = script(`
    connect
    > S 0:0(0)
    < icmp 3/3 quote 0
    < icmp 3/3 quote 0
    < icmp 3/1 quote 0
    closed ECONNREFUSED
    < S. 0:0(0) ack 1 win 65535
    > R 1:1(0)`);
  assert.is(run.endpoint().socket!.closed, true);
  script(`${CALLED}\n< icmp 3/3 quote 0\nstate ESTABLISHED`);
});

test.run();
