// Files that this process has open, so that a test can tell whether something was left behind.
import { readdirSync } from "node:fs";

/** How many there are. */
export function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
