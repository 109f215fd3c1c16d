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

test.run();
