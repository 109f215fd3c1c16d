// A capture as tshark reads it, IP and TCP checksums verified.
import { execFileSync } from "node:child_process";

/** Runs tshark over `file`. @returns what it printed on standard output, trimmed */
export function tshark(file: string, ...args: string[]): string {
  const checks = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"];
  return execFileSync("tshark", ["-r", file, ...checks, ...args], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}
