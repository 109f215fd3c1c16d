// The addon as a build product: layout.h, installation without a compiler, and loading without the addon.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { layoutHeader } from "../../native/generate-layout.ts";
import { loadAddon } from "../../src/native.ts";
import { checkAddonSources } from "../support/addon-sources.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const test = suite("native/loading");
let folder: string;

/** A copy of the package's sources without an addon, as after an installation that could not build it. */
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "wasmtcp-loading-"));
  mkdirSync(join(folder, "native"));
  for (const path of ["native/install.mjs", "native/binding.gyp", "src/native.ts", "assembly/layout.ts"]) {
    cpSync(join(ROOT, path), join(folder, path));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
});

test.after(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Calls loadAddon() of the copy and returns what it threw. */
function load(): string {
  const module = pathToFileURL(join(folder, "src/native.ts")).href;
  const script = `import(${JSON.stringify(module)}).then(({ loadAddon }) => {
    try { loadAddon(); } catch (e) { console.log(e.name, e.code, e.message); }
  });`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", "-e", script], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return stdout + stderr;
}

test("copies between plain and shared memory, within both arrays only", () => {
  const { copyBytes } = loadAddon();
  const shared = new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
  const plain = Uint8Array.from({ length: 300 }, (_, at) => at & 255);
  copyBytes(shared, 1000, plain, 100, 200);
  assert.equal(shared.slice(999, 1202), Uint8Array.of(0, ...plain.subarray(100), 0, 0));
  const back = new Uint8Array(201);
  copyBytes(back, 1, shared, 1000, 200);
  assert.equal(back, Uint8Array.of(0, ...plain.subarray(100)));
  copyBytes(shared, 1001, shared, 1000, 200);
  assert.equal(shared.slice(1001, 1201), plain.slice(100));
  assert.throws(() => copyBytes(back, 2, plain, 0, 200), /beyond/);
  assert.throws(() => copyBytes(shared, 0, plain, 101, 200), /beyond/);
  assert.throws(() => copyBytes(new Uint16Array(4) as never, 0, plain, 0, 1), /Uint8Array/);
});

test("an addon of other sources is told from the one of these", () => {
  const addon = loadAddon();
  checkAddonSources(addon);
  assert.throws(() => checkAddonSources({ ...addon, sources: addon.sources ^ 1 }), /npm run build:native/);
  assert.throws(() => checkAddonSources({ ...addon, sources: undefined as never }), /npm run build:native/);
});

test("layout.h says what layout.ts says", () => {
  assert.is(readFileSync(join(ROOT, "native/layout.h"), "utf8"), layoutHeader());
});

test("loading says what is missing and the cure", () => {
  assert.match(load(), /^AddonError ERR_ADDON_MISSING .*has not been built.*compiler.*npm run build:native/);
});

test("loading a file that is no addon says why", () => {
  const release = join(folder, "native/build/Release");
  mkdirSync(release, { recursive: true });
  writeFileSync(join(release, "wasmtcp.node"), "not a shared object");
  assert.match(load(), /^AddonError ERR_ADDON_MISSING .*does not load: .*npm run build:native/);
  rmSync(join(folder, "native/build"), { recursive: true });
});

test("installation succeeds with one line when the addon cannot be built", () => {
  const failing = join(folder, "failing-gyp.cjs");
  writeFileSync(failing, "console.error('make: g++: not found'); process.exit(1);");
  for (const env of [{ npm_config_node_gyp: failing }, { npm_config_node_gyp: "", PATH: "/nonexistent" }]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, "native/install.mjs")], {
      env: { ...process.env, ...env },
      encoding: "utf8",
    });
    assert.is(status, 0);
    assert.is(stderr, "");
    assert.is(stdout.trim().split("\n").length, 1, stdout);
    assert.match(stdout, /addon was not built \(.*(g\+\+: not found|ENOENT)\).*npm run build:native/);
  }
});

test.run();
