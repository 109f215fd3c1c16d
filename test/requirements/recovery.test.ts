// Loss recovery without SACK: RFC 5681 3.2, 6582, 3042, 5682 2 and 3522/4015, as scripts. One round trip is 100 ms, a segment 1000 bytes.
import { suite } from "uvu";
import { script } from "../support/script/index.ts";

const test = suite("requirements/recovery");
const RENO = { sysctl: { tcp_congestion_control: "reno" } } as const;

/** The peer opens a connection without SACK. */
const OPEN = `
  listen
  < S 0:0(0) win 65535 <mss 1000>
  > S. 0:0(0) ack 1
  +0.1 < . 1:1(0) ack 1 win 65535
  accept`;

/** Full segments that leave at once: `[from, to)` in thousands. */
const sent = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `> p. ${(from + i) * 1000 + 1}:${(from + i + 1) * 1000 + 1}(1000)`).join(
    "\n",
  );
const ack = (upTo: number): string => `< . 1:1(0) ack ${upTo * 1000 + 1} win 65535`;

test("sends one new segment for each of two duplicate ACKs, and the lost one at the third [5681 3.2] [3042#1] [5681#12] [5681#14]", () => {
  script(
    `${OPEN}
    write 20000
    ${sent(0, 10)}
    +0.1 ${ack(0)}
    ${sent(10, 11)}
    ${ack(0)}
    ${sent(11, 12)}
    info cwnd 10
    ${ack(0)}
    ${sent(0, 1)}
    info caState recovery
    info ssthresh 5
    +0.1 ${ack(13 - 1)}
    info sackedOut 0
    ${sent(12, 17)}
    +0.1 ${ack(17)}
    info caState open
    ${sent(17, 20)}`,
    RENO,
  );
});

test("sends the next hole at a partial acknowledgment and stays in recovery [6582 3.2] [6582#3]", () => {
  script(
    `${OPEN}
    write 10000
    ${sent(0, 10)}
    +0.1 ${ack(0)}
    ${ack(0)}
    ${ack(0)}
    ${sent(0, 1)}
    ${ack(0)}
    ${ack(0)}
    ${ack(0)}
    ${ack(0)}
    +0.1 ${ack(4)}
    ${sent(4, 5)}
    info caState recovery
    +0.1 ${ack(10)}
    Nothing above "recover" is acknowledged yet: the state stays, so that duplicates of what was sent again mean nothing.
    info caState recovery
    write 1000
    ${sent(10, 11)}
    +0.1 ${ack(11)}
    info caState open
    info ssthresh 5`,
    RENO,
  );
});

test("finds a time-out spurious when what was sent only once is acknowledged [5682 2.1] [5682#1]", () => {
  script(
    `${OPEN}
    write 30000
    ${sent(0, 10)}
    A delay, no loss.
    +0.3 ${sent(0, 1)}
    info caState loss
    +0.05 ${ack(1)}
    New data, not what was taken for lost.
    ${sent(10, 12)}
    +0.01 ${ack(2)}
    info ssthresh Infinity
    info cwnd >=10
    ${sent(12, 13)}`,
    RENO,
  );
});

test("goes on as after a real time-out when the next ACK is a duplicate [5682 2.1] [5682#1]", () => {
  script(
    `${OPEN}
    write 30000
    ${sent(0, 10)}
    +0.3 ${sent(0, 1)}
    +0.1 ${ack(1)}
    ${sent(10, 12)}
    +0.1 ${ack(1)}
    ${sent(1, 2)}
    info caState loss
    info ssthresh 5`,
    RENO,
  );
});

test("sends an initial window of ten segments, of one after a lost SYN-ACK [5681 3.1] [6928 2] [5681#1] [5681#2]", () => {
  script(`${OPEN}
    write 30000
    ${sent(0, 10)}`);
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    +1 > S. 0:0(0) ack 1
    One may be lost: RFC 6928 2 tolerates that. Two may not.
    +2 > S. 0:0(0) ack 1
    +0.1 < . 1:1(0) ack 1 win 65535
    accept
    write 30000
    ${sent(0, 1)}`);
});

test("grows by a segment for each one acknowledged, not for each ACK [5681 3.1] [5681#3] [5681#4]", () => {
  script(
    `${OPEN}
    write 40000
    ${sent(0, 10)}
    +0.1 ${ack(1)}
    ${sent(10, 12)}
    info cwnd 11
    ${ack(3)}
    ${sent(12, 16)}
    info cwnd 13
    One segment, acknowledged in ten parts, is one segment.
    < . 1:1(0) ack 3101 win 65535
    < . 1:1(0) ack 3201 win 65535
    < . 1:1(0) ack 3301 win 65535
    < . 1:1(0) ack 3401 win 65535
    < . 1:1(0) ack 3501 win 65535
    < . 1:1(0) ack 3601 win 65535
    < . 1:1(0) ack 3701 win 65535
    < . 1:1(0) ack 3801 win 65535
    < . 1:1(0) ack 3901 win 65535
    info cwnd 13
    ${ack(4)}
    info cwnd 14
    ${sent(16, 18)}`,
    RENO,
  );
});

test("halves once for time-outs of the same data, then slow start to ssthresh, then a segment a round trip [5681 3.1] [5681#5] [5681#7] [5681#8]", () => {
  script(
    `${OPEN}
    write 60000
    ${sent(0, 10)}
    +0.3 ${sent(0, 1)}
    info ssthresh 5
    info cwnd 1
    +0.6 ${sent(0, 1)}
    info ssthresh 5
    +0.1 ${ack(10)}
    Slow start: from one segment, by as many as are acknowledged, to ssthresh.
    The six beyond that are a window's worth: one more.
    info cwnd 6
    ${sent(10, 16)}
    +0.1 ${ack(16)}
    info cwnd 7
    ${sent(16, 23)}
    +0.1 ${ack(23)}
    info cwnd 8
    ${sent(23, 31)}
    +0.1 ${ack(31)}
    info cwnd 9
    ${sent(31, 40)}`,
    { sysctl: { ...RENO.sysctl, tcp_frto: 0 } },
  );
});

test("counts as duplicate only what says nothing else [5681 2] [5681#9]", () => {
  script(
    `${OPEN}
    write 10000
    ${sent(0, 10)}
    With text, with a new window, with a FIN to come: none of them is one.
    +0.1 < . 1:2(1) ack 1 win 65535
    > . 10001:10001(0) ack 2
    < . 2:2(0) ack 1 win 65000
    < . 2:2(0) ack 1 win 64000
    < . 2:2(0) ack 1 win 63000
    < . 2:2(0) ack 1 win 62000
    info sackedOut 0
    info caState open`,
    RENO,
  );
});

test("leaves recovery with a window of ssthresh [5681 3.2] [6582 3.2] [5681#13] [6582#5]", () => {
  script(
    `${OPEN}
    write 30000
    ${sent(0, 10)}
    +0.1 ${ack(0)}
    ${sent(10, 11)}
    ${ack(0)}
    ${sent(11, 12)}
    ${ack(0)}
    ${sent(0, 1)}
    info ssthresh 5
    Every second duplicate releases one: in flight falls to ssthresh.
    ${ack(0)}
    ${ack(0)}
    ${sent(12, 13)}
    ${ack(0)}
    ${ack(0)}
    ${sent(13, 14)}
    +0.1 ${ack(14)}
    To ssthresh, and one more for the window's worth of segments that this ACK tells of.
    info cwnd 6
    ${sent(14, 20)}`,
    RENO,
  );
});

test("recovers in the first window, as recover is the initial sequence number [6582 3.2] [6582#1] [6582#4]", () => {
  script(
    `${OPEN}
    write 4000
    ${sent(0, 4)}
    +0.1 ${ack(0)}
    ${ack(0)}
    ${ack(0)}
    ${sent(0, 1)}
    info caState recovery
    The partial acknowledgment sends the next one and sets the time-out anew.
    +0.1 ${ack(1)}
    ${sent(1, 2)}
    +0.29~0.31 ${sent(1, 2)}
    info caState loss`,
    RENO,
  );
});

test("takes duplicates of what was needlessly sent again for no loss [6582 4] [6582#7]", () => {
  script(
    `${OPEN}
    write 10000
    ${sent(0, 10)}
    A delay: the time-out is spurious, but nothing tells so before all is acknowledged.
    +0.3 ${sent(0, 1)}
    +0.1 ${ack(10)}
    write 4000
    ${sent(10, 12)}
    Duplicates from what was sent twice.
    ${ack(10)}
    ${sent(12, 13)}
    ${ack(10)}
    ${sent(13, 14)}
    ${ack(10)}
    info lostOut 0
    info caState loss
    +0.1 ${ack(14)}
    info caState open`,
    RENO,
  );
});

test("halves the window for each time-out of idleness [5681 4.1] [5681#15]", () => {
  script(
    `${OPEN}
    write 20000
    ${sent(0, 10)}
    +0.1 ${ack(10)}
    ${sent(10, 20)}
    +0.1 ${ack(20)}
    info cwnd >=20
    +5 write 30000
    ${sent(20, 30)}`,
    RENO,
  );
});

test.run();
