// The core without a link: segments, the checksum against C, and the time from `import` to the first byte echoed.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RunFailed } from "../harness/hosts.ts";
import { compileRival } from "../harness/programs.ts";
import type { Contender, Figures, Group, Row } from "../harness/types.ts";

const MICRO = fileURLToPath(new URL("../micro/", import.meta.url));
const FIRST_BYTE = fileURLToPath(new URL("../first-byte.mjs", import.meta.url));
const LIMIT_MS = 60_000;

type Micro = { results: { name: string; nsMedian: number; gigabytesPerSecond?: number }[] };

async function run(command: string, ...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { timeout: LIMIT_MS, killSignal: "SIGKILL" })).stdout;
  } catch (error) {
    const { stderr, code, message } = error as { stderr?: string; code?: number; message: string };
    throw new RunFailed(`${command} ended with ${code}: ${stderr?.trim().slice(-400) || message}`);
  }
}

async function micro(name: string): Promise<Micro> {
  return JSON.parse(await run(process.execPath, "--import", "tsx", `${MICRO}${name}.ts`, "--json")) as Micro;
}

function ns({ results }: Micro, name: string): number {
  const found = results.find((one) => one.name === name);
  if (found === undefined) throw new RunFailed(`the micro-benchmark has no '${name}'`);
  return found.nsMedian;
}

async function segments(): Promise<Figures> {
  const measured = await micro("segment");
  return {
    data: ns(measured, "receive 1460 B in order, one by one"),
    ack: ns(measured, "receive an ACK of two segments, one by one"),
    sent: ns(measured, "send 1460 B, partial checksum"),
  };
}

async function checksum(): Promise<Figures> {
  return { rate: 1460 / ns(await micro("checksum"), "1460 B, aligned") };
}

/** The groups `segment`, `checksum` and `start`. */
export function core(): Group[] {
  const own = (title: string, figure: string, atMost: number): Row => ({
    title,
    unit: "ns",
    figure,
    ours: "ours",
    rivals: [],
    isLessBetter: true,
    goal: { atMost },
  });
  const program = compileRival("checksum");
  const c: Contender[] = [];
  if (program !== null) {
    const rate = async (): Promise<Figures> => ({ rate: JSON.parse(await run(program)).gigabytesPerSecond });
    c.push({ name: "C, 64-bit additions with carry", run: rate });
  }
  const sum: Row = {
    title: "Internet checksum of 1460 B",
    unit: "GB/s",
    figure: "rate",
    ours: "ours",
    rivals: ["C, 64-bit additions with carry"],
    goal: { atLeast: 1 },
  };
  const start: Row = {
    title: "from import to the first byte echoed, memory link",
    unit: "ms",
    figure: "ms",
    ours: "ours",
    rivals: [],
    isLessBetter: true,
    goal: { atMost: 150 },
  };
  return [
    {
      id: "segment",
      contenders: [{ name: "ours", run: segments }],
      rows: [
        own("core: 1460 B received in order", "data", 250),
        own("core: an ACK received", "ack", 150),
        own("core: 1460 B sent", "sent", 200),
      ],
    },
    {
      id: "checksum",
      contenders: [{ name: "ours", run: checksum }, ...c],
      rows: [sum],
      skipped: program === null ? ["no C compiler (cc): no rival for the checksum"] : [],
    },
    {
      id: "start",
      contenders: [{ name: "ours", run: async () => JSON.parse(await run(process.execPath, FIRST_BYTE)) as Figures }],
      rows: [start],
    },
  ];
}
