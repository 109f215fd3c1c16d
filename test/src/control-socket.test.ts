import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { controlFolder, findControlSockets, openControlSocket, readReport } from "../../src/control-socket.ts";
import { stackPair } from "../support/stack-pair.ts";

const test = suite<{ before: string | undefined }>("src/control-socket");

test.before((context) => {
  context.before = process.env.XDG_RUNTIME_DIR;
  process.env.XDG_RUNTIME_DIR = mkdtempSync(join(tmpdir(), "wasmtcp-control-"));
});

test.after((context) => {
  rmSync(process.env.XDG_RUNTIME_DIR!, { recursive: true });
  if (context.before === undefined) delete process.env.XDG_RUNTIME_DIR;
  else process.env.XDG_RUNTIME_DIR = context.before;
});

test("it reports the connections and counters of the stack to this user and to nobody else", async () => {
  await using pair = await stackPair();
  const listener = await pair.server.listen({ port: 80 });
  await using control = await openControlSocket(pair.server);
  assert.is(statSync(control.path).mode & 0o777, 0o600);
  assert.is(statSync(dirname(control.path)).mode & 0o777, 0o700);
  assert.equal(await findControlSockets(), [control.path]);
  const report = await readReport(control.path);
  assert.is(report.pid, process.pid);
  assert.equal(report.connections, pair.server.connections());
  assert.equal(Object.keys(report.stats.counters), Object.keys(pair.server.stats().counters));
  listener.close();
});

test("two stacks of one process have a socket each, and a closed one is gone", async () => {
  await using pair = await stackPair();
  await using first = await openControlSocket(pair.server);
  const second = await openControlSocket(pair.client);
  assert.is.not(first.path, second.path);
  assert.equal((await findControlSockets()).sort(), [first.path, second.path].sort());
  await second.close();
  assert.equal(await findControlSockets(), [first.path]);
});

test("what a killed process left behind is removed, and its name can be used again", async () => {
  await using pair = await stackPair();
  const path = join(controlFolder(), `${process.pid}.sock`);
  writeFileSync(path, "");
  await using control = await openControlSocket(pair.server);
  assert.is(control.path, path);
  const dead = join(controlFolder(), "1.sock");
  writeFileSync(dead, "");
  assert.equal(await findControlSockets(), [path]);
  assert.not(existsSync(dead));
});

test("a folder that others could enter is closed to them", async () => {
  await using pair = await stackPair();
  chmodSync(controlFolder(), 0o755);
  await using control = await openControlSocket(pair.server);
  assert.is(statSync(dirname(control.path)).mode & 0o777, 0o700);
});

test("another question gets an error, an endless one is cut off", async () => {
  await using pair = await stackPair();
  await using control = await openControlSocket(pair.server);
  const ask = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let answer = "";
      const socket = connect(control.path, () => socket.write(text));
      socket.setEncoding("utf8").on("data", (part: string) => {
        answer += part;
      });
      socket.on("error", () => {}).on("close", () => resolve(answer));
    });
  assert.match(await ask("nonsense\n"), /expected 'report'/);
  assert.is(await ask("x".repeat(100_000)), "");
});

test("nobody at the socket is an error", async () => {
  try {
    await readReport(join(controlFolder(), "2.sock"));
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /ENOENT/);
  }
});

test.run();
