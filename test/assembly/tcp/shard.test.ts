// One core as one of several shards: which connections are its own, and what it leaves to others.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  COUNTER_ARP_CONFLICT,
  COUNTER_ICMP_IN_DEST_UNREACHS,
  COUNTER_TCP_IN_OTHER_SHARD,
} from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { type Steering, shardOf } from "../../../src/shards/shard-of.ts";
import type { Sysctl } from "../../../src/sysctl.ts";
import { cut } from "../../support/fragments.ts";
import { arp, Bench, icmp, OUR_IP, PEER_IP, PEER_MAC, tcp } from "../../support/frames.ts";
import { instantiate } from "../../support/wasm.ts";
import { Core } from "./input-harness.ts";

const test = suite("tcp/shard");
const SALT = 0xdeadbeef;
const FIRST_PORT = 40_000;

/** A host that is one of two shards and knows its peer. */
function shard(index: number, sysctl: Partial<Sysctl> = {}): Bench {
  const bench = new Bench();
  bench.meetPeer();
  bench.host.setSysctl(sysctl);
  const { u32 } = bench.host.views;
  u32[L.CONFIG_SHARD_INDEX >>> 2] = index;
  u32[L.CONFIG_SHARD_COUNT >>> 2] = 2;
  u32[L.CONFIG_SHARD_SALT >>> 2] = SALT;
  return bench;
}

/** A port of the peer's from which connections to our port 80 come to a shard. */
function portFor(index: number): number {
  let port = 1000;
  while (shardOf({ count: 2, salt: SALT }, PEER_IP, port, 80) !== index) port++;
  return port;
}

const isArp = (frame: Uint8Array): boolean => frame[12] === 8 && frame[13] === 6;

test("core and main choose the same shard for a connection", async () => {
  const { exports, view } = await instantiate();
  for (const count of [1, 2, 3, 16, 64]) {
    const steering: Steering = { count, salt: 0x89abcdef };
    view.setUint32(L.CONFIG_SHARD_COUNT, count, true);
    view.setUint32(L.CONFIG_SHARD_SALT, steering.salt, true);
    const used = new Map<number, number>();
    for (let i = 0; i < 4096; i++) {
      const address = Math.imul(i, 0x9e3779b9) >>> 0;
      const [remotePort, localPort] = [(i * 7919) & 0xffff, (i * 104_729) & 0xffff];
      const own: number = exports.shardOf(address, remotePort, localPort);
      assert.is(shardOf(steering, address, remotePort, localPort), own);
      used.set(own, (used.get(own) ?? 0) + 1);
    }
    assert.is(used.size, count);
    assert.ok(Math.min(...used.values()) > (4096 / count) * 0.5, "no shard is left out");
  }
});

test("ports that follow each other are spread over the shards, from one peer too", () => {
  const counts = [0, 0, 0, 0];
  for (let port = 0; port < 1000; port++) counts[shardOf({ count: 4, salt: 1 }, PEER_IP, FIRST_PORT + port, 80)]!++;
  for (const count of counts) assert.ok(count > 150 && count < 350, `${counts}`);
});

test("a connection gets a local port whose answers come to its shard", async () => {
  for (const index of [0, 1, 2]) {
    const core = await Core.create();
    core.set(L.CONFIG_SHARD_INDEX, index);
    core.set(L.CONFIG_SHARD_COUNT, 3);
    core.set(L.CONFIG_SHARD_SALT, SALT);
    for (let i = 0; i < 50; i++) {
      const record = L.TCB_RECORDS + core.x.inputConnect(0, 80, false, 0, core.now) * L.TCB_BYTES;
      const address = core.view.getUint32(record + L.TCB_REMOTE_ADDRESS + 12, false);
      const port = core.view.getUint16(record + L.TCB_LOCAL_PORT, true);
      assert.is(shardOf({ count: 3, salt: SALT }, address, 80, port), index);
    }
  }
});

test("a segment without a connection is reset by the shard that would have it, and by no other", () => {
  const bench = shard(1);
  assert.is(bench.turn([tcp({ srcPort: portFor(1) })]).length, 1);
  assert.equal(bench.turn([tcp({ srcPort: portFor(0) })]), []);
  assert.is(bench.host.counter(COUNTER_TCP_IN_OTHER_SHARD), 1);
});

test("only the first shard answers ARP and defends the address", () => {
  const ask = arp(1, PEER_MAC, PEER_IP, OUR_IP);
  assert.is(shard(0).turn([ask]).filter(isArp).length, 1);
  assert.equal(shard(1).turn([ask]), []);
  const claim = arp(2, PEER_MAC, OUR_IP, OUR_IP);
  assert.is(shard(0).turn([claim]).length, 1);
  const other = shard(1);
  assert.equal(other.turn([claim]), []);
  assert.is(other.host.counter(COUNTER_ARP_CONFLICT), 1);
});

test("a shard that is not the first leaves the claim of the address to it: no objection is one for it [5227 2.1.1]", () => {
  const bench = shard(1, { arp_probe: 1 });
  const { exports, views } = bench.host;
  const claim = (): number => views.u32[(L.INTERFACES + L.INTERFACE_BYTES + L.INTERFACE_CLAIM) >>> 2]!;
  exports.setInterfaceUp(1, false, bench.nowUs);
  exports.setInterfaceUp(1, true, bench.nowUs);
  assert.is(claim(), L.CLAIM_PROBING);
  const refused = bench.host.connect(PEER_IP, 80);
  assert.equal(bench.turn([arp(1, PEER_MAC, 0, OUR_IP), arp(2, PEER_MAC, OUR_IP, 0)]), []);
  assert.equal(bench.after(60_000_000), []);
  assert.is(claim(), L.CLAIM_PROBING, "nothing but the first shard's word ends it");
  assert.is(refused.error, L.ENETDOWN);
  assert.is(exports.setInterfaceClaim(1, L.CLAIM_DONE, bench.nowUs), 0);
  assert.is(claim(), L.CLAIM_DONE);
  bench.meetPeer();
  assert.is(bench.turn([tcp({ srcPort: portFor(1) })]).length, 1);
  assert.is(exports.setInterfaceClaim(1, L.CLAIM_LOST, bench.nowUs), 0);
  assert.equal(bench.turn([tcp({ srcPort: portFor(1) })]), []);
  for (const [index, wrong] of [
    [0, L.CLAIM_DONE],
    [2, L.CLAIM_DONE],
    [1, 3],
  ] as const) {
    assert.ok(exports.setInterfaceClaim(index, wrong, bench.nowUs) < 0);
  }
  assert.ok(shard(0).host.exports.setInterfaceClaim(1, L.CLAIM_LOST, 0) < 0, "the first asks nobody");
});

test("a ping in fragments is answered by the first shard alone", () => {
  const fragments = cut(icmp(8, 0, 7, new Array(400).fill(5)), 200);
  assert.is(shard(0).turn(fragments).length, 1);
  assert.equal(shard(1).turn(fragments), []);
});

test("a segment in fragments is its shard's", () => {
  for (const owner of [0, 1]) {
    const whole = tcp({ srcPort: portFor(owner), payload: new Array(100).fill(1) });
    const fragments = cut(whole.slice(34), 40, { protocol: 6 });
    for (const index of [0, 1]) {
      const bench = shard(index);
      assert.is(bench.turn(fragments).length, index === owner ? 1 : 0, `shard ${index} of a segment for ${owner}`);
      assert.is(bench.host.counter(COUNTER_TCP_IN_OTHER_SHARD), 0);
    }
  }
});

test("an ICMP error in fragments goes to the shard of the connection that it quotes", () => {
  for (const owner of [0, 1]) {
    const ours = tcp({ src: OUR_IP, dst: PEER_IP, srcPort: 80, dstPort: portFor(owner) }).slice(14);
    const fragments = cut(icmp(3, 1, 0, [...ours, ...new Array(100).fill(0)]), 80);
    const messages = (index: number): number => {
      const bench = shard(index);
      bench.turn(fragments);
      return bench.host.counter(COUNTER_ICMP_IN_DEST_UNREACHS);
    };
    assert.equal([messages(0), messages(1)], owner === 0 ? [1, 0] : [0, 1]);
  }
});

test("reassembly that times out is told by the first shard alone [RFC 792]", () => {
  const [first] = cut(icmp(8, 0, 7, new Array(400).fill(5)), 200);
  const errors = (index: number): number => {
    const bench = shard(index);
    bench.turn([first!]);
    return bench.after(61_000_000).filter((frame) => !isArp(frame)).length;
  };
  assert.equal([errors(0), errors(1)], [1, 0]);
});

test.run();
