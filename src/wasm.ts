// Finds and compiles the core, once per process; every stack gets an instance of its own on a memory of its own.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { NetstackError } from "./errors.ts";

// This file runs as src/wasm.ts or as dist/src/wasm.js; the core is dist/wasmtcp.wasm.
const CORE = new URL(import.meta.url.endsWith(".ts") ? "../dist/wasmtcp.wasm" : "../wasmtcp.wasm", import.meta.url);

let compiled: Promise<WebAssembly.Module> | undefined;

/**
 * The compiled core.
 * @throws (rejects) {@link NetstackError} `ERR_CORE_MISSING` when it was not built
 */
export function loadCore(): Promise<WebAssembly.Module> {
  compiled ??= compile();
  // A failure is not kept: it may be cured.
  compiled.catch(() => {
    compiled = undefined;
  });
  return compiled;
}

async function compile(): Promise<WebAssembly.Module> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(CORE);
  } catch (cause) {
    const message = `The core ${fileURLToPath(CORE)} cannot be read. Cure: run \`npm run build:wasm\` in the package's directory`;
    throw new NetstackError("ERR_CORE_MISSING", message, { cause });
  }
  return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
}
