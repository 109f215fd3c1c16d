// The tutorial and the API guide, typed word by word on a fresh machine; WASMTCP_UPDATE_SNAPSHOTS=1 writes the outputs that differ anew.
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import { withBodies } from "../support/docs/markdown.ts";
import { runPage } from "../support/docs/run-page.ts";
import { hasPrivileges } from "../support/namespaces.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const docs = suite("e2e/docs");

async function typePage(name: string): Promise<void> {
  const path = join(ROOT, name);
  const page = readFileSync(path, "utf8");
  const folder = mkdtempSync(join(tmpdir(), "wasmtcp-docs-"));
  try {
    for (const entry of ["dist", "examples", "node_modules"]) symlinkSync(join(ROOT, entry), join(folder, entry));
    const changes = await runPage(page, folder, process.env.WASMTCP_UPDATE_SNAPSHOTS !== undefined);
    if (changes.size > 0) writeFileSync(path, withBodies(page, changes));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (hasPrivileges()) {
  docs("the tutorial can be followed word by word, and shows what is seen", () => typePage("docs/tutorial.md"));
  docs("the commands of the API guide print what it shows", () => typePage("docs/api.md"));
}

docs.run();
