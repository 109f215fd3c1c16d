// --take-over and `wasmtcp restore`: whatever way a run ends, the kernel has its addresses and routes again, as they were.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges, type Running, TwoHosts } from "../support/namespaces.ts";

const CLI = "dist/src/cli/main.js";
const takeOver = suite("e2e/take-over");

/** Host a with two addresses in one network and two routes. */
class Host extends TwoHosts {
  readonly before: string;

  constructor() {
    super();
    this.exec("a", "ip", "addr", "add", "10.77.0.41/24", "dev", "h1-eth0");
    this.exec("a", "ip", "route", "add", "default", "via", "10.77.0.2", "metric", "50");
    this.exec("a", "ip", "route", "add", "10.99.0.0/16", "via", "10.77.0.2");
    this.before = this.state();
  }

  state(): string {
    return this.exec("a", "ip", "-4", "addr", "show", "dev", "h1-eth0") + this.exec("a", "ip", "-4", "route");
  }

  addresses(): string {
    return this.exec("a", "ip", "-4", "-o", "addr", "show", "dev", "h1-eth0");
  }

  /** A server on the kernel's own address. */
  async serve(): Promise<Running> {
    const own = ["--interface", "h1-eth0", "--address", `${this.kernelAddress.a}/24`, "--take-over", "--debug"];
    const server = this.start("a", process.execPath, CLI, "server", "10001", "--keep-listening", ...own);
    await server.saw("listen to port 10001");
    return server;
  }

  /** One echo from the kernel of b. */
  async echo(): Promise<string> {
    const client = this.start("b", "python3", "-c", ECHO, this.kernelAddress.a);
    return (await client.finished).stdout;
  }

  async ping(): Promise<boolean> {
    const probe = this.start("b", "python3", "-c", REFUSED, this.kernelAddress.a);
    return (await probe.finished).stdout.includes("refused");
  }

  async restore(): Promise<string> {
    return (await this.start("a", process.execPath, CLI, "restore").finished).stdout;
  }
}

const ECHO = `import socket,sys
s = socket.create_connection((sys.argv[1], 10001), 5); s.send(b"hello"); print(s.recv(100).decode())`;
/** Whether the kernel answers for the address: a closed port of it refuses. */
const REFUSED = `import socket,sys
try: socket.create_connection((sys.argv[1], 4), 2)
except ConnectionRefusedError: print("refused")`;

if (hasPrivileges()) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    takeOver(`${signal} gives the address back, routes and order and all`, async () => {
      using host = new Host();
      const server = await host.serve();
      assert.not.match(host.addresses(), /10\.77\.0\.1\//);
      assert.match(host.addresses(), /10\.77\.0\.41\//, "the secondary address stays the kernel's");
      assert.is((await host.echo()).trim(), "server echoes: hello");
      server.child.kill(signal);
      await server.finished;
      assert.is(host.state(), host.before);
      assert.ok(await host.ping(), "the peer reaches the kernel at once: it was told the MAC address");
    });
  }

  takeOver("after SIGKILL `wasmtcp restore` gives it back, once", async () => {
    using host = new Host();
    const server = await host.serve();
    assert.is((await host.echo()).trim(), "server echoes: hello");
    server.child.kill("SIGKILL");
    await server.finished;
    assert.not.match(host.addresses(), /10\.77\.0\.1\//);
    assert.match(await host.restore(), /gave 10\.77\.0\.1 and 2 route\(s\) back to the kernel on h1-eth0/);
    assert.is(host.state(), host.before);
    assert.ok(await host.ping());
    assert.match(await host.restore(), /nothing to give back/);
  });

  takeOver("after SIGKILL the next run starts from what there was before", async () => {
    using host = new Host();
    const killed = await host.serve();
    killed.child.kill("SIGKILL");
    await killed.finished;
    const server = await host.serve();
    assert.is((await host.echo()).trim(), "server echoes: hello");
    server.child.kill("SIGINT");
    assert.match((await server.finished).stderr, /gave 10\.77\.0\.1 and 2 route/);
    assert.is(host.state(), host.before);
  });

  takeOver("restore leaves alone what a living run has taken", async () => {
    using host = new Host();
    const server = await host.serve();
    assert.match(await host.restore(), /nothing to give back/);
    assert.is((await host.echo()).trim(), "server echoes: hello");
    server.child.kill("SIGINT");
    await server.finished;
    assert.is(host.state(), host.before);
  });

  takeOver("a run that fails to start gives the address back", async () => {
    using host = new Host();
    const own = ["--interface", "h1-eth0", "--address", `${host.kernelAddress.a}/24`, "--take-over"];
    const failed = host.start("a", process.execPath, CLI, "server", "1", ...own, "--sysctl", "tcp_rmem=nonsense");
    assert.is.not((await failed.finished).code, 0);
    assert.is(host.state(), host.before);
  });

  takeOver("it warns before it takes the address of the default route, or of the SSH session", async () => {
    using host = new Host();
    const server = await host.serve();
    server.child.kill("SIGINT");
    assert.match((await server.finished).stderr, /the default route leaves through h1-eth0/);
    const own = ["--interface", "h1-eth0", "--address", `${host.kernelAddress.a}/24`, "--take-over"];
    const ssh = `SSH_CONNECTION=10.77.0.2 5000 ${host.kernelAddress.a} 22`;
    const ping = host.start("a", "env", ssh, process.execPath, CLI, "ping", "10.77.0.2", "-c", "1", ...own);
    assert.match((await ping.finished).stderr, /10\.77\.0\.1 carries your SSH session from 10\.77\.0\.2/);
    assert.is(host.state(), host.before);
  });

  takeOver("the stack goes through the gateways the kernel had", async () => {
    using host = new Host();
    host.exec("b", "ip", "addr", "add", "10.99.1.1/32", "dev", "lo");
    const own = ["--interface", "h1-eth0", "--address", `${host.kernelAddress.a}/24`, "--take-over"];
    const ping = await host.start("a", process.execPath, CLI, "ping", "10.99.1.1", "-c", "1", ...own).finished;
    assert.is(ping.code, 0, ping.stdout + ping.stderr);
  });
}

takeOver.run();
