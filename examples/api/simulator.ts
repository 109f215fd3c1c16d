// Two cores, a lossy cable and a virtual clock in one thread: 100 kB with 5 % loss, and the same again from the same seed.
import { loadCore, Simulator } from "wasmtcp/sim";

const module = loadCore("dist/wasmtcp.wasm");
const SECOND = 1_000_000;

function transfer(seed: number): { received: number; seconds: number; frames: number } {
  let frames = 0;
  const path = { delayMs: 20, loss: 0.05 };
  const sim = new Simulator({ module, seed, aToB: path, bToA: path, onFrame: () => frames++ });
  const listener = sim.b.listen(80);
  const client = sim.a.connect(sim.b.address, 80);
  const startUs = sim.nowUs;
  sim.run(startUs + 60 * SECOND, () => listener.pending > 0);
  const server = listener.accept()!;

  const bytes = new Uint8Array(100_000);
  const target = new Uint8Array(65536);
  let sent = 0;
  let received = 0;
  sim.processes.push(() => {
    sent += client.write(bytes, sent);
    for (let count = server.read(target); count; count = server.read(target)) received += count;
  });
  sim.run(startUs + 600 * SECOND, () => received === bytes.length);
  return { received, seconds: (sim.nowUs - startUs) / SECOND, frames };
}

const first = transfer(7);
console.log(first.received, "bytes, more than a tenth of a virtual second:", first.seconds > 0.1);
console.log("the same seed, the same run:", JSON.stringify(transfer(7)) === JSON.stringify(first));
console.log("another seed, another run:", JSON.stringify(transfer(8)) !== JSON.stringify(first));
