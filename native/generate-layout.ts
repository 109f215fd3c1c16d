// Prints native/layout.h from assembly/layout.ts, the one truth about the shared memory. Run by `npm run build:layout`.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as layout from "../assembly/layout.ts";

const HEADER = fileURLToPath(new URL("layout.h", import.meta.url));

/** The text of layout.h: every constant of layout.ts as a constexpr of the same name, except those errno.h already has. */
export function layoutHeader(): string {
  const constants = Object.entries(layout).filter(([name]) => !/^E[A-Z]+$/.test(name));
  const lines = constants.map(([name, value]) => `constexpr uint32_t ${name} = ${value >>> 0};`);
  return [
    "// GENERATED from assembly/layout.ts by native/generate-layout.ts: do not edit.",
    "#pragma once",
    "#include <cstdint>",
    "",
    "namespace layout {",
    ...lines,
    "}  // namespace layout",
    "",
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(HEADER, layoutHeader());
