// Windows, silly ones, closed ones and their probes: RFC 9293 3.8.6, RFC 6429, as scripts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ANSWERED, established, fillWindow, Script, script } from "../support/script/index.ts";

const test = suite("requirements/window");

const small = (): Script => new Script({ sysctl: { tcp_rmem: [4096, 4096, 4096] } }).run(ANSWERED);

test("goes on when the peer takes window back, sends nothing new beyond it, and resumes [MUST-34] [SHLD-15] [attack 40]", () => {
  script(`${ANSWERED}
    write 8000
    > . 1:1001(1000)
    > . 1001:2001(1000)
    > . 2001:3001(1000)
    > . 3001:4001(1000)
    > . 4001:5001(1000)
    > . 5001:6001(1000)
    > . 6001:7001(1000)
    > P. 7001:8001(1000)
    The right edge goes from 65,536 to 2,001: 6,000 bytes are beyond it.
    +0.01 < . 1:1(0) ack 1001 win 1000
    write 3000
    +0.01 < . 1:1(0) ack 3001 win 1000
    +0.01 < . 1:1(0) ack 8001 win 65535
    > . 8001:9001(1000)
    > . 9001:10001(1000)
    > P. 10001:11001(1000)`);
});

test("probes when the peer takes its whole window back [MUST-35] [SHLD-16] [MAY-7]", () => {
  script(`${ANSWERED}
    write 2000
    > . 1:1001(1000)
    > P. 1001:2001(1000)
    +0.01 < . 1:1(0) ack 1001 win 0
    What is out beyond the edge is its own probe.
    +* > P. 1001:2001(1000)
    +0.01 < . 1:1(0) ack 1001 win 0
    +* > P. 1001:2001(1000)
    +0.01 < . 1:1(0) ack 1001 win 65535
    > P. 1001:2001(1000)
    open`);
  script(`${ANSWERED}
    write 1000
    > P. 1:1001(1000)
    +0.1 < . 1:1(0) ack 1001 win 0
    write 500
    +0.2~0.4 > . 1000:1000(0)
    < . 1:1(0) ack 1001 win 0`);
});

test("probes a closed window after one time-out, then ever more rarely, without data [MUST-36] [SHLD-29] [SHLD-30] [attack 71]", () => {
  const run = new Script().run(`
    The round trip takes 0.1 s: the time-out is 0.3 s.
    listen
    < S 0:0(0) win 65535 <mss 1000>
    > S. 0:0(0) ack 1
    +0.1 < . 1:1(0) ack 1 win 65535
    accept
    write 1000
    > P. 1:1001(1000)
    +0.1 < . 1:1(0) ack 1001 win 0
    info rtoUs 300000
    write 500
    +0.3 > . 1000:1000(0)`);
  let gap = 0.6;
  for (let i = 0; i < 12; i++) {
    run.run("+0.1 < . 1:1(0) ack 1001 win 0");
    run.run(`+${(Math.min(gap, 120) - 0.1).toFixed(3)} > . 1000:1000(0)`);
    gap *= 2;
  }
  run.run("< . 1:1(0) ack 1001 win 1000\n> P. 1001:1501(500)").end();
});

test("keeps the connection for as long as its probes are answered, for days if need be [MUST-37] [6429#1] [2525#12]", () => {
  const run = established().run("write 1000\n> P. 1:1001(1000)\n< . 1:1(0) ack 1001 win 0\nwrite 500");
  for (let i = 0; i < 1000; i++) run.run("+* > . 1000:1000(0)\n< . 1:1(0) ack 1001 win 0");
  assert.ok(run.nowUs > 100_000_000_000, "27 hours have passed");
  run.run("state ESTABLISHED\n< . 1:1(0) ack 1001 win 1000\n> P. 1001:1501(500)").end();
});

test("goes on when the window update was lost: the next probe finds the window open [2525#12] [attack 84]", () => {
  script(`${ANSWERED}
    write 1000
    > P. 1:1001(1000)
    < . 1:1(0) ack 1001 win 0
    write 500
    +* > . 1000:1000(0)
    That probe was lost. The next is answered by what had changed meanwhile.
    +* > . 1000:1000(0)
    < . 1:1(0) ack 1001 win 500
    > P. 1001:1501(500)`);
});

test("answers probes of a window that it keeps closed for as long as nobody reads [MAY-8] [attack 85]", () => {
  const run = small();
  const next = fillWindow(run);
  for (let i = 0; i < 60; i++) {
    run.run(`+120 < . ${next - 1}:${next - 1}(0) ack 1 win 65535\n> . 1:1(0) ack ${next} win 0`);
  }
  run.run("state ESTABLISHED\nreader on");
  run.run(`> . 1:1(0) ack ${next} win >=1000`).end();
});

test("does not send into a silly window until it has opened, or the override timer ends [MUST-38] [9293#27] [attack 72]", () => {
  const opened = `${ANSWERED}
    write 10000
    > . 1:1001(1000)
    > . 1001:2001(1000)
    > . 2001:3001(1000)
    > . 3001:4001(1000)
    > . 4001:5001(1000)
    > . 5001:6001(1000)
    > . 6001:7001(1000)
    > . 7001:8001(1000)
    > . 8001:9001(1000)
    > P. 9001:10001(1000)
    +0.1 < . 1:1(0) ack 10001 win 0
    write 5000`;
  for (const window of [1, 100, 999]) {
    const run = new Script().run(`${opened}\n< . 1:1(0) ack 10001 win ${window}`);
    assert.is(run.take().length, 0, `no segment for a window of ${window}`);
    // In the end, rather than never, what fits; or the probe that asks for more
    run.pass(3);
    const sent = run.takeSegments();
    assert.ok(sent.length > 0);
    const furthest = Math.max(...sent.map(({ seq, payload }) => ((seq - run.endpoint().iss!) | 0) + payload.length));
    assert.ok(furthest <= 10_001 + window);
  }
  script(`${opened}
    < . 1:1(0) ack 10001 win 1000
    > . 10001:11001(1000) ack 1
    < . 1:1(0) ack 11001 win 2500
    > . 11001:12001(1000) ack 1
    > . 12001:13001(1000) ack 1`);
  // Half of the largest window there ever was is worth a segment, though it is not a full one
  script(`
    listen
    < S 0:0(0) win 1400 <mss 1000>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 win 1400
    accept
    write 3000
    > p. 1:701(700)
    > p. 701:1401(700)
    +0.01 < . 1:1(0) ack 1401 win 699
    +0.01 < . 1:1(0) ack 1401 win 700
    > p. 1401:2101(700)`);
});

test("moves its right edge by a segment or half its buffer, or not at all [MUST-39] [9293#28]", () => {
  const run = small();
  const next = fillWindow(run);
  let edge = next;
  for (let i = 0; i < next - 1; i += 100) {
    run.run(`read ${Math.min(100, next - 1 - i)}`);
    for (const segment of run.takeSegments()) {
      const moved = ((segment.ack - run.endpoint().isn) | 0) + segment.window;
      assert.ok(moved - edge >= Math.min(1000, 2048), `${moved - edge} bytes more`);
      edge = moved;
    }
    // Asked by a probe it says no more
    run.run(`< . ${next - 1}:${next - 1}(0) ack 1 win 65535`);
    run.pass(0.6);
    for (const segment of run.takeSegments()) {
      const moved = ((segment.ack - run.endpoint().isn) | 0) + segment.window;
      assert.ok(moved === edge || moved - edge >= 1000, `${moved - edge} bytes more`);
      edge = Math.max(edge, moved);
    }
  }
  assert.ok(edge > next, "it opened in the end");
});

test("never moves its right edge back [SHLD-14] [7323#4]", () => {
  for (const scale of ["", ", ws 7"]) {
    const run = new Script({ sysctl: { tcp_rmem: [4096, 20_000, 40_000] } }).run(`
      listen
      < S 0:0(0) win 65535 <mss 1000${scale}>
      > S. 0:0(0) ack 1
      < . 1:1(0) ack 1 win 65535
      accept`);
    const shift = scale === "" ? 0 : run.host.views.u8[run.endpoint().socket!.tcb + 245]!;
    let edge = 0;
    let seq = 1;
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let i = 0; i < 400; i++) {
      const length = Math.min(1 + random(1000), Math.max(edge - seq, 0));
      if (length > 0) {
        run.run(`< . ${seq}:${seq + length}(${length}) ack 1 win 65535`);
        seq += length;
      }
      run.pass(0.1);
      const there = run.endpoint().socket!.readable;
      if (random(3) === 0 && there > 0) run.run(`read ${1 + random(there)}`);
      for (const segment of run.takeSegments()) {
        const now = ((segment.ack - run.endpoint().isn) | 0) + (segment.window << shift);
        assert.ok(now >= edge, `from ${edge} to ${now}`);
        edge = now;
      }
      if (edge === 0) edge = 1000;
    }
  }
});

test("does not give up because of data beyond an edge that moved back, while the peer answers [SHLD-17]", () => {
  const run = established().run(`
    write 2000
    > . 1:1001(1000)
    > P. 1001:2001(1000)
    +0.01 < . 1:1(0) ack 1001 win 0`);
  for (let i = 0; i < 200; i++) {
    run.run("+* > P. 1001:2001(1000)\n< . 1:1(0) ack 1001 win 0");
  }
  assert.ok(run.nowUs > 2_000_000_000);
  run.run("state ESTABLISHED\n< . 1:1(0) ack 2001 win 1000").end();
});

test.run();
