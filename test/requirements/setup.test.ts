// Opening a connection: RFC 9293 3.4.1, 3.5, 3.9.1.1 and 3.10.7.1 to 3.10.7.4, RFC 6528, as scripts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ANSWERED, CALLED, Script, script } from "../support/script/index.ts";

const test = suite("requirements/setup");

/** The initial sequence number of a connection that is opened now and aborted. */
function isnNow(run: Script, remotePort = 40_000): number {
  const socket = run.host.connect(0x0a000002, remotePort, [], 0, 8080);
  run.settle();
  const [syn] = run.takeSegments();
  socket.abort();
  run.settle();
  run.take();
  return syn!.seq;
}

test("lets the initial sequence number of four ends advance with a clock of 4 µs [MUST-8] [6528#1] [attack 62]", () => {
  const run = new Script();
  for (const seconds of [0.000004, 0.001, 1, 100, 5000, 17_179]) {
    const before = run.nowUs;
    const last = isnNow(run);
    run.pass(seconds);
    const ticks = Math.floor((run.nowUs - before) / 4);
    assert.ok(Math.abs(((isnNow(run) - last) >>> 0) - (ticks >>> 0)) <= 1, `after ${seconds} s`);
  }
});

test("hides the initial sequence number behind a secret of the stack [MUST-9] [SHLD-1] [6528#1] [attack 62]", () => {
  const run = new Script();
  const numbers = Array.from({ length: 64 }, (_, i) => isnNow(run, 41_000 + i));
  const steps = numbers.slice(1).map((number, i) => (number - numbers[i]!) >>> 0);
  assert.is(new Set(steps).size, steps.length, "no step between neighbours comes twice");
  const spread = steps.filter((step) => step > 2 ** 20 && step < 2 ** 32 - 2 ** 20).length;
  assert.ok(spread > 60, "and they are everywhere");
  // Ones and zeros in balance: 64 numbers of 32 bits, 2,048 coins
  const ones = numbers.reduce((sum, number) => sum + number.toString(2).replaceAll("0", "").length, 0);
  assert.ok(ones > 850 && ones < 1200, `${ones} of 2048 bits`);
  // Another secret, other numbers: the same ends at the same time in a stack of another seed
  const other = new Script({ address: 0x0a000001 }, 2);
  assert.is.not(isnNow(other, 41_000), numbers[0]);
});

test("numbers a later incarnation of the same four ends after an earlier one [6528#2]", () => {
  const run = script(`${CALLED}
    write 100
    > P. 1:101(100) ack 1
    < . 1:1(0) ack 101 win 65535
    abort
    > R. 101:101(0) ack 1`);
  const last = run.endpoint().iss! + 101;
  run.pass(0.001);
  assert.ok(((isnNow(run) - last) | 0) > 0);
});

test("opens simultaneously, whichever SYN or ACK comes first [MUST-10] [9293#6] [attack 57]", () => {
  script(`
    connect
    > S 0:0(0)
    The SYNs cross.
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    state SYN-RECEIVED
    < S. 0:0(0) ack 1 win 65535 <mss 1000>
    The SYN in it is not new, so that it is answered (RFC 9293 3.10.7.4, first).
    > . 1:1(0) ack 1
    state ESTABLISHED
    connected`);
  script(`
    connect
    > S 0:0(0)
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535
    state ESTABLISHED
    write 10
    > P. 1:11(10) ack 1`);
});

test("returns a passive open to LISTEN on RST, and tells an active one that it was refused [MUST-11] [attack 47]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    < R 1:1(0)
    accept none
    usage tcbs 1
    The listener is as it was.
    again isn 5000
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535
    accept
    state ESTABLISHED`);
  script(`
    connect
    > S 0:0(0)
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    < R 1:1(0)
    closed ECONNREFUSED`);
});

test("challenges a RST in SYN-RECEIVED that is in the window but not at RCV.NXT, and ignores one outside [5961#4] [attack 47]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    < R 2:2(0)
    > . 1:1(0) ack 1
    < R 0:0(0)
    < R 100000:100000(0)
    < . 1:1(0) ack 1 win 65535
    accept
    state ESTABLISHED`);
});

test("listens again on a port without disturbing the connections on it [MUST-41]", () => {
  const run = script(`${ANSWERED}
    listen errno EADDRINUSE
    state ESTABLISHED
    < P. 1:11(10) ack 1 win 65535
    > . 1:1(0) ack 11
    read 10`);
  assert.is(run.endpoint().socket!.error, 0);
});

test("listens on a port that others are being opened from [MUST-42]", () => {
  script(`
    connect
    > S 0:0(0)
    peer b port 41000
    b: listen
    b: < S 0:0(0) win 65535 <mss 1000>
    b: > S. 0:0(0) ack 1
    b: < . 1:1(0) ack 1 win 65535
    b: accept
    b: state ESTABLISHED
    < S. 0:0(0) ack 1 win 65535 <mss 1000>
    > . 1:1(0) ack 1
    state ESTABLISHED`);
});

/** A stack with a second address, on an interface of its own. */
function multihomed(): Script {
  const run = new Script();
  assert.is(run.host.exports.addInterface(0x0a010001, 24, 0x0277, 0x0a010001, 1500, 0, 64, 1), 2);
  return run;
}

test("opens from the local address that it is given, for the whole connection [MUST-43] [MUST-45] [768#4]", () => {
  const run = new Script();
  run.run("peer b port 40002");
  run.host.connect(0x0a000002, 40_002, [], 0, 8080, 0x0a000001);
  run.settle();
  run.run("b: > S 0:0(0) {from 10.0.0.1}");
  // One that is not ours is refused
  const other = run.host.connect(0x0a000002, 40_003, [], 0, 8081, 0x0a000063);
  run.settle();
  assert.is.not(other.error, 0);
  run.end();
});

test("chooses the address of the route before the first SYN, and keeps it whatever the routes become [MUST-44] [MUST-45]", () => {
  const run = multihomed();
  run.run(`${CALLED}`);
  const socket = run.host.connect(0x0a010002, 40_000, [], 0, 8082);
  run.settle();
  assert.is(socket.error, 0);
  assert.is(run.host.views.u32[(socket.tcb + 128 + 12) >>> 2], 0x0100010a, "10.1.0.1, in network order");
  // Another address of the peer's network, and another way to everywhere: segments still come from where the handshake came from
  assert.is(run.host.exports.addInterface(0x0a000009, 24, 0x0277, 0x0a000009, 1500, 0, 64, 1), 3);
  assert.is(run.host.exports.addRoute(0, 0, 0x0a010002, 2), 0);
  run.end("< P. 1:11(10) ack 1 win 65535\n> . 1:1(0) ack 11 {from 10.0.0.1}");
});

test("refuses to connect to broadcast, multicast and no address at all [MUST-46]", () => {
  for (const to of ["255.255.255.255", "224.0.0.1", "239.1.2.3", "10.0.0.255", "0.0.0.0", "240.0.0.1"]) {
    const run = script(`connect to ${to}\n+10 quiet`);
    const { error } = run.endpoint().socket!;
    assert.is.not(error, 0, to);
  }
});

test("answers no SYN to broadcast or multicast [MUST-57]", () => {
  for (const to of ["255.255.255.255", "10.0.0.255", "224.0.0.1", "239.255.255.250"]) {
    for (const mac of ["02770a000001", "ffffffffffff"]) {
      script(`listen\n< S 0:0(0) win 65535 {to ${to}, mac ${mac}}\n+300 quiet`);
    }
  }
  // At a port where nobody listens either
  script("< S 0:0(0) win 65535 {to 10.0.0.255}\n< . 0:0(0) ack 1 win 65535 {to 224.0.0.1}\n+10 quiet");
});

test("ignores a SYN from an address that nobody can have [MUST-63] [attack 13]", () => {
  for (const from of ["255.255.255.255", "10.0.0.255", "224.0.0.1", "127.0.0.1", "0.0.0.0", "240.0.0.1"]) {
    script(`listen\n< S 0:0(0) win 65535 {from ${from}}\n+300 quiet`);
  }
});

test("ignores a SYN from itself to itself [attack 14]", () => {
  script("listen\n< S 0:0(0) win 65535 {from 10.0.0.1, sport 8080}\n+300 quiet");
});

test("answers at a closed port by the flags of the segment [9293#1] [attack 44]", () => {
  script(`
    < R 5:5(0)
    < R. 5:5(0) ack 7
    < S 5:5(0) win 100
    > R. 0:0(0) ack 6
    < F 5:8(3) win 100
    > R. 0:0(0) ack 9
    < - 5:5(0) win 100
    > R. 0:0(0) ack 5
    < . 5:8(3) ack 77 win 100
    > R 77:77(0)
    < SF. 5:5(0) ack 78 win 100
    > R 78:78(0)`);
});

test("listens to SYN alone: ignores RST, answers ACK with RST, drops the rest [9293#2] [attack 44]", () => {
  script(`
    listen
    < R 5:5(0)
    < R. 5:5(0) ack 7
    < RS 5:5(0) win 100
    < . 5:5(0) ack 77 win 100
    > R 77:77(0)
    < S. 5:5(0) ack 79 win 100
    > R 79:79(0)
    < F 5:5(0) win 100
    < - 5:15(10) win 100
    < FU 5:5(0) win 100 urg 3
    < SF 5:5(0) win 100
    usage tcbs 1
    accept none`);
});

test("delivers text on a SYN after the handshake or not at all [9293#3] [attack 55]", () => {
  script(`
    listen
    < S 0:10(10) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    accept none
    < P. 1:11(10) ack 1 win 65535
    > . 1:1(0) ack 11
    accept
    read 10
    read none`);
});

test("answers an ACK in SYN-SENT that acknowledges nothing of ours with its RST, and goes on [9293#4] [attack 58]", () => {
  script(`
    connect
    > S 0:0(0)
    < S. 0:0(0) ack 0 win 100
    > R 0:0(0)
    < S. 0:0(0) ack 2 win 100
    > R 2:2(0)
    < . 0:0(0) ack 500 win 100
    > R 500:500(0)
    < R. 0:0(0) ack 2
    state SYN-SENT
    < S. 0:0(0) ack 1 win 65535 <mss 1000>
    > . 1:1(0) ack 1
    state ESTABLISHED`);
});

test("is refused in SYN-SENT by RST with the right ACK, and only by that [9293#5] [9293#26]", () => {
  script(`
    connect
    > S 0:0(0)
    < R 0:0(0)
    < R 1:1(0)
    < R. 0:0(0) ack 0
    state SYN-SENT
    < R. 0:0(0) ack 1
    closed ECONNREFUSED`);
});

test("takes text that comes with the SYN-ACK [9293#7]", () => {
  script(`
    connect
    > S 0:0(0)
    < S. 0:10(10) ack 1 win 65535 <mss 1000>
    > . 1:1(0) ack 11
    read 10`);
});

test("resets what acknowledges a SYN-ACK that was never sent [9293#12]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 0 win 65535
    > R 0:0(0)
    < . 1:1(0) ack 2 win 65535
    > R 2:2(0)
    < . 1:1(0) ack 1 win 65535
    accept
    state ESTABLISHED`);
});

test("ignores an old duplicate SYN's handshake: the peer refuses our SYN-ACK, the real one follows [9293#26] [attack 56]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    The peer did not send that now: RFC 9293 figure 9.
    < R 1:1(0)
    again isn 777777
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 65535
    accept
    state ESTABLISHED`);
});

test("retransmits an unanswered SYN for more than three minutes, ever more rarely, and then says so [MUST-22] [MUST-23] [6298#1] [2525#7] [2525#10]", () => {
  script(`
    connect
    > S 0:0(0)
    +1 > S 0:0(0)
    +2 > S 0:0(0)
    +4 > S 0:0(0)
    +8 > S 0:0(0)
    +16 > S 0:0(0)
    +32 > S 0:0(0)
    +64 > S 0:0(0)
    open
    Two more minutes: 247 s in all.
    +119.9 open
    +0.2 closed ETIMEDOUT`);
});

test("retransmits an unanswered SYN-ACK and forgets it in the end [MUST-22] [4987#2] [attack 65]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    +1 > S. 0:0(0) ack 1
    +2 > S. 0:0(0) ack 1
    +4 > S. 0:0(0) ack 1
    +8 > S. 0:0(0) ack 1
    +16 > S. 0:0(0) ack 1
    +33 usage tcbs 1
    accept none`);
});

test("drops what comes from or to port 0 [attack 61]", () => {
  script(`
    listen
    < S 0:0(0) win 65535 {sport 0}
    < S 0:0(0) win 65535 {dport 0}
    < . 0:0(0) ack 5 win 65535 {sport 0}
    counter TCP_IN_PORT_ZERO 3
    +300 quiet`);
});

test.run();
