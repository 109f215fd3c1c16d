// The doctor: looks at the host, at an interface and at an address, changes nothing, and says for each finding what mends it.
import { availableParallelism } from "node:os";
import { parseCidr } from "../address.ts";
import { probeAddress } from "../arp.ts";
import { createStack } from "../create-stack.ts";
import { memoryLinkPair } from "../links/memory-link.ts";
import { fine, found } from "./catalogue.ts";
import { type Finding, type Probe, realProbe } from "./finding.ts";
import { checkHost } from "./host-checks.ts";
import { checkAddress, checkInterface } from "./interface-checks.ts";

/** What to look at besides the host. */
export interface DiagnoseOptions {
  /** Name of an interface. */
  interface?: string | undefined;
  /** Address that a stack is to have on it, `a.b.c.d/n`. */
  address?: string | undefined;
}

/** `diagnose()` of the API (../diagnose.ts), asking `probe`. */
export async function diagnose(
  options: DiagnoseOptions = {},
  probe: Probe = realProbe(probeAddress),
): Promise<Finding[]> {
  const { interface: name, address } = options;
  const wanted = address === undefined ? undefined : parseCidr("address", address) && address.split("/")[0]!;
  const findings = checkHost(probe, process.versions.node, process.platform, availableParallelism());
  findings.push(await checkCore());
  if (name === undefined || has(findings, "addon")) return findings;
  findings.push(...checkInterface(probe, name));
  // Without permission, or on a link that is down, nobody could be asked.
  const isOpenable = !["interface", "link", "capabilities"].some((subject) => has(findings, subject));
  if (wanted !== undefined && isOpenable) findings.push(...(await checkAddress(probe, name, wanted)));
  return findings;
}

function has(findings: Finding[], subject: string): boolean {
  return findings.some((finding) => finding.subject === subject && finding.level === "problem");
}

/** Brings a stack up: WebAssembly with threads and SIMD, shared memory and workers are all there or they are not. */
async function checkCore(): Promise<Finding> {
  try {
    const [link] = memoryLinkPair();
    const stack = await createStack({ interfaces: [{ link, address: "192.0.2.1/24" }] });
    await stack.close({ lingerMs: 0 });
    return fine("wasm", "SIMD, threads and shared memory: a stack comes up");
  } catch (error) {
    return found("no stack comes up", { complaint: (error as Error).message });
  }
}
