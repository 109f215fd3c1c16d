// NODE_DEBUG=wasmtcp: the lines a process writes to standard error, and none without it.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const debug = suite("src/debug-log");

function stderrOf(value: string | undefined, name = "talks.ts"): Promise<string> {
  const program = fileURLToPath(new URL(`programs/${name}`, import.meta.url));
  const { NODE_DEBUG: _, FORCE_COLOR: __, ...rest } = process.env;
  const env = value === undefined ? rest : { ...rest, NODE_DEBUG: value };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...process.execArgv, program], { env, timeout: 60_000 }, (error, _, stderr) =>
      error === null ? resolve(stderr) : reject(error),
    );
  });
}

debug("tells interfaces, routes, calls, states, reasons, counters and the end", async () => {
  const lines = (await stderrOf("wasmtcp")).split("\n");
  const expected = [
    /^WASMTCP \d+: stack 1: interface here: memory end 0 10\.0\.0\.1\/24 [0-9a-f:]{17} mtu 1500 gso 65535 checksums offloaded rx slots \d+$/,
    /: stack 1: started, thread worker$/,
    /: stack 2: interface if1: memory end 1 10\.0\.0\.2\/24 02:00:00:00:00:02 /,
    /: stack 2: route 0\.0\.0\.0\/0 via 10\.0\.0\.1 on if1$/,
    /: stack 3: not started: .*EBUSY/,
    /: stack 1: listen on 0\.0\.0\.0:7$/,
    /: stack 1: 0\.0\.0\.0:7 listens$/,
    /: stack 2: connect to 10\.0\.0\.1:7$/,
    /: stack 2: 10\.0\.0\.2:\d+ 10\.0\.0\.1:7 SYN-SENT -> ESTABLISHED$/,
    /: stack 2: 10\.0\.0\.2:\d+ 10\.0\.0\.1:7 connected$/,
    /: stack 1: 10\.0\.0\.1:7 10\.0\.0\.2:\d+ accepted$/,
    /: stack \d: 10\.0\.0\.\d:\d+ 10\.0\.0\.\d:\d+ closed: in order$/,
    /: stack 2: 10\.0\.0\.2:\d+ 10\.0\.0\.1:8 closed: ECONNREFUSED$/,
    /: stack 2: connect to 10\.0\.0\.1:8: connect ECONNREFUSED /,
    /: stack 2: closing, lingers 2000 ms at most$/,
    /: stack 2: counted: .*tcpAttemptFails \+1/,
    /: stack 2: closed$/,
    /: stack 1: counted: .*tcpOutRsts \+1/,
    /: stack 1: closed$/,
  ];
  for (const line of expected)
    assert.ok(
      lines.some((one) => line.test(one)),
      `${line} in\n${lines.join("\n")}`,
    );
});

debug("tells the end of a stack that dies while it closes once", async () => {
  const lines = (await stderrOf("wasmtcp", "dies-closing.ts")).split("\n");
  const ends = lines.filter((line) => /: stack 2: (crashed|closed$)/.test(line));
  assert.is(ends.length, 1, lines.join("\n"));
  assert.match(ends[0]!, /: crashed: The stack's worker died: /);
});

debug("says nothing without NODE_DEBUG, or when it asks for something else", async () => {
  assert.not.match(await stderrOf(undefined), /WASMTCP/);
  assert.not.match(await stderrOf("wasm"), /WASMTCP/);
});

debug.run();
