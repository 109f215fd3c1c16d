// The scoreboard against a model of single segments, and against peers that make SACK blocks up. One segment is 1000 bytes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Random } from "../../../src/links/random.ts";
import { Sender, type SenderOptions, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/sack-scoreboard");
const instance = await tcpInstance({ tcp_congestion_control: "reno", tcp_initial_cwnd: 1000 });
const MSS = 1000;

function inFlight(segments: number, options: SenderOptions = {}): Sender {
  const sender = new Sender(instance, { sack: true, ringBytes: 1 << 21, window: 10_000_000, ...options });
  sender.write(segments * MSS);
  sender.pull();
  assert.is(sender.get("packetsOut"), segments);
  sender.nowUs += 10_000;
  return sender;
}

type Row = { seq: number; end: number; flags: number; segments: number };

/** The queue from its head on; fails if its links or sums are wrong. */
function queue(sender: Sender): Row[] {
  const rows = sender.records();
  let [packets, sacked, lost, retransmitted] = [0, 0, 0, 0];
  for (const { flags, segments } of rows) {
    packets += segments;
    if (flags & 16) sacked += segments;
    if (flags & 4) lost += segments;
    if (flags & 8) retransmitted += segments;
  }
  assert.equal(
    [packets, sacked, lost, retransmitted],
    (["packetsOut", "sackedOut", "lostOut", "retransOut"] as const).map((field) => sender.get(field)),
  );
  return rows;
}

for (const gsoMax of [0, 65_535]) {
  test(`marks what blocks cover in whole segments, whatever their order, gsoMax ${gsoMax} [2018 5, 6675 4]`, () => {
    for (let seed = 1; seed <= 12; seed++) {
      const dice = new Random(seed);
      const segments = 100 + dice.below(500);
      const sender = inFlight(segments, { gsoMax });
      const isSacked = new Array<boolean>(segments).fill(false);
      let una = 0;
      for (let step = 0; step < 120; step++) {
        const blocks: [number, number][] = [];
        for (let i = dice.below(5); i > 0; i--) {
          const left = una * MSS + 1 + dice.below((segments - una) * MSS);
          const right = Math.min(left + 1 + dice.below(20 * MSS), segments * MSS);
          if (left < right) blocks.push([left, right]);
        }
        if (dice.below(8) === 0 && una < segments - 50) {
          una += dice.below(10);
          while (isSacked[una]) una += 1; // no reneging here
        }
        // A D-SACK by accident is none: what lies inside the second block
        const [first, second] = blocks;
        if (first && second && first[0] >= second[0] && first[1] <= second[1]) blocks.shift();
        sender.sack(una * MSS, blocks);
        for (const [left, right] of blocks) {
          if (left <= una * MSS) continue;
          for (let i = Math.ceil(left / MSS); (i + 1) * MSS <= right; i++) if (i >= una) isSacked[i] = true;
        }
        const rows = queue(sender);
        const marked = new Array<boolean>(segments).fill(false);
        for (const { seq, end, flags } of rows) {
          if (flags & 16) for (let i = seq / MSS; i < end / MSS; i++) marked[i] = true;
        }
        for (let i = una; i < segments; i++)
          assert.is(marked[i], isSacked[i], `seed ${seed} step ${step} segment ${i}`);
        // Neighbours that are SACKed are one record
        for (let i = 1; i < rows.length; i++) {
          assert.not.ok((rows[i]!.flags & 28) === 16 && (rows[i - 1]!.flags & 28) === 16, `seed ${seed} step ${step}`);
        }
      }
      sender.ack(segments * MSS);
      assert.equal(queue(sender), []);
      assert.is(sender.get("sackedOut"), 0);
    }
  });
}

test("ignores and counts blocks that are empty, reversed, old or beyond what was sent [attack 35] [6675#1]", () => {
  const sender = inFlight(20);
  const before = sender.counter("TCP_SACK_DISCARD");
  for (const block of [
    [5000, 5000],
    [6000, 5000],
    [0, 3000],
    [15_000, 20_001],
    [20_000, 25_000],
    [-5000, 2000],
    [2 ** 31, 2 ** 31 + 1000],
  ] as const) {
    sender.sack(0, [block]);
    assert.is(sender.get("sackedOut"), 0, String(block));
  }
  assert.ok(sender.counter("TCP_SACK_DISCARD") - before >= 5);
  // One bad block does not spoil the others
  sender.sack(0, [
    [7000, 6000],
    [3000, 4000],
    [30_000, 31_000],
    [8000, 9000],
  ]);
  assert.is(sender.get("sackedOut"), 2);
  queue(sender);
});

test("counts right when a peer SACKs pieces of super-segments of tiny segments [attack 37]", () => {
  const sender = new Sender(instance, { sack: true, mss: 48, gsoMax: 65_535, window: 10_000_000, ringBytes: 1 << 21 });
  sender.write(40_000);
  sender.pull();
  const packets = sender.get("packetsOut");
  assert.ok(packets >= 800);
  const dice = new Random(7);
  for (let i = 0; i < 3000; i++) {
    const left = 1 + dice.below(39_000);
    sender.sack(0, [[left, left + 1 + dice.below(900)]]);
    assert.ok(sender.get("sackedOut") <= packets);
  }
  queue(sender);
  sender.ack(40_000);
  assert.equal(queue(sender), []);
});

test("holds no more records than segments when a peer SACKs every other one [attack 38]", () => {
  const sender = inFlight(1000, { gsoMax: 65_535 });
  for (let i = 1; i < 1000; i += 2) sender.sack(0, [[i * MSS, (i + 1) * MSS]]);
  assert.ok(queue(sender).length <= 1000);
  assert.is(sender.get("sackedOut"), 500);
  // And then the holes but the first: one record is left of them
  for (let i = 2; i < 1000; i += 2) sender.sack(0, [[i * MSS, (i + 1) * MSS]]);
  assert.is(queue(sender).length, 2);
});

test("does not take more for delivered than was sent, however often it is told [attack 73]", () => {
  const sender = inFlight(1000);
  for (let i = 0; i < 20_000; i++) {
    const left = 500_000 + (i % 400) * MSS;
    sender.sack(0, [
      [left, left + MSS],
      [100_000, 200_000],
    ]);
  }
  assert.is(sender.get("sackedOut"), 500);
  assert.ok(sender.inFlight <= sender.get("cwnd") + 1);
  queue(sender);
});

test("takes SACKs back when the peer reneges, and sends the data again [2018 8] [2018#7] [2018#9] [6675#9]", () => {
  const sender = inFlight(10);
  sender.sack(0, [[2000, 10_000]]);
  const again = sender.pull().map(({ seq }) => seq);
  assert.equal(again.slice(0, 2), [0, 1000]);
  sender.nowUs += 10_000;
  sender.ack(2000); // no SACK, and what it stops at was SACKed
  assert.ok(sender.timerIn! <= 10_000);
  sender.wait(sender.timerIn!);
  assert.is(sender.get("sackedOut"), 0);
  const seqs: number[] = [];
  for (let upTo = 3000; upTo <= 10_000; upTo += 1000) {
    seqs.push(...sender.pull().map(({ seq }) => seq));
    sender.nowUs += 10_000;
    sender.ack(upTo);
  }
  for (let seq = 2000; seq < 10_000; seq += 1000) assert.ok(seqs.includes(seq), `${seq} was sent again`);
  assert.equal(queue(sender), []);
});

test("sends only what lies in holes, and frees nothing before it is acknowledged [2018#6] [2018#8] [6675#4]", () => {
  const sender = inFlight(20);
  sender.sack(0, [
    [15_000, 20_000],
    [8000, 10_000],
    [3000, 5000],
  ]);
  const seqs: number[] = [];
  for (let i = 0; i < 20; i++) {
    seqs.push(...sender.pull().map(({ seq }) => seq));
    sender.sack(0, [
      [15_000 + i, 20_000],
      [8000, 10_000],
      [3000, 5000],
    ]);
  }
  assert.equal(seqs.slice(0, 4), [0, 1000, 2000, 5000]);
  for (const seq of seqs) assert.not.ok((seq >= 3000 && seq < 5000) || (seq >= 8000 && seq < 10_000) || seq >= 15_000);
  assert.is(sender.get("head"), 0);
});

test("marks nothing for a D-SACK, and believes no more of them than was sent again [2883#7] [3708 3]", () => {
  const sender = inFlight(20);
  sender.ack(5000);
  sender.sack(5000, [[0, 4000]]);
  assert.is(sender.counter("TCP_DSACK_IGNORED_DUBIOUS") > 0, true);
  assert.equal([sender.get("sackedOut"), sender.get("packetsOut")], [0, 15]);
});

test("finds the record of a sequence number while records are cut, joined and acknowledged", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const dice = new Random(seed);
    const segments = 800;
    const sender = inFlight(segments, { gsoMax: dice.below(2) * 65_535 });
    let una = 0;
    for (let step = 0; step < 150; step++) {
      const left = una * MSS + MSS + dice.below((segments - una - 1) * MSS);
      if (dice.below(4) === 0 && una < segments - 100) {
        una += 1 + dice.below(8);
        const rows = sender.records();
        while (rows.some(({ seq, end, flags }) => flags & 16 && seq <= una * MSS && una * MSS < end)) una += 1;
      }
      sender.sack(una * MSS, [[left, Math.min(left + dice.below(9000), segments * MSS)]]);
      const rows = sender.records();
      for (let i = 0; i < 10; i++) {
        const seq = una * MSS + dice.below((segments - una + 2) * MSS);
        const wanted = rows.findIndex(({ end }) => end > seq);
        assert.is(sender.find(seq), wanted < 0 ? null : rows[wanted]!.seq, `seed ${seed} step ${step} seq ${seq}`);
      }
    }
  }
});

test.run();
