// Datagrams that do not fit: one host that pings with more than a frame holds, and paths that prove narrower than the link.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as counters from "../../../assembly/counters.ts";
import { EMSGSIZE, USAGE_HEAP_BYTES, USAGE_PATH_MTUS } from "../../../assembly/layout.ts";
import { internetChecksum } from "../../../src/links/checksum.ts";
import type { SimHostOptions } from "../../../src/sim/index.ts";
import { joined } from "../../support/fragments.ts";
import { arp, Bench, icmp, ipv4, OUR_IP, PEER_IP, PEER_MAC } from "../../support/frames.ts";
import { A, B, SECOND, simulate } from "../../support/sim.ts";

const test = suite("iface/fragmentation");
const ROUTER = 0x0a0000fe;

function host(options: Partial<SimHostOptions> = {}): Bench {
  const bench = new Bench(options);
  bench.meetPeer();
  return bench;
}

const half = (frame: Uint8Array, at: number) => (frame[at]! << 8) | frame[at + 1]!;
const isFragment = (frame: Uint8Array) => (half(frame, 20) & 0x3fff) !== 0;
const hasDf = (frame: Uint8Array) => (half(frame, 20) & 0x4000) !== 0;
const identification = (frame: Uint8Array) => half(frame, 18);

test("a ping that does not fit leaves in fragments, each within the MTU [RFC 791 3.2, RFC 1122 3.3.3] [791#10]", () => {
  for (const [mtu, bytes] of [
    [1500, 1473],
    [1500, 65507],
    [576, 1000],
    [68, 200],
  ] as const) {
    const bench = host({ mtu });
    bench.host.ping(PEER_IP, bytes);
    const frames = bench.turn();
    assert.ok(frames.length > 1);
    for (const frame of frames) {
      assert.ok(half(frame, 16) <= mtu && half(frame, 16) === frame.length - 14);
      assert.is(internetChecksum(frame, 14, 34), 0);
      assert.not.ok(hasDf(frame));
    }
    const message = joined(frames);
    assert.is(message.length, 8 + bytes);
    assert.is(internetChecksum(message), 0);
    assert.is(bench.host.counter(counters.COUNTER_IP_FRAG_CREATES), frames.length);
    bench.turn();
    assert.is(bench.host.exports.usage(USAGE_HEAP_BYTES), bench.host.linkHeapBytes);
  }
});

test("what fits carries DF and no identification [RFC 6864 4.1] [791#8]", () => {
  const bench = host();
  bench.host.ping(PEER_IP, 1472);
  const [frame, ...rest] = bench.turn();
  assert.equal(rest, []);
  assert.ok(hasDf(frame!));
  assert.is(identification(frame!), 0);
});

test("identifications do not repeat soon and cannot be foretold [attack 24] [RFC 6864 4.3] [791#8]", () => {
  const seen = new Set<number>();
  const steps = new Set<number>();
  const bench = host();
  let last = -1;
  for (let i = 0; i < 200; i++) {
    bench.host.ping(PEER_IP, 1600);
    const [frame] = bench.turn();
    assert.not.ok(seen.has(identification(frame!)));
    seen.add(identification(frame!));
    if (last >= 0) steps.add((identification(frame!) - last) & 0xffff);
    last = identification(frame!);
  }
  assert.ok(steps.size >= 4, "steps vary");
  const other = host({ address: OUR_IP + 16 });
  other.host.ping(PEER_IP, 1600);
  assert.not.ok(seen.has(identification(other.turn([arp(1, PEER_MAC, PEER_IP, OUR_IP + 16)])[0]!)), "starts vary");
});

test("fragments wait for the next hop together", () => {
  const bench = new Bench();
  const ping = bench.host.ping(PEER_IP, 65507);
  const [question] = bench.turn();
  assert.is(half(question!, 12), 0x0806);
  const frames = bench.turn([arp(2, PEER_MAC, PEER_IP, OUR_IP)]);
  assert.is(joined(frames).length, 65515);
  assert.is(ping.errno, null);
});

test("more fragments than anybody would put together are refused", () => {
  const bench = host({ mtu: 68 });
  const ping = bench.host.ping(PEER_IP, 65507);
  bench.turn();
  assert.is(ping.errno, EMSGSIZE);
  assert.is(bench.host.counter(counters.COUNTER_IP_OUT_TOO_BIG), 1);
});

test("with ip_no_pmtu_disc DF is never set [RFC 6864 4.2]", () => {
  const bench = host({ sysctl: { ip_no_pmtu_disc: 1 } });
  bench.host.ping(PEER_IP, 56);
  const [frame] = bench.turn();
  assert.not.ok(hasDf(frame!) || isFragment(frame!));
});

test("a ping that was too big for the path fails; the next one is cut to fit it [RFC 1191 3]", () => {
  const bench = host();
  const first = bench.host.ping(PEER_IP, 1400);
  const [frame] = bench.turn();
  bench.turn([ipv4(icmp(3, 4, 1000, frame!.slice(14)), { src: ROUTER })]);
  assert.is(first.errno, EMSGSIZE);
  assert.is(bench.host.exports.usage(USAGE_PATH_MTUS), 1);
  bench.host.ping(PEER_IP, 1400);
  const frames = bench.turn();
  assert.is(frames.length, 2);
  assert.ok(frames.every((each) => half(each, 16) <= 1000));
  // Forgotten after ten minutes
  bench.after(600 * SECOND);
  assert.is(bench.host.exports.usage(USAGE_PATH_MTUS), 0);
});

test("an echo reply that a router may have to cut carries no DF: nobody could tell us that it was too big [RFC 1122 3.2.2.6]", () => {
  for (const [bytes, df] of [
    [56, true],
    [552 - 28, true],
    [553 - 28, false],
    [1472, false],
  ] as const) {
    const bench = host();
    const [reply, ...rest] = bench.turn([
      ipv4(icmp(8, 0, 0x00070001, new Uint8Array(bytes)), { src: PEER_IP, dst: OUR_IP }),
    ]);
    assert.equal(rest, []);
    assert.is(half(reply!, 16), bytes + 28);
    assert.is(hasDf(reply!), df, `${bytes} bytes`);
    assert.is(identification(reply!) === 0, df, "an identification only without DF");
    assert.not.ok(isFragment(reply!));
  }
});

test("a claim about a ping that was never sent changes nothing [attack 31]", () => {
  const bench = host();
  const forged = ipv4(icmp(8, 0, 0x00070007, new Uint8Array(1400)), { src: OUR_IP, dst: PEER_IP }).slice(14);
  bench.turn([ipv4(icmp(3, 4, 600, forged), { src: ROUTER })]);
  assert.is(bench.host.exports.usage(USAGE_PATH_MTUS), 0);
  assert.is(bench.host.counter(counters.COUNTER_ICMP_IN_NO_MATCH), 1);
});

test("two hosts exchange pings of every size, cut and put together again [RFC 1122 3.2.2.6]", () => {
  const sim = simulate({ a: { mtu: 576 }, aToB: { delayMs: 1, reorder: 0.3 } });
  for (const bytes of [0, 1472, 1473, 8000, 60_000]) {
    const ping = sim.a.ping(B, bytes);
    const back = sim.b.ping(A, bytes);
    sim.runFor(5 * SECOND, () => ping.errno !== null && back.errno !== null);
    assert.is(ping.errno, 0, `${bytes} bytes`);
    assert.is(back.errno, 0, `${bytes} bytes`);
  }
});

test.run();
