// Loss detection with SACK: RACK, the tail loss probe, the scoreboard under them. One segment is 1000 bytes, one round trip 10 ms.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CA_DISORDER, CA_LOSS, CA_OPEN, CA_RECOVERY } from "../../../assembly/layout.ts";
import { Sender, type SenderOptions, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/rack-tlp");
const instance = await tcpInstance({ tcp_congestion_control: "reno" });
const RTT_US = 10_000;

/** Ten segments sent and acknowledged, twenty more in flight from 10000 on, 10 ms ago. */
function inFlight20(options: SenderOptions = {}, on = instance, bytes = 1_000_000): Sender {
  const sender = new Sender(on, { sack: true, ...options });
  sender.write(Math.min(bytes, 30_000));
  sender.pull();
  sender.nowUs += RTT_US;
  sender.ack(10_000);
  sender.pull();
  if (bytes > 30_000) sender.write(bytes - 30_000);
  sender.nowUs += RTT_US;
  assert.equal([sender.get("packetsOut"), sender.inFlight], [20, 20]);
  return sender;
}

const seqs = (sender: Sender) => sender.pull().map(({ seq }) => seq);

test("retransmits what lies below three SACKed segments, and what is in the hole only [8985 6.2 step 5, 6675 5] [6675#2] [6675#4] [6675#8]", () => {
  const sender = inFlight20();
  sender.sack(10_000, [[11_000, 12_000]]);
  assert.is(sender.caState, CA_DISORDER);
  assert.equal(seqs(sender), [30_000]); // limited transmit
  sender.sack(10_000, [[11_000, 13_000]]);
  assert.equal(seqs(sender), [31_000]);
  sender.sack(10_000, [[11_000, 14_000]]);
  assert.is(sender.caState, CA_RECOVERY);
  assert.equal(seqs(sender), [10_000]);
  assert.equal([sender.get("sackedOut"), sender.get("lostOut"), sender.get("retransOut")], [3, 1, 1]);
});

test("waits a quarter of the round trip before two SACKed segments mean loss [8985 6.2 step 4] [8985#5] [8985#6]", () => {
  const sender = inFlight20({}, instance, 30_000);
  sender.sack(10_000, [[28_000, 30_000]]);
  assert.is(sender.caState, CA_DISORDER);
  assert.equal(seqs(sender), []);
  assert.ok(sender.timerIn! <= RTT_US / 4 + 5500, "the reordering timer runs");
  sender.wait(sender.timerIn!);
  assert.is(sender.caState, CA_RECOVERY);
  assert.is(sender.get("lostOut"), 18);
  assert.is(seqs(sender)[0], 10_000);
});

test("finds a retransmission lost by what left after it [8985 6.2 step 5] [8985#7]", () => {
  const sender = inFlight20();
  sender.sack(10_000, [[11_000, 20_000]]);
  assert.is(seqs(sender)[0], 10_000);
  sender.nowUs += RTT_US / 2;
  sender.sack(10_000, [[11_000, 24_000]]);
  const later = seqs(sender); // new data, after the retransmission
  assert.is(later[0], 30_000);
  sender.nowUs += RTT_US + 1;
  sender.sack(10_000, [
    [11_000, 24_000],
    [30_000, 31_000],
  ]);
  assert.is(seqs(sender)[0], 10_000);
});

test("sends the last segment again when the tail was lost, and recovers by SACK [8985 7.3] [8985#11] [attack 83]", () => {
  const sender = inFlight20({}, instance, 30_000);
  sender.ack(27_000); // the last three are gone
  assert.equal(sender.pull(), []);
  assert.ok(sender.timerIn! < 2 * RTT_US + 5000, "the probe comes long before the time-out");
  sender.wait(sender.timerIn!);
  assert.equal(seqs(sender), [29_000]);
  assert.is(sender.caState, CA_OPEN);
  sender.nowUs += RTT_US;
  sender.sack(27_000, [[29_000, 30_000]]);
  sender.wait(sender.timerIn!);
  assert.equal(seqs(sender), [27_000]);
  sender.nowUs += RTT_US;
  sender.sack(28_000, [[29_000, 30_000]]);
  assert.equal(seqs(sender), [28_000]);
  sender.nowUs += RTT_US;
  sender.ack(30_000);
  assert.is(sender.caState, CA_OPEN);
  assert.equal([sender.get("packetsOut"), sender.retransmits], [0, 0]);
});

test("widens the reordering window by a quarter of the round trip for a D-SACK round, once it saw reordering [8985 6.2 step 4] [8985#5]", () => {
  const sender = inFlight20();
  // 12000 arrives after 13000: reordering is seen from now on
  sender.sack(10_000, [[13_000, 14_000]]);
  sender.sack(10_000, [[12_000, 14_000]]);
  assert.is(sender.caState, CA_DISORDER);
  sender.pull();
  const first = sender.timerIn!;
  assert.ok(first > 0 && first <= RTT_US / 4 + 5500);
  sender.wait(first);
  assert.is(sender.caState, CA_RECOVERY); // three SACKs would have been enough without reordering; now only time is
  assert.equal(seqs(sender).slice(0, 1), [10_000]);
  sender.nowUs += RTT_US;
  sender.ack(36_000 - 4000);
  sender.pull();
  sender.nowUs += 1000;
  sender.sack(32_000, [[10_000, 11_000]]); // it was needless
  sender.pull();
  sender.nowUs += RTT_US;
  const ack = sender.get("head");
  const inHole = ack + 1000;
  sender.sack(ack, [[inHole, inHole + 1000]]);
  assert.is(sender.caState, CA_DISORDER);
  const second = sender.timerIn!;
  assert.is(second - first, RTT_US / 4);
});

test("does not take what was sent again and came back too fast for a measure of time [8985 6.2 step 2] [8985#3]", () => {
  const sender = inFlight20();
  sender.sack(10_000, [[11_000, 20_000]]);
  assert.is(seqs(sender)[0], 10_000);
  sender.nowUs += RTT_US / 10; // the original, late: no round trip is so short
  sender.ack(20_000);
  sender.pull();
  assert.is(sender.get("lostOut"), 0); // 20000 and on left before the retransmission, and are not overtaken by it
});

test("runs the time-out after the probe, and begins LOSS with it [8985 7.3] [8985#12] [8985#14]", () => {
  const sender = inFlight20({}, instance, 30_000);
  sender.ack(27_000);
  sender.wait(sender.timerIn!);
  assert.equal(seqs(sender), [29_000]);
  assert.is(sender.timerIn!, sender.get("rtoUs")); // from the probe on
  sender.wait(sender.timerIn!);
  assert.is(sender.caState, CA_LOSS);
  assert.equal(seqs(sender), [27_000]);
});

test("sends in recovery no more than the window less what is in flight, holes first, then new data [6675 5] [6675#3] [6675#4] [6675#7] [6937#1] [6937#3]", () => {
  const sender = inFlight20();
  sender.sack(10_000, [
    [13_000, 16_000],
    [20_000, 22_000],
  ]);
  const sent = seqs(sender);
  assert.equal(sent.slice(0, 1), [10_000]);
  for (let right = 23_000; right <= 30_000; right += 1000) {
    sender.nowUs += 100;
    sender.sack(10_000, [
      [20_000, right],
      [13_000, 16_000],
    ]);
    sent.push(...seqs(sender));
    assert.ok(sender.inFlight <= sender.get("cwnd"));
  }
  const holes = [10_000, 11_000, 12_000, 16_000, 17_000, 18_000, 19_000];
  assert.equal(
    sent.filter((seq) => seq < 30_000),
    holes.slice(0, sent.filter((seq) => seq < 30_000).length),
  );
  const firstNew = sent.findIndex((seq) => seq >= 30_000);
  assert.ok(firstNew === -1 || firstNew === holes.length, `new data after ${firstNew} retransmissions`);
});

test("finds losses by three segments SACKed above them when RACK is off [6675 4] [6675#2] [6675#5] [6675#8]", async () => {
  const byCount = await tcpInstance({ tcp_congestion_control: "reno", tcp_recovery: 0, tcp_early_retrans: 0 });
  const sender = inFlight20({}, byCount);
  sender.sack(10_000, [[12_000, 14_000]]);
  assert.is(sender.caState, CA_DISORDER);
  assert.equal(seqs(sender), [30_000, 31_000]); // limited transmit
  sender.wait(RTT_US);
  assert.is(sender.caState, CA_DISORDER); // time alone means nothing
  // One ACK is enough if it speaks of three segments
  sender.sack(10_000, [
    [12_000, 14_000],
    [17_000, 18_000],
  ]);
  assert.is(sender.caState, CA_RECOVERY);
  assert.equal([sender.get("lostOut"), sender.get("ssthresh")], [2, 10]); // 10000 and 11000; above 14000 there is one SACK only
  assert.is(seqs(sender)[0], 10_000);
  sender.nowUs += RTT_US;
  sender.ack(32_000);
  assert.is(sender.caState, CA_OPEN);
});

test("keeps one timer: retransmission, probe and reordering exclude each other [8985 8] [8985#14]", () => {
  const sender = inFlight20({}, instance, 30_000);
  const kind = () => instance.exports.outputTimerKind(sender.index);
  assert.is(kind(), 5);
  sender.sack(10_000, [[28_000, 30_000]]);
  assert.is(kind(), 6);
  sender.wait(sender.timerIn!);
  sender.pull();
  assert.is(kind(), 1);
  sender.nowUs += RTT_US;
  sender.ack(30_000);
  assert.is(kind(), 0);
});

test("undoes a time-out that F-RTO finds spurious by SACK [5682 3.1] [5682#2]", () => {
  const sender = inFlight20();
  const cwnd = sender.get("cwnd");
  while (sender.caState !== CA_LOSS) {
    sender.wait(sender.timerIn!);
    sender.pull();
  }
  sender.nowUs += 1000;
  sender.sack(10_000, [[11_000, 12_000]]); // sent once, before the time-out: it was not lost
  assert.is(sender.caState, CA_DISORDER);
  assert.ok(sender.get("cwnd") >= cwnd);
  assert.is(sender.get("lostOut"), 0);
});

test.run();
