// Loss recovery with SACK: RFC 2018 (sender), 2883 5, 6675, 6937/9937, 8985 and 5682 3.1, as scripts. One round trip is 100 ms, a segment 1000
// bytes; the congestion control is Reno, whose numbers are round.
import { suite } from "uvu";
import { script } from "../support/script/index.ts";

const test = suite("requirements/recovery-sack");
const RENO = { sysctl: { tcp_congestion_control: "reno" } } as const;

/** The peer opens a connection with SACK. */
const OPEN = `
  listen
  < S 0:0(0) win 65535 <mss 1000, sack ok>
  > S. 0:0(0) ack 1
  +0.1 < . 1:1(0) ack 1 win 65535
  accept`;

/** Full segments that leave at once: `[from, to)` in thousands. */
const sent = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `> p. ${(from + i) * 1000 + 1}:${(from + i + 1) * 1000 + 1}(1000)`).join(
    "\n",
  );

/** An ACK of `ack` thousand bytes, with SACK blocks in thousands. */
const ack = (upTo: number, ...blocks: (readonly [number, number])[]): string => {
  const list = blocks.map(([left, right]) => `sack ${left * 1000 + 1}:${right * 1000 + 1}`).join(" ");
  const option = blocks.length === 0 ? "" : ` <sack ${list.replaceAll("sack ", "")}>`;
  return `< . 1:1(0) ack ${upTo * 1000 + 1} win 65535${option}`;
};

test("recovers a lost tail by a probe and a SACK, not by the time-out [8985 7.3] [8985#9] [8985#11] [8985#6]", () => {
  script(
    `${OPEN}
    write 4000
    ${sent(0, 4)}
    +0.1 ${ack(1)}
    The last three are lost. PTO = 2 SRTT + 2 ms, long before the RTO of 300 ms.
    +0.202 ${sent(3, 4)}
    state ESTABLISHED
    info caState open
    +0.1 ${ack(1, [3, 4])}
    What left so long before the probe is lost, the reordering window is over.
    ${sent(1, 2)}
    info caState recovery
    info lostOut 2
    +0.1 ${ack(2, [3, 4])}
    ${sent(2, 3)}
    +0.1 ${ack(4)}
    info caState open
    info packetsOut 0`,
    RENO,
  );
});

test("allows the delayed ACK of a single segment, and 1 s without a round trip [8985 7.2] [8985#9]", () => {
  script(
    `${OPEN}
    write 1000
    ${sent(0, 1)}
    That is 2 * 100 ms + 200 ms, later than the time-out at 300 ms, which bounds it.
    +0.3 ${sent(0, 1)}
    info retransmits 0
    The probe is outstanding: now the time-out runs.
    +0.3 ${sent(0, 1)}
    info retransmits 1
    +0.1 ${ack(1)}`,
    RENO,
  );
});

test("probes with new data where there is some [8985 7.3] [8985#11]", () => {
  script(
    `${OPEN}
    write 20000
    ${sent(0, 10)}
    No ACK comes. The probe may pass the congestion window.
    +0.202 ${sent(10, 11)}
    One probe only.
    +0.3 ${sent(0, 1)}
    info caState loss`,
    RENO,
  );
});

test("sends no probe in recovery or after a SACK [8985 7.2] [8985#10]", () => {
  script(
    `${OPEN}
    write 3000
    ${sent(0, 3)}
    +0.1 ${ack(0, [2, 3])}
    info caState disorder
    The reordering timer runs instead.
    +0.02~0.04 ${sent(0, 1)}
    info caState recovery
    Then the time-out of the retransmission.
    +0.29~0.31 ${sent(0, 1)}
    info caState loss`,
    RENO,
  );
});

test("reduces the window once when the probe repaired a loss, not if a D-SACK says otherwise [8985 7.4] [8985#13]", () => {
  const lostOne = (answer: string) => `${OPEN}
    write 4000
    ${sent(0, 4)}
    +0.1 ${ack(3)}
    +0.202~0.31 ${sent(3, 4)}
    info cwnd 10
    +0.1 ${answer}
    write 1000
    ${sent(4, 5)}
    +0.1 ${ack(5)}`;
  // TLP.end_seq is passed without a sign that the original arrived too
  script(`${lostOne(ack(4))}\ninfo ssthresh <=7\ninfo caState open`, RENO);
  script(`${lostOne(ack(4, [3, 4]))}\ninfo ssthresh Infinity\ninfo dsackDups 1`, RENO);
});

test("finds a retransmission lost by what was sent after it [8985 6.2] [8985#7] [8985#2]", () => {
  script(
    `${OPEN}
    write 20000
    ${sent(0, 10)}
    +0.1 ${ack(0, [1, 2])}
    ${sent(10, 11)}
    ${ack(0, [1, 3])}
    ${sent(11, 12)}
    ${ack(0, [1, 4])}
    ${sent(0, 1)}
    info caState recovery
    +0.05 ${ack(0, [1, 6])}
    ${sent(12, 13)}
    That left 50 ms after the retransmission, and arrives before it: it is lost again, as is the rest of the first flight.
    +0.1 ${ack(0, [12, 13], [1, 6])}
    ${sent(0, 1)}
    ${sent(6, 7)}
    +0.1 ${ack(13)}
    info caState open
    ${sent(13, 19)}`,
    RENO,
  );
});

test("sends a lost FIN again by the probe, and the last ACK by the peer's FIN [8985 7.3]", () => {
  script(
    `${OPEN}
    write 2000
    ${sent(0, 2)}
    shutdown
    > F. 2001:2001(0) ack 1
    +0.1 ${ack(2)}
    The FIN is lost: the probe is the last segment, which the FIN is.
    +0.25~0.35 > F. 2001:2001(0) ack 1
    +0.1 < F. 1:1(0) ack 2002 win 65535
    > . 2002:2002(0) ack 2
    state TIME-WAIT
    Our last ACK is lost.
    +0.3 < F. 1:1(0) ack 2002 win 65535
    > . 2002:2002(0) ack 2
    state TIME-WAIT`,
    RENO,
  );
});

test("survives reordering by a round trip: what the D-SACK proves needless is undone, and the window widens [8985 6.2 step 4] [8985#4] [8985#5] [2883#7]", () => {
  script(
    `${OPEN}
    write 60000
    ${sent(0, 10)}
    The first segment takes another path, a round trip longer.
    +0.1 ${ack(0, [1, 2])}
    ${sent(10, 11)}
    ${ack(0, [1, 3])}
    ${sent(11, 12)}
    ${ack(0, [1, 10])}
    ${sent(0, 1)}
    ${sent(12, 14)}
    info caState recovery
    info cwnd <=9
    The original arrives.
    +0.1 ${ack(10)}
    ${sent(14, 15)}
    Then the retransmission: a duplicate.
    +0.05 ${ack(10, [0, 1])}
    ${sent(15, 20)}
    info dsackDups 1
    info cwnd >=10
    info ssthresh Infinity
    info caState open`,
    RENO,
  );
});

test("takes for lost at a time-out only what is old enough [8985 6.3] [8985#8]", () => {
  script(
    `${OPEN}
    option NODELAY 1
    write 1000
    ${sent(0, 1)}
    +0.29 write 1000
    ${sent(1, 2)}
    +* ${sent(0, 1)}
    info lostOut <=1`,
    { sysctl: { ...RENO.sysctl, tcp_early_retrans: 0 } },
  );
});

test("halves once for several losses of one window, and leaves recovery at its end [5681 4.3] [6675 5] [5681#18] [6675#6]", () => {
  script(
    `${OPEN}
    write 60000
    ${sent(0, 10)}
    +0.1 ${ack(0, [1, 3], [4, 6], [7, 10])}
    info caState recovery
    info ssthresh 5
    ${sent(0, 1)}
    ${sent(3, 4)}
    ${sent(6, 7)}
    ${sent(10, 12)}
    +0.1 ${ack(3, [4, 6], [7, 10])}
    info caState recovery
    info ssthresh 5
    +* ${sent(12, 13)}
    ${ack(10)}
    info ssthresh 5
    info caState open
    ${sent(13, 15)}`,
    RENO,
  );
});

test("repairs a tail that is lost in recovery, by time [6675 4] [6675#10] [8985#1]", () => {
  script(
    `${OPEN}
    write 10000
    ${sent(0, 10)}
    The first and the last two are lost.
    +0.1 ${ack(0, [1, 8])}
    ${sent(0, 1)}
    info caState recovery
    The answer to the retransmission overtakes what was sent before it: that is lost.
    +0.1 ${ack(8)}
    ${sent(8, 10)}
    +0.1 ${ack(10)}
    info caState open
    info packetsOut 0`,
    RENO,
  );
});

test.run();
