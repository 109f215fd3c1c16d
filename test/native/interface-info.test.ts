// What interfaceInfo() reads from the kernel, and what loading the addon says.
import { execFileSync } from "node:child_process";
import * as assert from "uvu/assert";
import { loadAddon } from "../../src/native.ts";
import { inNamespace, ip } from "./support/namespace.ts";

inNamespace("native/interface-info", import.meta.url, (test) => {
  const { interfaceInfo } = loadAddon();

  test("tells index, MTU, MAC, state and addresses", () => {
    ip("link", "set", "wtn0", "mtu", "9000", "address", "02:00:5e:10:00:ff");
    ip("addr", "add", "10.9.8.7/20", "dev", "wtn0");
    ip("addr", "add", "192.0.2.1/32", "dev", "wtn0");
    const index = Number(/^(\d+):/.exec(ip("link", "show", "wtn0"))?.[1]);
    assert.equal(interfaceInfo("wtn0"), {
      index,
      mtu: 9000,
      mac: "02:00:5e:10:00:ff",
      gsoMaxBytes: 65521,
      superFrames: true,
      ethernet: true,
      up: true,
      running: true,
      addresses: [
        { address: "10.9.8.7", prefixLength: 20 },
        { address: "192.0.2.1", prefixLength: 32 },
      ],
    });
  });

  test("tells an interface without carrier and one that is down", () => {
    ip("link", "set", "wtn1", "down");
    assert.is(interfaceInfo("wtn0")?.up, true);
    assert.is(interfaceInfo("wtn0")?.running, false);
    assert.is(interfaceInfo("wtn1")?.up, false);
    ip("link", "set", "wtn1", "up");
  });

  test("follows the interface's limit for super-segments", () => {
    ip("link", "set", "wtn0", "gso_max_size", "16000");
    assert.is(interfaceInfo("wtn0")?.gsoMaxBytes, 15985);
  });

  test("tells whether frames beyond the MTU are to be expected", () => {
    const set = (state: string): Buffer =>
      execFileSync("ethtool", ["-K", "wtn0", "tso", state, "gro", "off"], { stdio: "pipe" });
    set("off");
    assert.is(interfaceInfo("wtn0")?.superFrames, false);
    set("on");
    assert.is(interfaceInfo("wtn0")?.superFrames, true);
  });

  test("tells frames that are not Ethernet", () => {
    ip("tuntap", "add", "wtntun", "mode", "tun");
    assert.is(interfaceInfo("wtntun")?.ethernet, false);
    ip("link", "del", "wtntun");
    assert.is(interfaceInfo("lo")?.ethernet, true);
  });

  test("answers null for a name nobody has", () => {
    for (const name of ["wtn-none", "", "a-name-that-is-too-long-for-one", "wtn0\0", "../lo"]) {
      assert.is(interfaceInfo(name), null, name);
    }
    assert.throws(() => interfaceInfo(1 as unknown as string), /`name`/);
  });
});
