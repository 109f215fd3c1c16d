// The ARP cache as the network sees it: one host, frames in and out.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  COUNTER_ARP_CONFLICT,
  COUNTER_ARP_FAILED,
  COUNTER_ARP_MALFORMED,
  COUNTER_ARP_QUEUE_DROPPED,
  COUNTER_ARP_UNSOLICITED,
} from "../../../assembly/counters.ts";
import {
  EHOSTUNREACH,
  ENETDOWN,
  USAGE_HEAP_BYTES,
  USAGE_IFACE_TIMERS,
  USAGE_NEIGHBORS,
} from "../../../assembly/layout.ts";
import {
  arp,
  Bench,
  BROADCAST,
  bytes32,
  icmp,
  ipv4,
  OUR_IP,
  OUR_MAC,
  PEER_IP,
  PEER_MAC,
  tcp,
} from "../../support/frames.ts";

const test = suite("iface/arp");
const EVIL = [0x02, 0x66, 0, 0, 0, 1];
const isArp = (frame: Uint8Array) => frame[12] === 8 && frame[13] === 6;
const target = (frame: Uint8Array) => [...frame.slice(38, 42)];

test("the address is announced twice, two seconds apart [5227 2.3] [5227#3]", () => {
  const bench = new Bench();
  // The first one left in the bench's first turn
  assert.equal(bench.after(1_999_999), []);
  const [announcement] = bench.after(1);
  assert.equal([...announcement!.slice(0, 6)], BROADCAST);
  assert.equal(
    [...announcement!.slice(14)],
    [0, 1, 8, 0, 6, 4, 0, 1, ...OUR_MAC, ...bytes32(OUR_IP), 0, 0, 0, 0, 0, 0, ...bytes32(OUR_IP)],
  );
  assert.equal(bench.after(60_000_000), []);
});

test("who asks for our address gets it, and is remembered [826] [826#2] [826#3]", () => {
  const bench = new Bench();
  const [reply] = bench.turn([arp(1, PEER_MAC, PEER_IP, OUR_IP)]);
  assert.equal([...reply!.slice(0, 14)], [...PEER_MAC, ...OUR_MAC, 8, 6]);
  assert.equal(
    [...reply!.slice(14)],
    [0, 1, 8, 0, 6, 4, 0, 2, ...OUR_MAC, ...bytes32(OUR_IP), ...PEER_MAC, ...bytes32(PEER_IP)],
  );
  assert.is(bench.host.exports.usage(USAGE_NEIGHBORS), 1);
  const [echo] = bench.turn([ipv4(icmp(8, 0, 7))]);
  assert.equal([...echo!.slice(0, 6)], PEER_MAC);
});

test("a probe without sender address is answered and makes no record [5227 1.1] [5227#5]", () => {
  const bench = new Bench();
  assert.is(bench.turn([arp(1, PEER_MAC, 0, OUR_IP)]).length, 1);
  assert.is(bench.host.exports.usage(USAGE_NEIGHBORS), 0);
});

test("a question about somebody else makes no record [826#2]", () => {
  const bench = new Bench();
  assert.equal(bench.turn([arp(1, PEER_MAC, PEER_IP, 0x0a000009)]), []);
  assert.is(bench.host.exports.usage(USAGE_NEIGHBORS), 0);
});

test("a packet waits for the answer and then leaves; a broken one is not believed [attack 3] [1122-link#3]", () => {
  const bench = new Bench();
  bench.host.ping(PEER_IP);
  const [request] = bench.turn();
  assert.ok(isArp(request!));
  assert.equal(target(request!), bytes32(PEER_IP));
  const lengths = arp(2, EVIL, PEER_IP, OUR_IP, OUR_MAC);
  lengths[18] = 8;
  const short = arp(2, EVIL, PEER_IP, OUR_IP, OUR_MAC).slice(0, 41);
  const group = arp(2, [1, 0, 0, 0, 0, 1], PEER_IP, OUR_IP, OUR_MAC);
  const counted = bench.counted(() => assert.equal(bench.turn([lengths, short, group]), []));
  assert.equal(counted, { [COUNTER_ARP_MALFORMED]: 3 });
  const [echo] = bench.turn([arp(2, PEER_MAC, PEER_IP, OUR_IP, OUR_MAC)]);
  assert.equal([...echo!.slice(0, 14)], [...PEER_MAC, ...OUR_MAC, 8, 0]);
});

test("a reply that nobody asked for changes nothing [attack 4] [826#4]", () => {
  const bench = new Bench();
  bench.turn([arp(2, EVIL, PEER_IP, OUR_IP, OUR_MAC)]);
  assert.is(bench.host.exports.usage(USAGE_NEIGHBORS), 0);
  bench.meetPeer();
  bench.turn([arp(2, EVIL, PEER_IP, OUR_IP, OUR_MAC)]);
  const [echo] = bench.turn([ipv4(icmp(8, 0, 7))]);
  assert.equal([...echo!.slice(0, 6)], PEER_MAC);
  assert.is(bench.host.counter(COUNTER_ARP_UNSOLICITED), 2);
});

test("an announcement corrects a record that exists [826, 5227 3] [826#1]", () => {
  const bench = new Bench();
  bench.meetPeer();
  const moved = [0x02, 0x77, 10, 0, 0, 0x22];
  bench.turn([arp(1, moved, PEER_IP, PEER_IP)]);
  const [echo] = bench.turn([ipv4(icmp(8, 0, 7))]);
  assert.equal([...echo!.slice(0, 6)], moved);
});

test("nobody can speak for our own address: it is defended, once in ten seconds [5227 2.4] [attack 9] [5227#4]", () => {
  const bench = new Bench();
  const claim = () => bench.turn([arp(2, EVIL, OUR_IP, PEER_IP), arp(1, EVIL, OUR_IP, OUR_IP)]);
  const defence = claim();
  assert.is(defence.length, 1);
  assert.equal([...defence[0]!.slice(22, 32)], [...OUR_MAC, ...bytes32(OUR_IP)]);
  assert.equal(claim(), []);
  bench.nowUs += 10_000_000;
  assert.is(claim().filter((frame) => [...frame.slice(28, 32)].join() === bytes32(OUR_IP).join()).length >= 1, true);
  assert.is(bench.host.counter(COUNTER_ARP_CONFLICT), 6);
  assert.is(bench.host.exports.usage(USAGE_NEIGHBORS), 0);
});

test("three questions, one second apart, then those who wait are told; later ones ask again [attack 5] [1122-link#2]", () => {
  const bench = new Bench();
  bench.after(2_000_000);
  const ping = bench.host.ping(PEER_IP);
  const connection = bench.host.connect(PEER_IP, 80);
  assert.is(bench.turn().filter(isArp).length, 1);
  assert.is(bench.after(1_000_000).filter(isArp).length, 1);
  assert.is(bench.after(1_000_000).filter(isArp).length, 1);
  assert.is(ping.errno, null);
  assert.equal(bench.after(1_000_000), []);
  assert.is(ping.errno, EHOSTUNREACH);
  assert.is(connection.error, EHOSTUNREACH);
  assert.is(bench.host.counter(COUNTER_ARP_FAILED), 1);
  bench.after(1_000_000);
  assert.is(bench.host.exports.usage(USAGE_NEIGHBORS), 0);
  bench.host.ping(PEER_IP);
  assert.is(bench.turn().filter(isArp).length, 1);
});

test("what waits for one address is bounded [attack 5]", () => {
  const bench = new Bench({ sysctl: { unres_qlen: 4 } });
  for (let i = 0; i < 10; i++) bench.host.ping(PEER_IP);
  bench.turn();
  assert.is(bench.host.counter(COUNTER_ARP_QUEUE_DROPPED), 6);
  assert.is(bench.turn([arp(2, PEER_MAC, PEER_IP, OUR_IP, OUR_MAC)]).length, 4);
  assert.is(bench.host.exports.usage(USAGE_HEAP_BYTES), bench.host.linkHeapBytes);
});

test("a flood of strangers does not evict who is confirmed, nor grow the cache [attack 4]", () => {
  const bench = new Bench({ prefixLength: 8 });
  bench.host.ping(PEER_IP);
  bench.turn();
  bench.turn([arp(2, PEER_MAC, PEER_IP, OUR_IP, OUR_MAC)]);
  for (let i = 0; i < 3000; i++) bench.turn([arp(1, [0x02, 1, 1, 1, i >> 8, i & 255], 0x0a010000 + i, OUR_IP)]);
  assert.is(bench.host.exports.usage(USAGE_NEIGHBORS), 1024);
  const [echo] = bench.turn([ipv4(icmp(8, 0, 7))]);
  assert.equal([...echo!.slice(0, 6)], PEER_MAC);
});

test("answers to made-up addresses leave room for our own questions [attack 5]", () => {
  const bench = new Bench({ prefixLength: 8 });
  for (let i = 0; i < 2000; i++) bench.turn([tcp({ src: 0x0a020000 + i, flags: 2, dstPort: 81 })]);
  assert.ok(bench.host.exports.usage(USAGE_NEIGHBORS) <= 256);
  bench.host.ping(PEER_IP);
  assert.is(bench.turn().filter((frame) => isArp(frame) && target(frame).join() === bytes32(PEER_IP).join()).length, 1);
});

test("a record that is used is checked by unicast, and forgotten when nobody uses it [1122-link#1]", () => {
  const bench = new Bench();
  bench.after(2_000_000);
  bench.meetPeer();
  bench.turn([ipv4(icmp(8, 0, 7))]); // used: stale becomes delay
  const probe = bench.after(5_000_000).find(isArp)!;
  assert.equal([...probe.slice(0, 6)], PEER_MAC);
  bench.turn([arp(2, PEER_MAC, PEER_IP, OUR_IP, OUR_MAC)]);
  for (let s = 0; s < 120; s++) assert.equal(bench.after(1_000_000), []);
  assert.is(bench.host.exports.usage(USAGE_NEIGHBORS), 0);
  assert.is(bench.host.exports.usage(USAGE_IFACE_TIMERS), 0);
});

/** When frames left, µs from the first turn on, and what they were. */
function watch(bench: Bench, forUs: number): { atUs: number; frame: Uint8Array }[] {
  const seen: { atUs: number; frame: Uint8Array }[] = [];
  const startUs = bench.nowUs;
  while (bench.nowUs < startUs + forUs) {
    for (const frame of bench.after(10_000)) seen.push({ atUs: bench.nowUs - startUs, frame });
  }
  return seen;
}

test("with arp_probe others are asked three times before the address is used and announced [5227#1] [5227#5]", () => {
  const bench = new Bench({ sysctl: { arp_probe: 1 } });
  const refused = bench.host.connect(PEER_IP, 80);
  assert.equal(bench.turn([arp(1, PEER_MAC, PEER_IP, OUR_IP), ipv4(icmp(8, 0, 7))]), [], "it is not ours yet");
  assert.is(refused.error, ENETDOWN);
  const seen = watch(bench, 12_000_000);
  assert.is(seen.length, 5);
  const sender = (frame: Uint8Array) => [...frame.slice(28, 32)];
  for (const { frame } of seen.slice(0, 3)) {
    assert.equal([...frame.slice(0, 6)], BROADCAST);
    assert.equal(sender(frame), [0, 0, 0, 0]);
    assert.equal(target(frame), bytes32(OUR_IP));
  }
  for (const { frame } of seen.slice(3)) assert.equal(sender(frame), bytes32(OUR_IP));
  const gap = (index: number) => seen[index]!.atUs - seen[index - 1]!.atUs;
  assert.ok(seen[0]!.atUs <= 1_010_000);
  for (const index of [1, 2]) assert.ok(gap(index) >= 990_000 && gap(index) <= 2_010_000);
  assert.is(gap(3), 2_000_000);
  assert.is(gap(4), 2_000_000);
  assert.is(bench.turn([arp(1, PEER_MAC, PEER_IP, OUR_IP)]).length, 1);
});

test("an objection while probing: the address is not used, until the link has been down [5227#2]", () => {
  for (const objection of [
    arp(2, PEER_MAC, OUR_IP, 0),
    arp(1, PEER_MAC, OUR_IP, PEER_IP),
    arp(1, PEER_MAC, 0, OUR_IP),
  ]) {
    const bench = new Bench({ sysctl: { arp_probe: 1 } });
    watch(bench, 3_000_000);
    bench.turn([objection]);
    assert.equal(watch(bench, 10_000_000), []);
    assert.is(bench.host.counter(COUNTER_ARP_CONFLICT), 1);
    assert.equal(bench.turn([arp(1, PEER_MAC, PEER_IP, OUR_IP)]), []);
    bench.host.exports.setInterfaceUp(1, false, bench.nowUs);
    bench.host.exports.setInterfaceUp(1, true, bench.nowUs);
    assert.is(watch(bench, 12_000_000).length, 5);
  }
});

test.run();
