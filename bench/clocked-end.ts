// One end of bench/lossy.ts on the public API: `sink INTERFACE CIDR PORT SECONDS` reads one stream for that long from its first byte and
// resets it, `source INTERFACE CIDR HOST PORT CONGESTION` writes until that happens. Each prints one line of JSON.
import { createStack, packetLink } from "wasmtcp";

const CHUNK_BYTES = 256 * 1024;
const [role = "", name = "", address = "", ...rest] = process.argv.slice(2);
const congestion = role === "source" ? { tcp_congestion_control: rest[2] ?? "" } : {};
const stack = await createStack({
  interfaces: [{ link: packetLink({ interface: name }), address }],
  sysctl: congestion as object,
});
const buffer = new Uint8Array(CHUNK_BYTES);

if (role === "sink") {
  const listener = await stack.listen({ port: Number(rest[0]) });
  console.error("READY");
  const connection = await listener.accept();
  let bytes = (await connection.read(buffer)) ?? 0;
  const started = performance.now();
  const forMs = Number(rest[1]) * 1000;
  while (performance.now() - started < forMs) bytes += (await connection.read(buffer)) ?? 0;
  const seconds = (performance.now() - started) / 1000;
  connection.abort();
  console.log(JSON.stringify({ bytes, seconds }));
} else {
  const connection = await stack.connect({ hostname: rest[0] ?? "", port: Number(rest[1]) });
  try {
    for (;;) await connection.write(buffer);
  } catch {
    console.log(JSON.stringify({ retransSegs: stack.stats().counters.tcpRetransSegs }));
  }
}
await stack.close();
