// PacketSocket on a veth pair: what one end sends the other receives, byte for byte, in place and copied.
import * as assert from "uvu/assert";
import * as layout from "../../assembly/layout.ts";
import { loadAddon } from "../../src/native.ts";
import type { EndOptions, Received } from "./support/end.ts";
import { End, macAddress } from "./support/end.ts";
import {
  assertFrames,
  BROADCAST,
  concat,
  frame,
  pattern,
  TCP_HEADERS_BYTES,
  TCP_START,
  tcpHeaders,
} from "./support/frames.ts";
import { inNamespace, ip } from "./support/namespace.ts";

const A = 0x0a;
const B = 0x0b;

/** Opens both ends of the pair, runs the test, closes them. */
function withPair(body: (a: End, b: End) => void, options: Partial<EndOptions> = {}): () => void {
  return () => {
    const a = new End({ interface: "wtn0", mac: A, ...options });
    const b = new End({ interface: "wtn1", mac: B, ...options });
    try {
      body(a, b);
    } finally {
      a.socket.close();
      b.socket.close();
    }
  };
}

inNamespace("native/packet-socket", import.meta.url, (test) => {
  const small = { slotBytes: 2048, overflowBytes: 256 << 10 };

  test(
    "fetches frames longer than a slot on their own, in order with those that fit",
    withPair((a, b) => {
      assert.is(b.socket.slots, 512);
      const sent: Uint8Array[] = [];
      for (let round = 0; round < 40; round++) {
        const payload = pattern(20_000 + round, round);
        const fits = frame(B, 1475 + round, round);
        const header = tcpHeaders(B, payload.length);
        a.queue({ header, piece1: payload, flags: layout.FRAME_CSUM_PARTIAL, gsoSize: 1448, csumStart: TCP_START });
        a.queue({ header: fits });
        sent.push(concat(header, payload), fits);
      }
      for (let left = sent.length; left > 0; ) left -= a.socket.transmit();
      const received: Received[] = [];
      for (let batch = b.receive(); batch.length > 0; batch = b.receive()) received.push(...batch);
      assertFrames(received, sent);
      assert.ok(received.every(({ gsoSize }, at) => gsoSize === (at % 2 === 0 ? 1448 : 0)));
      assert.ok(received.every(({ flags }, at) => at % 2 === 1 || flags === layout.FRAME_CSUM_PARTIAL));
      const { truncated, dropped } = b.socket.statistics();
      assert.equal([truncated, dropped], [0, 0]);
    }, small),
  );

  test("refuses slots it cannot work with", () => {
    const wrong = [
      { slotBytes: 2049 },
      { slotBytes: 128 },
      { slotBytes: 2048 },
      { ...small, inPlace: false },
      { overflowBytes: 65_536 },
    ];
    for (const options of wrong) {
      assert.throws(
        () => new End({ interface: "wtn0", mac: A, ...options }),
        (error: NodeJS.ErrnoException) => error.code === "EINVAL",
      );
    }
  });

  for (const inPlace of [true, false]) {
    const mode = inPlace ? "in place" : "copied";

    test(
      `carries frames of every size both ways, ${mode}`,
      withPair(
        (a, b) => {
          assert.is(a.socket.inPlace, inPlace);
          const frames = [14, 15, 60, 61, 1000, 1513, 1514].map((length, i) => frame(B, length, i));
          assert.is(a.send(...frames), frames.length);
          assertFrames(b.receive(), frames);
          const back = frame(A, 500, 9);
          assert.is(b.send(back), 1);
          assertFrames(a.receive(), [back]);
          assert.is(a.socket.statistics().sent, frames.length);
          assert.is(b.socket.statistics().received, frames.length);
        },
        { inPlace },
      ),
    );

    test(
      `points descriptors into the receive region, ${mode}`,
      withPair(
        (a, b) => {
          a.send(frame(B, 100, 1), frame(B, 100, 2));
          for (const { ptr } of b.receive()) assert.ok(ptr >= b.ringPtr && ptr < b.ringPtr + b.ringBytes, String(ptr));
        },
        { inPlace },
      ),
    );

    test(
      `passes a 64 KiB super-segment through whole, ${mode}`,
      withPair(
        (a, b) => {
          const payload = pattern(loadAddon().interfaceInfo("wtn0")!.gsoMaxBytes - 40, 3);
          const header = tcpHeaders(B, payload.length);
          a.queue({
            header,
            piece1: payload.subarray(0, 40001),
            piece2: payload.subarray(40001),
            flags: layout.FRAME_CSUM_PARTIAL,
            gsoSize: 1448,
            csumStart: TCP_START,
          });
          assert.is(a.socket.transmit(), 1);
          const got = b.receive();
          assertFrames(got, [concat(header, payload)]);
          assert.is(got[0]?.gsoSize, 1448);
          assert.is(got[0]?.flags, layout.FRAME_CSUM_PARTIAL);
        },
        { inPlace },
      ),
    );

    test(
      `keeps order and bytes over many turns of the ring, ${mode}`,
      withPair(
        (a, b) => {
          const rounds = 12; // of 20 frames over 30 slots
          for (let round = 0; round < rounds; round++) {
            const frames = Array.from({ length: 20 }, (_, i) => frame(B, 200 + i, round * 20 + i));
            a.send(...frames);
            const got = [...b.receive(7), ...b.receive(7), ...b.receive(7)];
            assertFrames(got, frames);
          }
          assert.is(b.socket.statistics().received, rounds * 20);
          assert.is(b.socket.statistics().dropped, 0);
        },
        { inPlace },
      ),
    );
  }

  test(
    "keeps the frames of a receive untouched until the next one",
    withPair((a, b) => {
      const held = frame(B, 300, 1);
      a.send(held);
      const [got] = b.receive();
      assert.ok(got);
      for (let i = 0; i < 3; i++) a.send(...Array.from({ length: 20 }, (_, j) => frame(B, 300, 50 + i * 20 + j)));
      assertFrames([{ bytes: b.u8.slice(got.ptr, got.ptr + 300) }], [held]);
    }),
  );

  test(
    "counts what a full ring drops and recovers",
    withPair((a, b) => {
      const slots = b.socket.slots;
      assert.is(slots, 30); // 2 MiB in blocks of 15 slots
      const frames = Array.from({ length: slots + 13 }, (_, i) => frame(B, 100, i));
      a.send(...frames);
      assertFrames(b.receive(), frames.slice(0, slots));
      assert.is(b.receive().length, 0);
      assert.is(b.socket.statistics().dropped, 13);
      assert.is(b.linkDrops, 13);
      assert.is(b.socket.statistics().dropped, 13, "reading again adds nothing");
      const after = frame(B, 100, 99);
      a.send(after);
      assertFrames(b.receive(), [after]);
    }),
  );

  test(
    "counts drops when the next frame tells of them, without being asked",
    withPair((a, b) => {
      a.send(...Array.from({ length: b.socket.slots + 5 }, (_, i) => frame(B, 100, i)));
      b.receive();
      b.socket.releaseFrames();
      a.send(frame(B, 100, 1));
      b.receive();
      assert.is(b.linkDrops, 5);
    }),
  );

  test(
    "receives what is for its address, broadcast and multicast, of IPv4, ARP and IPv6 only",
    withPair((a, b) => {
      const wanted = [
        frame(B, 60, 1),
        frame(BROADCAST, 60, 2, 0x0806),
        frame(Uint8Array.of(0x33, 0x33, 0, 0, 0, 1), 60, 3, 0x86dd),
      ];
      const unwanted = [
        frame(0x0c, 60, 4),
        frame(Uint8Array.of(0x02, 0x78, 0, 0, 0, B), 60, 5),
        frame(B, 60, 6, 0x88cc),
        frame(BROADCAST, 60, 7, 0x1234),
      ];
      a.send(unwanted[0]!, wanted[0]!, unwanted[1]!, unwanted[2]!, wanted[1]!, unwanted[3]!, wanted[2]!);
      assertFrames(b.receive(), wanted);
      assert.is(a.receive().length, 0, "not what it sent itself");
    }),
  );

  test(
    "skips and counts frames with a VLAN tag",
    withPair((a, b) => {
      const inner = frame(B, 60, 1);
      const tagged = concat(inner.subarray(0, 12), Uint8Array.of(0x81, 0, 0, 5), inner.subarray(12));
      a.send(tagged, frame(B, 60, 2));
      assertFrames(b.receive(), [frame(B, 60, 2)]);
      assert.is(b.socket.statistics().tagged, 1);
    }),
  );

  test(
    "tells a partial checksum from a complete one",
    withPair((a, b) => {
      const header = tcpHeaders(B, 0);
      a.queue({ header, flags: layout.FRAME_CSUM_PARTIAL, csumStart: TCP_START });
      a.queue({ header });
      a.socket.transmit();
      const [partial, plain] = b.receive();
      assert.is(partial?.flags, layout.FRAME_CSUM_PARTIAL);
      assert.is((plain?.flags ?? 0) & layout.FRAME_CSUM_PARTIAL, 0);
    }),
  );

  test(
    "lets the kernel split a super-segment on a link that takes none",
    withPair((a, b) => {
      ip("link", "set", "wtn0", "gso_max_size", "2000");
      const payload = pattern(10_000, 5);
      a.queue({
        header: tcpHeaders(B, payload.length),
        piece1: payload,
        flags: layout.FRAME_CSUM_PARTIAL,
        gsoSize: 1448,
        csumStart: TCP_START,
      });
      a.socket.transmit();
      const got = b.receive();
      ip("link", "set", "wtn0", "gso_max_size", "65536");
      assert.is(got.length, Math.ceil(10_000 / 1448));
      assertFrames([{ bytes: concat(...got.map(({ bytes }) => bytes.subarray(TCP_HEADERS_BYTES))) }], [payload]);
      assert.ok(got.every(({ gsoSize }) => gsoSize === 0));
    }),
  );

  test(
    "puts arrival times on the caller's clock",
    withPair((a, b) => {
      a.send(frame(B, 60, 1), frame(B, 60, 2));
      const nowUs = 5_000_000;
      const [first, second] = b.receive(10, nowUs);
      assert.ok(first && second);
      assert.ok(
        first.timeUs > 0 && first.timeUs <= second.timeUs && second.timeUs <= nowUs,
        `${first.timeUs} ${second.timeUs}`,
      );
      a.send(frame(B, 60, 3));
      assert.is(b.receive()[0]?.timeUs, 0, "unknown without a clock");
    }),
  );

  test("is promiscuous while it is open, for an address that is not the interface's", () => {
    const promiscuity = () => /promiscuity (\d+)/.exec(ip("-d", "link", "show", "wtn0"))?.[1];
    const end = new End({ interface: "wtn0", mac: A });
    assert.is(promiscuity(), "1");
    end.socket.close();
    assert.is(promiscuity(), "0");
  });

  test(
    "gives the region back as fresh memory when it closes, and stays harmless",
    withPair((a, b) => {
      a.send(frame(B, 1000, 1));
      const [got] = b.receive();
      assert.ok(got && b.u8[got.ptr] === macAddress(B)[0]);
      b.socket.close();
      assert.ok(b.u8.subarray(b.ringPtr, b.ringPtr + b.ringBytes).every((byte) => byte === 0));
      b.u8.fill(7, b.ringPtr, b.ringPtr + b.ringBytes);
      assert.is(b.u8[b.ringPtr + b.ringBytes - 1], 7);
      assert.is(b.socket.receive(10), 0);
      assert.is(b.socket.transmit(), 0);
      assert.is(b.socket.takeError(), 0);
      assert.is(b.socket.statistics().received, 1);
      b.socket.releaseFrames();
      b.socket.close();
      const again = new End({ interface: "wtn1", mac: B });
      a.send(frame(B, 200, 2));
      assertFrames(again.receive(), [frame(B, 200, 2)]);
      again.socket.close();
    }),
  );

  test(
    "survives a core that scribbles over the ring's headers",
    withPair((a, b) => {
      a.send(frame(B, 100, 1), frame(B, 100, 2));
      const slot = 65536 + 512;
      b.view.setUint16(b.ringPtr + 12, 41, true); // tp_mac of the first slot: inside the slot's own header
      b.view.setUint32(b.ringPtr + slot + 8, 0xffffffff, true); // tp_snaplen of the second
      a.send(frame(B, 100, 3));
      assertFrames(b.receive(), [frame(B, 100, 3)]);
      assert.is(b.socket.statistics().malformed, 2);
    }),
  );
});
