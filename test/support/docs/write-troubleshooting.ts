// `npm run docs:troubleshooting`: writes the doctor's findings into docs/troubleshooting.md.
import { readFileSync, writeFileSync } from "node:fs";
import { withFindings } from "./troubleshooting.ts";

const PAGE = new URL("../../../docs/troubleshooting.md", import.meta.url);
writeFileSync(PAGE, withFindings(readFileSync(PAGE, "utf8")));
