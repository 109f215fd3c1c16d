// Closing, in order and not: RFC 9293 3.6, 3.10.4, 3.10.5 and 3.10.7.4, RFC 1337, 6191 and 2525, as scripts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ANSWERED, CALLED, established, Script, script } from "../support/script/index.ts";

const test = suite("requirements/close");

const TIME_WAIT = `${ANSWERED}
    shutdown
    > F. 1:1(0) ack 1
    < . 1:1(0) ack 2 win 65535
    < F. 1:1(0) ack 2 win 65535
    > . 2:2(0) ack 2
    state TIME-WAIT`;

test("tells the end of the stream from a reset [MUST-12]", () => {
  script(`${ANSWERED}
    < FP. 1:11(10) ack 1 win 65535
    > . 1:1(0) ack 12
    read 10
    read eof
    open
    state CLOSE-WAIT`);
  script(`${ANSWERED}
    < P. 1:11(10) ack 1 win 65535
    > . 1:1(0) ack 11
    < R 11:11(0)
    closed ECONNRESET`);
});

test("stays in TIME-WAIT for 2 MSL, counted from the last FIN [MUST-13] [9293#18] [9293#24]", () => {
  script(`${TIME_WAIT}
    +59 < F. 1:1(0) ack 2 win 65535
    > . 2:2(0) ack 2
    +59.9 < F. 1:1(0) ack 2 win 65535
    > . 2:2(0) ack 2
    +60.1 < F. 1:1(0) ack 2 win 65535
    > R 2:2(0)`);
});

test("goes through FIN-WAIT-2, CLOSING or TIME-WAIT by what comes first [9293#16] [9293#17] [attack 57]", () => {
  script(`${TIME_WAIT}`);
  script(`${ANSWERED}
    shutdown
    > F. 1:1(0) ack 1
    state FIN-WAIT-1
    < . 1:1(0) ack 2 win 65535
    state FIN-WAIT-2
    finacked
    < F. 1:1(0) ack 2 win 65535
    > . 2:2(0) ack 2
    state TIME-WAIT`);
  script(`${ANSWERED}
    shutdown
    > F. 1:1(0) ack 1
    The FINs cross.
    < F. 1:1(0) ack 1 win 65535
    > . 2:2(0) ack 2
    state CLOSING
    < . 2:2(0) ack 2 win 65535
    state TIME-WAIT`);
  script(`${ANSWERED}
    shutdown
    > F. 1:1(0) ack 1
    < F. 1:1(0) ack 2 win 65535
    > . 2:2(0) ack 2
    state TIME-WAIT`);
  script(`${ANSWERED}
    < F. 1:1(0) ack 1 win 65535
    > . 1:1(0) ack 2
    state CLOSE-WAIT
    shutdown
    > F. 1:1(0) ack 2
    state LAST-ACK
    < . 2:2(0) ack 2 win 65535
    closed`);
});

test("takes a FIN once, in whatever state it comes again [9293#19] [attack 68]", () => {
  script(`${ANSWERED}
    < F. 1:1(0) ack 1 win 65535
    > . 1:1(0) ack 2
    < F. 1:1(0) ack 1 win 65535
    > . 1:1(0) ack 2
    state CLOSE-WAIT
    read eof
    shutdown
    > F. 1:1(0) ack 2
    +0.01 < F. 1:1(0) ack 1 win 65535
    > . 2:2(0) ack 2
    state LAST-ACK`);
  script(`${ANSWERED}
    shutdown
    > F. 1:1(0) ack 1
    < F. 1:1(0) ack 1 win 65535
    > . 2:2(0) ack 2
    < F. 1:1(0) ack 1 win 65535
    > . 2:2(0) ack 2
    state CLOSING`);
});

test("ignores what comes after the peer's FIN [9293#20] [attack 68]", () => {
  const run = script(`${ANSWERED}
    < F. 1:11(10) ack 1 win 65535
    > . 1:1(0) ack 12
    read 10
    read eof`);
  run.run("< P. 12:22(10) ack 1 win 65535");
  run.pass(1);
  run.run("read eof\nstate CLOSE-WAIT\nreadable 0");
});

test("forgets a connection that is closed in SYN-SENT [9293#22]", () => {
  script(`
    connect
    > S 0:0(0)
    close
    usage tcbs 0
    +300 quiet`);
});

test("sends its FIN behind everything that was written [9293#22] [attack 69] [2525#15]", () => {
  script(`${ANSWERED}
    write 12500
    > . 1:1001(1000)
    > . 1001:2001(1000)
    > . 2001:3001(1000)
    > . 3001:4001(1000)
    > . 4001:5001(1000)
    > . 5001:6001(1000)
    > . 6001:7001(1000)
    > . 7001:8001(1000)
    > . 8001:9001(1000)
    > . 9001:10001(1000)
    shutdown
    +0.01 < . 1:1(0) ack 4001 win 65535
    > . 10001:11001(1000)
    > . 11001:12001(1000)
    > FP. 12001:12501(500)
    state FIN-WAIT-1
    All but the FIN is acknowledged: that is no ACK of the FIN.
    +0.01 < . 1:1(0) ack 12501 win 65535
    state FIN-WAIT-1
    < . 1:1(0) ack 12502 win 65535
    state FIN-WAIT-2`);
  // Nagle holds no FIN back, nor what goes with it
  script(`${ANSWERED}
    write 10
    > P. 1:11(10)
    write 10
    shutdown
    > FP. 11:21(10)`);
});

test("resends a lost FIN, and a lost last ACK is asked for again [9293#24] [attack 83]", () => {
  script(`${ANSWERED}
    shutdown
    > F. 1:1(0) ack 1
    +* > F. 1:1(0) ack 1
    +* > F. 1:1(0) ack 1
    < . 1:1(0) ack 2 win 65535
    state FIN-WAIT-2
    < F. 1:1(0) ack 2 win 65535
    > . 2:2(0) ack 2
    That ACK is lost.
    +1 < F. 1:1(0) ack 2 win 65535
    > . 2:2(0) ack 2
    state TIME-WAIT`);
});

/** Lines into a state, and what abort sends there: sequence number of the RST, or null. */
const ABORTS: [string, string, string | null][] = [
  ["SYN-SENT", "connect\n> S 0:0(0)", null],
  ["ESTABLISHED", ANSWERED, "> R. 1:1(0) ack 1"],
  ["FIN-WAIT-1", `${ANSWERED}\nshutdown\n> F. 1:1(0) ack 1`, "> R. 2:2(0) ack 1"],
  ["FIN-WAIT-2", `${ANSWERED}\nshutdown\n> F. 1:1(0) ack 1\n< . 1:1(0) ack 2 win 65535`, "> R. 2:2(0) ack 1"],
  ["CLOSE-WAIT", `${ANSWERED}\n< F. 1:1(0) ack 1 win 65535\n> . 1:1(0) ack 2`, "> R. 1:1(0) ack 2"],
];

for (const [state, lines, reset] of ABORTS) {
  test(`${state}: abort ${reset === null ? "says nothing" : "sends RST"} and leaves nothing [9293#23] [attack 67]`, () => {
    script(`${lines}\nstate ${state}\nabort\n${reset ?? ""}\nusage tcbs ${state === "SYN-SENT" ? 0 : 1}\n+300 quiet`);
  });
}

test("abort in SYN-RECEIVED sends RST [9293#23]", () => {
  script(`
    connect
    > S 0:0(0)
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    abort
    > R. 1:1(0) ack 1
    usage tcbs 0`);
});

for (const [state, lines] of [
  ["CLOSING", `${ANSWERED}\nshutdown\n> F. 1:1(0) ack 1\n< F. 1:1(0) ack 1 win 65535\n> . 2:2(0) ack 2`],
  ["LAST-ACK", `${ANSWERED}\n< F. 1:1(0) ack 1 win 65535\n> . 1:1(0) ack 2\nshutdown\n> F. 1:1(0) ack 2`],
] as const) {
  test(`${state}: abort drops the connection; both FINs are out [9293#23]`, () => {
    const run = new Script().run(`${lines}\nstate ${state}\nabort`);
    assert.ok(run.take().length <= 1);
    run.end("usage tcbs 1\n+300 quiet");
  });
}

test("resets when it is closed with unread data [SHLD-3] [2525#17] [attack 67]", () => {
  script(`${ANSWERED}
    < P. 1:11(10) ack 1 win 65535
    > . 1:1(0) ack 11
    close
    > R. 1:1(0) ack 11
    usage tcbs 1`);
});

test("resets when data comes after it was closed [SHLD-3] [2525#16] [attack 67] [MAY-1]", () => {
  script(`${ANSWERED}
    close
    > F. 1:1(0) ack 1
    < . 1:1(0) ack 2 win 65535
    < P. 1:11(10) ack 2 win 65535
    > R 2:2(0)
    usage tcbs 1`);
});

test("receives for as long as it wants after it has shut down its own side [MAY-1] [attack 67]", () => {
  const run = established().run("reader on\nshutdown\n> F. 1:1(0) ack 1\n< . 1:1(0) ack 2 win 65535");
  for (let seq = 1; seq < 300_000; seq += 1000) run.run(`< . ${seq}:${seq + 1000}(1000) ack 2 win 65535`);
  run.pass(1);
  run.take();
  run
    .run(
      "received 300000\nstate FIN-WAIT-2\n< F. 300001:300001(0) ack 2 win 65535\n> . 2:2(0) ack 300002\nstate TIME-WAIT",
    )
    .end();
});

test("is not driven out of TIME-WAIT by RST, nor by old data [1337#1] [1337#2] [attack 49]", () => {
  script(`${TIME_WAIT}
    < R 2:2(0)
    < R. 2:2(0) ack 2
    state TIME-WAIT
    +1 < P. 1:11(10) ack 1 win 65535
    > . 2:2(0) ack 2
    +1 < F. 1:1(0) ack 2 win 65535
    > . 2:2(0) ack 2
    state TIME-WAIT`);
});

const TIME_WAIT_TS = `
    listen
    < S 0:0(0) win 65535 <mss 1000, ts 100 0>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535 <ts 100 0>
    accept
    shutdown
    > F. 1:1(0) ack 1
    < F. 1:1(0) ack 2 win 65535 <ts 110 0>
    > . 2:2(0) ack 2
    state TIME-WAIT`;

test("lets a newer SYN reopen a connection from TIME-WAIT: by its timestamp [SHLD-4] [MAY-2] [6191#1] [6191#2] [7323#20]", () => {
  script(`${TIME_WAIT_TS}
    A newer timestamp suffices, whatever the sequence number.
    +2 again isn 1000
    < S 0:0(0) win 65535 <mss 1000, ts 2200 0>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535 <ts 2200 0>
    accept
    state ESTABLISHED`);
  script(`${TIME_WAIT_TS}
    The same timestamp and a later number do too.
    again isn 0xffffff00
    < S 0:0(0) win 65535 <mss 1000, ts 110 0>
    > S. 0:0(0) ack 1`);
});

test("lets a newer SYN reopen a connection from TIME-WAIT: by its number [MAY-2] [6191#3] [6191#4]", () => {
  script(`${TIME_WAIT}
    +1 again isn 0xffffff00
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1`);
  script(`${TIME_WAIT}
    +1 again isn 0xffffff00
    < S 0:0(0) win 65535 <mss 1000, ts 5 0>
    > S. 0:0(0) ack 1`);
});

test("refuses an older SYN in TIME-WAIT, and stays there [6191#5] [6191#3]", () => {
  const old = script(`${TIME_WAIT}
    +1 < S -1000:-1000(0) win 65535 <mss 1000>
    > . 2:2(0) ack 2
    state TIME-WAIT`);
  assert.is(old.endpoint().listener!.pending, 0);
  const run = new Script().run(`${TIME_WAIT_TS}\n+1 < S -1000:-1000(0) win 65535 <mss 1000, ts 50 0>`);
  assert.ok(run.take().every(({ packet }) => packet.kind === "tcp" && (packet.tcp.flags & 2) === 0));
  run.run("state TIME-WAIT");
});

test("frees a connection whose peer vanished in any state of closing [attack 70] [9293#24]", () => {
  for (const lines of [
    `${ANSWERED}\nclose\n> F. 1:1(0) ack 1`,
    `${ANSWERED}\nclose\n> F. 1:1(0) ack 1\n< . 1:1(0) ack 2 win 65535`,
    `${ANSWERED}\n< F. 1:1(0) ack 1 win 65535\n> . 1:1(0) ack 2\nread eof\nclose\n> F. 1:1(0) ack 2`,
    `${ANSWERED}\nclose\n> F. 1:1(0) ack 1\n< F. 1:1(0) ack 1 win 65535\n> . 2:2(0) ack 2`,
  ]) {
    const run = new Script().run(lines);
    run.pass(2000);
    run.take();
    run.run("usage tcbs 1\nusage tcp_timers 0").end();
  }
});

test("resets what reaches a connection that is gone [9293#25]", () => {
  script(`${CALLED}
    abort
    > R. 1:1(0) ack 1
    < P. 1:11(10) ack 1 win 65535
    > R 1:1(0)`);
});

test.run();
