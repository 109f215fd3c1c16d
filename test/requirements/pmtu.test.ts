// Fragmentation needed: RFC 1191 with the checks of RFC 5927, as scripts. The peer takes 1460 bytes, the link 1500.
import { suite } from "uvu";
import { Script } from "../support/script/index.ts";

const test = suite("requirements/pmtu");

const OPEN = `
  listen
  < S 0:0(0) win 65535 <mss 1460>
  > S. 0:0(0) ack 1
  +0.1 < . 1:1(0) ack 1 win 65535
  accept
  write 2920
  > . 1:1461(1460) {df 1}
  > P. 1461:2921(1460) {df 1}`;

test("cuts what was too big and sends it again at once, without calling it congestion [1191#1] [1191#7] [attack 30]", () => {
  new Script().end(`${OPEN}
    info cwnd 10
    +0.05 < icmp 3/4 mtu 1000 quote 1
    > p. 1:961(960) {df 1}
    ignore
    info sndMss 960
    info cwnd 10
    info ssthresh Infinity
    < . 1:1(0) ack 2921 win 65535
    write 2000
    > p. 2921:3881(960)
    > p. 3881:4841(960)
    > P. 4841:4921(80)`);
});

test("believes only a quote of what is in flight, and no larger size than it has [1191#6] [5927#1] [attack 26] [attack 31]", () => {
  new Script().end(`${OPEN}
    < icmp 3/4 mtu 1000 quote 2921
    < icmp 3/4 mtu 1000 quote 0
    < icmp 3/4 mtu 1000 quote -100000
    < icmp 3/4 mtu 1000 quote 1 {dport 9}
    < icmp 3/4 mtu 9000 quote 1
    < icmp 3/4 mtu 1500 quote 1
    info sndMss 1460
    info pmtu 1500
    < . 1:1(0) ack 2921 win 65535`);
});

test("is never driven below its floor [1191#3] [attack 26]", () => {
  for (const mtu of [1, 60, 67, 68, 300, 551]) {
    const run = new Script().run(`${OPEN}\n< icmp 3/4 mtu ${mtu} quote 1`);
    run.take();
    run.run("info pmtu 552\ninfo sndMss 512");
  }
});

test.run();
