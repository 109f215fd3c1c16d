// `wasmtcp perf` on two hosts: each pair of commands does its work and prints one line of JSON with the fields that harnesses read.
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges, type Running, TwoHosts } from "../support/namespaces.ts";

const CLI = "dist/src/cli/main.js";

type Line = Record<string, number>;

/** The one line that a command printed. */
async function line(running: Running): Promise<Line> {
  const { code, stdout, stderr } = await running.finished;
  assert.is(code, 0, stderr);
  assert.is(stdout.trim().split("\n").length, 1, stdout);
  const fields = JSON.parse(stdout) as Line;
  assert.type(fields.retrans, "number");
  assert.is(fields.drops, 0, stdout);
  return fields;
}

/** Starts one end on host a and, when it listens, the other on host b. */
async function both(hosts: TwoHosts, first: string[], second: string[]): Promise<[first: Line, second: Line]> {
  const listening = hosts.wasmtcp("a", "perf", ...first);
  await listening.saw("listening on port");
  return await Promise.all([line(listening), line(hosts.wasmtcp("b", "perf", ...second))]);
}

function has(fields: Line, ...names: string[]): void {
  for (const name of names) assert.ok(fields[name]! > 0, `${name} of ${JSON.stringify(fields)}`);
}

const perf = suite("e2e/perf");

if (hasPrivileges()) {
  perf("source and sink count the same bytes", async () => {
    using hosts = new TwoHosts();
    const [sink, source] = await both(hosts, ["sink", "5001"], ["source", hosts.stackAddress.a, "5001", "1"]);
    for (const fields of [sink, source]) has(fields, "bytes", "secs", "gbps", "cpu");
    assert.is(sink.bytes, source.bytes);
    assert.is(source.bytes! % 131_072, 0);
    assert.ok(source.secs! >= 1);
  });

  perf("source and sink take a chunk and many flows", async () => {
    using hosts = new TwoHosts();
    const source = ["source", hosts.stackAddress.a, "5001", "200ms", "10000", "--flows", "20"];
    const [sunk, sent] = await both(hosts, ["sink", "5001", "--flows", "20"], source);
    assert.is(sunk.bytes, sent.bytes);
    assert.is(sent.bytes! % 10_000, 0);
    assert.equal([sunk.flows, sent.flows], [20, 20]);
  });

  perf("a sink that stops for a while loses nothing of what eight flows send meanwhile", async () => {
    using hosts = new TwoHosts();
    const listening = hosts.wasmtcp("a", "perf", "sink", "5001", "--flows", "8");
    await listening.saw("listening on port");
    const args = ["source", hosts.stackAddress.a, "5001", "1500ms", "1MiB", "--flows", "8"];
    const source = line(hosts.wasmtcp("b", "perf", ...args));
    await sleep(1000); // what waits is now more than the first ring holds
    listening.child.kill("SIGSTOP");
    await sleep(300);
    listening.child.kill("SIGCONT");
    const [sunk, sent] = await Promise.all([line(listening), source]);
    assert.is(sunk.bytes, sent.bytes);
  });

  perf("64 flows of bulk data lose no frame in front of either host", async () => {
    using hosts = new TwoHosts();
    const source = ["source", hosts.stackAddress.a, "5001", "500ms", "1MiB", "--flows", "64"];
    const [sunk, sent] = await both(hosts, ["sink", "5001", "--flows", "64"], source);
    assert.is(sunk.bytes, sent.bytes);
  });

  perf("a sink merges segments that come together; with --no-gro each is TCP's own", async () => {
    const merged: number[] = [];
    for (const options of [[], ["--no-gro"]]) {
      using hosts = new TwoHosts({ offloads: false });
      // The second flow never comes: the sink is there to be looked at.
      const sink = hosts.wasmtcp("a", "perf", "sink", "5001", "--flows", "2", ...options);
      await sink.saw("listening on port");
      const source = await line(hosts.wasmtcp("b", "perf", "source", hosts.stackAddress.a, "5001", "300ms"));
      const { stdout } = await hosts.start("a", process.execPath, CLI, "ss", `${sink.child.pid}`, "--json").finished;
      const { counters } = JSON.parse(stdout).stats;
      assert.ok(counters.tcpInSegs > source.bytes! / 1460, stdout);
      merged.push(counters.tcpRcvCoalesce);
    }
    assert.ok(merged[0]! > 0);
    assert.is(merged[1], 0);
  });

  perf("ping and echo exchange one byte as often as asked for, and a tenth more to warm up", async () => {
    using hosts = new TwoHosts();
    const [echo, ping] = await both(hosts, ["echo", "7"], ["ping", hosts.stackAddress.a, "7", "1000"]);
    assert.equal([echo.n, echo.bytes, ping.n], [1100, 1100, 1000]);
    has(ping, "p50", "p90", "p99", "p999", "max", "rps", "cpu");
    assert.ok(ping.p50! <= ping.p90! && ping.p90! <= ping.p99! && ping.p99! <= ping.p999! && ping.p999! <= ping.max!);
  });

  perf("ping and echo run on the caller's thread", async () => {
    using hosts = new TwoHosts();
    const caller = ["--thread", "caller"];
    const ping = ["ping", hosts.stackAddress.a, "7", "100", ...caller];
    const [echoed, pinged] = await both(hosts, ["echo", "7", ...caller], ping);
    assert.equal([echoed.n, pinged.n], [110, 100]);
  });

  perf("conn and accept make connections for as long as asked for", async () => {
    using hosts = new TwoHosts();
    const conn = ["conn", hosts.stackAddress.a, "8000", "700ms", "8"];
    const [accepted, connected] = await both(hosts, ["accept", "8000", "500ms"], conn);
    for (const fields of [accepted, connected]) has(fields, "n", "secs", "rate", "cpu");
    assert.ok(accepted.n! <= connected.n! + 8);
    assert.type(connected.errs, "number");
  });

  perf("idle and idle-listen hold connections, each of which echoes a byte at the end", async () => {
    using hosts = new TwoHosts();
    const [listener, client] = await both(
      hosts,
      ["idle-listen", "9000", "200"],
      ["idle", hosts.stackAddress.a, "9000", "200"],
    );
    assert.equal([listener.n, client.open, client.echoed], [200, 200, 200]);
    for (const fields of [listener, client]) has(fields, "wasm", "heap", "rss");
  });

  perf("a sink that is interrupted ends with 130 and no line", async () => {
    using hosts = new TwoHosts();
    const sink = hosts.wasmtcp("a", "perf", "sink", "5001");
    await sink.saw("listening on port");
    sink.child.kill("SIGINT");
    const { code, stdout, stderr } = await sink.finished;
    assert.equal([code, stdout], [130, ""]);
    assert.match(stderr, /interrupted/);
  });

  perf("a source without a sink says why it ended", async () => {
    using hosts = new TwoHosts();
    const { code, stdout, stderr } = await hosts.wasmtcp("b", "perf", "source", hosts.kernelAddress.a, "5001", "1")
      .finished;
    assert.equal([code, stdout], [1, ""]);
    assert.match(stderr, /ECONNREFUSED/);
  });
}

perf.run();
