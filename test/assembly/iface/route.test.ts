// Which way a packet goes: longest prefix, gateways, our own addresses; and the lists of those that wait.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  EADDRNOTAVAIL,
  EINVAL,
  EMFILE,
  ENETDOWN,
  ENETUNREACH,
  ENOBUFS,
  IF_CSUM_OFFLOAD,
  IF_UP,
  USAGE_TCBS,
} from "../../../assembly/layout.ts";
import { Bench, bytes32, PEER_IP } from "../../support/frames.ts";

const test = suite("iface/route");
const ip = (text: string): number => new DataView(Uint8Array.from(text.split("."), Number).buffer).getUint32(0);
const GATEWAY = ip("10.0.0.254");
const SECOND = 2;

type Internals = Record<string, (...args: number[]) => number>;
const internals = (bench: Bench): Internals => bench.host.exports as unknown as Internals;

/** A host with 10.0.0.1/24 on interface 1 and 10.1.0.1/16 on interface 2. */
function twoInterfaces(): { bench: Bench; way: (to: string) => string } {
  const bench = new Bench();
  assert.is(bench.host.exports.addInterface(ip("10.1.0.1"), 16, 0x0277, 5, 1500, 0, 256, IF_UP), SECOND);
  const { routeTo, routeNextHop } = internals(bench);
  const way = (to: string): string => {
    const index = routeTo!(ip(to));
    return index < 0 ? "none" : `${index} ${bytes32(routeNextHop!()).join(".")}`;
  };
  return { bench, way };
}

test("our own addresses and 127.0.0.0/8 stay inside [1122 3.2.1.3 (g)]", () => {
  const { way } = twoInterfaces();
  for (const to of ["10.0.0.1", "10.1.0.1", "127.0.0.1", "127.9.9.9"]) assert.is(way(to), `0 ${to}`);
});

test("subnets need no entry, the longest prefix wins, the first of equals [791#13]", () => {
  const { bench, way } = twoInterfaces();
  const { addRoute } = bench.host.exports;
  assert.is(way("10.0.0.9"), "1 10.0.0.9");
  assert.is(way("10.1.2.3"), "2 10.1.2.3");
  assert.is(way("192.0.2.1"), "none");
  assert.is(addRoute(0, 0, GATEWAY, 1), 0);
  assert.is(addRoute(ip("192.0.2.0"), 24, ip("10.1.0.254"), SECOND), 0);
  assert.is(addRoute(ip("192.0.2.128"), 25, 0, 1), 0);
  assert.is(addRoute(ip("192.0.2.128"), 25, GATEWAY, 1), 0);
  assert.is(addRoute(ip("192.0.2.129"), 32, GATEWAY, 1), 0);
  assert.is(way("198.51.100.1"), "1 10.0.0.254");
  assert.is(way("192.0.2.1"), "2 10.1.0.254");
  assert.is(way("192.0.2.130"), "1 192.0.2.130");
  assert.is(way("192.0.2.129"), "1 10.0.0.254");
  assert.is(way("10.0.0.9"), "1 10.0.0.9");
});

test("longest-prefix match agrees with a model", () => {
  const route = fc.record({
    destination: fc.integer({ min: 0, max: 0xffffffff }),
    length: fc.nat(32),
    index: fc.constantFrom(1, 2),
  });
  fc.assert(
    fc.property(
      fc.array(route, { maxLength: 12 }),
      fc.array(fc.integer({ min: 0, max: 0xffffffff }), { maxLength: 5 }),
      (routes, targets) => {
        const { bench } = twoInterfaces();
        const mask = (length: number) => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);
        const table = [
          { destination: ip("10.0.0.0"), length: 24, index: 1 },
          { destination: ip("10.1.0.0"), length: 16, index: 2 },
          ...routes.map((r) => ({ ...r, destination: (r.destination & mask(r.length)) >>> 0 })),
        ];
        for (const r of table.slice(2)) assert.is(bench.host.exports.addRoute(r.destination, r.length, 0, r.index), 0);
        const near = routes.map((r) => (r.destination ^ 1) >>> 0);
        for (const target of [...targets, ...near]) {
          if (target >>> 24 === 127 || target === ip("10.0.0.1") || target === ip("10.1.0.1")) continue;
          const matching = table.filter((r) => (target & mask(r.length)) >>> 0 === r.destination);
          const longest = Math.max(...matching.map((r) => r.length));
          const expected = matching.find((r) => r.length === longest)?.index ?? -1;
          assert.is(internals(bench).routeTo!(target), expected);
        }
      },
    ),
    { numRuns: 30, seed: 3 },
  );
});

test("what is no route is refused: host bits, gateway off the link, loopback, table full", () => {
  const { bench } = twoInterfaces();
  const { addRoute } = bench.host.exports;
  assert.is(addRoute(ip("192.0.2.1"), 24, 0, 1), -EINVAL);
  assert.is(addRoute(0, 33, 0, 1), -EINVAL);
  assert.is(addRoute(0, 0, ip("10.1.0.254"), 1), -EINVAL);
  assert.is(addRoute(0, 0, ip("10.0.0.1"), 1), -EINVAL);
  assert.is(addRoute(0, 0, GATEWAY, 0), -EINVAL);
  assert.is(addRoute(0, 0, GATEWAY, 3), -EINVAL);
  for (let i = 0; i < 64; i++) assert.is(addRoute(ip("192.0.2.0") + i, 32, 0, 1), 0);
  assert.is(addRoute(ip("192.0.3.0"), 32, 0, 1), -ENOBUFS);
});

test("what is no interface is refused", () => {
  const { bench } = twoInterfaces();
  const { addInterface } = bench.host.exports;
  const mac = [0x0277, 9] as const;
  const bad: [number, number, number, number, number, number, number, number][] = [
    [ip("224.0.0.1"), 24, ...mac, 1500, 0, 256, IF_UP],
    [ip("127.0.0.2"), 8, ...mac, 1500, 0, 256, IF_UP],
    [0, 24, ...mac, 1500, 0, 256, IF_UP],
    [ip("10.2.0.0"), 24, ...mac, 1500, 0, 256, IF_UP],
    [ip("10.2.0.255"), 24, ...mac, 1500, 0, 256, IF_UP],
    [ip("10.0.0.1"), 24, ...mac, 1500, 0, 256, IF_UP],
    [ip("10.2.0.1"), 0, ...mac, 1500, 0, 256, IF_UP],
    [ip("10.2.0.1"), 33, ...mac, 1500, 0, 256, IF_UP],
    [ip("10.2.0.1"), 24, 0x0100, 9, 1500, 0, 256, IF_UP],
    [ip("10.2.0.1"), 24, 0, 0, 1500, 0, 256, IF_UP],
    [ip("10.2.0.1"), 24, ...mac, 67, 0, 256, IF_UP],
    [ip("10.2.0.1"), 24, ...mac, 65536, 0, 256, IF_UP],
    [ip("10.2.0.1"), 24, ...mac, 1500, 65535, 256, IF_UP],
    [ip("10.2.0.1"), 24, ...mac, 1500, 1499, 256, IF_UP | IF_CSUM_OFFLOAD],
    [ip("10.2.0.1"), 24, ...mac, 1500, 0, 0, IF_UP],
    [ip("10.2.0.1"), 24, ...mac, 1500, 0, 256, 8],
  ];
  for (const options of bad) assert.is(addInterface(...options), -EINVAL, options.join());
  for (let i = 3; i < 16; i++) assert.is(addInterface(ip("10.2.0.1") + i * 256, 24, 0x0277, i, 1500, 0, 256, IF_UP), i);
  assert.is(addInterface(ip("10.9.0.1"), 24, ...mac, 1500, 0, 256, IF_UP), -EMFILE);
});

test("through a gateway: its MAC address, the destination's IP address", () => {
  const bench = new Bench({ gateway: GATEWAY });
  const mac = [0x02, 0x77, 10, 0, 0, 254];
  bench.meetPeer(mac, GATEWAY);
  bench.host.connect(ip("192.0.2.1"), 80);
  const [syn] = bench.turn();
  assert.equal([...syn!.slice(0, 6)], mac);
  assert.equal([...syn!.slice(30, 34)], [192, 0, 2, 1]);
});

test("connects that cannot begin fail at once with their reason", () => {
  const bench = new Bench();
  const cases = [
    [ip("192.0.2.1"), 80, ENETUNREACH],
    [ip("224.0.0.1"), 80, ENETUNREACH],
    [ip("255.255.255.255"), 80, ENETUNREACH],
    [ip("10.0.0.255"), 80, ENETUNREACH],
    [0, 80, ENETUNREACH],
    [PEER_IP, 0, EADDRNOTAVAIL],
  ] as const;
  for (const [address, port, errno] of cases) {
    const socket = bench.host.connect(address, port);
    bench.turn();
    assert.is(socket.error, errno, `${address.toString(16)} ${port}`);
  }
  bench.host.exports.setInterfaceUp(1, false, bench.nowUs);
  const socket = bench.host.connect(PEER_IP, 80);
  bench.turn();
  assert.is(socket.error, ENETDOWN);
  assert.is(bench.host.exports.usage(USAGE_TCBS), 0);
});

test("a listener needs an address of ours", () => {
  const bench = new Bench();
  const elsewhere = bench.host.listen(80, 1, PEER_IP);
  const here = bench.host.listen(80, 1, ip("10.0.0.1"));
  bench.turn();
  assert.is(elsewhere.error, EADDRNOTAVAIL);
  assert.is(here.error, 0);
});

test("waiting lists are first in, first out, and each waits in one list only", () => {
  const bench = new Bench();
  const { waitFor, waitTakeFirst, waitNoMore, waitAny } = internals(bench);
  for (const id of [5, 6, 7]) waitFor!(1, id);
  waitFor!(2, 6);
  waitFor!(1, 5); // is there already: keeps its place
  waitNoMore!(9);
  assert.is(waitTakeFirst!(1), 5);
  assert.is(waitTakeFirst!(1), 7);
  assert.is(waitTakeFirst!(1) >>> 0, 0xffffffff);
  assert.is(waitAny!(2) !== 0, true);
  waitNoMore!(6);
  assert.is(waitAny!(2) !== 0, false);
});

test.run();
