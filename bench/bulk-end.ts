// One end of bench/bulk.ts on the public API: `sink INTERFACE CIDR PORT` reads one stream, `source INTERFACE CIDR HOST PORT BYTES` writes
// one. Prints one line of JSON: { bytes, seconds, gbitPerSecond, retransSegs, linkDrops }.
import { createStack, packetLink } from "wasmtcp";

const CHUNK_BYTES = 1024 * 1024;
const [role = "", name = "", address = "", ...rest] = process.argv.slice(2);
const stack = await createStack({ interfaces: [{ link: packetLink({ interface: name }), address }] });
const buffer = new Uint8Array(CHUNK_BYTES);
let bytes = 0;
let started = 0;

if (role === "sink") {
  const listener = await stack.listen({ port: Number(rest[0]) });
  console.error("READY");
  const connection = await listener.accept();
  started = performance.now();
  for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) bytes += count;
  await connection.close();
} else {
  const connection = await stack.connect({ hostname: rest[0] ?? "", port: Number(rest[1]) });
  started = performance.now();
  for (const total = Number(rest[2]); bytes < total; ) bytes += await connection.write(buffer);
  await connection.close();
}

const seconds = (performance.now() - started) / 1000;
const { counters, interfaces } = stack.stats();
const linkDrops = interfaces.reduce((sum, one) => sum + one.linkDrops, 0);
const report = {
  bytes,
  seconds,
  gbitPerSecond: (bytes * 8) / seconds / 1e9,
  retransSegs: counters.tcpRetransSegs,
  linkDrops,
};
console.log(JSON.stringify(report));
await stack.close();
