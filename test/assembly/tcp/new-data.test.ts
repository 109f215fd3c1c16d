// May it leave, and how much of it: Nagle, silly windows, whole segments, super-segments.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SOCKET_OPTION_NODELAY, TCB_BYTES, TCB_CWND, TCB_RECORDS } from "../../../assembly/layout.ts";
import { ACK, FIN, PSH, Sender, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/new-data");
const instance = await tcpInstance();
const { exports: wasm, view } = instance;
const NO_DELAY = 1; // not a TCB_FLAG_ of the core
const FIN_QUEUED = 32; // TCB_FLAG_FIN_QUEUED

function setCwnd(sender: Sender, segments: number): void {
  view.setUint32(TCB_RECORDS + sender.index * TCB_BYTES + TCB_CWND, segments, true);
}

test("decides on a small segment by the table [9293 3.7.4, 3.8.6.2.1]", () => {
  const { index } = new Sender(instance);
  const una = 0xffff_ff00;
  // what it is, bytes, all of the data, segments in flight, a small one among them, largest window, flags, may go
  const table: [string, number, boolean, number, boolean, number, number, boolean][] = [
    ["the last bytes with nothing in flight", 1, true, 0, false, 60_000, 0, true],
    ["the last bytes behind full segments (Minshall)", 1, true, 3, false, 60_000, 0, true],
    ["the last bytes behind a small segment (Nagle)", 1, true, 3, true, 60_000, 0, false],
    ["the same with Nagle off", 1, true, 3, true, 60_000, NO_DELAY, true],
    ["the same with a FIN to follow", 1, true, 3, true, 60_000, FIN_QUEUED, true],
    ["what a small window lets go, something in flight", 600, false, 1, false, 1000, 0, false],
    ["half of the largest window, nothing in flight", 500, false, 0, false, 1000, 0, true],
    ["less than half of it", 499, false, 0, false, 1000, 0, false],
    ["half of an odd one", 500, false, 0, false, 1001, 0, false],
    ["less than half of it with Nagle off", 499, false, 0, false, 1000, NO_DELAY, false],
    ["nothing", 0, true, 0, false, 1000, NO_DELAY, false],
  ];
  for (const [name, bytes, isAll, packetsOut, isSmallOut, maxWindow, flags, expected] of table) {
    wasm.outputSetOption(index, SOCKET_OPTION_NODELAY, flags & NO_DELAY, 0, 0);
    wasm.outputSetFlags(index, flags & FIN_QUEUED);
    const smallEnd = (una + (isSmallOut ? 300 : 0)) >>> 0;
    const nxt = (una + 512) >>> 0;
    const may = wasm.outputMayBeSmall(index, bytes, isAll, packetsOut, una, nxt, smallEnd, maxWindow);
    assert.is(may !== 0, expected, name);
    wasm.outputClearFlags(index, FIN_QUEUED);
  }
});

test("cuts data into whole segments and sends the rest behind them", () => {
  const sender = new Sender(instance);
  sender.write(2500);
  const sent = sender.pull();
  assert.equal(
    sent.map(({ seq, bytes, flags }) => [seq, bytes, flags]),
    [
      [0, 1000, ACK],
      [1000, 1000, ACK],
      [2000, 500, ACK | PSH],
    ],
  );
});

test("holds a second small segment until the first is acknowledged [9293 SHLD-7]", () => {
  const sender = new Sender(instance);
  sender.write(100);
  assert.equal(sender.pullSizes(), [100]);
  sender.write(100);
  sender.write(100);
  assert.equal(sender.pullSizes(), []);
  sender.ack(100);
  assert.equal(sender.pullSizes(), [200]);
});

test("sends small segments at once with Nagle off [9293 MUST-17]", () => {
  const sender = new Sender(instance);
  wasm.outputSetOption(sender.index, SOCKET_OPTION_NODELAY, 1, 0, sender.nowUs);
  sender.write(100);
  sender.write(50);
  assert.equal(sender.pullSizes(), [150]);
  sender.write(1);
  assert.equal(sender.pullSizes(), [1]);
});

test("makes super-segments of whole segments within the link's limit", () => {
  const sender = new Sender(instance, { gsoMax: 5540 }); // 40 bytes of headers, 5.5 segments
  sender.write(8500);
  const sent = sender.pull();
  assert.equal(
    sent.map(({ bytes, gsoSize, segments }) => [bytes, gsoSize, segments]),
    [
      [5000, 1000, 5],
      [3500, 1000, 4],
    ],
  );
  assert.is(sender.get("packetsOut"), 9);
});

test("counts the timestamps option into the headers of a super-segment", () => {
  const sender = new Sender(instance, { gsoMax: 5040, timestamps: true }); // MSS 1000 leaves 988
  sender.write(20_000);
  const [first] = sender.pull();
  assert.equal([first!.bytes, first!.gsoSize], [4940, 988]);
});

test("bounds the segments of a super-segment, however small the peer's MSS [attack 37]", () => {
  const sender = new Sender(instance, { mss: 10, gsoMax: 65_535 });
  setCwnd(sender, 100_000);
  sender.write(60_000);
  assert.is(sender.next()!.segments, 128);
});

test("puts the FIN on the last data [9293 3.10.4]", () => {
  const sender = new Sender(instance);
  sender.write(1500);
  wasm.outputFin(sender.index);
  const sent = sender.pull();
  assert.equal(
    sent.map(({ seq, bytes, flags }) => [seq, bytes, flags]),
    [
      [0, 1000, ACK],
      [1000, 500, ACK | PSH | FIN],
    ],
  );
  assert.not(sender.ack(1500));
  assert.ok(sender.ack(1501));
  assert.is(sender.get("head"), 1500); // the FIN is no byte of the ring
  assert.is(sender.timerIn, null);
});

test("sends a FIN alone, beyond the congestion window but not beyond the peer's", () => {
  const sender = new Sender(instance, { window: 10_000 });
  sender.write(10_000);
  assert.is(sender.pull().length, 10);
  wasm.outputFin(sender.index);
  assert.equal(sender.pull(), []); // window full
  sender.ack(1000);
  assert.equal(
    sender.pull().map(({ seq, bytes, flags }) => [seq, bytes, flags]),
    [[10_000, 0, ACK | FIN]],
  );
});

test("stays within the peer's window, whole segments only [9293 3.8.6.2.1]", () => {
  const sender = new Sender(instance, { window: 3500 });
  sender.write(10_000);
  assert.equal(sender.pullSizes(), [1000, 1000, 1000]);
  sender.ack(1000);
  assert.equal(sender.pullSizes(), [1000]);
});

test("stays within the congestion window", () => {
  const sender = new Sender(instance);
  sender.write(50_000);
  assert.is(sender.pull().length, 10);
  sender.ack(2000);
  assert.is(sender.pull().length, 4); // two acknowledged, two gained
});

test("copes with a window that is taken back below what is in flight [9293 SHLD-14, MUST-34]", () => {
  const sender = new Sender(instance, { window: 8000 });
  sender.write(20_000);
  assert.is(sender.pull().length, 8);
  sender.window = 2000;
  sender.ack(1000);
  assert.equal(sender.pull(), []);
  sender.window = 10_000;
  sender.ack(2000);
  assert.is(sender.pull().length, 4); // 8000 are sent, the edge is at 12000
});

test("takes no window from a segment older than the one it knows [9293 3.10.7.4]", () => {
  const sender = new Sender(instance, { window: 3000 });
  sender.write(10_000);
  sender.pull();
  sender.window = 5000;
  sender.ack(1000);
  assert.is(sender.pull().length, 3);
  sender.window = 60_000;
  sender.ack(0); // overtaken: SEG.SEQ as known, SEG.ACK older
  assert.equal(sender.pull(), []);
  sender.window = 7000;
  sender.ack(1000); // a window update
  assert.is(sender.pull().length, 2);
});

test("cuts to half of the largest window if that is below the MSS", () => {
  const { index } = new Sender(instance);
  const size = (peerMss: number, pmtu: number, options: number, maxWindow: number) =>
    wasm.outputSegmentSize(index, peerMss, pmtu, options, maxWindow);
  assert.is(size(1460, 1500, 0, 65_535), 1460);
  assert.is(size(1460, 1500, 0, 2000), 1000);
  assert.is(size(1460, 1500, 0, 500), 500); // a window that never passed 536: all of it
  assert.is(size(1460, 1500, 0, 10), 28);
  assert.is(size(1460, 1500, 0, 0), 1460); // none seen yet
});

test("takes the MSS of peer, path and options [9293 3.7.1, MUST-14, MUST-15]", () => {
  const { index } = new Sender(instance);
  const size = (peerMss: number, pmtu: number, options: number) =>
    wasm.outputSegmentSize(index, peerMss, pmtu, options, 1_000_000);
  assert.is(size(1460, 9000, 0), 1460);
  assert.is(size(8960, 1500, 0), 1460);
  assert.is(size(1460, 1500, 1), 1448); // timestamps
  assert.is(size(0, 1500, 0), 536);
  assert.is(size(40, 1500, 0), 40); // honoured
  assert.is(size(40, 1500, 1), 28);
  assert.is(size(9, 1500, 0), 9);
  assert.is(size(1, 1500, 0), 8); // the floor that tcp_min_snd_mss leaves
  assert.is(size(12, 1500, 1), 8);
  assert.is(size(65_535, 68, 0), 28);
});

test("wraps around the end of the ring in two pieces", () => {
  const sender = new Sender(instance, { ringBytes: 4096, gsoMax: 65_535 });
  sender.write(3000);
  sender.pull();
  sender.ack(3000);
  sender.write(3000);
  assert.is(sender.next()!.bytes, 3000);
  const at = wasm.outputRecord() >>> 0;
  const [ptr1, length1, ptr2, length2] = [7, 8, 9, 10].map((i) => view.getUint32(at + 4 * i, true));
  const ring = wasm.outputRingPtr(sender.index) >>> 0;
  assert.equal([ptr1! - ring, length1, ptr2! - ring, length2], [3000, 1096, 0, 1904]);
});

/** A sender with a round trip of 1 ms and 20 segments in flight, sent just now. */
function bulkSender(): Sender {
  const sender = new Sender(instance, { gsoMax: 65_535 });
  sender.write(1_000_000);
  assert.equal(sender.pullSizes(), [5000, 5000]);
  sender.nowUs += 1000;
  sender.ack(10_000);
  assert.equal(sender.pullSizes(), [10_000, 10_000]);
  return sender;
}

test("ends super-segments where blocks of half the peer's window end, and does not begin the next for little", () => {
  const sender = new Sender(instance, { gsoMax: 65_535, window: 32_000 });
  sender.write(16_000);
  assert.equal(sender.pullSizes(), [5000, 5000]);
  sender.write(42_000); // fills the block up, which begins where sending stands, and makes others
  sender.ack(10_000);
  // The window of 20 ends 4 segments into the second block, less than a third of it: those wait
  assert.equal(sender.pullSizes(), [10_000, 6000]);
});

test("sends a window in two super-segments at least", () => {
  const sender = new Sender(instance, { gsoMax: 65_535 });
  sender.write(9500);
  assert.equal(sender.pullSizes(), [5000, 4500]);
});

test("makes super-segments of what leaves in a millisecond at the window's rate, and of two segments at least", () => {
  for (const [roundTripUs, sizes] of [
    [100_000, Array(10).fill(2000)],
    [10_000, [3000, 3000, 3000, 3000, 3000, 3000, 2000]],
  ] as const) {
    const sender = new Sender(instance, { gsoMax: 65_535 });
    sender.write(1_000_000);
    sender.pull();
    sender.nowUs += roundTripUs;
    sender.ack(10_000);
    assert.equal(sender.pullSizes(), sizes);
  }
});

test("waits for the ACKs that are about to come rather than send a small part of what is queued", () => {
  const sender = bulkSender();
  sender.nowUs += 600;
  sender.ack(11_000); // room for two segments of twenty
  assert.equal(sender.pullSizes(), []);
  sender.nowUs += 100;
  sender.ack(14_000); // for eight
  assert.equal(sender.pullSizes(), [8000]);
});

test("does not wait if the next ACK is far, or the last segment long ago", () => {
  const early = bulkSender();
  early.nowUs += 400; // less than half a round trip
  early.ack(11_000);
  assert.equal(early.pullSizes(), [2000]);
  const late = bulkSender();
  late.nowUs += 1100;
  late.ack(11_000);
  assert.equal(late.pullSizes(), [2000]);
});

test("lets the window grow only as far as it is used [7661]", () => {
  for (const [perRound, expected] of [
    [3, 10],
    [6, 16],
  ] as const) {
    const sender = new Sender(instance);
    for (let round = 1; round <= 8; round++) {
      sender.write(perRound * 1000);
      sender.pull();
      sender.nowUs += 10_000;
      sender.ack(perRound * 1000 * round);
    }
    assert.is(sender.get("cwnd"), expected, `${perRound} segments per round trip`);
  }
});

test("forgets after a round trip that the window was full", () => {
  const sender = new Sender(instance);
  sender.write(10_000);
  sender.pull();
  sender.nowUs += 10_000;
  sender.ack(10_000);
  assert.is(sender.get("cwnd"), 20);
  for (let round = 1; round <= 5; round++) {
    sender.write(3000);
    sender.pull();
    sender.nowUs += 10_000;
    sender.ack(10_000 + 3000 * round);
  }
  assert.is(sender.get("cwnd"), 20);
});

test.run();
