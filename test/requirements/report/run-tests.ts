// Runs test files in a process of their own and says which tests failed: what the runner prints is all that is known of them.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
const COLOURS = /\x1b\[[0-9;]*m/g;

/** What came of a run. `total` is 0 when it did not come to its end. */
export type TestRun = { failed: string[]; total: number; passed: number; isTimedOut: boolean; output: string };

/**
 * Runs test files.
 * @param files - relative to test/
 * @param env - added to the environment
 * @param limitMs - the process is killed then
 */
export function runTests(files: string[], env: Record<string, string> = {}, limitMs = 300_000): Promise<TestRun> {
  const pattern = `^(${files.map((file) => file.replace(/[.+]/g, "\\$&")).join("|")})$`;
  const args = ["--import", "tsx", "node_modules/uvu/bin.js", "test", pattern];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...env } });
    let output = "";
    let isTimedOut = false;
    const timer = setTimeout(() => {
      isTimedOut = true;
      child.kill("SIGKILL");
    }, limitMs);
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("close", () => {
      clearTimeout(timer);
      const text = output.replace(COLOURS, "");
      const number = (name: string): number => Number(new RegExp(`^\\s*${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
      const failed = [...text.matchAll(/^\s*FAIL\s.*?"(.*)"$/gm)].map(([, name]) => name!);
      resolve({ failed, total: number("Total"), passed: number("Passed"), isTimedOut, output: text });
    });
  });
}
