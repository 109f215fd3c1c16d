// Fast retransmit, NewReno, the loss state and the way back: packets in, packets out. One segment is 1000 bytes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CA_DISORDER, CA_LOSS, CA_OPEN, CA_RECOVERY } from "../../../assembly/layout.ts";
import { Sender, type SenderOptions, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/loss-recovery");
const instance = await tcpInstance();
const withoutFrto = await tcpInstance({ tcp_frto: 0 });
const RTT_US = 10_000;

/** A sender with 20 segments in flight from 10000 on, at cwnd 20, a megabyte behind them. */
function inFlight20(options: SenderOptions = {}, on = instance): Sender {
  const sender = new Sender(on, options);
  sender.write(1_000_000);
  sender.pull();
  sender.nowUs += RTT_US;
  sender.ack(10_000, options.timestamps ? timestamp(sender, 0) : 0);
  sender.pull();
  assert.equal([sender.get("cwnd"), sender.get("packetsOut"), sender.inFlight], [20, 20, 20]);
  return sender;
}

/** What our timestamp was `agoUs` before now. */
function timestamp(sender: Sender, agoUs: number): number {
  return instance.exports.inputTimestamp(sender.index, sender.nowUs - agoUs);
}

function duplicates(sender: Sender, count: number, ack = 10_000): number[] {
  const seqs: number[] = [];
  for (let i = 0; i < count; i++) {
    sender.ack(ack);
    seqs.push(...sender.pull().map(({ seq }) => seq));
  }
  return seqs;
}

test("sends one new segment for each of the first two duplicate ACKs [3042 2, 5681 3.2 step 1] [3042#1] [5681#14]", () => {
  const sender = inFlight20();
  assert.equal(duplicates(sender, 2), [30_000, 31_000]);
  assert.is(sender.caState, CA_DISORDER);
  assert.is(sender.get("cwnd"), 20);
});

test("retransmits the first segment at the third duplicate ACK [5681 3.2 step 2-3] [5681#12]", () => {
  const sender = inFlight20();
  duplicates(sender, 2);
  sender.ack(10_000);
  const [first, ...more] = sender.pull();
  assert.equal([first!.seq, first!.bytes], [10_000, 1000]);
  assert.equal(more, []);
  assert.is(sender.caState, CA_RECOVERY);
  assert.is(sender.get("ssthresh"), 10); // half of what cwnd allowed, not of the 22 that limited transmit made of it
  assert.equal([sender.get("lostOut"), sender.get("retransOut"), sender.get("sackedOut")], [1, 1, 3]);
});

test("retransmits one wire segment of a super-segment, not all of it", () => {
  const sender = inFlight20({ gsoMax: 65_535 });
  duplicates(sender, 2);
  sender.ack(10_000);
  const [first] = sender.pull();
  assert.equal([first!.seq, first!.bytes, first!.gsoSize], [10_000, 1000, 0]);
});

test("reduces the window in proportion to what is delivered, to ssthresh in the end [6937 3.1] [6937#2] [6937#4] [6937#5] [6937#1]", () => {
  const sender = inFlight20();
  const seqs = duplicates(sender, 19);
  // Two by limited transmit, the retransmission, then one for every two duplicates
  assert.equal(
    seqs.map((seq) => seq / 1000),
    [30, 31, 10, 32, 33, 34, 35, 36, 37, 38],
  );
  sender.ack(33_000);
  assert.is(sender.caState, CA_OPEN);
  assert.is(sender.get("cwnd"), 10);
  sender.pull();
  assert.ok(sender.inFlight <= 10);
});

test("does not wait for three duplicates again at a partial ACK [6582 3.2 step 3] [6582#3]", () => {
  const sender = inFlight20();
  duplicates(sender, 10);
  sender.ack(15_000); // a second segment is missing
  const seqs = sender.pull().map(({ seq }) => seq);
  assert.is(seqs[0], 15_000);
  assert.is(sender.caState, CA_RECOVERY);
  assert.is(sender.get("sackedOut"), 6); // of ten that had left the network four are acknowledged now
  sender.ack(20_000); // and a third, which leaves as soon as the reduction allows
  assert.is(sender.get("lostOut"), 1);
  assert.is(duplicates(sender, 1, 20_000)[0], 20_000);
});

test("takes duplicate ACKs of its own retransmissions for no loss [6582 3.2 step 2] [6582#2] [6582#6]", () => {
  const sender = inFlight20();
  sender.wait(sender.timerIn!); // time-out: recover = 30000
  sender.pull();
  sender.ack(30_000); // all of it, but nothing above "recover"
  sender.pull();
  const before = sender.get("ssthresh");
  for (let i = 0; i < 3; i++) sender.ack(30_000);
  assert.is(sender.caState, CA_LOSS);
  assert.equal([sender.get("ssthresh"), sender.get("lostOut")], [before, 0]);
  sender.ack(31_000);
  assert.is(sender.caState, CA_OPEN);
});

test("enters recovery again once data beyond the last one is acknowledged [6582 3.2 step 2] [6582#2]", () => {
  const sender = inFlight20();
  duplicates(sender, 6);
  sender.ack(33_000);
  sender.pull();
  assert.is(sender.caState, CA_OPEN);
  sender.nowUs += RTT_US;
  sender.ack(35_000);
  sender.pull();
  duplicates(sender, 3, 35_000);
  assert.is(sender.caState, CA_RECOVERY);
});

test("ignores ACKs that repeat the number with data, a new window or nothing outstanding [5681 2] [5681#9]", () => {
  const sender = inFlight20();
  for (let i = 0; i < 6; i++) {
    sender.window += 1000;
    sender.ack(10_000);
  }
  assert.is(sender.get("sackedOut"), 0);
  assert.is(sender.caState, CA_OPEN);
  const idle = new Sender(instance);
  for (let i = 0; i < 6; i++) idle.ack(0);
  assert.is(idle.caState, CA_OPEN);
});

test("never counts more segments as delivered than can be: one at least is missing", () => {
  const sender = new Sender(instance);
  sender.write(4000);
  sender.pull();
  for (let i = 0; i < 30; i++) {
    sender.ack(0);
    sender.pull();
    assert.ok(sender.get("sackedOut") + sender.get("lostOut") <= sender.get("packetsOut"));
  }
  sender.ack(4000);
  assert.equal(
    [sender.get("sackedOut"), sender.get("lostOut"), sender.get("packetsOut"), sender.get("retransOut")],
    [0, 0, 0, 0],
  );
});

test("starts from one segment after a time-out and sends nothing twice that is in flight [5681 3.1] [5681#6] [2525#2]", () => {
  const sender = inFlight20({}, withoutFrto);
  sender.wait(sender.timerIn!);
  assert.is(sender.caState, CA_LOSS);
  assert.equal([sender.get("cwnd"), sender.get("ssthresh"), sender.get("lostOut"), sender.inFlight], [1, 10, 20, 0]);
  assert.equal(
    sender.pull().map(({ seq, bytes }) => [seq, bytes]),
    [[10_000, 1000]],
  );
  sender.ack(11_000);
  assert.equal(
    sender.pull().map(({ seq }) => seq),
    [11_000, 12_000],
  );
  sender.ack(13_000);
  assert.equal(
    sender.pull().map(({ seq }) => seq),
    [13_000, 14_000, 15_000, 16_000],
  );
  sender.ack(30_000); // the peer had the rest
  assert.is(sender.pull()[0]!.seq, 30_000);
  sender.ack(31_000);
  assert.is(sender.caState, CA_OPEN);
});

test("retransmits lost segments as super-segments as far as the window allows", () => {
  const sender = inFlight20({ gsoMax: 65_535 }, withoutFrto);
  sender.wait(sender.timerIn!);
  assert.equal(
    sender.pull().map(({ seq, bytes }) => [seq, bytes]),
    [[10_000, 1000]],
  );
  sender.ack(11_000);
  assert.equal(
    sender.pull().map(({ seq, bytes, gsoSize }) => [seq, bytes, gsoSize]),
    [[11_000, 2000, 1000]],
  );
});

test("finds a time-out spurious by an ACK that echoes an older timestamp [3522 3.2, 4015 3] [3522#1]", () => {
  const sender = inFlight20({ timestamps: true, mss: 1012 });
  sender.wait(sender.timerIn!);
  assert.is(sender.pull()[0]!.seq, 10_000);
  assert.is(sender.get("cwnd"), 1);
  sender.nowUs += 5000;
  sender.ack(11_000, timestamp(sender, 150_000)); // the original, late
  assert.ok(sender.get("cwnd") >= 20);
  assert.is(sender.get("ssthresh"), 0x7fffffff);
  assert.is(sender.get("lostOut"), 0);
  assert.ok(sender.pull().every(({ seq }) => seq >= 30_000)); // nothing is sent again
});

test("does not take the ACK of the retransmission for that", () => {
  const sender = inFlight20({ timestamps: true, mss: 1012 });
  sender.wait(sender.timerIn!);
  sender.pull();
  sender.nowUs += 5000;
  sender.ack(11_000, timestamp(sender, 5000));
  assert.is(sender.caState, CA_LOSS);
  assert.is(sender.get("cwnd"), 2);
});

test("takes no round-trip time from a segment sent twice [6298 3] [6298#6]", () => {
  const sender = inFlight20();
  const srtt = sender.get("srttUs");
  sender.wait(sender.timerIn!);
  sender.pull();
  const rto = sender.get("rtoUs");
  sender.nowUs += 100;
  sender.ack(11_000);
  assert.is(sender.get("srttUs"), srtt);
  assert.is(sender.get("rtoUs"), rto); // and the back-off stays
});

test("takes it from the timestamp instead [7323 4.1] [7323#10]", () => {
  const sender = inFlight20({ timestamps: true, mss: 1012 });
  sender.wait(sender.timerIn!);
  sender.pull();
  const backedOff = sender.get("rtoUs");
  sender.nowUs += 40_000;
  sender.ack(11_000, timestamp(sender, 40_000));
  assert.ok(sender.get("rtoUs") < backedOff);
  assert.ok(sender.get("srttUs") > RTT_US);
});

test("takes none from a timestamp older than the last transmission: the ACK between was lost [6298 3]", () => {
  const sender = inFlight20({ timestamps: true, mss: 1012 });
  sender.wait(sender.timerIn!);
  sender.pull(); // arrives; its ACK is lost
  const waited = sender.timerIn!;
  sender.wait(waited);
  sender.pull(); // a duplicate to the peer, which does not take its timestamp
  const [srtt, rto] = [sender.get("srttUs"), sender.get("rtoUs")];
  sender.nowUs += RTT_US;
  sender.ack(11_000, timestamp(sender, waited + RTT_US));
  assert.equal([sender.get("srttUs"), sender.get("rtoUs")], [srtt, rto]);
  sender.pull();
  sender.nowUs += RTT_US;
  sender.ack(13_000, timestamp(sender, RTT_US));
  assert.ok(sender.get("rtoUs") < rto, "the next clear sample ends the back-off");
});

test("goes back to where it was before the first of two spurious time-outs [4015 3.2]", () => {
  const sender = inFlight20({ timestamps: true, mss: 1012 });
  sender.wait(sender.timerIn!);
  sender.pull();
  sender.wait(sender.timerIn!);
  sender.pull();
  sender.nowUs += 5000;
  sender.ack(11_000, timestamp(sender, 640_000)); // of the original
  assert.ok(sender.get("cwnd") >= 20);
});

test("recovers fast beyond 2^31 bytes as well: the end of the last recovery does not look ahead", () => {
  const sender = new Sender(instance, { gsoMax: 65_535, window: 1_000_000, mss: 10_000 });
  let written = 0;
  let acked = 0;
  while (acked < 2 ** 31 + 4_000_000) {
    const bytes = 1_000_000 - (written - acked);
    sender.write(bytes);
    written += bytes;
    const sent = sender.pull();
    const last = sent[sent.length - 1];
    sender.nowUs += RTT_US;
    if (last !== undefined) acked += ((last.seq + last.bytes - acked) | 0) >>> 0;
    sender.ack(acked);
  }
  sender.write(400_000);
  sender.pull();
  for (let i = 0; i < 3; i++) sender.ack(acked);
  assert.is(sender.caState, CA_RECOVERY);
});

test.run();
