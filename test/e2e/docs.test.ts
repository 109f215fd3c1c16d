// The tutorial, typed word by word on a fresh machine; WASMTCP_UPDATE_SNAPSHOTS=1 writes the outputs that differ anew.
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

if (hasPrivileges()) {
  docs("the tutorial can be followed word by word, and shows what is seen", async () => {
    const path = join(ROOT, "docs/tutorial.md");
    const page = readFileSync(path, "utf8");
    const folder = mkdtempSync(join(tmpdir(), "wasmtcp-tutorial-"));
    try {
      for (const name of ["dist", "examples"]) symlinkSync(join(ROOT, name), join(folder, name));
      const changes = await runPage(page, folder, process.env.WASMTCP_UPDATE_SNAPSHOTS !== undefined);
      if (changes.size > 0) writeFileSync(path, withBodies(page, changes));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

docs.run();
