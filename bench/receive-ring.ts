// Question: what does reading frames where the kernel wrote them save over copying each into the region first? Two threads
// on a veth pair in a network namespace of its own: one sends, one receives through PacketSocket and copies every payload
// once into a 4 MiB ring, as the core does. JSON out: bytes per second and receiving CPU seconds per gigabyte.
// Needs root. Run: npx tsx bench/receive-ring.ts
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { FRAME_CSUM_PARTIAL, TX_CAPACITY } from "../assembly/layout.ts";
import { loadAddon } from "../src/native.ts";
import { End, RX_DESCRIPTORS_PTR } from "../test/native/support/end.ts";
import { frame, pattern, TCP_START, tcpHeaders } from "../test/native/support/frames.ts";
import { ip, makeVethPair } from "../test/native/support/namespace.ts";
import { tsWorker } from "../test/native/support/ts-worker.ts";

const RUN_MS = 400;
const ROUNDS = 3;
const WINDOW = { super: 64, mtu: 512 }; // frames in flight: fewer than the receiver's slots
const RING_BYTES = 64 << 20;
const TARGET_PTR = 16 << 20; // where payloads are copied to
const TARGET_BYTES = 4 << 20;

// (module (import "env" "memory" (memory 1 65535 shared))
//   (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2))))
const COPY_WASM = Buffer.from(
  "0061736d0100000001070160037f7f7f0002120103656e76066d656d6f7279020301ffff0303020100070801" +
    "04636f707900000a0e010c00200020012002fc0a00000b",
  "hex",
);

type Size = keyof typeof WINDOW;
type Counts = { bytes: number; cpuSeconds: number; seconds: number; dropped: number };

/** Nanoseconds this thread has run. */
function threadCpuNs(): number {
  return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]);
}

/** The receiving thread: counts frames in `progress[0]` until `progress[1]` is set. */
function receive(inPlace: boolean, progress: Int32Array): Counts {
  const end = new End({ interface: "wtn1", mac: 0x0b, ringBytes: RING_BYTES, inPlace });
  const module = new WebAssembly.Instance(new WebAssembly.Module(COPY_WASM), { env: { memory: end.memory } });
  const copy = module.exports.copy as (to: number, from: number, bytes: number) => void;
  const { Waiter, createWakeFd } = loadAddon();
  const waiter = new Waiter(createWakeFd());
  waiter.add(end.socket);
  const words = new Uint32Array(end.memory.buffer, RX_DESCRIPTORS_PTR, 256 * 8);
  let [bytes, at, started, cpuNs] = [0, 0, 0, 0];
  parentPort?.postMessage("ready");
  while (Atomics.load(progress, 1) === 0) {
    const count = end.socket.receive(256);
    if (count === 0) waiter.wait(10_000);
    if (count > 0 && started === 0) [started, cpuNs] = [performance.now(), threadCpuNs()];
    for (let i = 0; i < count; i++) {
      const length = words[i * 8 + 1]! - 54;
      if (at + length > TARGET_BYTES) at = 0;
      copy(TARGET_PTR + at, words[i * 8]! + 54, length);
      at += length;
      bytes += length;
    }
    Atomics.add(progress, 0, count);
  }
  const cpuSeconds = (threadCpuNs() - cpuNs) / 1e9;
  const seconds = (performance.now() - started) / 1e3;
  const { dropped } = end.socket.statistics();
  end.socket.close();
  return { bytes, cpuSeconds, seconds, dropped };
}

/** Sends frames of one size for RUN_MS, never more in flight than the window. */
function send(size: Size, progress: Int32Array): void {
  const end = new End({ interface: "wtn0", mac: 0x0a });
  const payload = pattern(65521 - 40, 1);
  const big = { header: tcpHeaders(0x0b, payload.length), piece1: payload };
  const offload = { flags: FRAME_CSUM_PARTIAL, gsoSize: 1448, csumStart: TCP_START };
  const small = { header: frame(0x0b, 1514, 1) };
  for (let i = 0; i < TX_CAPACITY; i++) end.queue(size === "super" ? { ...big, ...offload } : small);
  end.txTail = 0; // every slot of the ring holds its frame now: sending is moving the tail
  const until = performance.now() + RUN_MS;
  let sent = 0;
  while (performance.now() < until) {
    end.txTail += Math.min(WINDOW[size] - (sent - Atomics.load(progress, 0)), 32);
    sent += end.socket.transmit();
  }
  end.socket.close();
}

async function run(inPlace: boolean, size: Size): Promise<Counts> {
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const worker = tsWorker(import.meta.url, { inPlace, progress });
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", (message: "ready" | Counts) => {
      if (message !== "ready") return resolve(message);
      send(size, progress);
      Atomics.store(progress, 1, 1);
    });
  });
}

async function measure(): Promise<void> {
  makeVethPair();
  const results: Record<string, unknown>[] = [];
  for (const size of ["super", "mtu"] as const) {
    for (let round = 0; round < ROUNDS; round++) {
      for (const inPlace of [true, false]) {
        const { bytes, cpuSeconds, seconds, dropped } = await run(inPlace, size);
        const [gbps, cpuPerGb] = [(bytes * 8) / seconds / 1e9, (cpuSeconds / bytes) * 1e9];
        results.push({ size, inPlace, gbps: +gbps.toFixed(2), receiveCpuSecondsPerGb: +cpuPerGb.toFixed(4), dropped });
      }
    }
  }
  console.log(JSON.stringify(results, null, 1));
}

if (!isMainThread) {
  parentPort?.postMessage(receive(workerData.inPlace, workerData.progress));
} else if (process.env.WASMTCP_BENCH_NAMESPACE) {
  await measure();
} else {
  const name = `wtnb${process.pid}`;
  ip("netns", "add", name);
  const file = fileURLToPath(import.meta.url);
  const env = { ...process.env, WASMTCP_BENCH_NAMESPACE: name };
  spawnSync("ip", ["netns", "exec", name, process.execPath, "--import", "tsx", file], { stdio: "inherit", env });
  ip("netns", "del", name);
}
