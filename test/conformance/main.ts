// The conformance port as a process: `tsx test/conformance/main.ts SOCKET`.
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createConformanceServer } from "./server.ts";

const path = process.argv[2] ?? process.env.CONFORMANCE_SOCKET;
if (path === undefined) {
  console.error("usage: npm run conformance:port -- SOCKET");
  process.exit(2);
}
// The production build: what is judged is what users get. build/testing.wasm (asserts on) helps to find a fault.
const wasm = process.env.WASMTCP_CONFORMANCE_WASM ?? fileURLToPath(new URL("../../dist/wasmtcp.wasm", import.meta.url));
const server = createConformanceServer(new WebAssembly.Module(readFileSync(wasm)));
rmSync(path, { force: true });
server.listen(path);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    rmSync(path, { force: true });
    process.exit(0);
  });
}
