// Waiting and waking: one ppoll for packet sockets and the wake fd.
import * as assert from "uvu/assert";
import { loadAddon, WAIT_READABLE_SHIFT, WAIT_WOKEN, WAIT_WRITABLE_SHIFT } from "../../src/native.ts";
import { End } from "./support/end.ts";
import { frame } from "./support/frames.ts";
import { inNamespace, ip } from "./support/namespace.ts";
import { tsWorker } from "./support/ts-worker.ts";

const A = 0x0a;
const B = 0x0b;
const READABLE = (n: number) => 1 << (WAIT_READABLE_SHIFT + n);
const WRITABLE = (n: number) => 1 << (WAIT_WRITABLE_SHIFT + n);

inNamespace("native/waiter", import.meta.url, (test) => {
  const { Waiter, createWakeFd, wake, closeWakeFd } = loadAddon();

  test("returns 0 when nothing happens in time", () => {
    const fd = createWakeFd();
    const waiter = new Waiter(fd);
    assert.is(waiter.wait(0), 0);
    assert.is(waiter.wait(1000), 0);
    closeWakeFd(fd);
  });

  test("ends an unlimited wait after a second, so that a terminated worker ends", () => {
    const fd = createWakeFd();
    const waiter = new Waiter(fd);
    assert.is(waiter.wait(-1), 0);
    closeWakeFd(fd);
  });

  test("tells of a wake that came before the wait, once", () => {
    const fd = createWakeFd();
    const waiter = new Waiter(fd);
    assert.ok(wake(fd));
    assert.ok(wake(fd));
    assert.is(waiter.wait(Number.POSITIVE_INFINITY), WAIT_WOKEN);
    assert.is(waiter.wait(0), 0);
    closeWakeFd(fd);
  });

  test("refuses descriptors that are not wake fds", () => {
    const fd = createWakeFd();
    assert.ok(closeWakeFd(fd));
    for (const other of [fd, 0, 1, 2, 0x7fffffff]) {
      assert.not(wake(other), `wake(${other})`);
      assert.not(closeWakeFd(other));
      assert.throws(
        () => new Waiter(other),
        (error: NodeJS.ErrnoException) => error.code === "EBADF",
      );
    }
    assert.throws(() => wake(-1), /`fd`/);
    assert.throws(() => wake(undefined as unknown as number), /`fd`/);
    assert.throws(() => new Waiter(fd).wait("1" as unknown as number));
  });

  test("keeps working after its wake fd was closed", () => {
    const fd = createWakeFd();
    const waiter = new Waiter(fd);
    closeWakeFd(fd);
    assert.is(waiter.wait(0), 0);
  });

  test("says which socket has input, and only until it is taken", () => {
    const fd = createWakeFd();
    const [a, b] = [new End({ interface: "wtn0", mac: A }), new End({ interface: "wtn1", mac: B })];
    const waiter = new Waiter(fd);
    const [first, second] = [waiter.add(a.socket), waiter.add(b.socket)];
    assert.equal([first, second], [0, 1]);
    a.send(frame(B, 60, 1));
    assert.is(waiter.wait(1e6), READABLE(second));
    assert.is(waiter.wait(0), READABLE(second), "not taken yet");
    assert.is(b.receive().length, 1);
    assert.is(waiter.wait(0), 0, "the held slot is given back and is no input");
    b.send(frame(A, 60, 2));
    wake(fd);
    assert.is(waiter.wait(1e6), READABLE(first) | WAIT_WOKEN);
    a.socket.close();
    b.socket.close();
    assert.is(waiter.wait(0), 0, "closed sockets say nothing");
    closeWakeFd(fd);
  });

  test("says that a socket may send when it is asked, not otherwise", () => {
    const fd = createWakeFd();
    const a = new End({ interface: "wtn0", mac: A });
    const waiter = new Waiter(fd);
    const n = waiter.add(a.socket);
    assert.is(waiter.wait(0, 0), 0);
    assert.is(waiter.wait(1e6, 1 << n), WRITABLE(n));
    a.socket.close();
    assert.is(waiter.wait(0, 1 << n), 0);
    closeWakeFd(fd);
  });

  test("wakes for a link that goes down, once, and keeps the reason", () => {
    const fd = createWakeFd();
    const a = new End({ interface: "wtn0", mac: A });
    const waiter = new Waiter(fd);
    const n = waiter.add(a.socket);
    ip("link", "set", "wtn0", "down");
    assert.is(waiter.wait(1e6), READABLE(n));
    assert.is(waiter.wait(0), 0);
    assert.is(a.socket.takeError(), 100);
    ip("link", "set", "wtn0", "up");
    a.socket.close();
    closeWakeFd(fd);
  });

  test("takes fifteen sockets and no more, and nothing that is none", () => {
    const fd = createWakeFd();
    const waiter = new Waiter(fd);
    const a = new End({ interface: "wtn0", mac: A, ringBytes: 1 << 20 });
    for (let i = 0; i < 15; i++) assert.is(waiter.add(a.socket), i);
    assert.throws(
      () => waiter.add(a.socket),
      (error: NodeJS.ErrnoException) => error.code === "ENOSPC",
    );
    assert.is(waiter.wait(0, 0x7fff), 0x7fff << WAIT_WRITABLE_SHIFT);
    assert.throws(() => waiter.add({} as typeof a.socket), /PacketSocket/);
    assert.throws(() => waiter.add(waiter as unknown as typeof a.socket), /PacketSocket/);
    a.socket.close();
    closeWakeFd(fd);
  });

  test("is woken by another thread", async () => {
    const fd = createWakeFd();
    const worker = tsWorker("sleeper.ts", { fd });
    const results: number[] = [];
    const told = new Promise<void>((resolve, reject) => {
      worker.on("message", (value: number | "asleep") => {
        if (value === "asleep") assert.ok(wake(fd));
        else if (results.push(value) === 3) resolve();
      });
      worker.on("error", reject);
    });
    await told;
    assert.equal(results, [WAIT_WOKEN, WAIT_WOKEN, WAIT_WOKEN]);
    await worker.terminate();
    closeWakeFd(fd);
  });
});
