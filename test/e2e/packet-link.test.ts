// Packet links: those that cannot be opened, with reason and cure, a worker killed while it sleeps in poll, pings from behind a narrow path.
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges, RoutedHosts, TwoHosts } from "../support/namespaces.ts";

const PROGRAM = fileURLToPath(new URL("programs/packet-failures.ts", import.meta.url));

const CLI = "dist/src/cli/main.js";

const packetLink = suite("e2e/packet-link");

if (hasPrivileges()) {
  packetLink("says why an interface cannot be used, and what helps; a killed worker leaves nothing", async () => {
    using hosts = new TwoHosts();
    const { code, stdout, stderr } = await hosts.start("a", process.execPath, ...process.execArgv, PROGRAM).finished;
    assert.is(code, 0, stderr);
    const { owned, missing, tooLong, down, crashed, leaked } = JSON.parse(stdout);
    assert.is(owned.code, "EADDRINUSE");
    assert.match(owned.message, "the kernel owns this address on h1-eth0");
    assert.match(owned.message, "ip addr del 10.77.0.1/24 dev h1-eth0");
    assert.is(missing.code, "ENODEV");
    assert.match(missing.message, "nothing0");
    assert.is(tooLong.code, "ERR_OUT_OF_RANGE");
    assert.match(tooLong.message, "Expected `mtu` to be 68..1500");
    assert.is(down.code, "ENETDOWN");
    assert.match(down.message, "ip link set h1-eth0 up");
    assert.equal(crashed, ["ERR_STACK_CRASHED", "ERR_STACK_CRASHED", "ERR_STACK_CRASHED"]);
    assert.is(leaked, 0);
  });

  packetLink(
    "answers the kernel's pings whatever their length, though the path is narrower than the link",
    async () => {
      using hosts = new RoutedHosts();
      const place = ["--interface", hosts.interfaceName, "--address", `${hosts.stackAddress}/24`];
      const route = ["--gateway", hosts.gateway];
      const server = hosts.start("a", process.execPath, CLI, "server", "7", "--debug", ...place, ...route);
      await server.saw("listen to port 7");
      for (const bytes of ["56", "1400", "4000"]) {
        const pings = hosts.exec("b", "ping", "-n", "-c", "3", "-i", "0.2", "-s", bytes, hosts.stackAddress);
        assert.match(pings, /3 packets transmitted, 3 received,/);
      }
      server.child.kill("SIGINT");
      assert.is((await server.finished).code, 130);
    },
  );

  packetLink("says that CAP_NET_RAW is missing", async () => {
    using hosts = new TwoHosts();
    const program =
      "import('wasmtcp').then(({ createStack, packetLink }) => createStack({ interfaces: [{ link: packetLink({ interface: 'h1-eth0' }), address: '10.77.0.11/24' }] })).catch((error) => console.log(error.code, error.message))";
    const without = ["--inh-caps=-net_raw", "--bounding-set=-net_raw", process.execPath, "-e", program];
    const { stdout, stderr } = await hosts.start("a", "setpriv", ...without).finished;
    assert.match(stdout, /^EPERM /, stderr);
  });
}

packetLink.run();
