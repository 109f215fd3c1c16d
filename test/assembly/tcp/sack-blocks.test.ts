// SACK-permitted on both SYNs, and the blocks that our ACKs carry. The peer's ISN lies just below 2^32: all blocks wrap.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, FIN, pattern, sackBlocks } from "./input-harness.ts";

const test = suite("tcp/sack-blocks");

const SACK_PERMITTED = [4, 2];
const text = (seq: number, data: number) => ({ flags: ACK, seq, ack: 1, data });

async function receiver(sysctls: [number, number][] = [], tsVal?: number): Promise<Core> {
  const core = await Core.create(sysctls);
  core.peerTs = tsVal;
  return core.established({ sackPermitted: true });
}

/** Blocks of the one ACK that a segment brings about. */
function blocksAfter(core: Core, seq: number, data: number): [number, number][] {
  core.arrive(text(seq, data));
  return sackBlocks(core.expect({}, `for ${seq}`).options);
}

test("offers SACK on a SYN where Linux has it, with and without timestamps", async () => {
  const offered = async (sysctls: [number, number][]): Promise<number[]> => {
    const core = await Core.create(sysctls);
    core.index = core.x.inputConnect(40000, 80, false, 0, 0, core.now);
    return [...core.pullAll()[0]!.options];
  };
  const mss = [2, 4, 5, 180];
  assert.equal((await offered([[L.SYSCTL_TCP_TIMESTAMPS, 0]])).slice(0, 12), [...mss, 1, 1, 4, 2, 1, 3, 3, 7]);
  assert.equal((await offered([])).slice(0, 8), [...mss, 4, 2, 8, 10]);
  assert.equal((await offered([[L.SYSCTL_TCP_SACK, 0]])).slice(0, 8), [...mss, 1, 1, 8, 10]);
});

test("agrees to SACK only if the SYN offered it and tcp_sack allows it [RFC 2018 2] [2018#1]", async () => {
  const has = (options: Uint8Array): boolean =>
    options.some((byte, i) => byte === SACK_PERMITTED[0] && options[i + 1] === SACK_PERMITTED[1] && i >= 4);
  const answer = async (sackPermitted: boolean, sysctl: number) => {
    const core = await Core.create([[L.SYSCTL_TCP_SACK, sysctl]]);
    core.listen();
    const { options } = core.synReceived({ sackPermitted });
    return [has(options), (core.view.getUint8(L.TCB_RECORDS + core.index * L.TCB_BYTES + L.TCB_OPTIONS) & 2) !== 0];
  };
  assert.equal(await answer(true, 1), [true, true]);
  assert.equal(await answer(false, 1), [false, false]);
  assert.equal(await answer(true, 0), [false, false]);
});

test("sends no block to a peer that did not permit it [RFC 2018 2] [2018#1]", async () => {
  const core = (await Core.create()).established();
  assert.equal(blocksAfter(core, 101, 10), []);
});

test("the first block holds the segment that came last, the others follow by age [RFC 2018 4] [2018#3] [2018#4] [2018#5]", async () => {
  const core = await receiver();
  assert.equal(blocksAfter(core, 101, 10), [[101, 111]]);
  assert.equal(blocksAfter(core, 201, 10), [
    [201, 211],
    [101, 111],
  ]);
  assert.equal(blocksAfter(core, 301, 10), [
    [301, 311],
    [201, 211],
    [101, 111],
  ]);
  assert.equal(blocksAfter(core, 401, 10), [
    [401, 411],
    [301, 311],
    [201, 211],
    [101, 111],
  ]);
  assert.equal(
    blocksAfter(core, 501, 10),
    [
      [501, 511],
      [401, 411],
      [301, 311],
      [201, 211],
    ],
    "four at most",
  );
  assert.equal(
    blocksAfter(core, 311, 10),
    [
      [301, 321],
      [501, 511],
      [401, 411],
      [201, 211],
    ],
    "grown, so it is first",
  );
});

test("joins blocks that a segment closes the gap between", async () => {
  const core = await receiver();
  blocksAfter(core, 101, 10);
  blocksAfter(core, 121, 10);
  blocksAfter(core, 141, 10);
  assert.equal(blocksAfter(core, 111, 10), [
    [101, 131],
    [141, 151],
  ]);
});

test("beside timestamps there is room for three blocks [RFC 2018 3] [2018#2]", async () => {
  const core = await receiver([], 5000);
  for (const at of [101, 201, 301]) blocksAfter(core, at, 10);
  core.arrive(text(401, 10));
  const { options } = core.expect({ ack: 1 });
  assert.is(options.length, 40);
  assert.equal([...options.subarray(0, 4)], [1, 1, 8, 10]);
  assert.equal([...options.subarray(12, 16)], [1, 1, 5, 26]);
  assert.equal(sackBlocks(options), [
    [401, 411],
    [301, 311],
    [201, 211],
  ]);
});

test("forgets the blocks that RCV.NXT has reached, keeps the others", async () => {
  const core = await receiver();
  for (const at of [11, 31, 51]) blocksAfter(core, at, 10);
  core.arrive(text(1, 10));
  const out = core.expect({ ack: 21 });
  assert.equal(sackBlocks(out.options), [
    [51, 61],
    [31, 41],
  ]);
  core.arrive(text(21, 30));
  assert.equal(sackBlocks(core.expect({ ack: 61 }).options)[0], [31, 41], "only the D-SACK of what came twice");
  core.arrive(text(61, 10));
  assert.equal(sackBlocks(core.expect({ ack: 71 }).options), []);
});

test("reports a duplicate of what waits out of order, before the block that holds it [RFC 2883 4.1.1] [2883#3]", async () => {
  const core = await receiver();
  blocksAfter(core, 101, 100);
  assert.equal(blocksAfter(core, 121, 20), [
    [121, 141],
    [101, 201],
  ]);
  assert.equal(
    blocksAfter(core, 301, 10),
    [
      [301, 311],
      [101, 201],
    ],
    "once only",
  );
});

test("reports a duplicate below RCV.NXT, wholly or in part old [RFC 2883 4.1.2] [2883#1] [2883#2] [2883#4]", async () => {
  const core = await receiver();
  core.arrive(text(1, 100));
  core.pullAll();
  assert.equal(blocksAfter(core, 41, 20), [[41, 61]]);
  core.arrive(text(81, 40));
  assert.equal(sackBlocks(core.expect({ ack: 121 }).options), [[81, 101]], "a partial overlap");
});

test("reports the part of an in-order segment that had waited out of order [RFC 2883 4.1.3] [2883#4]", async () => {
  const core = await receiver();
  blocksAfter(core, 51, 10);
  core.arrive(text(1, 55));
  assert.equal(sackBlocks(core.expect({ ack: 61 }).options), [[51, 56]]);
});

test("reports no duplicate when tcp_dsack is 0, but the blocks", async () => {
  const core = await receiver([[L.SYSCTL_TCP_DSACK, 0]]);
  blocksAfter(core, 101, 100);
  assert.equal(blocksAfter(core, 121, 20), [[101, 201]]);
});

test("text sent while text waits out of order carries the blocks, within the path's MTU", async () => {
  const core = await receiver([], 5000);
  core.x.inputRingWanted(core.index);
  const ring = core.tcb(L.TCB_SND_RING_PTR);
  assert.ok(ring > 0);
  core.setTcb(L.TCB_SND_EPOCH_TAKEN, core.tcb(L.TCB_SND_EPOCH));
  core.arrive(text(101, 10));
  core.expect({ ack: 1 });
  core.setTcb(L.TCB_SND_TAIL, 2000);
  core.kick();
  const out = core.pullAll().filter((segment) => segment.payloadLength !== 0)[0]!;
  assert.is(out.payloadLength, 1460 - 12 - 12);
  assert.equal(sackBlocks(out.options), [[101, 111]]);
});

test("text in order and out of order in one turn is one ACK, which tells of both", async () => {
  const core = await receiver();
  core.arrive(text(1, 100));
  core.arrive(text(201, 100));
  core.arrive(text(301, 100));
  assert.equal(sackBlocks(core.expect({ ack: 101 }).options), [[201, 401]]);
});

test("a FIN that comes again is a duplicate of one sequence number [RFC 2883 4]", async () => {
  const core = await receiver();
  core.arrive({ flags: ACK | FIN, seq: 1, ack: 1 });
  core.pullAll();
  core.arrive({ flags: ACK | FIN, seq: 1, ack: 1 });
  assert.equal(sackBlocks(core.expect({ ack: 2 }).options), [[1, 2]]);
});

test("a duplicate that PAWS refuses is told all the same; text that is not here yet is not [RFC 2883 4.3]", async () => {
  const core = await receiver([], 5000);
  core.arrive(text(1, 100));
  core.pullAll();
  core.arrive({ ...text(41, 20), tsVal: 4000 });
  assert.equal(sackBlocks(core.expect({ ack: 101 }).options), [[41, 61]]);
  core.arrive({ ...text(101, 20), tsVal: 4000 });
  assert.equal(sackBlocks(core.expect({ ack: 101 }).options), []);
});

test("every block lies in what was received and not yet acknowledged; the first holds the segment just received", async () => {
  const piece = fc.record({ at: fc.integer({ min: 1, max: 80 }), length: fc.integer({ min: 1, max: 8 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 40 }), async (pieces) => {
      const core = await receiver([[L.SYSCTL_TCP_DSACK, 0]]);
      const have = new Set<number>();
      for (const { at, length } of pieces) {
        core.arrive(text(at, length));
        for (let i = at; i < at + length; i++) have.add(i);
        const out = core.pullAll().at(-1);
        if (out === undefined) continue;
        const blocks = sackBlocks(out.options);
        blocks.forEach(([from, to], i) => {
          assert.ok(from > out.ack && to > from, "above the ACK");
          for (let seq = from; seq < to; seq++) assert.ok(have.has(seq), "received");
          assert.not.ok(have.has(from - 1) || have.has(to), "a whole range");
          for (const [a, b] of blocks.slice(i + 1)) assert.ok(b < from || a > to, "disjoint");
        });
        if (at > out.ack) assert.ok(blocks[0]![0] <= at && at + length <= blocks[0]![1], "the newest first");
      }
      const bytes = pattern(1, core.rcvNxt() - 1);
      assert.is(core.read().length, bytes.length);
    }),
    { numRuns: 40 },
  );
});

test.run();
