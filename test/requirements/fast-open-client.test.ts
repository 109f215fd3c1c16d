// TCP Fast Open, the client: RFC 7413, as scripts. The server's side is in fast-open.test.ts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../assembly/counters.ts";
import { readTcpInfo } from "../../src/tcp-info.ts";
import { Script } from "../support/script/index.ts";

const test = suite("requirements/fast-open-client");

const OPTIONS = { sysctl: { tcp_timestamps: 0 } as object };
const OFFER = "mss 1460, sack ok, ws 7";
const COOKIE = "0102030405060708";
const ASK = `${OFFER}, tfo`;
const WITH_COOKIE = `${OFFER}, tfo ${COOKIE}`;

/** A client that has asked a server for a cookie, which answered so; that connection is gone, the next one waits for data. */
function client(answer = `mss 1000, sack ok, tfo ${COOKIE}`, isn = 7000): Script {
  const run = new Script(OPTIONS).run(`
    option FASTOPEN_CONNECT 1
    connect
    > S 0:0(0) <${ASK}>
    < S. 0:0(0) ack 1 win 65535 <${answer}>
    > . 1:1(0) ack 1
    abort
    > R. 1:1(0) ack 1`);
  return next(run, isn);
}

/** The next connection to the same server. */
function next(run: Script, isn: number, more = ""): Script {
  return run.run(`again isn ${isn}\noption FASTOPEN_CONNECT 1\n${more}\nconnect`);
}

test("sends one segment of the server's MSS, less room for options, with its SYN [RFC 7413 4.2.1] [7413#6]", () => {
  client().end(`
    write 3000
    > S 0:960(960) <${WITH_COOKIE}>
    < S. 0:0(0) ack 961 win 65535 <mss 1000, sack ok>
    > . 961:1961(1000) ack 1
    > . 1961:2961(1000) ack 1
    > P. 2961:3001(40) ack 1`);
});

test("repeats a SYN without data and cookie, and after it the data at once [RFC 7413 4.2.1] [7413#8] [7413#5]", () => {
  client().end(`
    write 500
    > S 0:500(500) <${WITH_COOKIE}>
    +1 > S 0:0(0) <${OFFER}>
    < S. 0:0(0) ack 1 win 65535 <mss 1000, sack ok>
    > P. 1:501(500) ack 1`);
});

test("sends again what a SYN-ACK does not acknowledge of the data in the SYN [RFC 7413 4.2.2] [7413#5]", () => {
  client().end(`
    write 500
    > S 0:500(500)
    < S. 0:0(0) ack 201 win 65535 <mss 1000, sack ok>
    > P. 201:501(300) ack 1`);
});

test("refuses a SYN-ACK that acknowledges more than was sent, and keeps cookie and MSS [RFC 7413 4.2.2]", () => {
  const run = client().run(`
    write 500
    > S 0:500(500)
    < S. 0:0(0) ack 5000 win 65535 <mss 400, sack ok, tfo ffffffff>
    > R 5000:5000(0)
    abort`);
  next(run, 9000).run("write 2000").end(`> S 0:960(960) <${WITH_COOKIE}>`);
});

test("a connect whose data is not waited for any longer shakes hands with the cookie alone [RFC 7413 4.2.1]", () => {
  client().end(`
    option FASTOPEN_CONNECT 0
    > S 0:0(0) <${WITH_COOKIE}>
    < S. 0:0(0) ack 1 win 65535 <mss 1000, sack ok>
    > . 1:1(0) ack 1
    write 10
    > P. 1:11(10) ack 1`);
});

test("tells info() of data that went with the SYN only if all of it was taken [RFC 7413 4.2.2]", () => {
  for (const [ack, isTaken] of [
    [501, true],
    [500, false],
    [1, false],
  ] as const) {
    const run = client().run(`write 500\n> S 0:500(500)\n< S. 0:0(0) ack ${ack} win 65535 <mss 1000, sack ok>`);
    run.take();
    const info = readTcpInfo(run.host.views, run.endpoint().socket!.tcb);
    assert.is(info.options.synData, isTaken, `ack ${ack}`);
    assert.is(info.delivered, 1, "a segment, though of two records");
  }
});

test("a SYN with data that is too big for the path leaves again at once without it [RFC 7413 4.2.1] [RFC 1191 6.4]", () => {
  client().end(`
    write 960
    > S 0:960(960)
    < icmp 3/4 mtu 800 quote 0
    > S 0:0(0) <mss 760, sack ok, ws 7>
    < S. 0:0(0) ack 1 win 65535 <mss 1000, sack ok>
    > . 1:761(760) ack 1
    > P. 761:961(200) ack 1`);
  // A SYN without data is small
  new Script(OPTIONS).run("connect\n> S 0:0(0)").end("< icmp 3/4 mtu 800 quote 0");
});

test("keeps no cookie that it did not ask for, and needs none where it is told so [RFC 7413 4.1.3]", () => {
  const run = new Script({ sysctl: { tcp_timestamps: 0, tcp_fastopen: 5 } as object });
  next(run, 5000).run(`
    write 500
    > S 0:500(500) <${OFFER}>
    < S. 0:0(0) ack 501 win 65535 <mss 1000, sack ok, tfo ${COOKIE}>
    > . 501:501(0) ack 1
    abort
    > R. 501:501(0) ack 1`);
  run.host.setSysctl({ tcp_fastopen: 1 });
  next(run, 6000).end(`> S 0:0(0) <${ASK}>`);
});

test("the option TCP_FASTOPEN_NO_COOKIE sends data without a cookie [RFC 7413 4.1.3]", () => {
  next(new Script(OPTIONS), 5000, "option FASTOPEN_NO_COOKIE 1").end(`
    write 500
    > S 0:500(500) <${OFFER}>`);
});

test("asks a server that gives no cookie once with the experimental option, then with the assigned one [RFC 7413 4.1.1]", () => {
  const experimental = `${OFFER}, kind 254 f989`;
  const run = client("mss 1000, sack ok").run(`
    > S 0:0(0) <${experimental}>
    < S. 0:0(0) ack 1 win 65535 <mss 1000, sack ok>
    > . 1:1(0) ack 1
    abort
    > R. 1:1(0) ack 1`);
  for (let i = 0; i < 2; i++) {
    next(run, 8000 + i).run(`
      > S 0:0(0) <${ASK}>
      < S. 0:0(0) ack 1 win 65535 <mss 1000, sack ok>
      > . 1:1(0) ack 1
      abort
      > R. 1:1(0) ack 1`);
  }
});

test("sends a cookie that came in the experimental option in that [RFC 7413 4.1.1]", () => {
  client("mss 1000, sack ok, kind 254 f98901020304").end(`
    write 10
    > S 0:10(10) <${OFFER}, kind 254 f98901020304>`);
});

test("forgets cookies when tcp_fastopen_servers changes, and remembers none where it is 0 [RFC 7413 4.1.3]", () => {
  const run = client();
  run.run("abort");
  run.host.setSysctl({ tcp_fastopen_servers: 0 } as object);
  for (let i = 0; i < 2; i++) {
    next(run, 8000 + i).run(`
      > S 0:0(0) <${ASK}>
      < S. 0:0(0) ack 1 win 65535 <mss 1000, sack ok, tfo ${COOKIE}>
      > . 1:1(0) ack 1
      abort
      > R. 1:1(0) ack 1`);
  }
});

test("crossing SYNs with data: neither side's is taken early, none is lost [RFC 7413 4.2.2] [MUST-10]", () => {
  client().end(`
    write 500
    > S 0:500(500)
    < S 0:300(300) win 65535 <mss 1000, sack ok, tfo 87654321>
    > S. 0:0(0) ack 1
    < S. 0:0(0) ack 501 win 65535 <mss 1000, sack ok>
    > . 501:501(0) ack 1 <sack 0:1>
    < P. 1:301(300) ack 501 win 65535
    > . 501:501(0) ack 301
    read 300`);
});

test("answers a SYN-ACK that echoes a timestamp of nobody's with RST, and goes on waiting [RFC 7323 3.2]", () => {
  const run = new Script().run(`
    connect
    > S 0:0(0)
    < S. 0:0(0) ack 1 win 65535 <mss 1000, ts 500 9999>
    > R 1:1(0)
    state SYN-SENT
    < S. 0:0(0) ack 1 win 65535 <mss 1000, ts 500 0>
    > . 1:1(0) ack 1
    state ESTABLISHED`);
  assert.is(run.host.counter(C.COUNTER_TCP_IN_PAWS), 1);
});

test.run();
