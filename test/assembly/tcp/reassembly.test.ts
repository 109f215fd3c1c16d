import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, FIN, pattern, sackBlocks } from "./input-harness.ts";

const test = suite("tcp/reassembly");

test("delivers what a model delivers: any order, any overlap, the first copy of each byte wins", async () => {
  const STREAM = 600;
  const piece = fc.record({
    at: fc.integer({ min: 0, max: STREAM - 1 }),
    length: fc.integer({ min: 1, max: 120 }),
    tint: fc.integer({ min: 0, max: 255 }),
    reads: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      const core = (await Core.create()).established();
      const first: (number | undefined)[] = [];
      let delivered: number[] = [];
      const all = [...pieces, { at: 0, length: STREAM, tint: 0, reads: true }];
      for (const { at, length, tint, reads } of all) {
        const bytes = pattern(at, Math.min(length, STREAM - at)).map((byte) => byte ^ tint);
        bytes.forEach((byte, i) => {
          first[at + i] ??= byte;
        });
        core.arrive({ flags: ACK, seq: 1 + at, ack: 1, data: bytes });
        if (reads) delivered = delivered.concat([...core.read()]);
        let end = 0;
        while (first[end] !== undefined) end++;
        assert.is(core.rcvNxt(), 1 + end);
      }
      assert.equal(delivered, first);
      core.pullAll();
    }),
    { numRuns: 60 },
  );
});

/** Single bytes out of order, each a range of its own, from `count` down to 1 or up. */
function scatter(core: Core, count: number, isDown = false): void {
  for (let i = 0; i < count; i++) {
    core.arrive({ flags: ACK, seq: 11 + 2 * (isDown ? count - 1 - i : i), ack: 1, data: 1 });
    core.pullAll();
  }
}

test("attack 75: single bytes out of order cost a range each, 505 at most; what is further is refused [CVE-2018-5390] [attack 75]", async () => {
  const core = (await Core.create()).established({ sackPermitted: true });
  scatter(core, 1);
  const oneRange = core.x.heapBytesInUse();
  scatter(core, 25);
  assert.is(core.x.heapBytesInUse(), oneRange, "25 in the first block");
  scatter(core, 2000);
  assert.is(core.counter(C.COUNTER_TCP_IN_OFO_QUEUED), 505);
  assert.is(core.counter(C.COUNTER_TCP_IN_OFO_DROPPED), 2000 - 505);
  // The first ring was small: the one of the promised size is there beside it until main has looked at it
  assert.is(core.x.heapBytesInUse() - oneRange, 4096 - 256 + 131_072, "one block for all");
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 5000 });
  assert.is(core.rcvNxt(), 5001);
  assert.equal([...core.read()], [...pattern(1, 5000)]);
  core.kick();
  assert.is(core.x.heapBytesInUse(), oneRange - 256 - 1024 + 131_072);
});

test("attack 75: with no room for another range the furthest is forgotten for a nearer one, in the SACK blocks too [RFC 2018 8] [2018#9] [attack 75]", async () => {
  const core = (await Core.create()).established({ sackPermitted: true });
  scatter(core, 2000, true);
  assert.is(core.counter(C.COUNTER_TCP_OFO_PRUNED), 2000 - 505);
  core.arrive({ flags: ACK, seq: 11 + 2 * 504, ack: 1, data: 1 });
  core.expect({ ack: 1 }, "the furthest that is left, again");
  core.arrive({ flags: ACK, seq: 5, ack: 1, data: 1 });
  const blocks = sackBlocks(core.expect({ ack: 1 }).options);
  assert.equal(blocks, [
    [5, 6],
    [11, 12],
    [13, 14],
    [15, 16],
  ]);
  // What was forgotten comes with other bytes: it was not there any more, so these count, and it is no duplicate
  const old = core.counter(C.COUNTER_TCP_DSACK_OFO_SENT);
  core.arrive({ flags: ACK, seq: 11 + 2 * 504, ack: 1, data: pattern(0, 1).map(() => 77) });
  core.pullAll();
  assert.is(core.counter(C.COUNTER_TCP_DSACK_OFO_SENT), old);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 5000 });
  assert.is(core.rcvNxt(), 5001);
});

test("attack 76: the first copy of a byte wins, whatever comes later with other bytes [attack 76]", async () => {
  const core = (await Core.create()).established({ sackPermitted: true });
  const fill = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte);
  core.arrive({ flags: ACK, seq: 11, ack: 1, data: fill(1, 10) });
  core.arrive({ flags: ACK, seq: 6, ack: 1, data: fill(2, 20) });
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: fill(3, 30) });
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: fill(4, 40) });
  const expected = [...fill(3, 5), ...fill(2, 5), ...fill(1, 10), ...fill(2, 5), ...fill(3, 5), ...fill(4, 10)];
  assert.equal([...core.read()], expected);
});

test("cuts text at the promised edge and counts it", async () => {
  const core = (
    await Core.create([
      [L.SYSCTL_TCP_RMEM_DEFAULT, 4096],
      [L.SYSCTL_TCP_RMEM_MAX, 4096],
    ])
  ).established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 5000 });
  assert.is(core.rcvNxt(), 4097);
  assert.is(core.counter(C.COUNTER_TCP_IN_BEYOND_WINDOW), 1);
  core.expect({ flags: ACK, ack: 4097, window: 0 });
  core.arrive({ flags: ACK, seq: 4097, ack: 1, data: 1 });
  core.expect({ flags: ACK, ack: 4097, window: 0 }, "for a probe");
  assert.equal([...core.read()], [...pattern(1, 4096)]);
});

test("takes a FIN with the window closed, and nothing else", async () => {
  const core = (
    await Core.create([
      [L.SYSCTL_TCP_RMEM_DEFAULT, 4096],
      [L.SYSCTL_TCP_RMEM_MAX, 4096],
    ])
  ).established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 4096 });
  core.pullAll();
  core.arrive({ flags: ACK | FIN, seq: 4097, ack: 1 });
  assert.is(core.state(), L.STATE_CLOSE_WAIT);
  core.expect({ flags: ACK, ack: 4098, window: 0 });
  assert.is(core.read().length, 4096);
});

test("acknowledges each out-of-order arrival and each filled gap at once [RFC 5681 4.2]", async () => {
  const core = (await Core.create()).established();
  for (let i = 0; i < 40; i++) core.arrive({ flags: ACK, seq: 1 + i * 100, ack: 1, data: 100 });
  core.pullAll(); // past the quick ACKs of the start
  core.arrive({ flags: ACK, seq: 4101, ack: 1, data: 100 });
  core.expect({ ack: 4001 }, "for a gap");
  core.arrive({ flags: ACK, seq: 4301, ack: 1, data: 100 });
  core.expect({ ack: 4001 }, "for a second gap");
  core.arrive({ flags: ACK, seq: 4001, ack: 1, data: 100 });
  core.expect({ ack: 4201 }, "for a filled gap");
  core.arrive({ flags: ACK, seq: 4201, ack: 1, data: 100 });
  core.expect({ ack: 4401 }, "for the last filled gap");
});

test("frees the set of ranges when nothing waits any more", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10 });
  const before = core.x.heapBytesInUse();
  core.arrive({ flags: ACK, seq: 21, ack: 1, data: 10 });
  assert.ok(core.x.heapBytesInUse() > before);
  core.arrive({ flags: ACK, seq: 11, ack: 1, data: 10 });
  assert.is(core.x.heapBytesInUse(), before);
});

test("text for which the heap has no room is refused, counted, and taken when it comes again", async () => {
  const core = (await Core.create()).established();
  const hog: number[] = [];
  for (let bytes = 64 << 20; bytes >= 256; bytes /= 2) {
    for (let ptr = core.x.inputHog(bytes); ptr !== 0; ptr = core.x.inputHog(bytes)) hog.push(ptr);
  }
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10 });
  assert.is(core.counter(C.COUNTER_TCP_IN_NO_MEMORY), 1);
  assert.is(core.rcvNxt(), 1);
  for (const ptr of hog) core.x.inputUnhog(ptr);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10 });
  assert.is(core.rcvNxt(), 11);
});

test("many connections promise less each, so that the heap can keep what is promised", async () => {
  const core = await Core.create();
  core.listen();
  const windows: number[] = [];
  for (let port = 1000; port < 1400; port++) {
    core.remotePort = port;
    core.synReceived();
    core.arrive({ flags: ACK, seq: 1, ack: 1 });
    core.x.inputAccept(core.index);
    core.pullAll();
    windows.push(core.x.inputCapacity(core.index));
  }
  assert.is(windows[0], 131_072);
  assert.ok(windows.at(-1)! < 131_072 && windows.at(-1)! >= 4096, String(windows.at(-1)));
  assert.ok(windows.reduce((sum, bytes) => sum + bytes) < 64 << 20);
});

test.run();
