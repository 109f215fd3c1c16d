// What TCP asks of IPv4 and tells it: RFC 9293 3.9.1.8, 3.9.1.9 and 3.9.2, RFC 791, RFC 1122 3.2.1, as scripts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ANSWERED, CALLED, established, Script, script } from "../support/script/index.ts";

const test = suite("requirements/ip");

test("sends the DiffServ field that was set, unchanged, and the next one when it changes [MUST-48] [SHLD-21] [SHLD-22] [791#9]", () => {
  script(`
    option IP_TOS 184
    connect
    > S 0:0(0) {tos 184}
    < S. 0:0(0) ack 1 win 65535 <mss 1000>
    > . 1:1(0) ack 1 {tos 184}
    write 10
    > P. 1:11(10) {tos 184}
    option IP_TOS 32
    write 1000
    > p. 11:1011(1000) {tos 32}
    < P. 1:11(10) ack 1011 win 65535
    > . 1011:1011(0) ack 11 {tos 32}`);
  script(`${ANSWERED}\nwrite 10\n> P. 1:11(10) {tos 0}`);
});

test("sends the time to live that was set, else the default of 64 [MUST-49] [791#7]", () => {
  script(`
    option IP_TTL 9
    connect
    > S 0:0(0) {ttl 9}
    < S. 0:0(0) ack 1 win 65535 <mss 1000>
    > . 1:1(0) ack 1 {ttl 9}
    option IP_TTL 200
    write 10
    > P. 1:11(10) {ttl 200}`);
  script(`${CALLED}\nwrite 10\n> P. 1:11(10) {ttl 64}`);
  script("connect\n> S 0:0(0) {ttl 77}", { sysctl: { ip_default_ttl: 77 } });
});

test("processes a segment behind IP options that it does not know [MUST-50] [791#6] [MAY-10] [MAY-11]", () => {
  // Router alert, an unknown one, record route, time stamp, no-ops and the end
  for (const options of [
    "94040000",
    "9e06010203040000",
    "070704000000000000000000",
    "4408050000000000",
    "01010100",
    "00000000",
  ]) {
    script(`
      listen
      < S 0:0(0) win 65535 <mss 1000> {ipopts ${options}}
      > S. 0:0(0) ack 1
      < . 1:1(0) ack 1 win 65535 {ipopts ${options}}
      accept
      < P. 1:11(10) ack 1 win 65535 {ipopts ${options}}
      > . 1:1(0) ack 11
      read 10`);
  }
});

test("drops source-routed packets, and counts them [MUST-51] [MUST-52] [MUST-53] [791#6] [attack 12]", () => {
  for (const options of ["8307040a00000900", "8907040a00000900", "8303040001010100"]) {
    script(`listen\n< S 0:0(0) win 65535 <mss 1000> {ipopts ${options}}\n+1 counter IP_IN_BAD_OPTIONS 1`);
  }
});

test("drops IP options with wrong lengths, without reading beyond them [791#6] [attack 12]", () => {
  for (let kind = 2; kind < 256; kind += 5) {
    for (const length of [0, 1, 2, 3, 9, 255]) {
      const options = Buffer.from([kind, length, 5, 0, 0, 0, 0, 0]).toString("hex");
      const run = new Script().run(`listen\n< S 0:0(0) win 65535 {ipopts ${options}}`);
      assert.ok(run.take().length <= 1);
    }
  }
  script(
    "listen\n< S 0:0(0) win 65535 {ipopts 94000000}\n< S 0:0(0) win 65535 {ipopts 94050000}\n+1 counter IP_IN_BAD_OPTIONS 2",
  );
});

test("delivers whatever the time to live is, and sends none of 0 [791#7] [attack 17]", () => {
  script("listen\n< S 0:0(0) win 65535 {ttl 0}\n> S. 0:0(0) ack 1 {ttl 64}");
  script("listen\n< S 0:0(0) win 65535 {ttl 1}\n> S. 0:0(0) ack 1 {ttl 64}");
});

test("drops unicast that came as a broadcast of the link [791#12]", () => {
  script("listen\n< S 0:0(0) win 65535 {mac ffffffffffff}\n+300 quiet");
});

test("keeps its state when the network says that a segment was dropped for its time to live [792#9]", () => {
  established().end("write 10\n> P. 1:11(10)\n< icmp 11/0 quote 1\n< . 1:1(0) ack 11 win 65535\nstate ESTABLISHED");
});

test.run();
