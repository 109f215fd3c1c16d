// Linux's counting of a send buffer, against numbers that follow from its rules.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SendBuffer, type SendFacts } from "./send-buffer.ts";

const sendBuffer = suite("test/conformance/send-buffer");

const NO_LOWAT = 0xffffffff;
const facts = (more: Partial<SendFacts> = {}): SendFacts => ({
  mss: 1000,
  acked: 0,
  sent: 0,
  cwnd: 10,
  inFlight: 0,
  maxWindow: 32_792,
  notsentLowat: NO_LOWAT,
  ...more,
});

/** Writes as much as the buffer takes while the first `canSend` bytes leave at once. @returns bytes */
function fillAll(buffer: SendBuffer, canSend: number, more: Partial<SendFacts> = {}): number {
  let written = 0;
  for (;;) {
    const now = facts({ ...more, sent: Math.min(written, canSend) });
    const room = buffer.room(now);
    if (room === 0) return written;
    buffer.take(room, now);
    written += room;
  }
}

sendBuffer(
  "begins a buffer of half the peer's window while SO_SNDBUF is not reached, so that the last one exceeds it",
  () => {
    // 10 segments leave at once and the rest of that buffer is filled up: 10 + 3 * 16 segments
    assert.is(fillAll(new SendBuffer(50_000, 1e6), 10_000), 58_000);
  },
);

sendBuffer("takes no new buffer while unsent bytes reach TCP_NOTSENT_LOWAT", () => {
  assert.is(fillAll(new SendBuffer(50_000, 1e6), 10_000, { notsentLowat: 4000 }), 26_000);
});

sendBuffer("is writable when what is free is half of what is used", () => {
  const buffer = new SendBuffer(50_000, 1e6);
  buffer.lock(42_000);
  const written = fillAll(buffer, 10_000, { maxWindow: 50_000 });
  assert.is(written, 60_000);
  buffer.markShort();
  const at = (acked: number) => facts({ acked, sent: written, maxWindow: 50_000, cwnd: 40, inFlight: 30 });
  assert.not(buffer.isWritable(at(30_000)));
  assert.ok(buffer.isWritable(at(36_000)));
});

sendBuffer("keeps up with the congestion window unless SO_SNDBUF was set", () => {
  const free = new SendBuffer(50_000, 200_000);
  const locked = new SendBuffer(50_000, 200_000);
  locked.lock(42_000);
  for (const buffer of [free, locked]) buffer.grow(facts({ cwnd: 36 }));
  assert.is(free.limit, 2 * 36 * (2048 + 256));
  assert.is(locked.limit, 42_000);
  free.grow(facts({ cwnd: 1000 }));
  assert.is(free.limit, 200_000);
});

sendBuffer("appends nothing to a buffer that ended a record", () => {
  const buffer = new SendBuffer(50_000, 1e6);
  buffer.take(100, facts(), true);
  assert.is(buffer.room(facts()), 16_000);
  buffer.take(16_000, facts());
  assert.is(buffer.queued(facts()), 16_100 + 2 * 1280);
});

sendBuffer.run();
