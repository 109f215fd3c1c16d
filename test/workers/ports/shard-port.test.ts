// The packet ports of shards around ports of the test's: which frames the first passes on, and how the others get them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  HEAP,
  INTERFACE_BYTES,
  INTERFACE_LINK_DROPS,
  INTERFACES,
  RX_DESCRIPTOR_CAPACITY,
  RX_DESCRIPTORS,
  RX_FRAME_LENGTH,
  RX_FRAME_PTR,
} from "../../../assembly/layout.ts";
import { createMemory, type SharedViews } from "../../../src/memory.ts";
import { createRelay, type ShardRelay } from "../../../src/shards/relay.ts";
import type { Port, PortPlace } from "../../../workers/port.ts";
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
  const relays: ShardRelay[] = memories.slice(1).map(({ buffer }) => createRelay(buffer));
  const arrived: Uint8Array[] = [];
  const own: Uint8Array[][] = [[], []];
  const first = new FirstShardPort(inner(memories[0]!, arrived), placeIn(memories[0]!), relays);
  const others = relays.map(({ ring }, at) => {
    const views = memories[at + 1]!;
    return new FurtherShardPort(inner(views, own[at]!), placeIn(views), ring);
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
  return { first, others, arrived, own, got, drops };
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

test.run();
