// Urgent data: RFC 9293 3.8.5, RFC 6093, as scripts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TCB_URGENT_STATE } from "../../assembly/layout.ts";
import { ANSWERED, established, fillWindow, Script } from "../support/script/index.ts";
import { streamBytes } from "../support/script/stream.ts";

const test = suite("requirements/urgent");

const socketOf = (run: Script) => run.endpoint().socket!;

/** The byte of the stream at a position. */
const byteAt = (position: number): number => streamBytes(position, 1)[0]!;

test("sends urgent data, with the pointer one after it [MUST-30] [MUST-62]", () => {
  established().end(`
    write 10
    > P. 1:11(10)
    < . 1:1(0) ack 11 win 65535
    oob
    > UP. 11:12(1) urg 1
    < . 1:1(0) ack 12 win 65535
    write 10
    > P. 12:22(10)`);
});

test("takes urgent data: the byte before the pointer is the urgent one [MUST-30] [MUST-62]", () => {
  const run = established().run("< UP. 1:11(10) ack 1 win 65535 urg 10\n> . 1:1(0) ack 11");
  assert.ok(socketOf(run).hasUrgent);
  assert.is(socketOf(run).readUrgent(), byteAt(10));
  run.end("read 9");
});

test("takes an urgent pointer far ahead of its segment: the sequence may be of any length [MUST-31] [attack 43]", () => {
  const run = established().run("option OOBINLINE 1\n< U. 1:1001(1000) ack 1 win 65535 urg 5000\nignore");
  for (let seq = 1001; seq < 6001; seq += 1000) run.run(`< . ${seq}:${seq + 1000}(1000) ack 1 win 65535\nignore`);
  // In line: all 6000 bytes are there, in order, and reading stops at the mark
  run.run("read 4999");
  assert.ok(socketOf(run).atMark);
  run.end("read 1001");
});

test("sends an urgent byte behind any amount of data: what leaves before it tells of it [MUST-31]", () => {
  established().end(`
    write 12000
    ignore 10
    oob
    +0.1 < . 1:1(0) ack 10001 win 65535
    > pU. 10001:11001(1000) urg 2001
    > pU. 11001:12001(1000) urg 1001
    > pU. 12001:12002(1) urg 1
    < . 1:1(0) ack 12002 win 65535
    write 10
    > P. 12002:12012(10)`);
});

test("tells of urgent data when it becomes pending and when the pointer moves on, not when it comes again [MUST-32]", () => {
  const run = established();
  const told: number[] = [];
  const count = () => Number(run.host.views.u32[(socketOf(run).tcb + TCB_URGENT_STATE) >>> 2]! >>> 16);
  told.push(count());
  run.run("< U. 1:1(0) ack 1 win 65535 urg 5");
  told.push(count());
  run.run("< U. 1:1(0) ack 1 win 65535 urg 5\n< U. 1:1(0) ack 1 win 65535 urg 3");
  told.push(count());
  run.run("< U. 1:1(0) ack 1 win 65535 urg 9");
  told.push(count());
  assert.equal(told, [0, 1, 1, 2]);
  assert.is(socketOf(run).readUrgent(), -1, "announced, and not there yet");
});

test("says how much lies before the urgent byte, and when it is reached [MUST-33]", () => {
  const run = established().run("< UP. 1:11(10) ack 1 win 65535 urg 6\n> . 1:1(0) ack 11");
  assert.not(socketOf(run).atMark);
  // Reading stops before the byte, whatever is asked for
  const buffer = new Uint8Array(100);
  assert.is(socketOf(run).read(buffer), 5);
  assert.ok(socketOf(run).atMark);
  assert.is(socketOf(run).readUrgent(), byteAt(6));
  assert.is(socketOf(run).read(buffer), 4);
  assert.not(socketOf(run).atMark);
});

test("takes the pointer while its window is closed [MUST-66] [9293#10]", () => {
  const run = new Script({ sysctl: { tcp_rmem: [4096, 4096, 4096] } }).run(ANSWERED);
  const next = fillWindow(run);
  run.run(`< U. ${next}:${next}(0) ack 1 win 65535 urg 7`);
  run.take();
  assert.is(socketOf(run).readUrgent(), -1, "announced, and not there yet");
});

test("survives every lie about urgent data: nothing is read twice or lost [attack 43]", () => {
  for (const pointer of [0, 1, 10, 11, 1000, 65_535]) {
    const run = established().run(`option OOBINLINE 1\n< UP. 1:11(10) ack 1 win 65535 urg ${pointer}\nignore`);
    for (const other of [3, 65_535, 1, 40, 0]) run.run(`< U. 11:11(0) ack 1 win 65535 urg ${other}\nignore`);
    for (let i = 0; i < 200; i++) run.run(`< U. 11:11(0) ack 1 win 65535 urg ${i}\nignore`);
    run.run("< P. 11:21(10) ack 1 win 65535\nignore");
    let got = 0;
    for (let i = 0; i < 50 && got < 20; i++) got += Math.max(0, run.endpoint().read(100));
    assert.is(got, 20, `pointer ${pointer}`);
  }
});

test.run();
