// The order in which things leave, and the segments that are not data.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_TCP_OUT_RSTS, COUNTER_TCP_OUT_SEGS, COUNTER_TCP_RETRANS_SEGS } from "../../../assembly/counters.ts";
import {
  COUNTERS,
  STATE_CLOSED,
  STATE_LISTEN,
  SYSCTL_TCP_LIMIT_OUTPUT_BYTES,
  TCB_BYTES,
  TCB_RECORDS,
  TCB_SEGS_OUT,
} from "../../../assembly/layout.ts";
import { ACK, PSH, RST, Sender, setSysctl, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/output");
const instance = await tcpInstance();
const { exports: wasm, view } = instance;
const ACK_NOW = 128; // TCB_FLAG_ACK_NOW
const PROBE_PENDING = 1024; // TCB_FLAG_PROBE_PENDING
const RST_PENDING = 131_072; // TCB_FLAG_RST_PENDING
const counter = (index: number) => Number(view.getBigUint64(COUNTERS + 8 * index, true));
const windowOf = () => view.getUint32((wasm.outputRecord() >>> 0) + 12, true);

test("sends nothing for a listener or a closed connection", () => {
  for (const state of [STATE_CLOSED, STATE_LISTEN]) {
    const sender = new Sender(instance);
    wasm.outputSetFlags(sender.index, ACK_NOW);
    wasm.outputState(sender.index, state);
    assert.is(sender.next(), null);
  }
});

test("sends the RST that a closed connection owes, once: <SEQ=SND.NXT><CTL=RST,ACK> [9293 3.10.5]", () => {
  const sender = new Sender(instance);
  const before = counter(COUNTER_TCP_OUT_RSTS);
  sender.write(3000);
  sender.pull();
  wasm.outputSetFlags(sender.index, RST_PENDING);
  wasm.outputState(sender.index, STATE_CLOSED);
  assert.equal(
    sender.pull().map(({ seq, bytes, flags }) => [seq, bytes, flags]),
    [[3000, 0, RST | ACK]],
  );
  assert.is(counter(COUNTER_TCP_OUT_RSTS), before + 1);
});

test("lets data carry the ACK that is owed, and sends none alone then [9293 3.8.6.3]", () => {
  const sender = new Sender(instance);
  wasm.outputSetFlags(sender.index, ACK_NOW);
  sender.write(100);
  assert.equal(
    sender.pull().map(({ bytes, flags }) => [bytes, flags]),
    [[100, ACK | PSH]],
  );
});

test("sends a pure ACK if there is nothing else", () => {
  const sender = new Sender(instance);
  wasm.outputSetFlags(sender.index, ACK_NOW);
  assert.equal(
    sender.pull().map(({ seq, bytes, flags }) => [seq, bytes, flags]),
    [[0, 0, ACK]],
  );
});

test("sends a duplicate ACK for each segment out of order, before data and with the window unchanged [5681 4.2]", () => {
  const sender = new Sender(instance);
  sender.write(500);
  wasm.outputOweDuplicates(sender.index, 3);
  const windows: number[] = [];
  for (let i = 0; i < 3; i++) {
    assert.equal([sender.next()!.bytes, wasm.outputFlags(sender.index) & ACK_NOW], [0, 0]);
    windows.push(windowOf());
  }
  assert.equal(windows, [5000, 5000, 5000]);
  assert.equal(sender.pullSizes(), [500]);
});

test("acknowledges what came in order before the duplicates that follow it", () => {
  const sender = new Sender(instance);
  wasm.outputOweDuplicates(sender.index, 2);
  wasm.outputReceived(sender.index, 1000);
  wasm.outputSetFlags(sender.index, ACK_NOW);
  const acks: number[] = [];
  while (sender.next() !== null) acks.push(view.getUint32((wasm.outputRecord() >>> 0) + 4, true));
  assert.equal(acks, [1000, 1000, 1000]);
});

test("retransmits before it sends new data", () => {
  const sender = new Sender(instance);
  sender.write(3000);
  sender.pull();
  sender.write(3000);
  sender.wait(sender.timerIn!);
  assert.is(sender.next()!.seq, 0);
});

test("puts an ACK where a peer that shrank its window accepts it", () => {
  const sender = new Sender(instance, { window: 8000 });
  sender.write(8000);
  sender.pull();
  sender.window = 3000;
  sender.ack(0);
  wasm.outputSetFlags(sender.index, ACK_NOW);
  assert.is(sender.next()!.seq, 3000);
});

test("holds data back while too much of it waits in our own queue, but not an ACK", () => {
  setSysctl(instance, SYSCTL_TCP_LIMIT_OUTPUT_BYTES, 5000);
  const sender = new Sender(instance);
  sender.write(10_000);
  for (let sent = sender.next(); sent !== null; sent = sender.next()) wasm.outputQueued(sender.index, sent.bytes);
  assert.is(sender.get("packetsOut"), 5);
  wasm.outputSetFlags(sender.index, ACK_NOW);
  assert.equal(sender.pullSizes(), [0]);
  sender.wait(0); // off the list of those that want output
  wasm.outputSent(sender.index, 1000);
  assert.ok(sender.wait(0), "wants output again");
  assert.is(sender.next()!.bytes, 1000);
  setSysctl(instance, SYSCTL_TCP_LIMIT_OUTPUT_BYTES, 4_194_304);
});

test("sends a probe without data before SND.UNA, once [9293 3.8.4, SHLD-12]", () => {
  const sender = new Sender(instance);
  wasm.outputSetFlags(sender.index, PROBE_PENDING);
  assert.equal(
    sender.pull().map(({ seq, bytes, flags }) => [seq, bytes, flags]),
    [[-1, 0, ACK]],
  );
});

test("counts wire segments, not super-segments; retransmissions apart", () => {
  const sender = new Sender(instance, { gsoMax: 65_535 });
  const segsOut = () => Number(view.getBigUint64(TCB_RECORDS + sender.index * TCB_BYTES + TCB_SEGS_OUT, true));
  const [out, again] = [counter(COUNTER_TCP_OUT_SEGS), counter(COUNTER_TCP_RETRANS_SEGS)];
  sender.write(8000);
  assert.is(sender.pull().length, 2);
  assert.is(segsOut(), 8);
  assert.is(counter(COUNTER_TCP_OUT_SEGS), out + 8);
  sender.wait(sender.timerIn!);
  sender.pull();
  assert.is(segsOut(), 9);
  assert.is(counter(COUNTER_TCP_OUT_SEGS), out + 8);
  assert.is(counter(COUNTER_TCP_RETRANS_SEGS), again + 1);
});

test.run();
