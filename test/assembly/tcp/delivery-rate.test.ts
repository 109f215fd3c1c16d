// Bandwidth samples and pacing: what a model-based congestion control will live on.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Sender, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/delivery-rate");
const instance = await tcpInstance();
const { exports: wasm } = instance;
const rate = () => wasm.rateTestLast();

test("divides what was delivered by the time since it was sent", () => {
  const sender = new Sender(instance);
  sender.write(100_000);
  sender.pull();
  sender.nowUs += 10_000;
  sender.ack(10_000);
  assert.is(rate(), 1_000_000); // 10 kB in 10 ms
});

test("takes the slower of sending and acknowledging: ACKs that come bunched do not look fast", () => {
  const sender = new Sender(instance);
  const send = (afterUs: number) => {
    sender.nowUs += afterUs;
    sender.write(1000);
    assert.is(sender.pull().length, 1);
  };
  send(0);
  send(10_000);
  sender.nowUs += 1000;
  sender.ack(1000);
  send(1000);
  sender.nowUs += 1000;
  sender.ack(3000); // 2 ms after the ACK before, but these were sent over 12 ms
  assert.is(rate(), Math.floor((2000 * 1e6) / 12_000));
});

test("follows the path in a flight of many ACKs", () => {
  const sender = new Sender(instance);
  sender.write(1_000_000);
  sender.pull();
  sender.nowUs += 20_000;
  let acked = 0;
  for (let i = 0; i < 60; i++) {
    sender.nowUs += 1000; // the path delivers one segment each ms
    acked += 1000;
    sender.ack(acked);
    sender.pull();
  }
  assert.ok(Math.abs(rate() - 1_000_000) < 100_000, `${rate()} bytes/s`);
});

test("gives no sample shorter than the smallest round trip", () => {
  const sender = new Sender(instance);
  sender.write(10_000);
  sender.pull();
  sender.nowUs += 10_000;
  sender.ack(5000);
  assert.ok(rate() > 0);
  sender.ack(10_000);
  assert.ok(rate() > 0);
  sender.write(1000);
  sender.pull();
  sender.nowUs += 3000;
  sender.ack(11_000);
  assert.is(rate(), Math.floor((1000 * 1e6) / 3000)); // a new smallest one
});

test("marks samples that the application limited", () => {
  const sender = new Sender(instance);
  sender.write(2000);
  sender.pull(); // nothing more to send though the window allows it
  sender.write(1000);
  sender.pull();
  sender.nowUs += 10_000;
  sender.ack(2000);
  assert.is(wasm.rateTestIsAppLimited(), 0); // these two left before
  sender.ack(3000);
  assert.is(wasm.rateTestIsAppLimited(), 1);
});

test("spreads segments at the pacing rate, two at one go", () => {
  const sender = new Sender(instance);
  wasm.pacingTestSet(sender.index, 1_000_000);
  sender.write(10_000);
  const leftAt: number[] = [];
  for (let ms = 0; ms < 12; ms++) {
    for (const { bytes } of sender.pull()) {
      assert.is(bytes, 1000);
      leftAt.push(ms);
    }
    sender.wait(1000);
  }
  assert.equal(leftAt, [0, 0, 2, 2, 4, 4, 6, 6, 8, 8]);
});

test("wakes a paced connection when more may leave", () => {
  const sender = new Sender(instance);
  wasm.pacingTestSet(sender.index, 500_000);
  sender.write(5000);
  assert.is(sender.pull().length, 2);
  sender.wait(0);
  assert.not(sender.wait(3999));
  assert.ok(sender.wait(1));
  assert.is(sender.pull().length, 2);
});

test("makes up for a timer that was late, and not for a time without data", () => {
  const sender = new Sender(instance);
  wasm.pacingTestSet(sender.index, 1_000_000);
  sender.write(6000);
  assert.is(sender.pull().length, 2);
  sender.wait(2900); // 0.9 ms late
  assert.is(sender.pull().length, 2);
  sender.wait(1100);
  assert.is(sender.pull().length, 2); // 6000 bytes in 4 ms, where the third pair would have had to wait until 4.9
  sender.wait(100_000);
  sender.write(6000);
  assert.is(sender.pull().length, 2);
});

test("sends at 20 Gbit/s in bursts that outlast a late timer", () => {
  const sender = new Sender(instance, { gsoMax: 65_535, ringBytes: 1 << 20 });
  wasm.pacingTestSet(sender.index, 2_500_000_000);
  wasm.congestionTestSet(sender.index, 10_000, 0x7fffffff);
  sender.write(1_000_000);
  const bytes = sender.pullSizes().reduce((sum, size) => sum + size, 0);
  assert.ok(bytes >= 250_000 && bytes < 400_000, `${bytes}`);
});

test("makes super-segments of a millisecond when paced", () => {
  const sender = new Sender(instance, { gsoMax: 65_535 });
  wasm.pacingTestSet(sender.index, 4_096_000); // a millisecond is 1/1024 s, as in Linux
  sender.write(100_000);
  assert.equal(sender.pullSizes(), [4000, 4000]); // two of them at one go
});

test.run();
