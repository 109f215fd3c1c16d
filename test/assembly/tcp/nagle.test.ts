// What holds small segments and what lets them go, ends of records, and PSH.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_RING_INDEX_INVALID, COUNTER_TCP_MARKS_DROPPED } from "../../../assembly/counters.ts";
import {
  COUNTERS,
  SEND_MARK_END_OF_RECORD,
  SEND_MARK_MORE,
  SOCKET_OPTION_CORK,
  SOCKET_OPTION_NODELAY,
  TCB_BYTES,
  TCB_RECORDS,
  TCB_SND_MARKS,
} from "../../../assembly/layout.ts";
import { PSH, Sender, type SenderOptions, type Sender as SenderType, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/nagle");
const instance = await tcpInstance();
const { exports: wasm, view } = instance;

const counter = (index: number): number => Number(view.getBigUint64(COUNTERS + 8 * index, true));
const option = (sender: SenderType, code: number, value: number): void => {
  assert.ok(wasm.outputSetOption(sender.index, code, value, 0, sender.nowUs));
};
/** `[first byte, bytes, "P" or ""]` of what leaves now. */
const left = (sender: SenderType): [number, number, string][] =>
  sender.pull().map(({ seq, bytes, flags }) => [seq, bytes, (flags & PSH) !== 0 ? "P" : ""]);
const make = (options: SenderOptions = {}): SenderType => {
  const sender = new Sender(instance, { mss: 1000, ...options });
  sender.nowUs += 1000;
  return sender;
};

test("MSG_MORE holds less than a segment until a write without it [MAY-15] [MAY-16]", () => {
  const sender = make();
  sender.writeMarked(100, SEND_MARK_MORE);
  assert.equal(left(sender), []);
  sender.writeMarked(160, SEND_MARK_MORE);
  assert.equal(left(sender), []);
  sender.write(5);
  assert.equal(left(sender), [[0, 265, "P"]]);
});

test("MSG_MORE lets whole segments go, and the rest with the next ACK, without PSH", () => {
  const sender = make();
  sender.writeMarked(3100, SEND_MARK_MORE);
  assert.equal(left(sender), [
    [0, 1000, ""],
    [1000, 1000, ""],
    [2000, 1000, ""],
  ]);
  sender.ack(2000);
  assert.equal(left(sender), [[3000, 100, ""]]);
});

test("what MSG_MORE and TCP_CORK hold with nothing in flight leaves after the time-out, with PSH", () => {
  for (const isCork of [false, true]) {
    const sender = make();
    if (isCork) option(sender, SOCKET_OPTION_CORK, 1);
    if (isCork) sender.write(40);
    else sender.writeMarked(40, SEND_MARK_MORE);
    assert.equal(left(sender), []);
    const us = sender.timerIn!;
    assert.ok(us >= 200_000 && us <= 1_000_000, `${us} µs`);
    sender.wait(us - 1);
    assert.equal(left(sender), []);
    sender.wait(1);
    assert.equal(left(sender), [[0, 40, "P"]]);
  }
});

test("TCP_CORK holds across ACKs; taking it out lets go", () => {
  const sender = make();
  option(sender, SOCKET_OPTION_CORK, 1);
  sender.write(1040);
  assert.equal(left(sender), [[0, 1000, ""]]);
  sender.ack(1000);
  assert.equal(left(sender), []);
  sender.write(40);
  assert.equal(left(sender), []);
  option(sender, SOCKET_OPTION_CORK, 0);
  assert.equal(left(sender), [[1000, 80, "P"]]);
});

test("setting TCP_NODELAY lets go what is held now, and no more: a cork still holds what is written after", () => {
  const sender = make();
  option(sender, SOCKET_OPTION_CORK, 1);
  sender.write(80);
  assert.equal(left(sender), []);
  option(sender, SOCKET_OPTION_NODELAY, 1);
  assert.equal(left(sender), [[0, 80, "P"]]);
  sender.ack(80);
  sender.writeMarked(40, SEND_MARK_MORE);
  sender.writeMarked(40, SEND_MARK_MORE);
  assert.equal(left(sender), []);
  option(sender, SOCKET_OPTION_NODELAY, 1);
  assert.equal(left(sender), [[80, 80, ""]], "main said that more follows: no PSH");
});

test("TCP_NODELAY does not undo MSG_MORE", () => {
  const sender = make();
  option(sender, SOCKET_OPTION_NODELAY, 1);
  sender.writeMarked(40, SEND_MARK_MORE);
  assert.equal(left(sender), []);
});

test("FIN takes what is held with it", () => {
  const sender = make();
  sender.writeMarked(40, SEND_MARK_MORE);
  wasm.outputFin(sender.index);
  assert.equal(
    sender.pull().map(({ seq, bytes, flags }) => [seq, bytes, flags & 1]),
    [[0, 40, 1]],
  );
});

test("no segment holds bytes of two records, and the end of one carries PSH", () => {
  const sender = make();
  sender.writeMarked(400, SEND_MARK_END_OF_RECORD);
  sender.writeMarked(400, SEND_MARK_END_OF_RECORD);
  sender.writeMarked(2400, SEND_MARK_END_OF_RECORD);
  sender.write(1500);
  assert.equal(left(sender), [
    [0, 400, "P"],
    [400, 400, "P"],
    [800, 1000, ""],
    [1800, 1000, ""],
    [2800, 400, "P"],
    [3200, 1000, ""],
    // Nagle: the last one waits, small segments before it are not acknowledged
  ]);
  sender.ack(4200);
  assert.equal(left(sender), [[4200, 500, "P"]]);
});

test("nor does a super-segment, which ends with what is left of the record", () => {
  const sender = make({ gsoMax: 65535 });
  sender.writeMarked(2400, SEND_MARK_END_OF_RECORD);
  sender.write(2000);
  assert.equal(
    sender.pull().map(({ seq, bytes, gsoSize, segments, flags }) => [seq, bytes, gsoSize, segments, flags & PSH]),
    [
      [0, 2400, 1000, 3, PSH],
      [2400, 2000, 1000, 2, PSH],
    ],
  );
});

test("a record that is retransmitted is not joined to the next, and keeps its PSH", () => {
  const sender = make();
  for (let i = 0; i < 3; i++) sender.writeMarked(400, SEND_MARK_END_OF_RECORD);
  sender.write(5000);
  sender.pull();
  sender.wait(sender.timerIn!);
  const again: [number, number, string][] = [];
  for (let acked = 0; again.length < 4; acked = again.at(-1)![0] + again.at(-1)![1]) {
    if (acked > 0) sender.ack(acked);
    again.push(...left(sender));
  }
  assert.equal(again.slice(0, 4), [
    [0, 400, "P"],
    [400, 400, "P"],
    [800, 400, "P"],
    [1200, 1000, ""],
  ]);
});

test("Nagle holds the end of a record only while nothing follows it", () => {
  const sender = make();
  sender.write(10);
  assert.equal(left(sender), [[0, 10, "P"]]);
  sender.writeMarked(20, SEND_MARK_END_OF_RECORD);
  assert.equal(left(sender), []);
  sender.write(30);
  assert.equal(left(sender), [[10, 20, "P"]]);
});

test("more than half of the largest window after the last PSH carries one", () => {
  const sender = make({ window: 8000 });
  sender.write(20_000);
  assert.equal(
    left(sender).map(([seq, , push]) => [seq, push]),
    [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000].map((seq) => [seq, seq === 4000 ? "P" : ""]),
  );
});

test("bytes whose mark has not arrived are not looked at", () => {
  const sender = make();
  const at = TCB_RECORDS + sender.index * TCB_BYTES + TCB_SND_MARKS;
  view.setUint32(at, 1, true);
  sender.write(2000);
  assert.equal(left(sender), []);
  wasm.outputMark(sender.index, SEND_MARK_END_OF_RECORD, 400);
  assert.equal(left(sender), [
    [0, 400, "P"],
    [400, 1000, ""],
  ]);
});

test("thousands of ends fit, what is beyond is counted and only not kept apart; lies about places are refused", () => {
  const sender = make({ window: 10, ringBytes: 1 << 16 });
  const dropped = counter(COUNTER_TCP_MARKS_DROPPED);
  for (let i = 0; i < 5000; i++) sender.writeMarked(10, SEND_MARK_END_OF_RECORD);
  assert.is(counter(COUNTER_TCP_MARKS_DROPPED) - dropped, 5000 - 4094);
  const invalid = counter(COUNTER_RING_INDEX_INVALID);
  wasm.outputMark(sender.index, SEND_MARK_MORE, 0xffff_0000);
  assert.is(counter(COUNTER_RING_INDEX_INVALID) - invalid, 1);
  let acked = 0;
  for (let i = 0; i < 4094; i++) {
    const sent = left(sender);
    assert.equal(sent, [[acked, 10, "P"]]);
    acked += 10;
    sender.ack(acked);
  }
  sender.window = 5000;
  sender.ack(acked);
  assert.is(left(sender).length > 0, true);
});

test.run();
