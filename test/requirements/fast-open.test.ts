// TCP Fast Open: RFC 7413, as scripts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Script } from "../support/script/index.ts";

const test = suite("requirements/fast-open");

const SERVER = { sysctl: { tcp_fastopen: 3 } as object };

/** A server that has given a cookie to the peer. @returns the script and the cookie in hex */
function server(limit = 5): { run: Script; cookie: string } {
  const run = new Script(SERVER).run(`
    option FASTOPEN ${limit}
    listen
    < S 0:0(0) win 65535 <mss 1000, tfo>`);
  const [sent] = run.takeSegments();
  const option = sent!.options.find(({ kind }) => kind === 34);
  assert.ok(option !== undefined, "a cookie comes with the SYN-ACK");
  run.run("< R 1:1(0)");
  run.take();
  return { run, cookie: Buffer.from(option!.body).toString("hex") };
}

test("gives a cookie of 4 to 16 bytes, an even number, to who asks for one [7413#1] [7413#3]", () => {
  const { cookie } = server();
  const bytes = cookie.length / 2;
  assert.ok(bytes >= 4 && bytes <= 16 && bytes % 2 === 0, `${bytes} bytes`);
  // Data with a request for a cookie is not taken before the handshake
  const run = new Script(SERVER).run("option FASTOPEN 5\nlisten\n< S 0:100(100) win 65535 <mss 1000, tfo>");
  const [sent] = run.takeSegments();
  assert.is((sent!.ack - run.endpoint().isn) | 0, 1);
  run.end("accept none");
});

test("takes the data of a SYN with its cookie before the handshake ends, and acknowledges it [7413#4]", () => {
  const { run, cookie } = server();
  run.end(`
    again isn 4000
    < S 0:100(100) win 65535 <mss 1000, tfo ${cookie}>
    > S. 0:0(0) ack 101
    accept
    read 100
    < . 101:101(0) ack 1 win 65535
    state ESTABLISHED`);
});

test("takes no data with a wrong cookie, and gives the right one [7413#2] [attack 55]", () => {
  const { run, cookie } = server();
  const wrong = (cookie[0] === "0" ? "1" : "0") + cookie.slice(1);
  for (const bad of [wrong, "00000000", "0011223344556677"]) {
    run.run(`again isn 5000\n< S 0:100(100) win 65535 <mss 1000, tfo ${bad}>`);
    const [sent] = run.takeSegments();
    assert.is((sent!.ack - run.endpoint().isn) | 0, 1, "the SYN alone is acknowledged");
    run.run("accept none\n< R 1:1(0)");
    run.take();
  }
  // Nor with a cookie of another address
  run.run(`peer b address 10.0.0.9\nb: < S 0:100(100) win 65535 <mss 1000, tfo ${cookie}>`);
  const [sent] = run.takeSegments();
  assert.is((sent!.ack - run.endpoint("b").isn) | 0, 1);
});

test("answers before the handshake ends with a whole first congestion window, beside its SYN-ACK [RFC 7413 4.2.2]", () => {
  const { run, cookie } = server();
  run.run(`
    again isn 4000
    < S 0:100(100) win 65535 <mss 1000, tfo ${cookie}>
    > S. 0:0(0) ack 101
    accept
    write 12000`);
  for (let at = 1; at < 10_001; at += 1000) run.run(`> . ${at}:${at + 1000}(1000) ack 101`);
  run.end();
});

test("fills the window of the peer's SYN with early data: the SYN-ACK takes nothing of it [RFC 7413 4.2.2] [RFC 9293 3.8.6.2.1]", () => {
  const { run, cookie } = server();
  run.end(`
    again isn 4000
    < S 0:100(100) win 3000 <mss 1000, tfo ${cookie}>
    > S. 0:0(0) ack 101
    accept
    write 5000
    > p. 1:1001(1000) ack 101
    > p. 1001:2001(1000) ack 101
    > p. 2001:3001(1000) ack 101`);
});

test("bounds the connections that wait with data of their SYN [7413#7]", () => {
  const { run, cookie } = server(3);
  const acked: number[] = [];
  for (let i = 0; i < 6; i++) {
    run.run(`peer p${i} port ${30_000 + i}\np${i}: < S 0:100(100) win 65535 <mss 1000, tfo ${cookie}>`);
    const [sent] = run.takeSegments();
    acked.push((sent!.ack - run.endpoint(`p${i}`).isn) | 0);
  }
  assert.equal(acked, [101, 101, 101, 1, 1, 1]);
});

test.run();
