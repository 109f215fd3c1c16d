// npm's `install` script: builds the addon where that is possible. Where it is not, installation succeeds all the same,
// since everything but packet links works without the addon; one line says what is missing.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const CURE =
  "memory links work; for packet links install a C++20 compiler, make and Python 3, then: npm run build:native";

/** Runs node-gyp as npm brings it along, or as it is found in PATH. */
function buildAddon() {
  const bundled = process.env.npm_config_node_gyp;
  const [command, first] = bundled ? [process.execPath, [bundled]] : ["node-gyp", []];
  return spawnSync(command, [...first, "rebuild", "-C", fileURLToPath(new URL(".", import.meta.url))], {
    encoding: "utf8",
  });
}

/** The line of node-gyp's output that tells a person most. */
function reasonOf({ error, stdout, stderr }) {
  if (error) return error.message;
  const lines = `${stdout}\n${stderr}`.split("\n").map((line) => line.trim());
  const telling = lines.find((line) => /\berror:|not found|No such file|Could not find any Python/.test(line));
  return telling ?? lines.find((line) => line.startsWith("gyp ERR! stack")) ?? "node-gyp failed";
}

if (process.platform !== "linux") {
  console.log(`wasmtcp: no native addon on ${process.platform} (AF_PACKET is Linux's); memory links work`);
} else {
  const result = buildAddon();
  if (result.status !== 0) console.log(`wasmtcp: the native addon was not built (${reasonOf(result)}); ${CURE}`);
}
