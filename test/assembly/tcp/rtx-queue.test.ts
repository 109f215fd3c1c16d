// The retransmission queue: order, splits and the four counts, against a model that adds them up anew.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_RTX_EXHAUSTED } from "../../../assembly/counters.ts";
import {
  COUNTERS,
  RTX_CAPACITY,
  SCRATCH,
  TCB_BYTES,
  TCB_LOST_OUT,
  TCB_PACKETS_OUT,
  TCB_RECORDS,
  TCB_RETRANS_OUT,
  TCB_SACKED_OUT,
} from "../../../assembly/layout.ts";
import { tcpInstance } from "../../support/tcp-sender.ts";
import { readWords } from "../../support/words.ts";

const test = suite("tcp/rtx-queue");
const { exports: wasm, view } = await tcpInstance();
const DUMP = SCRATCH + 131_072;
const MSS = 1000;
const START = 0xffff_f000; // wraps after 4096
const SYN = 1;
const FIN = 2;
const LOST = 4;
const RETRANSMITTED = 8;

type Row = { index: number; seq: number; end: number; flags: number; segments: number; transmissions: number };
const connection = () => wasm.outputTcb() >>> 0;
const tcbField = (tcb: number, offset: number) => view.getUint32(TCB_RECORDS + tcb * TCB_BYTES + offset, true);
const u32 = (n: number) => n >>> 0;
const relative = (seq: number) => u32(seq - START);

function dump(tcb: number): Row[] {
  const count = wasm.rtxTestDump(tcb, DUMP);
  assert.ok(count >= 0, "links and count agree");
  return Array.from({ length: count }, (_, i) => {
    const [index, seq, end, flags, segments, transmissions] = readWords(view, DUMP + 24 * i, 6) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return { index, seq: relative(seq), end: relative(end), flags, segments, transmissions };
  });
}

/** Checks what must hold at any time. @returns the rows */
function check(tcb: number): Row[] {
  const rows = dump(tcb);
  const sum = (flag: number) => rows.reduce((n, row) => n + ((row.flags & flag) === flag ? row.segments : 0), 0);
  assert.is(tcbField(tcb, TCB_PACKETS_OUT), sum(0), "packetsOut");
  assert.is(tcbField(tcb, TCB_LOST_OUT), sum(LOST), "lostOut");
  assert.is(tcbField(tcb, TCB_RETRANS_OUT), sum(RETRANSMITTED), "retransOut");
  for (const [i, row] of rows.entries()) {
    assert.ok(row.segments >= 1 && row.end > row.seq, "no empty record");
    if (i > 0) assert.is(row.seq, rows[i - 1]!.end, "no gap, no overlap");
  }
  return rows;
}

/** Appends `bytes` (and FIN) after the last record. */
function append(tcb: number, at: number, bytes: number, flags = 0): number {
  const end = at + bytes + (flags & FIN ? 1 : 0) + (flags & SYN ? 1 : 0);
  const segments = wasm.wireSegments(bytes, MSS);
  assert.ok(wasm.rtxTestAppend(tcb, u32(START + at), u32(START + end), flags, segments, 1) >= 0);
  return end;
}

test("keeps records in sequence order and counts wire segments", () => {
  const tcb = connection();
  let at = append(tcb, 0, 0, SYN);
  at = append(tcb, at, 3500);
  append(tcb, at, 1, FIN);
  const rows = check(tcb);
  assert.equal(
    rows.map(({ seq, end, segments }) => [seq, end, segments]),
    [
      [0, 1, 1],
      [1, 3501, 4],
      [3501, 3503, 1],
    ],
  );
  assert.is(wasm.rtxTestInFlight(tcb), 6);
  wasm.rtxTestPurge(tcb);
});

test("splits a record, the FIN going with the second part", () => {
  const tcb = connection();
  append(tcb, 0, 2500, FIN);
  const [whole] = dump(tcb);
  wasm.rtxTestMarkLost(tcb, whole!.index);
  assert.ok(wasm.rtxTestSplit(tcb, whole!.index, u32(START + 1000), MSS));
  const rows = check(tcb);
  assert.equal(
    rows.map(({ seq, end, flags, segments }) => [seq, end, flags, segments]),
    [
      [0, 1000, LOST, 1],
      [1000, 2501, LOST | FIN, 2],
    ],
  );
  wasm.rtxTestPurge(tcb);
});

test("trims the first record at an ACK inside it", () => {
  const tcb = connection();
  append(tcb, 0, 5000);
  assert.is(wasm.rtxTestTrimHead(tcb, u32(START + 2000), MSS), 2);
  assert.is(wasm.rtxTestTrimHead(tcb, u32(START + 2001), MSS), 0); // 2999 bytes are three segments still
  assert.equal(
    check(tcb).map(({ seq, segments }) => [seq, segments]),
    [[2001, 3]],
  );
  wasm.rtxTestPurge(tcb);
});

test("never counts more segments after a trim than before, whatever the segment size is by then", () => {
  const tcb = connection();
  append(tcb, 0, 5000);
  assert.is(wasm.rtxTestTrimHead(tcb, u32(START + 1000), 100), 0);
  assert.is(check(tcb)[0]!.segments, 5);
  wasm.rtxTestPurge(tcb);
});

test("finds lost records in order and each once", () => {
  const tcb = connection();
  for (let i = 0; i < 5; i++) append(tcb, i * 1000, 1000);
  const rows = dump(tcb);
  wasm.rtxTestMarkLost(tcb, rows[3]!.index);
  wasm.rtxTestMarkLost(tcb, rows[1]!.index);
  const found: number[] = [];
  for (let index = wasm.rtxTestNextLost(tcb); index >= 0; index = wasm.rtxTestNextLost(tcb)) {
    found.push(dump(tcb).findIndex((row) => row.index === index));
    wasm.rtxTestRetransmit(tcb, index, 2);
  }
  assert.equal(found, [1, 3]);
  assert.is(wasm.rtxTestInFlight(tcb), 5); // 5 - 2 lost + 2 sent again
  assert.equal(
    check(tcb).map((row) => row.transmissions),
    [1, 2, 1, 2, 1],
  );
  wasm.rtxTestPurge(tcb);
});

test("counts a retransmission that is lost as well no longer in flight", () => {
  const tcb = connection();
  append(tcb, 0, 1000);
  const [row] = dump(tcb);
  wasm.rtxTestMarkLost(tcb, row!.index);
  wasm.rtxTestRetransmit(tcb, row!.index, 2);
  assert.is(wasm.rtxTestInFlight(tcb), 1);
  wasm.rtxTestMarkAllLost(tcb);
  assert.is(wasm.rtxTestInFlight(tcb), 0);
  assert.is(wasm.rtxTestNextLost(tcb), row!.index);
  check(tcb);
  wasm.rtxTestPurge(tcb);
});

test("takes all losses back", () => {
  const tcb = connection();
  for (let i = 0; i < 4; i++) append(tcb, i * 1000, 1000);
  wasm.rtxTestMarkAllLost(tcb);
  assert.is(wasm.rtxTestInFlight(tcb), 0);
  wasm.rtxTestRetransmit(tcb, wasm.rtxTestNextLost(tcb), 2);
  wasm.rtxTestClearLost(tcb);
  assert.is(wasm.rtxTestNextLost(tcb), -1);
  assert.is(wasm.rtxTestInFlight(tcb), 5); // the one sent again is twice in the network
  check(tcb);
  wasm.rtxTestPurge(tcb);
});

test("leaves room for others: a connection holds at most as many records as are free [attack 38]", () => {
  const first = connection();
  const second = connection();
  const exhausted = () => Number(view.getBigUint64(COUNTERS + 8 * COUNTER_RTX_EXHAUSTED, true));
  const before = exhausted();
  const fill = (tcb: number) => {
    let n = 0;
    while (wasm.rtxTestAppend(tcb, u32(START + n), u32(START + n + 1), 0, 1, 1) >= 0) n++;
    return n;
  };
  const most = fill(first);
  assert.is(most, (RTX_CAPACITY - 4096) / 2);
  const other = fill(second);
  assert.ok(other >= most / 2 - 1, `the second got ${other}`);
  assert.is(exhausted(), before + 2);
  // What is outstanding can still be split
  wasm.rtxTestRemoveHead(second);
  const last = wasm.rtxTestAppend(second, u32(START + other), u32(START + other + 2), 0, 2, 1);
  assert.ok(last >= 0);
  assert.ok(wasm.rtxTestSplit(second, last, u32(START + other + 1), 1));
  assert.is(tcbField(second, TCB_PACKETS_OUT), other + 1);
  wasm.rtxTestPurge(first);
  wasm.rtxTestPurge(second);
  assert.is(wasm.rtxInUse(), 0);
});

test("keeps order and counts under any sequence of sends, splits, ACKs, losses and retransmissions", () => {
  const step = fc.record({
    what: fc.constantFrom("send", "split", "ack", "lose", "loseAll", "retransmit", "clear", "recount"),
    n: fc.nat(1_000_000),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 80, size: "max" }), (steps) => {
      const tcb = connection();
      let end = 0;
      for (const { what, n } of steps) {
        const rows = dump(tcb);
        const row = rows[n % Math.max(rows.length, 1)];
        if (what === "send") end = append(tcb, end, 1 + (n % 8000));
        else if (what === "loseAll") wasm.rtxTestMarkAllLost(tcb);
        else if (what === "clear") wasm.rtxTestClearLost(tcb);
        else if (row === undefined) continue;
        else if (what === "split" && row.end - row.seq > 1) {
          wasm.rtxTestSplit(tcb, row.index, u32(START + row.seq + 1 + (n % (row.end - row.seq - 1))), MSS);
        } else if (what === "lose") wasm.rtxTestMarkLost(tcb, row.index);
        else if (what === "recount") wasm.rtxTestRecount(tcb, row.index, 1 + (n % 3000));
        else if (what === "retransmit") {
          const lost = wasm.rtxTestNextLost(tcb);
          const expected = rows.find(({ flags }) => (flags & (LOST | RETRANSMITTED)) === LOST)?.index ?? -1;
          assert.is(lost, expected, "the first lost record that is not on its way again");
          if (lost >= 0) wasm.rtxTestRetransmit(tcb, lost, n);
        } else if (what === "ack") {
          for (const { end: rowEnd } of rows) {
            if (rowEnd > row.end) break;
            wasm.rtxTestRemoveHead(tcb);
          }
          const head = dump(tcb)[0];
          if (head !== undefined && head.end - head.seq > 1) {
            wasm.rtxTestTrimHead(tcb, u32(START + head.seq + 1 + (n % (head.end - head.seq - 1))), MSS);
          }
        }
        check(tcb);
      }
      wasm.rtxTestPurge(tcb);
      assert.is(wasm.rtxInUse(), 0);
      assert.is(tcbField(tcb, TCB_SACKED_OUT), 0);
    }),
    { numRuns: 150 },
  );
});

test("nothing is in flight, and not four billion segments, if a larger segment size leaves more SACKs than records", () => {
  const tcb = connection();
  const index = wasm.rtxTestAppend(tcb, START, u32(START + 2000), 0, 4, 1);
  wasm.rtxTestMarkLost(tcb, index);
  view.setUint32(TCB_RECORDS + tcb * TCB_BYTES + TCB_SACKED_OUT, 1, true); // emulated, by a duplicate ACK
  wasm.rtxTestRecount(tcb, index, 2000);
  assert.is(wasm.rtxTestInFlight(tcb), 0);
  view.setUint32(TCB_RECORDS + tcb * TCB_BYTES + TCB_SACKED_OUT, 0, true);
  wasm.rtxTestPurge(tcb);
});

test.run();
