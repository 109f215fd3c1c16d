// When a process with stacks ends: by itself, as soon as nothing is open; not before. Each case is a process of its own.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

type Ended = { code: number | null; output: string };

/** Runs a program of programs/; `onOutput` gets what it has printed so far. */
function run(
  name: string,
  onOutput: (output: string, input: NodeJS.WritableStream) => void = () => {},
): Promise<Ended> {
  const path = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, path], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data) => {
    output += data;
    onOutput(output, child.stdin);
  });
  const overdue = setTimeout(() => child.kill("SIGKILL"), 60_000);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      clearTimeout(overdue);
      resolve({ code, output });
    });
  });
}

const exit = suite("src/exit");

exit("leaves no thread, descriptor or handle after close, and ends by itself", async () => {
  const { code, output } = await run("closes");
  assert.is(code, 0, output);
  const { before, after } = JSON.parse(output);
  assert.equal(after, before);
  assert.equal(after.resources, []);
});

exit("ends by itself when everything open is unref'ed, though nothing was closed", async () => {
  assert.equal(await run("forgets"), { code: 0, output: "forgotten\n" });
});

exit("stays alive while it listens, and ends after unref", async () => {
  let asked = false;
  const { code, output } = await run("waits", (text, input) => {
    if (asked || !text.includes("listening")) return;
    asked = true;
    input.write("enough\n");
  });
  assert.is(code, 0);
  assert.is(output, "listening\ntold\n");
});

exit.run();
