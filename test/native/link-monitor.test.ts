// How a packet socket learns what becomes of its interface: netlink, in a namespace of its own.
import { execFileSync } from "node:child_process";
import * as assert from "uvu/assert";
import { INTERFACE_BYTES, INTERFACE_LINK_NEWS, INTERFACES } from "../../assembly/layout.ts";
import { type LinkStatus, loadAddon, type PacketSocket, WAIT_READABLE_SHIFT } from "../../src/native.ts";
import { End } from "./support/end.ts";
import { inNamespace, ip, namespaceName } from "./support/namespace.ts";

const UP = { up: true, gone: false };
const READABLE = 1 << WAIT_READABLE_SHIFT;
const NEWS = INTERFACES + INTERFACE_BYTES + INTERFACE_LINK_NEWS;

inNamespace("native/link-monitor", import.meta.url, (test) => {
  const { Waiter, LoopWatcher, createWakeFd, closeWakeFd } = loadAddon();

  /** A veth pair of its own, which the test may break: the end and what waits for it. */
  function opened(name: string): {
    end: End;
    socket: PacketSocket;
    until: (is: Partial<LinkStatus>) => LinkStatus;
    close: () => void;
  } {
    ip("link", "add", name, "type", "veth", "peer", "name", `${name}p`);
    ip("link", "set", name, "up");
    ip("link", "set", `${name}p`, "up");
    const end = new End({ interface: name, mac: 0x0a, ringBytes: 1 << 20 });
    const { socket } = end;
    const fd = createWakeFd();
    const waiter = new Waiter(fd);
    waiter.add(socket);
    let last = socket.takeLink()!;
    const until = (is: Partial<LinkStatus>): LinkStatus => {
      const isReached = () => Object.entries(is).every(([key, value]) => last[key as keyof LinkStatus] === value);
      for (let waits = 0; waits < 10 && !isReached(); waits++) {
        waiter.wait(1e6);
        last = socket.takeLink() ?? last;
      }
      assert.equal({ ...last, ...is }, last);
      return last;
    };
    const close = () => {
      socket.close();
      closeWakeFd(fd);
    };
    return { end, socket, until, close };
  }

  test("tells how the link is at first, and then only what changes", () => {
    const { socket, until, close } = opened("wtl0");
    const first = until(UP);
    assert.is(first.mtu, 1500);
    assert.ok(first.gsoMaxBytes > 60_000);
    assert.is(socket.takeLink(), null);
    close();
    assert.is(socket.takeLink(), null);
  });

  test("switched off, no carrier, another MTU, another name: followed, and the waiter wakes", () => {
    const { end, socket, until, close } = opened("wtl1");
    until(UP);
    ip("link", "set", "wtl1", "down");
    until({ up: false });
    ip("link", "set", "wtl1", "up");
    until(UP);
    ip("link", "set", "wtl1p", "down");
    until({ up: false });
    ip("link", "set", "wtl1p", "up");
    until(UP);
    ip("link", "set", "wtl1", "mtu", "1000");
    until({ mtu: 1000 });
    ip("link", "set", "wtl1", "down");
    until({ up: false });
    ip("link", "set", "wtl1", "name", "wtl1new");
    ip("link", "set", "wtl1new", "up");
    until(UP);
    ip("link", "set", "wtl1new", "mtu", "9000");
    const fd = createWakeFd();
    const waiter = new Waiter(fd);
    waiter.add(socket);
    assert.is(waiter.wait(1e6) & READABLE, READABLE);
    assert.is(end.view.getUint32(NEWS, true), 1);
    until({ mtu: 9000 });
    assert.is(end.view.getUint32(NEWS, true), 0);
    closeWakeFd(fd);
    close();
  });

  test("an event loop is woken, too", async () => {
    const { socket, until, close } = opened("wtl6");
    until(UP);
    const fd = createWakeFd();
    const status = await new Promise<LinkStatus>((resolve) => {
      const watcher = new LoopWatcher(fd, () => {
        const changed = socket.takeLink();
        watcher.arm(Number.POSITIVE_INFINITY);
        if (changed === null) return;
        watcher.close();
        resolve(changed);
      });
      watcher.add(socket);
      watcher.ref();
      watcher.arm(Number.POSITIVE_INFINITY);
      ip("link", "set", "wtl6", "mtu", "1300");
    });
    assert.is(status.mtu, 1300);
    close();
    closeWakeFd(fd);
  });

  test("an event loop is woken also after news were lost", async () => {
    const { socket, until, close } = opened("wtl7");
    until(UP);
    const fd = createWakeFd();
    const seen = await new Promise<number[]>((resolve) => {
      const mtus: number[] = [];
      const watcher = new LoopWatcher(fd, () => {
        const changed = socket.takeLink();
        watcher.arm(Number.POSITIVE_INFINITY);
        if (changed === null) return;
        mtus.push(changed.mtu);
        if (changed.mtu === 1300) {
          watcher.close();
          resolve(mtus);
        } else setImmediate(() => ip("link", "set", "wtl7", "mtu", "1300"));
      });
      watcher.add(socket);
      watcher.ref();
      watcher.arm(Number.POSITIVE_INFINITY);
      // More than the netlink socket holds, while nobody reads it
      const change = (n: number) => `link set wtl7 mtu ${1400 + (n % 2)}\n`;
      execFileSync("ip", ["-batch", "-"], { input: Array.from({ length: 1000 }, (_, n) => change(n)).join("") });
    });
    assert.equal(seen, [1401, 1300]);
    close();
    closeWakeFd(fd);
  });

  test("what happens to other interfaces, or changes nothing, wakes nobody", () => {
    const { socket, until, close } = opened("wtl2");
    until(UP);
    const fd = createWakeFd();
    const waiter = new Waiter(fd);
    waiter.add(socket);
    waiter.wait(0);
    ip("link", "add", "wtlother", "type", "veth", "peer", "name", "wtlothep");
    ip("link", "set", "wtlother", "up");
    ip("link", "set", "wtl2", "alias", "mine");
    assert.is(waiter.wait(100_000), 0);
    assert.is(socket.takeLink(), null);
    closeWakeFd(fd);
    close();
  });

  test("leaving a bridge is not the end, deletion is, and so is another namespace", () => {
    const { socket, until, close } = opened("wtl3");
    ip("link", "add", "wtlbr", "type", "bridge");
    ip("link", "set", "wtl3", "master", "wtlbr");
    ip("link", "set", "wtl3", "nomaster");
    ip("link", "set", "wtl3", "mtu", "1400");
    until({ ...UP, mtu: 1400 });
    ip("link", "del", "wtl3");
    until({ gone: true, up: false });
    assert.is(socket.takeLink(), null);
    close();
    const other = opened("wtl4");
    const away = namespaceName("away");
    ip("netns", "add", away);
    try {
      ip("link", "set", "wtl4", "netns", away);
      other.until({ gone: true });
    } finally {
      other.close();
      ip("netns", "del", away);
    }
  });

  test("news that the kernel had no room for are made good", () => {
    const { until, close } = opened("wtl5");
    until(UP);
    const lines = Array.from({ length: 1000 }, (_, index) => `link set wtl5 mtu ${1000 + (index % 400)}`);
    execFileSync("ip", ["-batch", "-"], { input: [...lines, "link set wtl5 mtu 1234", ""].join("\n") });
    until({ ...UP, mtu: 1234 });
    close();
  });
});
