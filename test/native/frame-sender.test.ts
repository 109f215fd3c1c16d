// The TX ring's consumer: what it refuses, what it counts, and how it takes the kernel's back-pressure.
import * as assert from "uvu/assert";
import * as layout from "../../assembly/layout.ts";
import { loadAddon, WAIT_READABLE_SHIFT, WAIT_WRITABLE_SHIFT } from "../../src/native.ts";
import type { Received } from "./support/end.ts";
import { End, macAddress, TX_RING_PTR } from "./support/end.ts";
import { assertFrames, concat, frame, pattern, TCP_START, tcpHeaders } from "./support/frames.ts";
import { inNamespace, ip, remakeVethPair, tc } from "./support/namespace.ts";

const A = 0x0a;
const B = 0x0b;
const ENXIO = 6;

inNamespace("native/frame-sender", import.meta.url, (test) => {
  let a: End;
  let b: End;

  function open(sendBufferBytes?: number): void {
    a = new End({ interface: "wtn0", mac: A, ...(sendBufferBytes ? { sendBufferBytes } : {}) });
    b = new End({ interface: "wtn1", mac: B });
  }

  /** Waits as a worker does, until the TX ring of `a` is empty and `b` has `count` frames, or nothing happens any more. */
  function transmitAndReceive(count: number, patienceUs = 1e6, idleTurns = 5): Received[] {
    const { Waiter, createWakeFd, closeWakeFd } = loadAddon();
    const wakeFd = createWakeFd();
    const waiter = new Waiter(wakeFd);
    const [first, second] = [waiter.add(a.socket), waiter.add(b.socket)];
    const got: Received[] = [];
    for (let idle = 0; idle < idleTurns && (a.txHead !== a.txTail || got.length < count); ) {
      const ready = waiter.wait(patienceUs, a.txHead === a.txTail ? 0 : 1 << first);
      idle = ready === 0 ? idle + 1 : 0;
      if (ready & (1 << (WAIT_READABLE_SHIFT + second))) got.push(...b.receive());
      if (ready & (1 << (WAIT_WRITABLE_SHIFT + first))) a.socket.transmit();
    }
    closeWakeFd(wakeFd);
    return got;
  }

  test.before.each(() => {
    remakeVethPair();
    open();
  });

  test.after.each(() => {
    a.socket.close();
    b.socket.close();
  });

  test("gathers a frame from its header and two pieces", () => {
    const whole = frame(B, 1200, 1);
    a.queue({ header: whole.subarray(0, 54), piece1: whole.subarray(54, 700), piece2: whole.subarray(700) });
    a.queue({ header: whole.subarray(0, 20), piece2: whole.subarray(20) });
    assert.is(a.socket.transmit(), 2);
    assertFrames(b.receive(), [whole, whole]);
  });

  test("sends a full ring, also where its indices wrap at 2^32", () => {
    const start = 0xffffff80;
    a.view.setUint32(TX_RING_PTR + layout.RING_HEAD, start, true);
    a.txTail = start;
    const frames = Array.from({ length: layout.TX_CAPACITY }, (_, i) => frame(B, 64, i));
    const big = new End({ interface: "wtn1", mac: B, ringBytes: 24 << 20 });
    assert.is(a.send(...frames), layout.TX_CAPACITY);
    assert.is(a.txHead, (start + layout.TX_CAPACITY) >>> 0);
    assertFrames(big.receive(), frames);
    big.socket.close();
  });

  test("sends no more frames than it is told to", () => {
    for (let i = 0; i < 5; i++) a.queue({ header: frame(B, 60, i) });
    assert.is(a.socket.transmit(2), 2);
    assert.is(a.txHead, 2);
    assert.is(a.socket.transmit(), 3);
    assertFrames(
      b.receive(),
      Array.from({ length: 5 }, (_, i) => frame(B, 60, i)),
    );
  });

  const bad: [string, (at: number) => void][] = [
    ["a header address beyond the memory", (at) => a.view.setUint32(at + layout.TX_HEADER_PTR, 0xffffffff, true)],
    [
      "a header that ends beyond the memory",
      (at) => a.view.setUint32(at + layout.TX_HEADER_PTR, a.u8.length - 10, true),
    ],
    ["a header shorter than Ethernet's", (at) => a.view.setUint32(at + layout.TX_HEADER_LENGTH, 13, true)],
    ["a length of 4 GiB", (at) => a.view.setUint32(at + layout.TX_HEADER_LENGTH, 0xffffffff, true)],
    ["a first piece beyond the memory", (at) => a.view.setUint32(at + layout.TX_PIECE1_PTR, a.u8.length, true)],
    ["a first piece whose end wraps", (at) => a.view.setUint32(at + layout.TX_PIECE1_LENGTH, 0xfffffff0, true)],
    ["a second piece beyond the memory", (at) => a.view.setUint32(at + layout.TX_PIECE2_PTR, a.u8.length - 1, true)],
    ["pieces of more than a frame", (at) => a.view.setUint32(at + layout.TX_PIECE1_LENGTH, 65536, true)],
    ["a super-segment without a partial checksum", (at) => a.view.setUint16(at + layout.TX_GSO_SIZE, 100, true)],
    [
      "a checksum field beyond the header",
      (at) => {
        a.view.setUint16(at + layout.TX_FLAGS, layout.FRAME_CSUM_PARTIAL, true);
        a.view.setUint16(at + layout.TX_CSUM_START, 1490, true);
      },
    ],
  ];
  for (const [what, spoil] of bad) {
    test(`passes over and counts ${what}`, () => {
      a.queue({ header: frame(B, 60, 1) });
      const at = a.queue({ header: frame(B, 60, 2), piece1: pattern(8, 1), piece2: pattern(8, 2) });
      spoil(at);
      a.queue({ header: frame(B, 60, 3) });
      assert.is(a.socket.transmit(), 3);
      assertFrames(b.receive(), [frame(B, 60, 1), frame(B, 60, 3)]);
      assert.is(a.linkErrors, 1);
      assert.is(a.socket.statistics().sendErrors, 1);
      assert.is(a.socket.takeError(), 0, "the link is not to blame");
    });
  }

  test("counts a frame above the MTU (EMSGSIZE) and goes on", () => {
    assert.is(a.send(frame(B, 1515, 1), frame(B, 1514, 2)), 2);
    assertFrames(b.receive(), [frame(B, 1514, 2)]);
    assert.is(a.linkErrors, 1);
    assert.not(a.socket.blocked);
  });

  test("starts over from the tail when an index makes no sense", () => {
    a.txTail = layout.TX_CAPACITY + 1;
    assert.is(a.socket.transmit(), 0);
    assert.is(a.txHead, layout.TX_CAPACITY + 1);
    assert.is(a.view.getUint32(TX_RING_PTR + layout.RING_CORRUPT, true), 1);
    assert.is(a.linkErrors, 1);
    a.send(frame(B, 60, 1));
    assertFrames(b.receive(), [frame(B, 60, 1)]);
  });

  test("keeps frames when the socket is full (EAGAIN) and sends them once it is writable", () => {
    a.socket.close();
    b.socket.close();
    open(32 << 10);
    tc("qdisc", "add", "dev", "wtn0", "root", "tbf", "rate", "4mbit", "burst", "3000", "limit", "10000000");
    const frames = Array.from({ length: 60 }, (_, i) => frame(B, 1500, i));
    const first = a.send(...frames);
    assert.ok(first > 0 && first < 60, String(first));
    assert.ok(a.socket.blocked);
    assert.is(a.txHead, first);
    assertFrames(transmitAndReceive(60), frames);
    assert.is(a.txHead, 60);
    assert.not(a.socket.blocked);
    assert.is(a.linkErrors, 0);
  });

  test("keeps frames when the interface's queue is full (ENOBUFS) and tries again soon", () => {
    tc("qdisc", "add", "dev", "wtn0", "root", "tbf", "rate", "8mbit", "burst", "3000", "limit", "15000");
    const frames = Array.from({ length: 40 }, (_, i) => frame(B, 1500, i));
    const first = a.send(...frames);
    assert.ok(first > 0 && first < 40, String(first));
    assert.ok(a.socket.blocked);
    assertFrames(transmitAndReceive(40), frames);
    assert.is(a.txHead, 40);
    assert.is(a.linkErrors, 0);
  });

  test("reports a link that goes down, counts its frames, and works when it is up again", () => {
    ip("link", "set", "wtn0", "down");
    assert.is(a.send(frame(B, 60, 1), frame(B, 60, 2)), 2);
    assert.is(a.linkErrors, 2);
    assert.is(a.socket.takeError(), layout.ENETDOWN);
    assert.is(a.socket.takeError(), 0);
    ip("link", "set", "wtn0", "up");
    // The kernel starts the queues of an interface a moment after it is up; what comes earlier, it swallows.
    const arrived: Received[] = [];
    for (let tries = 0; arrived.length === 0 && tries < 50; tries++) {
      a.send(frame(B, 60, 3));
      arrived.push(...transmitAndReceive(1, 1e5, 1));
    }
    assertFrames(arrived.slice(0, 1), [frame(B, 60, 3)]);
    b.send(frame(A, 60, 4));
    assertFrames(a.receive(), [frame(A, 60, 4)]);
  });

  test("reports an interface that is gone", () => {
    ip("link", "del", "wtn0");
    assert.is(a.send(frame(B, 60, 1), frame(B, 60, 2)), 2);
    assert.is(a.linkErrors, 2);
    assert.ok([ENXIO, layout.ENETDOWN].includes(a.socket.takeError()));
    assert.is(a.receive().length, 0);
    assert.is(a.socket.statistics().sendErrors, 2);
  });

  test("gives the ECN-free TCPv6 type to an IPv6 super-segment", () => {
    const payload = pattern(5000, 1);
    const header = tcpHeaders(B, payload.length);
    const ipv6 = new Uint8Array(14 + 40 + 20);
    ipv6.set(header.subarray(0, 12));
    ipv6.set([0x86, 0xdd, 0x60, 0, 0, 0], 12);
    new DataView(ipv6.buffer).setUint16(18, 20 + payload.length);
    ipv6.set([6, 64], 20);
    ipv6.set(macAddress(1), 24);
    ipv6.set(macAddress(2), 40);
    ipv6.set(header.subarray(TCP_START), 54);
    a.queue({ header: ipv6, piece1: payload, flags: layout.FRAME_CSUM_PARTIAL, gsoSize: 1428, csumStart: 54 });
    a.socket.transmit();
    const got = b.receive();
    assertFrames(got, [concat(ipv6, payload)]);
    assert.is(got[0]?.gsoSize, 1428);
    assert.is(a.linkErrors, 0);
  });
});
