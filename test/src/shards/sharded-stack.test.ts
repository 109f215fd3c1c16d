// A stack with several shards around cores that each have a cable of their own: what becomes of calls, events and threads, without an
// interface of the kernel's.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ENODEV, READY_CLOSED, SYSCTL_IPFRAG_HIGH_THRESH, SYSCTL_TCP_MAX_ORPHANS } from "../../../assembly/layout.ts";
import type { MemoryLink } from "../../../src/links/link.ts";
import { memoryLinkPair } from "../../../src/links/memory-link.ts";
import { ListenerSocket } from "../../../src/listener.ts";
import type { StackOptions } from "../../../src/options.ts";
import { LinkNews } from "../../../src/shards/link-news.ts";
import { ShardedStack } from "../../../src/shards/sharded-stack.ts";
import { sharesOf } from "../../../src/shards/start-shards.ts";
import { type CoreStack, internalsOf } from "../../../src/stack.ts";
import type { Stack } from "../../../src/stack-api.ts";
import type { LinkState } from "../../../src/stats.ts";
import { resolveSysctl, type Sysctl } from "../../../src/sysctl.ts";
import { CLIENT, rejection, SERVER, startStack, THREAD } from "../../support/stack-pair.ts";

const test = suite("src/shards/sharded-stack");
const STEERING = { count: 2, salt: 1 };
const LINGER_MS = 600_000;

interface Shards extends AsyncDisposable {
  stack: ShardedStack;
  cores: CoreStack[];
  /** The other ends of their cables. */
  ends: MemoryLink[];
  /** Plugs a stack in at the other end of a shard's cable. */
  plug(index: number): Promise<Stack>;
}

/** A stack of two shards. */
async function twoShards(options: Pick<StackOptions, "lookup" | "sysctl"> = {}): Promise<Shards> {
  const cables = [memoryLinkPair(), memoryLinkPair()];
  const starting = cables.map(([link]) => startStack({ interfaces: [{ link, address: `${CLIENT}/24` }], ...options }));
  const cores = (await Promise.all(starting)) as CoreStack[];
  const stack = new ShardedStack(cores, STEERING);
  const ends = cables.map(([, end]) => end);
  const peers: Stack[] = [];
  return {
    stack,
    cores,
    ends,
    async plug(index) {
      const up = new Promise((resolve) => cores[index]!.on("link", ({ state }) => state === "up" && resolve(state)));
      const peer = await startStack({ interfaces: [{ link: ends[index]!, address: `${SERVER}/24` }] });
      peers.push(peer);
      await bounded(up);
      return peer;
    },
    async [Symbol.asyncDispose]() {
      await stack.close({ lingerMs: 0 });
      await Promise.all(peers.map((peer) => peer.close({ lingerMs: 0 })));
    },
  };
}

/** Rejects when a promise takes so long that it must hang. */
async function bounded<T>(promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(30_000, undefined, timer).then(() => {
    throw new Error("nothing in 30 s");
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => {});
  }
}

if (THREAD === "worker") {
  test("a worker that dies while close() lingers ends it at once, in all shards", async () => {
    await using shards = await twoShards();
    const { stack, cores, plug } = shards;
    const peer = await plug(1);
    await using listener = await peer.listen({ port: 7 });
    const [ours] = await Promise.all([cores[1]!.connect({ hostname: SERVER, port: 7 }), listener.accept()]);
    ours.write(new Uint8Array(50_000_000)).catch(() => {}); // nobody reads
    const closing = stack.close({ lingerMs: LINGER_MS });
    await internalsOf(cores[0]!).host.thread!.terminate();
    await bounded(closing);
    assert.is((await bounded(rejection(ours.closed))).code, "ERR_STACK_CRASHED");
  });

  test("when close() of a crashed stack is done no thread is left", async () => {
    for (const isSingle of [false, true]) {
      await using shards = await twoShards();
      const cores = isSingle ? shards.cores.slice(0, 1) : shards.cores;
      const exits = cores.map(async (core) => {
        await once(internalsOf(core).host.thread!, "exit");
        return "exit";
      });
      void internalsOf(cores[0]!).host.thread!.terminate();
      await bounded(rejection(internalsOf(cores.at(-1)!).host.crashed));
      await bounded((isSingle ? cores[0]! : shards.stack).close());
      for (const exit of exits) assert.is(await Promise.race([exit, Promise.resolve("runs")]), "exit");
    }
  });
}

test("what is in use of all shards adds up: a listener is in each", async () => {
  await using shards = await twoShards();
  const { stack } = shards;
  const { tcbs } = await stack.usage();
  await using _listener = await stack.listen({ port: 7 });
  assert.is((await stack.usage()).tcbs, tcbs + 2);
});

test("a listener whose port is taken in one shard is in none", async () => {
  await using shards = await twoShards({ sysctl: { ip_local_port_range: [40_000, 40_001] } });
  const { stack, cores } = shards;
  const { tcbs } = await stack.usage();
  for (const [at, core] of cores.entries()) {
    // One port that is asked for, and all that a listener without one may get.
    const taken = await Promise.all([80, 40_000, 40_001].map((port) => core.listen({ port })));
    for (const port of [80, 0]) {
      const error = await rejection(stack.listen({ port }));
      // The first shard chooses the port.
      assert.is(error.code, port === 0 && at === 0 ? "EADDRNOTAVAIL" : "EADDRINUSE", `port ${port}, shard ${at}`);
    }
    assert.is((await stack.usage()).tcbs, tcbs + taken.length);
    await Promise.all(taken.map((listener) => listener.close()));
    for (const port of [80, 40_000, 40_001]) await (await stack.listen({ port })).close();
    assert.is((await stack.usage()).tcbs, tcbs);
  }
});

test("what is asked of a stack that closes or is closed fails with the call's name, as with one core", async () => {
  let answer!: (address: string) => void;
  const asked = new Promise<string>((resolve) => {
    answer = resolve;
  });
  await using shards = await twoShards({ lookup: () => asked });
  const { stack } = shards;
  const outlasting = rejection(stack.connect({ hostname: "host.test", port: 7 }));
  const closing = stack.close();
  answer(SERVER);
  const calls = (): [string, Promise<unknown>][] => [
    ["connect", stack.connect({ hostname: SERVER, port: 7 })],
    ["listen", stack.listen({ port: 7 })],
    ["usage", stack.usage()],
    ["captures", stack.captures()],
    ["ping", stack.ping(SERVER)[Symbol.asyncIterator]().next()],
  ];
  const check = ({ code, syscall, message }: NodeJS.ErrnoException, name: string): void =>
    assert.equal([code, syscall, message], ["ERR_STACK_CLOSED", name, `${name}: the stack is closed`]);
  check(await outlasting, "connect");
  for (const isClosed of [false, true]) {
    if (isClosed) await closing;
    for (const [name, call] of calls()) check(await rejection(call), name);
  }
});

test("a connection that comes when one shard's listener has ended is reset", async () => {
  await using shards = await twoShards();
  const { stack, cores, plug } = shards;
  const peer = await plug(1);
  await using listener = await stack.listen({ port: 7 });
  const [ended] = [...internalsOf(cores[0]!).dispatcher.sockets].filter((one) => one instanceof ListenerSocket);
  (ended as ListenerSocket).onReady(READY_CLOSED, ENODEV, 1);
  assert.is((await bounded(rejection(listener.accept()))).code, "ENODEV");
  const connection = await bounded(peer.connect({ hostname: CLIENT, port: 7 }));
  assert.is((await bounded(rejection(connection.read(new Uint8Array(1))))).code, "ECONNRESET");
});

test("a link is up when the last shard knows, and down when the first does", async () => {
  await using shards = await twoShards();
  const { stack, cores, plug } = shards;
  const told: string[] = [];
  stack.on("link", ({ state }) => {
    told.push(state);
    const core = cores.find((one) => one.stats().interfaces[1]!.state !== "up");
    if (state === "up") assert.is(core, undefined);
  });
  await plug(0);
  assert.equal(told, []);
  const second = await plug(1);
  assert.equal(told, ["up"]);
  const down = new Promise((resolve) => stack.on("link", ({ state }) => resolve(state)));
  await second.close();
  assert.is(await bounded(down), "down");
  assert.throws(() => stack.on("links" as "link", () => {}), /`state`, `link`, `mtu`, `neighbor` or `conflict`/);
});

test("what a host has once is divided among its shards, fragments down to one long datagram each", () => {
  const fragments = (sysctl: Partial<Sysctl>, count: number) =>
    sharesOf(resolveSysctl(sysctl), count).get(SYSCTL_IPFRAG_HIGH_THRESH);
  assert.equal([fragments({}, 2), fragments({}, 64)], [2_097_152, 131_072]);
  assert.equal([fragments({ ipfrag_high_thresh: 0 }, 2), fragments({ ipfrag_high_thresh: 9000 }, 2)], [0, 9000]);
  const orphans = (count: number) => sharesOf(resolveSysctl(undefined), count).get(SYSCTL_TCP_MAX_ORPHANS)!;
  assert.is(orphans(2), Math.ceil(orphans(1) / 2));
});

test("the news of links: an MTU that all have, a link that is gone for one, each once", () => {
  const known = { name: "if1", state: "up", mtu: 1500 } as const;
  const news = new LinkNews([[known], [known]]);
  const link = (shard: number, state: LinkState) => news.link(shard, { interface: "if1", state, mtu: 1500 })?.state;
  const mtu = (shard: number, bytes: number) => news.mtu(shard, { interface: "if1", mtu: bytes })?.mtu;
  assert.equal([mtu(1, 900), mtu(0, 900), mtu(0, 900)], [undefined, 900, undefined]);
  assert.equal([mtu(0, 1500), mtu(0, 900), mtu(1, 900)], [undefined, undefined, undefined]);
  assert.equal([link(1, "down"), link(0, "down"), link(0, "up"), link(1, "up")], ["down", undefined, undefined, "up"]);
  assert.equal([link(0, "gone"), link(1, "down"), link(1, "gone")], ["gone", undefined, undefined]);
  assert.is(news.link(0, { interface: "if9", state: "down", mtu: 1500 }), undefined);
});

test.run();
