// What the doctor finds, and how it looks at the machine: through a Probe, so that tests can show it any machine.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { AddonError, type InterfaceInfo, loadAddon } from "../native.ts";

/** `ok`: as it should be; `note`: good to know; `warning`: works, but not as well as it could; `problem`: a stack will not work. */
export type FindingLevel = "ok" | "note" | "warning" | "problem";

/** One thing the doctor looked at. */
export interface Finding {
  /** How much it matters. */
  level: FindingLevel;
  /** What was looked at, such as `capabilities`. */
  subject: string;
  /** What there is. */
  message: string;
  /** The command, or the deed, that mends it. */
  cure?: string;
}

/** How the doctor looks at the machine. */
export interface Probe {
  /** The text of a file, trimmed, or undefined if it cannot be read. */
  read(path: string): string | undefined;
  exists(path: string): boolean;
  /** What a command prints, or undefined if it is missing or fails. */
  run(command: string, ...args: string[]): string | undefined;
  /** The interface, null if there is none of that name. @throws AddonError */
  interfaceInfo(name: string): InterfaceInfo | null;
  /** Interfaces with addresses. */
  interfaces(): NodeJS.Dict<NetworkInterfaceInfo[]>;
  /** MAC address of the host that answers an ARP probe for an address, or undefined. */
  whoHas(interfaceName: string, address: string): Promise<string | undefined>;
}

/** The machine we are on. `whoHas`: see {@link Probe} */
export function realProbe(whoHas: Probe["whoHas"]): Probe {
  return {
    read(path) {
      try {
        return readFileSync(path, "utf8").trim();
      } catch {
        return undefined;
      }
    },
    exists: existsSync,
    run(command, ...args) {
      try {
        return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 5000 });
      } catch {
        return undefined;
      }
    },
    interfaceInfo: (name) => loadAddon().interfaceInfo(name),
    interfaces: networkInterfaces,
    whoHas,
  };
}

/** The addon's complaint, or undefined if it loads. */
export function addonComplaint(probe: Probe): AddonError | undefined {
  try {
    probe.interfaceInfo("lo");
    return undefined;
  } catch (error) {
    if (error instanceof AddonError) return error;
    throw error;
  }
}
