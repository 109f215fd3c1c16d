// A file over the link into a file, both in memory (tmpfs): `wasmtcp send` and `receive` against Node's `net`, as it comes and tuned. Every copy is
// compared by SHA-256.
import { createHash, randomFillSync } from "node:crypto";
import { closeSync, createReadStream, existsSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { BenchHosts, json, output, RunFailed, ready } from "../harness/hosts.ts";
import { rival } from "../harness/programs.ts";
import type { Contender, Effort, Figures, Group, Row } from "../harness/types.ts";

const MIB = 1024 * 1024;
const LIMIT_MS = 60_000;
const PORT = "5002";
const NODE = rival("node-bulk.mjs");

type Place = { source: string; copy: string; digest: Promise<string> };

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: MIB }), hash);
  return hash.digest("hex");
}

/** Makes the file of random bytes; it goes when the process ends. */
function place(bytes: number): Place {
  const root = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const { bavail, bsize } = statfsSync(root);
  if (bavail * bsize < 2.2 * bytes) throw new Error(`${root} has no room for two files of ${bytes} bytes`);
  const folder = mkdtempSync(join(root, "wasmtcp-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const [source, copy] = [join(folder, "source"), join(folder, "copy")];
  const chunk = Buffer.alloc(MIB);
  // Both files once, so that a virtual machine has the pages from its host before the first round.
  for (const path of [copy, source]) {
    const file = openSync(path, "w");
    for (let written = 0; written < bytes; written += MIB)
      writeSync(file, randomFillSync(chunk), 0, Math.min(MIB, bytes - written));
    closeSync(file);
  }
  return { source, copy, digest: sha256(source) };
}

/**
 * Each removes the copy of the run before when the side that listens is up, not earlier: a virtual machine that gives free pages back to its host
 * does so within two seconds, and who takes longer to start would write into pages that the host has to find again.
 */
type Move = (hosts: BenchHosts, files: Place) => Promise<Figures>;

const ours: Move = async (hosts, { source, copy }) => {
  const receiving = hosts.ours("a", "receive", PORT, copy, "--json", "--debug");
  await ready("wasmtcp receive", receiving, "from CLOSED to LISTEN");
  rmSync(copy, { force: true });
  const sending = hosts.ours("b", "send", hosts.stackAddress.a, PORT, source, "--json");
  const [got, sent] = await Promise.all([
    json("wasmtcp receive", receiving, LIMIT_MS),
    json("wasmtcp send", sending, LIMIT_MS),
  ]);
  const sum = (name: string): number => (got[name] ?? 0) + (sent[name] ?? 0);
  return { gbps: got.gbitPerSecond!, drops: sum("linkDrops") + sum("linkErrors"), retrans: sum("retransSegs") };
};

function piped(hwm?: number): Move {
  const marks = hwm === undefined ? [] : [hwm];
  return async (hosts, { source, copy }) => {
    const receiving = hosts.node("a", NODE, "receive-pipe", PORT, copy, ...marks);
    await ready("Node's receiver", receiving, "READY");
    rmSync(copy, { force: true });
    const sending = hosts.node("b", NODE, "send-pipe", hosts.kernelAddress.a, PORT, source, ...marks);
    const [got] = await Promise.all([
      json("Node's receiver", receiving, LIMIT_MS),
      output("Node's sender", sending, LIMIT_MS),
    ]);
    return { gbps: got.gbps! };
  };
}

/** `onread` is an option of `connect` only, so here the sender listens. */
const tuned: Move = async (hosts, { source, copy }) => {
  const sending = hosts.node("b", NODE, "serve-pipe", PORT, source, MIB);
  await ready("Node's sender", sending, "READY");
  rmSync(copy, { force: true });
  const receiving = hosts.node("a", NODE, "receive-onread", hosts.kernelAddress.b, PORT, copy, MIB);
  const [got] = await Promise.all([
    json("Node's receiver", receiving, LIMIT_MS),
    output("Node's sender", sending, LIMIT_MS),
  ]);
  return { gbps: got.gbps! };
};

/** The groups `file` and `file-wire`. */
export function files({ fileBytes }: Effort): Group[] {
  let shared: Place | undefined;
  const contender = (name: string, offloads: boolean, move: Move): Contender => ({
    name,
    run: async () => {
      shared ??= place(fileBytes);
      using hosts = new BenchHosts({ offloads });
      const figures = await move(hosts, shared);
      if ((await sha256(shared.copy)) !== (await shared.digest)) throw new RunFailed("the copy has another SHA-256");
      return figures;
    },
  });
  const all = (offloads: boolean): Contender[] => [
    contender("ours", offloads, ours),
    contender("Node, pipe", offloads, piped()),
    contender("Node, pipe of 1 MiB", offloads, piped(MIB)),
    contender("Node, onread and writeSync of 1 MiB", offloads, tuned),
  ];
  const size = fileBytes >= 1024 * MIB ? `${fileBytes / 1024 / MIB} GiB` : `${fileBytes / MIB} MiB`;
  const row = (what: string, rivals: string[], atLeast: number): Row => ({
    title: `${size} from file to file, ${what}`,
    unit: "Gbit/s",
    figure: "gbps",
    ours: "ours",
    rivals,
    goal: { atLeast },
  });
  const TUNED = ["Node, pipe of 1 MiB", "Node, onread and writeSync of 1 MiB"];
  return [
    {
      id: "file",
      contenders: all(true),
      rows: [row("offloads on, Node tuned", TUNED, 1), row("offloads on, Node's pipe", ["Node, pipe"], 4)],
    },
    { id: "file-wire", contenders: all(false), rows: [row("wire MTU, Node tuned", TUNED, 1)] },
  ];
}
