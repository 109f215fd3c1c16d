// The affinity of one thread, set and read through the addon in a worker thread, which nobody else runs in.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { threadId, Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatCpuList } from "../../src/cpu-set.ts";
import { type AddonError, loadAddon } from "../../src/native.ts";

const affinity = suite("native/thread-affinity");

/** The addon, or nothing where it cannot be. */
function addonOrSkip(): ReturnType<typeof loadAddon> | undefined {
  try {
    return loadAddon();
  } catch (error) {
    if ((error as AddonError).code !== "ERR_ADDON_MISSING") throw error;
    console.log(`SKIPPED native/thread-affinity: ${(error as Error).message}`);
    return undefined;
  }
}

/** Runs in the worker: what the calls of the program give, and what the kernel says of the thread afterwards. */
const PROGRAM = `
const { workerData, parentPort } = require("node:worker_threads");
const addon = require(workerData.addon);
const answers = workerData.sets.map((cpus) => {
  let failure = null;
  try {
    addon.setThreadAffinity(cpus);
  } catch ({ name, code, errno, syscall, message }) {
    failure = { name, code, errno, syscall, message };
  }
  const status = require("node:fs").readFileSync("/proc/thread-self/status", "utf8");
  return { failure, now: addon.threadAffinity(), list: /Cpus_allowed_list:\\t(.*)/.exec(status)[1] };
});
parentPort.postMessage(answers);
`;
const ADDON = new URL("../../native/build/Release/wasmtcp.node", import.meta.url).pathname;

type Answer = {
  failure: { name: string; code?: string; errno?: number; syscall?: string; message: string } | null;
  now: number[];
  list: string;
};

async function inWorker(...sets: unknown[]): Promise<Answer[]> {
  const worker = new Worker(PROGRAM, { eval: true, workerData: { addon: ADDON, sets } });
  const [answers] = await once(worker, "message");
  await once(worker, "exit");
  return answers as Answer[];
}

function allowedList(): string {
  return /Cpus_allowed_list:\t(.*)/.exec(readFileSync("/proc/thread-self/status", "utf8"))![1]!;
}

const addon = addonOrSkip();
if (addon !== undefined) {
  const all = addon.threadAffinity();

  affinity("tells the processors of the calling thread", () => {
    assert.is(threadId, 0);
    assert.ok(all.length > 0);
    assert.is(formatCpuList(all), allowedList());
  });

  affinity("moves the calling thread and no other", async () => {
    const sets = all.map((cpu) => [cpu]);
    const answers = await inWorker(...sets, all);
    assert.equal(
      answers.map(({ failure, now, list }) => ({ failure, now, list })),
      [...sets, all].map((now) => ({ failure: null, now, list: formatCpuList(now) })),
    );
    assert.equal(addon.threadAffinity(), all);
  });

  affinity("refuses processors that there are not, all or some, and leaves things as they were", async () => {
    for (const { failure, now } of await inWorker([8191], [all[0], 8191])) {
      assert.is(failure?.code, "EINVAL");
      assert.is(failure?.errno, -22);
      assert.is(failure?.syscall, "sched_setaffinity");
      assert.match(failure?.message ?? "", "8191");
      assert.equal(now, all);
    }
  });

  affinity("takes an ascending array of processors only", async () => {
    for (const { failure, now } of await inWorker([], [1, 0], [0, 0], [-1], [0.5], ["0"], [8192], "0", 0, undefined)) {
      assert.is(failure?.name, "TypeError");
      assert.match(failure?.message ?? "", "`cpus`");
      assert.equal(now, all);
    }
  });
}

affinity.run();
