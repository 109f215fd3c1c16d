// `wasmtcp ping` and `wasmtcp ss` on two hosts.
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges, TwoHosts } from "../support/namespaces.ts";

const CLI = "dist/src/cli/main.js";
const tools = suite("e2e/tools");

if (hasPrivileges()) {
  tools("ping to the kernel of the other host prints each reply and the summary", async () => {
    using hosts = new TwoHosts();
    const { code, stdout } = await hosts.wasmtcp("a", "ping", hosts.kernelAddress.b, "-c", "3", "--interval", "50ms")
      .finished;
    assert.is(code, 0);
    assert.match(stdout, /56 bytes from 10\.77\.0\.2: icmp_seq=2 ttl=64 time=[\d.]+ ms/);
    assert.match(stdout, /3 packets transmitted, 3 received, 0% packet loss/);
  });

  tools("ping to nobody says so and fails", async () => {
    using hosts = new TwoHosts();
    const { code, stdout, stderr } = await hosts.wasmtcp("a", "ping", "10.77.0.99", "-c", "1", "-W", "4").finished;
    assert.is(code, 1);
    assert.match(stdout, /icmp_seq=0 EHOSTUNREACH/);
    assert.match(stderr, /no reply from 10\.77\.0\.99/);
  });

  tools("ping says in JSON what it found", async () => {
    using hosts = new TwoHosts();
    const { stdout } = await hosts.wasmtcp(
      "a",
      "ping",
      hosts.kernelAddress.b,
      "-c",
      "2",
      "--interval",
      "10ms",
      "--json",
    ).finished;
    const { sent, received, minMs, maxMs } = JSON.parse(stdout);
    assert.equal([sent, received], [2, 2]);
    assert.ok(minMs > 0 && maxMs >= minMs);
  });

  tools("doctor finds nothing in the way of a free address, and whose a taken one is", async () => {
    using hosts = new TwoHosts();
    const doctor = async (address: string): Promise<{ code: number | null; stdout: string }> => {
      const own = ["--interface", "h1-eth0", "--address", `${address}/24`];
      return await hosts.start("a", process.execPath, CLI, "doctor", ...own).finished;
    };
    const free = await doctor("10.77.0.11");
    assert.match(free.stdout, /^ok +address +nobody has 10\.77\.0\.11 yet$/m);
    assert.is(free.code, 0, free.stdout);
    const kernels = await doctor(hosts.kernelAddress.a);
    assert.is(kernels.code, 1);
    assert.match(
      kernels.stdout,
      /^PROBLEM +address +the kernel owns 10\.77\.0\.1 on h1-eth0.*\n +cure: add --take-over/m,
    );
    const mac = hosts.exec("b", "cat", "/sys/class/net/h2-eth0/address").trim();
    assert.match(
      (await doctor(hosts.kernelAddress.b)).stdout,
      new RegExp(`another host has 10.77.0.2 already: ${mac}`),
    );
    hosts.exec("b", "ip", "link", "set", "h2-eth0", "down");
    // The kernel tells of a lost carrier a second later at most.
    while (hosts.exec("a", "cat", "/sys/class/net/h1-eth0/operstate").trim() === "up") await sleep(50);
    assert.match((await doctor("10.77.0.11")).stdout, /^PROBLEM +link +h1-eth0 is up, but has no carrier/m);
  });

  tools("ss shows the connection of a running server, and nothing once it is over", async () => {
    using hosts = new TwoHosts();
    const server = hosts.wasmtcp("a", "server", "10001", "--keep-listening", "--debug");
    await server.saw("listen to port 10001");
    const peer = hosts.start("b", "python3", "-c", CONNECT_AND_WAIT, hosts.stackAddress.a);
    await server.saw("accept a connection");
    const { stdout, code } = await hosts.start("a", process.execPath, CLI, "ss", `${server.child.pid}`, "--stats")
      .finished;
    assert.is(code, 0);
    assert.match(stdout, /^LISTEN +0 +0 +0\.0\.0\.0:10001 +\*:\*$/m);
    assert.match(stdout, /^ESTABLISHED +\d+ +\d+ +10\.77\.0\.11:10001 +10\.77\.0\.2:\d+$/m);
    assert.match(stdout, /\t ts sack cubic wscale:\d+,\d+ rto:\d+/);
    assert.match(stdout, /^tcpPassiveOpens +1$/m);
    peer.child.kill("SIGKILL");
    server.child.kill("SIGINT");
    await server.finished;
    const after = await hosts.start("a", process.execPath, CLI, "ss", `${server.child.pid}`).finished;
    assert.is(after.code, 1);
    assert.match(after.stderr, /no stack of yours runs in process \d+/);
  });
}

const CONNECT_AND_WAIT =
  "import socket,sys,time; s = socket.create_connection((sys.argv[1], 10001)); s.send(b'x'); time.sleep(30)";

tools.run();
