// Whole transfers over paths that are narrower than the link, with and without word of it.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as counters from "../../assembly/counters.ts";
import {
  SOCKET_OPTION_FASTOPEN,
  SOCKET_OPTION_FASTOPEN_CONNECT,
  TCB_CWND,
  TCB_PMTU,
  TCB_SND_MSS,
  TCB_SSTHRESH,
  TCB_TOTAL_RETRANS,
  USAGE_PATH_MTUS,
} from "../../assembly/layout.ts";
import type { SimHost, SimSocket } from "../../src/sim/index.ts";
import { socketOption } from "../../src/socket-options.ts";
import { narrowPath } from "../support/narrow-path.ts";
import { A, B, connected, MIB, Reader, SECOND, simulate, transfer, Writer } from "../support/sim.ts";

const test = suite("sim/path-mtu");
const LINK = { delayMs: 10, rateBps: 100_000_000, queueBytes: 1_000_000 };

const field = (host: SimHost, socket: SimSocket, at: number) => host.views.u32[(socket.tcb + at) >>> 2]!;
const plateaus = [65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

test("a transfer through a narrow path: segments shrink to it, nothing is lost for good [RFC 1191 3] [1191#1]", () => {
  for (const gsoMax of [0, 65535]) {
    for (const mtu of [1000, 1280, 576]) {
      const sim = simulate({ aToB: LINK, bToA: LINK, a: { gsoMax } });
      const path = narrowPath(sim, mtu);
      transfer(sim, 2 * MIB);
      assert.ok(path.dropped > 0);
      assert.is(sim.a.counter(counters.COUNTER_ICMP_IN_PMTU), 1);
      assert.is(sim.a.counter(counters.COUNTER_TCP_TIMEOUTS), 0);
    }
  }
});

test("a path that becomes narrower half-way is no congestion: window and threshold stay, what was in flight is cut and sent again at once [attack 30] [RFC 1191 6.4] [1191#7]", () => {
  for (const gsoMax of [0, 65535]) {
    const sim = simulate({ aToB: LINK, bToA: LINK, a: { gsoMax } });
    const { client, server } = connected(sim);
    const writer = new Writer(client, 8 * MIB);
    const reader = new Reader(server);
    sim.processes.push(
      () => writer.pump(),
      () => reader.pump(),
    );
    const path = narrowPath(sim, 1500);
    sim.runFor(300_000);
    const before = field(sim.a, client, TCB_CWND);
    const threshold = field(sim.a, client, TCB_SSTHRESH);
    path.mtu = 1400;
    let least = Number.POSITIVE_INFINITY;
    const narrowedUs = sim.nowUs;
    sim.runFor(100_000, () => {
      least = Math.min(least, field(sim.a, client, TCB_CWND));
      return false;
    });
    assert.is(field(sim.a, client, TCB_PMTU), 1400);
    assert.is(field(sim.a, client, TCB_SND_MSS), 1400 - 52);
    assert.ok(least >= before, `${least} of ${before} segments`);
    assert.ok(field(sim.a, client, TCB_SSTHRESH) >= threshold);
    assert.is(sim.a.counter(counters.COUNTER_TCP_MTU_RETRANS), 1);
    assert.is(sim.a.counter(counters.COUNTER_TCP_FAST_RETRANS), 0);
    assert.is(sim.a.counter(counters.COUNTER_TCP_TIMEOUTS), 0);
    assert.ok(
      sim.run(narrowedUs + 20 * SECOND, () => reader.ended),
      "the transfer ends",
    );
    assert.is(reader.received, 8 * MIB);
    assert.ok(path.dropped > 0);
  }
});

test("a router that does not say how wide its next link is: the plateaus are tried downwards [attack 26] [RFC 1191 5] [1191#4]", () => {
  const sim = simulate({ aToB: LINK, bToA: LINK });
  narrowPath(sim, 1100, 0);
  const { client, server } = connected(sim);
  const reader = new Reader(server);
  const writer = new Writer(client, MIB);
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  assert.ok(sim.runFor(60 * SECOND, () => reader.ended));
  assert.ok(plateaus.includes(field(sim.a, client, TCB_PMTU)));
  assert.is(field(sim.a, client, TCB_PMTU), 1006);
});

test("below min_pmtu the path counts as 552 wide, and routers may cut [attack 26] [1191#3]", () => {
  for (const told of [300, 60, 1]) {
    const sim = simulate({ aToB: LINK, bToA: LINK });
    const path = narrowPath(sim, 300, told);
    const { client, server } = connected(sim);
    const reader = new Reader(server);
    const writer = new Writer(client, 100_000);
    sim.processes.push(
      () => writer.pump(),
      () => reader.pump(),
    );
    assert.ok(sim.runFor(60 * SECOND, () => reader.ended));
    assert.is(field(sim.a, client, TCB_PMTU), 552);
    assert.ok(path.cut > 0);
  }
});

test("a new connection starts with what is known of the path, until it is forgotten after mtu_expires [RFC 1191 6.3] [1191#5] [1191#8]", () => {
  const sim = simulate({ aToB: LINK, bToA: LINK });
  const path = narrowPath(sim, 1200);
  const first = connected(sim, 80);
  const write = (socket: SimSocket, bytes: number) => {
    const writer = new Writer(socket, bytes);
    sim.processes.push(() => writer.pump());
  };
  write(first.client, 5000);
  sim.runFor(SECOND);
  const dropped = path.dropped;
  const second = connected(sim, 81);
  assert.is(field(sim.a, second.client, TCB_PMTU), 1200);
  second.client.write(new Uint8Array(1));
  sim.runFor(SECOND);
  second.client.write(new Uint8Array(10_000));
  sim.runFor(SECOND);
  assert.is(path.dropped, dropped, "nothing too big was sent");
  path.mtu = 1500;
  sim.runFor(601 * SECOND);
  assert.is(sim.a.exports.usage(USAGE_PATH_MTUS), 0);
  write(second.client, 5000);
  sim.runFor(SECOND);
  assert.is(field(sim.a, second.client, TCB_PMTU), 1500);
  assert.is(field(sim.a, second.client, TCB_SND_MSS), 1448);
});

test("with ip_no_pmtu_disc packets leave without DF and with identifications of their own [attack 24]", () => {
  const sim = simulate({ aToB: LINK, bToA: LINK, a: { sysctl: { ip_no_pmtu_disc: 1 } } });
  const path = narrowPath(sim, 1000);
  transfer(sim, 100_000);
  assert.is(path.dropped, 0);
  assert.ok(path.cut > 0);
});

test("a black hole: the segment size is lowered after tcp_retries1, and raised again as far as probes get [RFC 4821 7] [1191#9]", () => {
  const sim = simulate({ aToB: LINK, bToA: LINK, a: { sysctl: { tcp_mtu_probing: 1 } } });
  const path = narrowPath(sim, 1300, null);
  const { client, server } = connected(sim);
  const reader = new Reader(server);
  const writer = new Writer(client, 8 * MIB);
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  assert.ok(
    sim.runFor(120 * SECOND, () => reader.ended),
    "the transfer ends",
  );
  assert.ok(path.dropped > 0);
  const mss = field(sim.a, client, TCB_SND_MSS);
  assert.ok(mss > 1300 - 52 - 16 && mss <= 1300 - 52, `${mss} bytes`);
  assert.ok(sim.a.counter(counters.COUNTER_TCP_MTUP_SUCCESS) > 0);
  assert.ok(sim.a.counter(counters.COUNTER_TCP_MTUP_FAIL) > 0);
  assert.is(sim.a.counter(counters.COUNTER_TCP_FAST_RETRANS), 0, "a probe that is lost is no congestion");
});

test("without tcp_mtu_probing a black hole stays one", () => {
  const sim = simulate({ aToB: LINK, bToA: LINK, a: { sysctl: { tcp_retries2: 3 } } });
  narrowPath(sim, 1300, null);
  const { client } = connected(sim);
  const writer = new Writer(client, 50_000);
  sim.processes.push(() => writer.pump());
  sim.runFor(60 * SECOND);
  assert.ok(client.closed);
});

test("always probing: segments start at tcp_base_mss and grow to the path [RFC 4821 7.2]", () => {
  const sim = simulate({ aToB: LINK, bToA: LINK, a: { sysctl: { tcp_mtu_probing: 2, tcp_base_mss: 512 } } });
  const { client, server } = connected(sim);
  assert.is(field(sim.a, client, TCB_SND_MSS), 512);
  const reader = new Reader(server);
  const writer = new Writer(client, 8 * MIB);
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  assert.ok(sim.runFor(60 * SECOND, () => reader.ended));
  assert.ok(field(sim.a, client, TCB_SND_MSS) > 1448 - 16);
  assert.is(field(sim.a, client, TCB_TOTAL_RETRANS), 0);
});

test("still less gets through than tcp_base_mss: the size is halved down to tcp_mtu_probe_floor [RFC 4821 7.7]", () => {
  const sim = simulate({ aToB: LINK, bToA: LINK, a: { sysctl: { tcp_mtu_probing: 1, tcp_mtu_probe_floor: 64 } } });
  narrowPath(sim, 400, null);
  const { client, server } = connected(sim);
  const reader = new Reader(server);
  const writer = new Writer(client, 20_000);
  sim.processes.push(
    () => writer.pump(),
    () => reader.pump(),
  );
  assert.ok(sim.runFor(300 * SECOND, () => reader.ended));
  assert.ok(field(sim.a, client, TCB_SND_MSS) <= 400 - 52);
});

test("two connections over a path that becomes narrower: each sends again at once what the network says was too big [attack 30] [RFC 1191 6.4]", () => {
  const sim = simulate({ aToB: LINK, bToA: LINK });
  const pairs = [connected(sim, 80), connected(sim, 81)];
  narrowPath(sim, 1300);
  const readers = pairs.map(({ server }) => new Reader(server));
  const writers = pairs.map(({ client }) => new Writer(client, 100_000));
  sim.processes.push(() => {
    for (const each of [...writers, ...readers]) each.pump();
  });
  assert.ok(sim.runFor(SECOND, () => readers.every((reader) => reader.ended)));
  assert.is(sim.a.counter(counters.COUNTER_TCP_MTU_RETRANS), 2);
  assert.is(sim.a.counter(counters.COUNTER_TCP_TIMEOUTS), 0);
  assert.is(sim.a.counter(counters.COUNTER_TCP_FAST_RETRANS), 0);
});

/** A Fast Open server on a, a client on b that knows a cookie, and a path from a to b that has just become narrower. */
function openedFast(answer: number) {
  const all = { tcp_fastopen: 0x607 };
  const sim = simulate({ aToB: LINK, bToA: LINK, a: { sysctl: all }, b: { sysctl: all } });
  const listener = sim.a.listen(80, 16, 0, [socketOption(SOCKET_OPTION_FASTOPEN, 16)]);
  const path = narrowPath(sim, 1200);
  sim.runFor(1);
  const client = sim.b.connect(A, 80, [socketOption(SOCKET_OPTION_FASTOPEN_CONNECT, 1)]);
  const request = new Writer(client, 500);
  const reader = new Reader(client);
  let server: SimSocket | null = null;
  let writer: Writer | null = null;
  sim.processes.push(() => {
    if (client.connected) request.pump();
    reader.pump();
    server ??= listener.accept();
    if (server !== null) writer ??= new Writer(server, answer);
    writer?.pump();
  });
  return { sim, path, reader, server: () => server! };
}

test("the early answer of a Fast Open server does not fit the path: it leaves again in smaller segments [RFC 7413 4.2.2] [RFC 1191 6.4]", () => {
  const { sim, path, reader, server } = openedFast(100_000);
  sim.runFor(SECOND);
  assert.ok(path.dropped > 0);
  assert.is(field(sim.a, server(), TCB_SND_MSS), 1200 - 52);
  assert.is(reader.received, 100_000);
  assert.is(sim.a.counter(counters.COUNTER_TCP_TIMEOUTS), 0);
});

test("a SYN with data that does not fit the path leaves again at once, without it [RFC 7413 4.2.1] [RFC 1191 6.4]", () => {
  const all = { tcp_fastopen: 0x607 };
  const sim = simulate({ aToB: LINK, bToA: LINK, a: { sysctl: all }, b: { sysctl: all } });
  const listener = sim.b.listen(80, 16, 0, [socketOption(SOCKET_OPTION_FASTOPEN, 16)]);
  const path = narrowPath(sim, 800);
  sim.runFor(1);
  const client = sim.a.connect(B, 80, [socketOption(SOCKET_OPTION_FASTOPEN_CONNECT, 1)]);
  const writer = new Writer(client, 3000);
  let reader: Reader | null = null;
  sim.processes.push(() => {
    if (client.connected) writer.pump();
    const server = listener.accept();
    if (server !== null) reader = new Reader(server);
    reader?.pump();
  });
  assert.ok(
    sim.runFor(SECOND / 2, () => reader?.received === 3000),
    "long before the time-out of the SYN",
  );
  assert.is(path.dropped, 1);
  assert.is(sim.a.counter(counters.COUNTER_TCP_TIMEOUTS), 0);
});

test.run();
