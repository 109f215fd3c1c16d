// The addon in worker threads: several at once, terminated in the middle of everything.
import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { loadAddon } from "../../src/native.ts";
import { End } from "./support/end.ts";
import { assertFrames, frame } from "./support/frames.ts";
import { execIn, inNamespace, ip, tsxCommand } from "./support/namespace.ts";
import { tsWorker } from "./support/ts-worker.ts";

const A = 0x0a;
const B = 0x0b;

inNamespace("native/worker", import.meta.url, (test) => {
  const { createWakeFd, wake, closeWakeFd } = loadAddon();

  /** A worker that receives into `memory`, and the address of its region. */
  async function startReceiver(memory: WebAssembly.Memory, fd: number): Promise<Worker> {
    const options = {
      interface: "wtn1",
      ringPtr: 4 << 20,
      ringBytes: 2 << 20,
      rxDescriptorsPtr: 0x10000,
      txRingPtr: 0x20000,
      interfacePtr: 0x40000,
      macHigh16: 0x0277,
      macLow32: B,
    };
    const worker = tsWorker("receiver.ts", { memory, fd, options });
    const [message] = await once(worker, "message");
    assert.equal(message, { ready: true, inPlace: true });
    return worker;
  }

  test("survives worker.terminate() under traffic, and gives the region back", async () => {
    const a = new End({ interface: "wtn0", mac: A });
    for (let round = 0; round < 5; round++) {
      const memory = new WebAssembly.Memory({ initial: 128, maximum: 128, shared: true });
      const fd = createWakeFd();
      const worker = await startReceiver(memory, fd);
      for (let i = 0; i < 20; i++) a.send(...Array.from({ length: 50 }, (_, j) => frame(B, 1000, j)));
      const ended = worker.terminate();
      a.send(frame(B, 1000, 1));
      wake(fd);
      assert.is(await ended, 1);
      const region = new Uint8Array(memory.buffer, 4 << 20, 2 << 20);
      assert.ok(region.every((byte) => byte === 0));
      region.fill(9);
      assert.match(ip("-d", "link", "show", "wtn1"), /promiscuity 0/);
      closeWakeFd(fd);
    }
    a.socket.close();
  });

  test("ends a worker that sleeps without being woken", async () => {
    const memory = new WebAssembly.Memory({ initial: 128, maximum: 128, shared: true });
    const fd = createWakeFd();
    const worker = await startReceiver(memory, fd);
    assert.is(await worker.terminate(), 1);
    closeWakeFd(fd);
  });

  test("runs in several threads at once", async () => {
    const fds = [createWakeFd(), createWakeFd()];
    const memories = fds.map(() => new WebAssembly.Memory({ initial: 128, maximum: 128, shared: true }));
    const workers = await Promise.all(fds.map((fd, i) => startReceiver(memories[i]!, fd)));
    const a = new End({ interface: "wtn0", mac: A });
    const b = new End({ interface: "wtn1", mac: B });
    a.send(frame(B, 100, 1));
    assertFrames(b.receive(), [frame(B, 100, 1)]);
    for (const [i, worker] of workers.entries()) {
      const ended = worker.terminate();
      wake(fds[i]!);
      await ended;
    }
    a.socket.close();
    b.socket.close();
    for (const fd of fds) closeWakeFd(fd);
  });

  test("lets a process exit with open sockets and a sleeping worker", async () => {
    const file = new URL("support/leaver.ts", import.meta.url).pathname;
    const { code, output } = await execIn(process.env.WASMTCP_TEST_NAMESPACE!, tsxCommand(file));
    assert.is(code, 7, output);
    assert.match(ip("-d", "link", "show", "wtn1"), /promiscuity 0/);
  });

  test("frees what garbage collection finds", async () => {
    const file = new URL("support/forgetter.ts", import.meta.url).pathname;
    const { code, output } = await execIn(process.env.WASMTCP_TEST_NAMESPACE!, [
      process.execPath,
      "--expose-gc",
      "--import",
      "tsx",
      file,
    ]);
    assert.is(code, 0, output);
  });
});
