// The packet ports of shards around ports of the test's: which frames the first passes on, and how the others get them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  CLAIM_DONE,
  CLAIM_LOST,
  CLAIM_PROBING,
  HEAP,
  INTERFACE_BYTES,
  INTERFACE_CLAIM,
  INTERFACE_LINK_DROPS,
  INTERFACES,
  RX_DESCRIPTOR_CAPACITY,
  RX_DESCRIPTORS,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
} from "../../../assembly/layout.ts";
import { createMemory, type SharedViews } from "../../../src/memory.ts";
import { createCommon, createRelay } from "../../../src/shards/relay.ts";
import type { Port, PortPlace, PortShard } from "../../../workers/port.ts";
import { FirstShardPort, FurtherShardPort } from "../../../workers/ports/shard-port.ts";
import { cut } from "../../support/fragments.ts";
import { arp, icmp, ipv4, OUR_IP, PEER_IP, PEER_MAC, tcp } from "../../support/frames.ts";

const test = suite("workers/ports/shard-port");
const RECORD = INTERFACES + INTERFACE_BYTES;
const FRAMES = HEAP + 64 * 1024 * 1024;

function placeIn(views: SharedViews): PortPlace {
  return {
    views,
    rxDescriptors: RX_DESCRIPTORS,
    txRing: 0,
    interfaceRecord: RECORD,
    index: 1,
    name: "if1",
    address: OUR_IP,
    prefixLength: 24,
    mac: new Uint8Array(6),
    mtu: 1500,
    mtuLimit: 65_535,
    onLink() {},
    allocate: () => HEAP,
  };
}

/** A port that has received what is in `arrived`. */
function inner(views: SharedViews, arrived: Uint8Array[]): Port {
  return {
    link: { state: "up", mtu: 1500, gsoMax: 0 },
    checksumOffload: true,
    rxSlots: 64,
    blocked: false,
    receive() {
      const frames = arrived.splice(0, RX_DESCRIPTOR_CAPACITY);
      for (const [index, frame] of frames.entries()) {
        const at = FRAMES + index * 65_600;
        views.u8.set(frame, at);
        const descriptor = RX_DESCRIPTORS + index * 32;
        views.u32[(descriptor + RX_FRAME_PTR) >>> 2] = at;
        views.u32[(descriptor + RX_FRAME_LENGTH) >>> 2] = frame.length;
      }
      return frames.length;
    },
    transmit: () => 0,
    nextDeadlineUs: () => Number.POSITIVE_INFINITY,
    beforeSleep() {},
    peerAttached() {},
    close() {},
  };
}

/** A first shard and two others; what is put into `arrived` comes to the first, into `own[n]` to other n. */
function threeShards() {
  const memories = [createMemory(), createMemory(), createMemory()];
  const relays = memories.slice(1).map(({ buffer }) => createRelay(buffer));
  const common = createCommon(CLAIM_DONE);
  const place = { count: 3, salt: 0, common };
  const arrived: Uint8Array[] = [];
  const own: Uint8Array[][] = [[], []];
  const first = new FirstShardPort(inner(memories[0]!, arrived), placeIn(memories[0]!), {
    ...place,
    index: 0,
    relays,
    onClaim() {},
  });
  const others = relays.map((relay, at) => {
    const views = memories[at + 1]!;
    const shard: PortShard = {
      ...place,
      index: at + 1,
      relays: [relay],
      onClaim: (claim) => {
        views.i32[(RECORD + INTERFACE_CLAIM) >>> 2] = claim;
      },
    };
    return new FurtherShardPort(inner(views, own[at]!), placeIn(views), shard);
  });
  const got = (at: number): Uint8Array[] => {
    const { u8, u32 } = memories[at + 1]!;
    return Array.from({ length: others[at]!.receive(5) }, (_, index) => {
      const descriptor = RX_DESCRIPTORS + index * 32;
      const ptr = u32[(descriptor + RX_FRAME_PTR) >>> 2]!;
      return u8.slice(ptr, ptr + u32[(descriptor + RX_FRAME_LENGTH) >>> 2]!);
    });
  };
  const drops = (): number => Number(memories[0]!.u64[(RECORD + INTERFACE_LINK_DROPS) >>> 3]);
  const claim = (at: number): number => memories[at]!.i32[(RECORD + INTERFACE_CLAIM) >>> 2]!;
  const setClaim = (at: number, claim: number): void => {
    memories[at]!.i32[(RECORD + INTERFACE_CLAIM) >>> 2] = claim;
  };
  return { first, others, arrived, own, got, drops, claim, setClaim };
}

test("ARP and fragments come to all shards, everything else to the one that the kernel chose", () => {
  const { first, arrived, got } = threeShards();
  const request = arp(1, PEER_MAC, PEER_IP, OUR_IP);
  const fragments = cut(icmp(8, 0, 1, new Array(100).fill(3)), 64);
  const frames = [tcp(), request, ipv4(icmp(8, 0, 1)), ...fragments, tcp({ srcPort: 9 })];
  arrived.push(...frames);
  assert.is(first.receive(5), frames.length);
  for (const other of [0, 1]) assert.equal(got(other), [request, ...fragments]);
  assert.equal(got(0), []);
});

test("they come behind the shard's own frames", () => {
  const { first, arrived, own, got } = threeShards();
  const request = arp(1, PEER_MAC, PEER_IP, OUR_IP);
  arrived.push(request);
  first.receive(5);
  own[0]!.push(tcp());
  assert.equal(got(0), [tcp(), request]);
});

test("what does not fit into one turn comes in the next, which is due at once", () => {
  const { first, others, arrived, own, got } = threeShards();
  const request = arp(1, PEER_MAC, PEER_IP, OUR_IP);
  arrived.push(request);
  first.receive(5);
  own[0]!.push(...Array.from({ length: RX_DESCRIPTOR_CAPACITY }, () => tcp()));
  assert.is(got(0).length, RX_DESCRIPTOR_CAPACITY);
  assert.is(others[0]!.nextDeadlineUs(7), 7);
  assert.equal(got(0), [request]);
  assert.is(others[0]!.nextDeadlineUs(7), Number.POSITIVE_INFINITY);
});

test("a shard that lags loses frames, which are counted, and holds nobody up", () => {
  const { first, arrived, got, drops } = threeShards();
  const long = cut(new Array(60_000).fill(1), 59_992)[0]!;
  for (let round = 0; round < 100; round++) {
    arrived.push(long);
    first.receive(5);
    got(1);
  }
  assert.ok(drops() > 0 && drops() < 100, `${drops()}`);
  assert.equal(got(0)[0], long);
});

test("ARP still comes through when a flood of fragments has taken what it may", () => {
  const { first, arrived, got, drops } = threeShards();
  const long = cut(new Array(60_000).fill(1), 59_992)[0]!;
  while (drops() === 0) {
    arrived.push(long);
    first.receive(5);
  }
  const lost = drops();
  const reply = arp(2, PEER_MAC, PEER_IP, OUR_IP);
  arrived.push(reply);
  first.receive(5);
  assert.is(drops(), lost);
  let frames: Uint8Array[] = [];
  for (let more = got(0); more.length > 0; more = got(0)) frames = more;
  assert.equal(frames.at(-1), reply);
});

test("all shards go by the claim of the first, told before it sleeps, whatever they begin with", () => {
  const { first, others, claim, setClaim } = threeShards();
  for (const say of [() => first.beforeSleep(), () => void first.receive(5)]) {
    for (const state of [CLAIM_PROBING, CLAIM_LOST, CLAIM_DONE]) {
      setClaim(0, state);
      say();
      for (const other of others) other.receive(5);
      assert.equal([claim(1), claim(2)], [state, state]);
    }
  }
  setClaim(2, CLAIM_PROBING); // its link came back, the first has seen nothing of it
  others[1]!.receive(5);
  assert.is(claim(2), CLAIM_DONE);
});

test.run();
