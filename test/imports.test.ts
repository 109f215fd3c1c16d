// Who may import whom (docs/ARCHITECTURE.md, "Dependencies"): reads every import of the tree and holds it against the chart.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** For a file under the first prefix, which relative imports are allowed (prefixes from the root). First match counts. */
const ALLOWED: [string, string[]][] = [
  ["assembly/layout.ts", []],
  ["assembly/counters.ts", []],
  ["assembly/count.ts", ["assembly/layout"]],
  ["assembly/heap.ts", ["assembly/layout", "assembly/count", "assembly/storage/"]],
  ["assembly/events.ts", ["assembly/layout", "assembly/count", "assembly/storage/"]],
  ["assembly/wire/", ["assembly/wire/", "assembly/layout"]],
  ["assembly/storage/", ["assembly/storage/", "assembly/layout"]],
  ["assembly/ip/", ["assembly/ip/", "assembly/wire/", "assembly/storage/", "assembly/layout", "assembly/heap"]],
  [
    "assembly/tcp/",
    [
      "assembly/tcp/",
      "assembly/ip/",
      "assembly/wire/",
      "assembly/storage/",
      "assembly/layout",
      "assembly/count",
      "assembly/heap",
      "assembly/events",
    ],
  ],
  [
    "assembly/icmp/",
    [
      "assembly/icmp/",
      "assembly/tcp/",
      "assembly/wire/",
      "assembly/storage/",
      "assembly/layout",
      "assembly/count",
      "assembly/events",
    ],
  ],
  ["assembly/iface/", ["assembly/"]],
  ["assembly/", ["assembly/"]],
  ["src/cli/", ["src/cli/", "src/index.ts"]],
  ["src/links/", ["src/links/", "src/errors.ts", "src/address.ts", "assembly/layout.ts"]],
  ["src/sim/", ["src/", "assembly/"]],
  // The one door from the main thread to what is otherwise the worker's
  ["src/caller-host.ts", ["src/", "workers/caller-stack.ts"]],
  ["src/", ["src/", "assembly/layout.ts", "assembly/counters.ts"]],
  ["workers/", ["workers/", "src/", "assembly/layout.ts"]],
];
const NEVER: [string, string][] = [
  ["src/", "src/cli/"],
  ["src/", "src/sim/"],
  ["src/sim/", "src/stack.ts"],
  ["src/sim/", "src/tcp-socket.ts"],
  ["src/sim/", "src/worker-host.ts"],
  ["src/sim/", "src/index.ts"],
  ["workers/", "src/cli/"],
  ["workers/", "src/stack.ts"],
  ["workers/", "src/connection.ts"],
];

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* sourceFiles(path);
    else if (path.endsWith(".ts") && !path.endsWith(".d.ts")) yield path;
  }
}

function relativeImports(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const found = [...text.matchAll(/(?:from\s+|import\s+|import\()"(\.{1,2}\/[^"]+)"/g)].map((match) => match[1]!);
  return found.map((target) => posix.normalize(posix.join(dirname(file), target)));
}

const imports = suite("imports");
const files = ["assembly", "src", "workers"].flatMap((folder) => [...sourceFiles(folder)]);

imports("finds the sources it judges", () => assert.ok(files.length > 40));

for (const file of files) {
  imports(`${file} imports only what the chart allows`, () => {
    const allowed = ALLOWED.find(([prefix]) => file.startsWith(prefix))?.[1] ?? [];
    for (const target of relativeImports(file)) {
      assert.ok(
        allowed.some((prefix) => target.startsWith(prefix)),
        `${relative(".", file)} must not import ${target}`,
      );
      for (const [from, forbidden] of NEVER) {
        const inside = file.startsWith(forbidden);
        assert.not.ok(
          !inside && file.startsWith(from) && target.startsWith(forbidden),
          `${file} must not import ${target}`,
        );
      }
    }
  });
}

const nativeFiles = readdirSync(join(ROOT, "native")).filter((name) => /\.(cc|h)$/.test(name));

imports("only native/addon.cc and what checks its arguments know Node-API", () => {
  const knowing = nativeFiles.filter((name) =>
    /#include <napi\.h>/.test(readFileSync(join(ROOT, "native", name), "utf8")),
  );
  assert.equal(knowing.sort(), ["addon.cc", "arguments.h"]);
});

imports.run();
