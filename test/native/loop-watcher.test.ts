// What wakes a stack on the caller's thread: libuv on packet sockets, a wake fd and a timer.
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { setImmediate as eventLoop, setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { loadAddon } from "../../src/native.ts";
import { End } from "./support/end.ts";
import { frame } from "./support/frames.ts";
import { inNamespace, ip } from "./support/namespace.ts";
import { tsWorker } from "./support/ts-worker.ts";

const A = 0x0a;
const B = 0x0b;

inNamespace("native/loop-watcher", import.meta.url, (test) => {
  const { LoopWatcher, createWakeFd, wake, closeWakeFd } = loadAddon();

  /** A watcher that keeps the process alive and counts. */
  function counting(onWake = (): void => {}) {
    const fd = createWakeFd();
    const state = {
      wakes: 0,
      fd,
      watcher: new LoopWatcher(fd, () => {
        state.wakes++;
        onWake();
      }),
    };
    state.watcher.ref();
    const reach = async (wakes: number): Promise<void> => {
      for (let tries = 0; tries < 2000 && state.wakes < wakes; tries++) await sleep(1);
      assert.ok(state.wakes >= wakes, `woken ${state.wakes} times, not ${wakes}`);
    };
    const close = (): void => {
      state.watcher.close();
      closeWakeFd(fd);
    };
    return { ...state, reach, close, count: () => state.wakes };
  }

  test("wakes when its fd is rung, once for any number of rings", async () => {
    const { fd, reach, close, count } = counting();
    for (let round = 1; round <= 3; round++) {
      wake(fd);
      wake(fd);
      await reach(round);
      await eventLoop();
      assert.is(count(), round);
    }
    close();
  });

  test("wakes when the time is over, again after each arming, and not without one", async () => {
    const { watcher, reach, close, count } = counting();
    const started = performance.now();
    watcher.arm(3000);
    await reach(1);
    assert.ok(performance.now() - started >= 2.9);
    await sleep(10);
    assert.is(count(), 1);
    watcher.arm(100);
    await reach(2);
    watcher.arm(Number.POSITIVE_INFINITY);
    await sleep(5);
    assert.is(count(), 2);
    close();
  });

  test("wakes in time for a deadline that came after a later one", async () => {
    const { watcher, reach, close } = counting();
    watcher.arm(60e6);
    watcher.arm(1000);
    await reach(1);
    close();
  });

  test("wakes for input until the frames are given back", async () => {
    const [a, b] = [new End({ interface: "wtn0", mac: A }), new End({ interface: "wtn1", mac: B })];
    const received: number[] = [];
    const { watcher, reach, close, count } = counting(() => {
      received.push(b.receive().length);
      watcher.arm(Number.POSITIVE_INFINITY);
    });
    watcher.add(b.socket);
    a.send(frame(B, 60), frame(B, 60));
    await reach(1);
    await sleep(5);
    assert.is(
      received.reduce((sum, one) => sum + one),
      2,
    );
    const before = count();
    await sleep(5);
    assert.is(count(), before);
    close();
    for (const end of [a, b]) end.socket.close();
  });

  test("goes on after the interface was down", async () => {
    const [a, b] = [new End({ interface: "wtn0", mac: A }), new End({ interface: "wtn1", mac: B })];
    let frames = 0;
    const { watcher, reach, close, count } = counting(() => {
      frames += b.receive().length;
      watcher.arm(Number.POSITIVE_INFINITY);
    });
    watcher.add(b.socket);
    ip("link", "set", "wtn1", "down");
    await reach(1);
    assert.is(b.socket.takeError(), 100); // ENETDOWN
    await sleep(5);
    const quiet = count();
    await sleep(10);
    assert.is(count(), quiet); // an error that stays would wake for ever
    ip("link", "set", "wtn1", "up");
    for (let tries = 0; tries < 200 && frames === 0; tries++) {
      a.send(frame(B, 60));
      await sleep(10);
    }
    assert.ok(frames > 0);
    close();
    for (const end of [a, b]) end.socket.close();
  });

  test("refuses what it cannot watch, and everything after close", () => {
    const fd = createWakeFd();
    const watcher = new LoopWatcher(fd, () => {});
    assert.throws(() => watcher.add({} as never), /PacketSocket/);
    assert.throws(() => watcher.arm("1" as never), /timeoutUs/);
    assert.throws(() => new LoopWatcher(fd, undefined as never), /onWake/);
    watcher.close();
    watcher.close();
    assert.throws(() => watcher.arm(0), /closed/);
    assert.throws(() => watcher.ref(), /closed/);
    closeWakeFd(fd);
    assert.throws(
      () => new LoopWatcher(fd, () => {}),
      (error: NodeJS.ErrnoException) => error.code === "EBADF",
    );
  });

  test("leaves no descriptor behind", async () => {
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    await sleep(20); // what the tests before have closed
    const before = descriptors();
    for (let i = 0; i < 20; i++) {
      const { watcher, close } = counting();
      watcher.arm(1e6);
      close();
    }
    await sleep(20);
    assert.is(descriptors(), before);
  });

  test("goes with a worker that is terminated under traffic", async () => {
    const a = new End({ interface: "wtn0", mac: A });
    for (let round = 0; round < 3; round++) {
      const worker = tsWorker("watcher.ts", undefined);
      await once(worker, "message");
      for (let i = 0; i < 20; i++) {
        a.send(frame(B, 60));
        await eventLoop();
      }
      await worker.terminate();
    }
    a.socket.close();
  });
});
