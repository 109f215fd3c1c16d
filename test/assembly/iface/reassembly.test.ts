// Fragments in: one host that gets datagrams in parts, as honest routers and others would send them.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as counters from "../../../assembly/counters.ts";
import {
  FRAME_CSUM_VALID,
  USAGE_FRAGMENT_BYTES,
  USAGE_HEAP_BYTES,
  USAGE_IFACE_TIMERS,
} from "../../../assembly/layout.ts";
import { internetChecksum } from "../../../src/links/checksum.ts";
import { cut, fragment, joined } from "../../support/fragments.ts";
import { arp, Bench, BROADCAST, icmp, ipv4, OUR_IP, PEER_IP, PEER_MAC, tcp } from "../../support/frames.ts";

const test = suite("iface/reassembly");
const DATA = Uint8Array.from({ length: 3000 }, (_, index) => index * 13);
const ECHO = icmp(8, 0, 0x00010002, DATA);
const SECOND = 1_000_000;

function host(sysctl = {}): Bench {
  const bench = new Bench({ sysctl, prefixLength: 8 });
  bench.meetPeer();
  return bench;
}

/** What arrives as echo reply when these come, put together if it was cut. */
function reply(bench: Bench, frames: Uint8Array[]): Uint8Array | null {
  const out = bench.turn(frames).filter((frame) => frame[12] === 8 && frame[23] === 1);
  if (out.length === 0) return null;
  const first = out.find((frame) => (((frame[20]! << 8) | frame[21]!) & 0x1fff) === 0)!;
  assert.is(first[34], 0, "an echo reply");
  return joined(out);
}

function assertEmpty(bench: Bench): void {
  assert.is(bench.host.exports.usage(USAGE_FRAGMENT_BYTES), 0);
  assert.is(bench.host.exports.usage(USAGE_HEAP_BYTES), bench.host.linkHeapBytes);
}

const icmpOf = (frames: Uint8Array[]) => frames.filter((frame) => frame[12] === 8 && frame[23] === 1);
const count = (bench: Bench, counter: number) => bench.host.counter(counter);

test("puts a datagram together, whatever the order of its fragments [RFC 791 3.2, RFC 815, RFC 1122 3.3.2] [815#1] [815#2] [791#11]", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 370 }), fc.infiniteStream(fc.nat(1000)), (units, order) => {
      const bench = host();
      const frames = cut(ECHO, units * 8)
        .slice(0, 64)
        .map((frame) => ({ frame, key: order.next().value as number }))
        .sort((a, b) => a.key - b.key)
        .map(({ frame }) => frame);
      if (units < 6) return;
      const answer = reply(bench, frames);
      assert.equal(answer?.slice(8), DATA);
      assert.is(internetChecksum(answer!), 0);
      assert.is(count(bench, counters.COUNTER_IP_REASM_OKS), frames.length > 1 ? 1 : 0);
      assertEmpty(bench);
    }),
    { numRuns: 60, seed: 3 },
  );
});

test("an echo request of 65507 bytes is answered in fragments [RFC 1122 3.2.2.6]", () => {
  const bench = host();
  const data = new Uint8Array(65507).fill(5);
  const answer = reply(bench, cut(icmp(8, 0, 1, data), 1480));
  assert.equal(answer?.slice(8), data);
  assert.is(internetChecksum(answer!), 0);
  assert.is(count(bench, counters.COUNTER_IP_FRAG_CREATES), 45);
  assertEmpty(bench);
});

test("datagrams with another source, protocol or identification are not mixed [RFC 791 3.2] [815#3]", () => {
  const bench = host();
  const [head, tail] = cut(icmp(8, 0, 1, DATA.slice(0, 100)), 56) as [Uint8Array, Uint8Array];
  const others = [
    ...cut(icmp(8, 0, 1, DATA.slice(0, 100)), 56, { src: 0x0a000009 }).slice(1),
    ...cut(icmp(8, 0, 1, DATA.slice(0, 100)), 56, { protocol: 17 }).slice(1),
    ...cut(icmp(8, 0, 1, DATA.slice(0, 100)), 56, { id: 8 }).slice(1),
  ];
  assert.is(reply(bench, [head, ...others]), null);
  assert.equal(reply(bench, [tail])?.slice(8), DATA.slice(0, 100));
});

test("a TCP segment in parts is a segment, and its checksum is verified whatever the link says [attack 45]", () => {
  const bench = host();
  const segment = tcp({ dstPort: 81, payload: [...DATA.slice(0, 200)] }).slice(34);
  const frames = cut(segment, 56, { protocol: 6 }).map((bytes) => ({ bytes, flags: FRAME_CSUM_VALID, gsoSize: 9 }));
  assert.is(bench.turn(frames)[0]![47], 0x14);
  segment[100]! ^= 1;
  const wrong = cut(segment, 56, { protocol: 6, id: 9 }).map((bytes) => ({
    bytes,
    flags: FRAME_CSUM_VALID,
    gsoSize: 1,
  }));
  assert.equal(bench.turn(wrong), []);
  assert.is(count(bench, counters.COUNTER_TCP_IN_CSUM_ERRORS), 1);
});

test("overlapping fragments: nothing of the datagram is delivered, nor of what comes later [attack 18] [RFC 5722 4] [815#1]", () => {
  const overlaps: [number, number, boolean][] = [
    [48, 112, true], // reaches into the first from behind
    [8, 24, true], // inside, other bytes
    [0, 64, true], // over the first one
    [8, 3000, false], // from inside to the end
  ];
  for (const [start, end, more] of overlaps) {
    const bench = host();
    const frames = cut(ECHO, 56);
    const bad = fragment(new Uint8Array(end - start).fill(0xee), start, more);
    assert.equal(bench.turn([frames[0]!, bad]), []);
    assert.is(count(bench, counters.COUNTER_IP_REASM_OVERLAPS), 1);
    assert.is(reply(bench, frames), null, "what comes later of it");
    bench.after(31 * SECOND);
    assertEmpty(bench);
    assert.equal(reply(bench, frames)?.slice(8), DATA, "its name is free again");
  }
});

test("an exact duplicate is dropped and does no harm [RFC 8200 4.5]", () => {
  const bench = host();
  const frames = cut(ECHO, 1480);
  assert.is(reply(bench, [frames[0]!, frames[0]!, frames[1]!, frames[1]!]), null);
  assert.is(count(bench, counters.COUNTER_IP_REASM_OVERLAPS), 0);
  assert.equal(reply(bench, [frames[2]!])?.slice(8), DATA);
});

test("an end beyond 65535 bytes [attack 18] [815#5]", () => {
  const bench = host();
  bench.turn([fragment(new Uint8Array(56), 0, true), fragment(new Uint8Array(24), 65504, false)]);
  assert.is(count(bench, counters.COUNTER_IP_REASM_FAILS), 1);
  // A first fragment whose options make the whole too long
  const options = new Array<number>(40).fill(1);
  const frames = cut(icmp(8, 0, 1, new Uint8Array(65507)), 1480, { id: 9 });
  frames[0] = fragment(frames[0]!.slice(34), 0, true, { id: 9, options });
  assert.is(reply(bench, frames), null);
  bench.after(31 * SECOND);
  assertEmpty(bench);
});

test("no payload, a middle that is no multiple of 8, two ends [attack 20] [815#4]", () => {
  const cases: Uint8Array[][] = [
    [fragment([], 56, true)],
    [fragment([], 0, true)],
    [fragment([], 56, false)],
    [fragment(new Uint8Array(57), 56, true)],
    [fragment(new Uint8Array(8), 3000, false), fragment(new Uint8Array(8), 2992, false)],
    [fragment(new Uint8Array(8), 3000, false), fragment(new Uint8Array(16), 3000, true)],
    [fragment(new Uint8Array(16), 3000, true), fragment(new Uint8Array(8), 2000, false)],
  ];
  for (const bad of cases) {
    const bench = host();
    const [first, ...rest] = cut(ECHO, 56);
    bench.turn([first!]);
    assert.equal(bench.turn(bad), []);
    const dropped = count(bench, counters.COUNTER_IP_REASM_FAILS) + count(bench, counters.COUNTER_IP_REASM_OVERLAPS);
    assert.is(dropped, 1);
    assert.is(reply(bench, rest), null);
    bench.after(31 * SECOND);
    assertEmpty(bench);
  }
});

test("TCP headers cut up to pass filters are refused [RFC 1858 3, RFC 3128 3] [815#10]", () => {
  const bench = host();
  const segment = tcp({ dstPort: 81 }).slice(34);
  assert.equal(bench.turn(cut(segment, 8, { protocol: 6 })), []);
  assert.equal(bench.turn([fragment(segment.slice(0, 8), 0, true, { protocol: 6, id: 9 })]), []);
  assert.equal(bench.turn([fragment(new Uint8Array(16), 8, false, { protocol: 6, id: 10 })]), []);
  assert.is(count(bench, counters.COUNTER_IP_REASM_FAILS), 4);
});

test("fragments that are never completed: memory stays under ipfrag_high_thresh, the oldest go first, all are gone after 30 s [attack 19] [815#9]", () => {
  const limit = 262_144;
  const bench = host({ ipfrag_high_thresh: limit });
  let most = 0;
  const piece = new Uint8Array(8);
  for (let i = 0; i < 20_000; i += 100) {
    const batch = Array.from({ length: 100 }, (_, j) =>
      fragment(piece, i % 3 === 0 ? 0 : (((i + j) * 8) % 60_000) + 8, true, {
        id: (i + j) & 0xffff,
        src: 0x0a010000 + i,
      }),
    );
    assert.equal(bench.turn(batch), []);
    most = Math.max(most, bench.host.exports.usage(USAGE_FRAGMENT_BYTES));
  }
  assert.ok(most <= limit && most > limit - 8192, String(most));
  assert.equal(reply(bench, cut(ECHO, 1480))?.slice(8), DATA, "an honest one still gets through");
  bench.after(30 * SECOND);
  for (let i = 0; i < 10; i++) bench.after(10 * SECOND);
  assertEmpty(bench);
  assert.is(bench.host.exports.usage(USAGE_IFACE_TIMERS), 0);
});

test("with no memory for fragments none is kept", () => {
  const bench = host({ ipfrag_high_thresh: 0 });
  assert.is(reply(bench, cut(ECHO, 1480)), null);
  assert.is(count(bench, counters.COUNTER_IP_REASM_FAILS), 3);
  assertEmpty(bench);
});

test("more holes than are kept cost the datagram, not the others", () => {
  const bench = host();
  const other = cut(ECHO, 1480, { id: 99 });
  bench.turn(other.slice(1));
  const holes = Array.from({ length: 65 }, (_, index) => fragment(new Uint8Array(8), 16 * index + 8, true));
  bench.turn(holes);
  assert.is(count(bench, counters.COUNTER_IP_REASM_FAILS), 1);
  assert.equal(reply(bench, other.slice(0, 1))?.slice(8), DATA);
});

test("time exceeded, code 1, if and only if the first fragment came [RFC 1122 3.2.2.4] [RFC 1122 3.3.2] [792#7]", () => {
  const bench = host();
  const [first, second] = cut(ECHO, 1000) as [Uint8Array, Uint8Array];
  bench.turn([second]);
  assert.equal(icmpOf(bench.after(30 * SECOND)), []);
  bench.turn([second]);
  bench.nowUs += 29 * SECOND;
  bench.turn([first]); // does not prolong it
  const [complaint, ...rest] = icmpOf([...bench.after(SECOND), ...bench.turn([arp(1, PEER_MAC, PEER_IP, OUR_IP)])]);
  assert.equal(rest, []);
  assert.equal([...complaint!.slice(34, 36)], [11, 1]);
  assert.equal(complaint!.slice(42), first.slice(14, 14 + 548));
  assert.is(internetChecksum(complaint!, 34), 0);
  assert.is(count(bench, counters.COUNTER_IP_REASM_TIMEOUT), 2);
  assert.is(count(bench, counters.COUNTER_ICMP_OUT_TIME_EXCDS), 1);
  assertEmpty(bench);
});

test("time exceeded is limited per destination, and not sent about an error [RFC 1122 3.2.2] [792#1]", () => {
  const bench = host();
  const heads = [1, 2, 3].map((id) => cut(ECHO, 1000, { id })[0]!);
  const error = cut(icmp(3, 3, 0, new Uint8Array(100)), 56, { id: 4, src: 0x0a000003 })[0]!;
  bench.turn([...heads, error]);
  bench.nowUs += 29 * SECOND;
  assert.is(icmpOf([...bench.after(SECOND), ...bench.turn([arp(1, PEER_MAC, PEER_IP, OUR_IP)])]).length, 1);
  assert.is(count(bench, counters.COUNTER_ICMP_OUT_RATE_LIMITED), 2);
});

test("a mark of congestion on one fragment is one on the datagram; an impossible mix is dropped [RFC 3168 5.3] [3168#11]", () => {
  const bench = host();
  const frames = (tos: number[], id: number) =>
    cut(icmp(8, 0, 1, new Uint8Array(100)), 56, { id }).map((frame, index) =>
      ipv4(frame.slice(34), { id, fragment: (frame[20]! << 8) | frame[21]!, tos: tos[index]! }),
    );
  assert.ok(reply(bench, frames([2, 3], 1)));
  assert.ok(reply(bench, frames([2, 1], 2)));
  assert.is(reply(bench, frames([0, 3], 3)), null);
});

test("fragments to all hosts are dropped", () => {
  const bench = host();
  bench.turn([fragment(ECHO.slice(0, 56), 0, true, { dst: 0x0affffff, to: BROADCAST })]);
  assert.is(count(bench, counters.COUNTER_IP_REASM_FAILS), 1);
  assertEmpty(bench);
});

test("fragments of all kinds, overlapping, twice, forged: what is delivered is what was sent, or nothing [815#1] [attack 18]", () => {
  const length = 400;
  const message = icmp(8, 0, 0x00010002, DATA.slice(0, length - 8));
  const piece = fc.record({
    start: fc.nat(length / 8 - 1),
    units: fc.integer({ min: 1, max: 12 }),
    last: fc.boolean(),
    forged: fc.integer({ min: 0, max: 15 }),
  });
  let delivered = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.boolean(), (pieces, isHonest) => {
      const bench = host();
      const frames = pieces.map(({ start, units, last, forged }) => {
        const bytes = message.slice(start * 8, (start + units) * 8);
        if (!isHonest && forged === 0) bytes.fill(0xee);
        const reachesEnd = start * 8 + bytes.length === length;
        return fragment(bytes, start * 8, isHonest ? !reachesEnd : !last);
      });
      if (isHonest) frames.push(...cut(message, 56));
      for (const frame of frames) {
        const answer = reply(bench, [frame]);
        if (answer === null) continue;
        delivered++;
        assert.is(internetChecksum(answer), 0);
        assert.equal([...answer.slice(8)], [...DATA.slice(0, answer.length - 8)]);
      }
      bench.after(31 * SECOND);
      assertEmpty(bench);
    }),
    { numRuns: 300, seed: 11 },
  );
  assert.ok(delivered > 0);
});

test.run();
