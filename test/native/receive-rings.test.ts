// A small ring and a large one of a second socket behind it: frames of a flow keep their order, whichever ring has room for them.
import { readdirSync } from "node:fs";
import * as assert from "uvu/assert";
import { loadAddon, WAIT_READABLE_SHIFT } from "../../src/native.ts";
import type { Received } from "./support/end.ts";
import { End } from "./support/end.ts";
import { frame } from "./support/frames.ts";
import { inNamespace, ip } from "./support/namespace.ts";

const A = 0x0a;
const B = 0x0b;
/** 7 slots, then 30, of which the kernel rolls over to the first three quarters. */
const FIRST_RING_BYTES = 512 << 10;
const TWO_RINGS = { firstRingBytes: FIRST_RING_BYTES, ringBytes: FIRST_RING_BYTES + (2 << 20) };
const SLOTS = 7 + 21;
const FLOWS = 5;
const NUMBER_AT = 26; // IPv4's addresses: the kernel's hash of a flow depends on them
const SEQUENCE_AT = 60;

/** A frame of `flow` that says which one of it it is. */
function numbered(flow: number, sequence: number): Uint8Array {
  const bytes = frame(B, 100 + ((sequence * 37) % 1300), sequence);
  bytes.set([0x45, 0, 0, bytes.length - 14], 14);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, bytes.length - 14);
  view.setUint32(NUMBER_AT, flow);
  view.setUint32(SEQUENCE_AT, sequence);
  return bytes;
}

/** Counts on: which frames of which flow came. */
class Flows {
  readonly sent = new Array<number>(FLOWS).fill(0);
  readonly received = new Array<number>(FLOWS).fill(0);
  inSecond = 0;

  send(from: End, frames: number): void {
    const batch = Array.from({ length: frames }, (_, i) => numbered(i % FLOWS, this.sent[i % FLOWS]!++));
    assert.is(from.send(...batch), frames);
  }

  take(end: End, frames: readonly Received[]): void {
    for (const { ptr, bytes } of frames) {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const flow = view.getUint32(NUMBER_AT);
      assert.is(view.getUint32(SEQUENCE_AT), this.received[flow]!++, `flow ${flow}`);
      if (ptr >= end.ringPtr + FIRST_RING_BYTES) this.inSecond++;
    }
  }
}

/** Opens a sender and an end with two rings, runs the test, closes them. */
function withPair(body: (a: End, b: End) => void): () => void {
  return () => {
    const a = new End({ interface: "wtn0", mac: A });
    const b = new End({ interface: "wtn1", mac: B, ...TWO_RINGS });
    try {
      body(a, b);
    } finally {
      a.socket.close();
      b.socket.close();
    }
  };
}

inNamespace("native/receive-rings", import.meta.url, (test) => {
  const { Waiter, createWakeFd, closeWakeFd } = loadAddon();

  test(
    "a burst larger than the first ring arrives whole and in order, the rest of it in the second",
    withPair((a, b) => {
      assert.ok(b.socket.inPlace);
      assert.is(b.socket.slots, SLOTS);
      const flows = new Flows();
      for (let round = 0; round < 40; round++) {
        flows.send(a, 1 + ((round * 7) % SLOTS));
        for (let batch = b.receive(); batch.length > 0; batch = b.receive()) flows.take(b, batch);
        assert.equal(flows.received, flows.sent);
      }
      assert.ok(flows.inSecond > 100, `${flows.inSecond}`);
      const { dropped, malformed, received } = b.socket.statistics();
      assert.equal([dropped, malformed, b.linkDrops], [0, 0, 0]);
      assert.is(
        received,
        flows.sent.reduce((sum, n) => sum + n),
      );
    }),
  );

  test(
    "a reader that is always behind sees each flow in order, taken from both rings in turns",
    withPair((a, b) => {
      const flows = new Flows();
      flows.send(a, SLOTS);
      for (let round = 0; round < 200; round++) {
        const frames = b.receive(1 + (round % 3));
        flows.take(b, frames);
        b.socket.releaseFrames();
        flows.send(a, frames.length > 1 ? frames.length - 1 : frames.length);
      }
      for (let batch = b.receive(); batch.length > 0; batch = b.receive()) flows.take(b, batch);
      const { dropped } = b.socket.statistics();
      assert.is(dropped, 0);
      assert.equal(flows.received, flows.sent);
      assert.ok(
        flows.inSecond > 20 && flows.inSecond < flows.received.reduce((sum, n) => sum + n),
        `${flows.inSecond}`,
      );
    }),
  );

  test(
    "counts what neither ring has room for, once, and uses the second again as soon as it has room",
    withPair((a, b) => {
      for (let round = 0; round < 3; round++) {
        const sent = Array.from({ length: 100 }, (_, sequence) => numbered(0, sequence));
        assert.is(a.send(...sent), 100);
        let received = 0;
        let last = -1;
        for (let batch = b.receive(); batch.length > 0; batch = b.receive()) {
          for (const { bytes } of batch) {
            const sequence = new DataView(bytes.buffer, bytes.byteOffset).getUint32(SEQUENCE_AT);
            assert.ok(sequence > last);
            last = sequence;
          }
          received += batch.length;
        }
        assert.ok(received >= SLOTS && received < 100, `${received}`);
        assert.is(b.socket.statistics().dropped, b.linkDrops);
        assert.is(b.linkDrops, (round + 1) * (100 - received));
      }
    }),
  );

  test(
    "a link that went down and up: both sockets' errors are told as one, and both rings are used again",
    withPair((a, b) => {
      const fd = createWakeFd();
      const waiter = new Waiter(fd);
      waiter.add(b.socket);
      ip("link", "set", "wtn1", "down");
      assert.is(waiter.wait(1e6) & (1 << WAIT_READABLE_SHIFT), 1 << WAIT_READABLE_SHIFT);
      assert.is(b.socket.takeError(), 100);
      b.socket.takeLink();
      assert.is(waiter.wait(0), 0);
      ip("link", "set", "wtn1", "up");
      while (!b.socket.takeLink()?.up) waiter.wait(1e5);
      while (a.socket.takeLink() !== null);
      const flows = new Flows();
      for (let round = 0; round < 5; round++) {
        flows.send(a, SLOTS);
        for (let batch = b.receive(); batch.length > 0; batch = b.receive()) flows.take(b, batch);
      }
      assert.equal(flows.received, flows.sent);
      assert.ok(flows.inSecond > 50, `${flows.inSecond}`);
      closeWakeFd(fd);
    }),
  );

  test("an interface that is down is no obstacle", () => {
    ip("link", "set", "wtn1", "down");
    const b = new End({ interface: "wtn1", mac: B, ...TWO_RINGS });
    ip("link", "set", "wtn1", "up");
    while (!b.socket.takeLink()?.up);
    const a = new End({ interface: "wtn0", mac: A });
    const flows = new Flows();
    flows.send(a, SLOTS);
    for (let batch = b.receive(); batch.length > 0; batch = b.receive()) flows.take(b, batch);
    assert.equal(flows.received, flows.sent);
    a.socket.close();
    b.socket.close();
  });

  test("close gives both rings back and leaves no descriptor; the region stays usable", () => {
    const before = readdirSync("/proc/self/fd").length;
    const a = new End({ interface: "wtn0", mac: A });
    const b = new End({ interface: "wtn1", mac: B, ...TWO_RINGS });
    a.send(...Array.from({ length: SLOTS }, (_, i) => numbered(0, i)));
    b.receive(3);
    a.socket.close();
    b.socket.close();
    assert.is(readdirSync("/proc/self/fd").length, before);
    b.u8.fill(1, b.ringPtr, b.ringPtr + b.ringBytes);
    assert.equal([b.receive().length, b.socket.statistics().received], [0, 3]);
  });

  test("refuses sizes and options that do not go with two rings", () => {
    const wrong = [
      { firstRingBytes: 4096 },
      { firstRingBytes: FIRST_RING_BYTES + 1 },
      { firstRingBytes: TWO_RINGS.ringBytes - 4096 },
      { inPlace: false },
      { slotBytes: 2048, overflowBytes: 256 << 10 },
    ];
    for (const options of wrong) {
      assert.throws(
        () => new End({ interface: "wtn1", mac: B, ...TWO_RINGS, ...options }),
        (error: NodeJS.ErrnoException) => error.code === "EINVAL" && error.message.includes("firstRingBytes"),
      );
    }
  });
});
