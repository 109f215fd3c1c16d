// TCP header and options: RFC 9293 3.1, 3.2 and 3.7.1, as scripts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildInbound } from "../support/script/inbound.ts";
import { ANSWERED, established, Script, script } from "../support/script/index.ts";

const test = suite("requirements/options");

/** A script that opens with a SYN whose option bytes are given in hex. */
const hello = (tcpopts: string) => `
  listen
  < S 0:0(0) win 65535 {tcpopts ${tcpopts}}`;

test("takes the window field as unsigned, up to its largest scaled value [MUST-1] [REC-1] [attack 78] [attack 79]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000, ws 14>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535
    accept
    info sndWnd 1073725440
    < . 1:1(0) ack 1 win 32768
    info sndWnd 536870912
    write 3000
    > . 1:1001(1000)
    > . 1001:2001(1000)
    > P. 2001:3001(1000)`);
  script(`${ANSWERED}
    info sndWnd 65535
    < . 1:1(0) ack 1 win 40000
    info sndWnd 40000
    write 1000
    > P. 1:1001(1000)`);
});

test("sends a correct checksum with every segment, of odd lengths and retransmitted ones too [MUST-2]", () => {
  // The engine recomputes the checksum of every segment and fails where it is wrong
  script(`${ANSWERED}
    nodelay on
    write 7
    > P. 1:8(7) ack 1
    write 1
    > P. 8:9(1) ack 1
    < . 1:1(0) ack 8 win 65535
    +* > P. 8:9(1) ack 1
    < . 1:1(0) ack 9 win 65535
    abort
    > R. 9:9(0) ack 1`);
});

test("discards segments with a wrong checksum, whatever they are [MUST-3]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000> {flip 5}
    counter TCP_IN_CSUM_ERRORS 1
    +0.5 < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535
    accept
    < P. 1:11(10) ack 1 win 65535 {flip 25}
    < F. 1:1(0) ack 1 win 65535 {flip 7}
    < R 1:1(0) {flip 16}
    +1 counter TCP_IN_CSUM_ERRORS 4
    state ESTABLISHED
    readable 0`);
});

test("understands end of list, no-op and MSS in any layout [MUST-4]", () => {
  for (const layout of ["020401f4", "01010101020401f4", "020401f400000000", "0101020401f40000", "020401f401010000"]) {
    script(`${hello(layout)}
      > S. 0:0(0) ack 1
      < . 1:1(0) ack 1 win 65535
      accept
      info sndMss 500`);
  }
});

test("reads options at any alignment [MUST-64]", () => {
  // MSS 500, window scale 7 and timestamps 1 0, at every offset of a word
  const mss = "020401f4";
  const scale = "030307";
  const timestamps = "080a0000000100000000";
  for (const options of [
    ["01", mss, scale, timestamps, "0000"],
    ["0101", mss, "01", timestamps, scale],
    ["010101", mss, timestamps, scale],
    [scale, mss, "01", timestamps, "0101"],
    [timestamps, "01", mss, "0101", scale],
  ]) {
    script(`${hello(options.join(""))}
      > S. 0:0(0) ack 1 <mss 1460, ts * *, ws *>
      < . 1:1(0) ack 1 win 100 <ts 300 0>
      accept
      info sndMss 488
      info sndWnd 12800`);
  }
});

test("accepts options in any segment, known ones and others [MUST-5]", () => {
  script(`${ANSWERED}
    An MSS option, an unknown one and one of experiments, on data, ACK and FIN.
    < P. 1:11(10) ack 1 win 65535 <mss 50, kind 99 0102>
    > . 1:1(0) ack 11
    read 10
    info sndMss 1000
    < . 11:11(0) ack 1 win 60000 <kind 253 01020304>
    info sndWnd 60000
    < F. 11:11(0) ack 1 win 65535 <nop, kind 254 ff>
    > . 1:1(0) ack 12
    read eof`);
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000, ts 1 0>
    > S. 0:0(0) ack 1 <mss 1460, ts 0 1>
    < . 1:1(0) ack 1 win 65535 <kind 99 01, ts 1 0>
    accept
    +0.01 < P. 1:11(10) ack 1 win 65535 <nop, kind 253 0102, ts 11 0>
    > . 1:1(0) ack 11 <ts 10 11>`);
});

test("skips options it does not know by their length [MUST-6]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <kind 99 0204ffff, mss 500, kind 253 080a, ts 7 0>
    > S. 0:0(0) ack 1 <mss 1460, ts * 7>
    < . 1:1(0) ack 1 win 65535 <ts 8 0>
    accept
    info sndMss 488`);
});

test("survives every wrong option length in a SYN and in data [MUST-7] [attack 33] [attack 34]", () => {
  for (let kind = 2; kind < 40; kind++) {
    for (const length of [0, 1, 2, 3, 5, 11, 39, 40, 255]) {
      const bytes = Buffer.from([1, 1, kind, length, 1, 2, 3, 4, 5, 6, 7, 8]).toString("hex");
      const run = new Script().run(`listen\n< S 0:0(0) win 65535 {tcpopts ${bytes}}`);
      assert.ok(run.take().length <= 1);
      const open = established().run(`< P. 1:11(10) ack 1 win 65535 {tcpopts ${bytes}}`);
      assert.ok(open.take().length <= 1);
      open.run("state ESTABLISHED\n< P. 1:11(10) ack 1 win 65535");
      open.take();
      open.run("read 10");
    }
  }
});

test("sends the MSS option and never sends more than the peer's [MUST-14]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <mss 700>
    > S. 0:0(0) ack 1 <mss 1460>
    < . 1:1(0) ack 1 win 65535
    accept
    write 1500
    > . 1:701(700)
    > . 701:1401(700)
    > P. 1401:1501(100)`);
  script(`
    connect
    > S 0:0(0) <mss 1460, ...>
    < S. 0:0(0) ack 1 win 65535 <mss 300>
    > . 1:1(0) ack 1
    write 400
    > . 1:301(300)
    > P. 301:401(100)`);
});

test("assumes an MSS of 536 when the peer names none [MUST-15] [2525#3]", () => {
  script(`
    listen
    < S 0:0(0) win 65535
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535
    accept
    info sndMss 536
    write 1000
    > . 1:537(536)
    > P. 537:1001(464)`);
});

test("takes option bytes off the segment, and lets the smaller MTU win [MUST-16] [2525#18] [7323#22]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000, ts 1 0>
    > S. 0:0(0) ack 1 <mss 1460, ts * *>
    < . 1:1(0) ack 1 win 65535 <ts 1 0>
    accept
    write 1000
    > . 1:989(988) <ts * *>
    > P. 989:1001(12) <ts * *>`);
  script(
    `listen
    < S 0:0(0) win 65535 <mss 1460>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535
    accept
    write 600
    > . 1:561(560)
    > P. 561:601(40)`,
    { mtu: 600 },
  );
});

test("announces an MSS of the MTU less 40, as it holds for all it sends [MUST-67] [SHLD-5] [SHLD-6] [MAY-3]", () => {
  for (const [mtu, mss] of [
    [1500, 1460],
    [576, 536],
    [9000, 8960],
  ]) {
    script(`connect\n> S 0:0(0) <mss ${mss}, ...>`, { mtu: mtu! });
    script(`listen\n< S 0:0(0) win 65535 <mss 100>\n> S. 0:0(0) ack 1 <mss ${mss}>`, { mtu: mtu! });
  }
});

test("sends no MSS option without SYN, no option without its length, nothing but zeros behind the end of the list [MUST-65] [MUST-68] [MUST-69]", () => {
  // The engine fails on each of these in any segment; here is one of every kind, with all options on
  script(`
    connect
    > S 0:0(0) <mss 1460, ...>
    < S. 0:0(0) ack 1 win 65535 <mss 1000, sack ok, ts 5 0, ws 3>
    > . 1:1(0) ack 1 <ts * 5>
    write 10
    > P. 1:11(10) ack 1 <ts * 5>
    < . 1:1(0) ack 11 win 65535 <ts 6 0>
    < . 101:111(10) ack 11 win 65535 <ts 6 0>
    > . 11:11(0) ack 1 <ts * *, ...>
    shutdown
    > F. 11:11(0) ack 1 <ts * *, ...>
    < . 1:1(0) ack 12 win 65535 <ts 6 0>
    abort
    > R. 12:12(0) ack 1`);
});

test("keeps a segment whose padding follows the IPv4 packet out of the stream [attack 11]", () => {
  // 4 bytes of payload: 44 bytes of packet in a frame of 60
  const run = established();
  const { frame } = buildInbound(run.endpoint(), "P. 1:5(4) ack 1 win 65535");
  const padded = new Uint8Array(60).fill(0xaa);
  padded.set(frame);
  run.inject([padded], "padded");
  run.end("> . 1:1(0) ack 5\nread 4");
});

test.run();
