// Small things: a byte there and back, connections a second, many flows, connections that do nothing.
import { BenchHosts, json, ON_CALLER, ready } from "../harness/hosts.ts";
import { rival } from "../harness/programs.ts";
import type { Contender, Effort, Figures, Group, Row } from "../harness/types.ts";

const NODE = rival("node-calls.mjs");
const SLACK_MS = 20_000;
const IDLE_LIMIT_MS = 110_000;
const CONCURRENCY = "32";
const FLOWS = [1, 8, 64, 512];

/** `wasmtcp perf FIRST` on host a, `wasmtcp perf SECOND` on host b: the figures of both, losses added up. */
async function perf(first: string[], second: string[], ms: number): Promise<[first: Figures, second: Figures]> {
  using hosts = new BenchHosts();
  const listening = hosts.ours("a", "perf", ...first);
  await ready(`perf ${first[0]}`, listening, "listening on port");
  const other = hosts.ours("b", "perf", ...second.map((word) => word.replace("HOST", hosts.stackAddress.a)));
  const [a, b] = await Promise.all([json(`perf ${first[0]}`, listening, ms), json(`perf ${second[0]}`, other, ms)]);
  const both = { drops: (a.drops ?? 0) + (b.drops ?? 0), retrans: (a.retrans ?? 0) + (b.retrans ?? 0) };
  return [
    { ...a, ...both },
    { ...b, ...both },
  ];
}

/** The same on Node's `net`. */
async function node(first: string[], second: string[], ms: number): Promise<[first: Figures, second: Figures]> {
  using hosts = new BenchHosts();
  const listening = hosts.node("a", NODE, ...first);
  await ready(`Node's ${first[0]}`, listening, "READY");
  const other = hosts.node("b", NODE, ...second.map((word) => word.replace("HOST", hosts.kernelAddress.a)));
  return await Promise.all([json(`Node's ${first[0]}`, listening, ms), json(`Node's ${second[0]}`, other, ms)]);
}

function pick(figures: Figures, ...names: string[]): Figures {
  const wanted = [...names, "drops", "retrans"].filter((name) => figures[name] !== undefined);
  return Object.fromEntries(wanted.map((name) => [name, figures[name]!]));
}

/** The group `ping`. */
export function latency({ pings }: Effort): Group {
  const [echo, ping] = [
    ["echo", "7"],
    ["ping", "HOST", "7", `${pings}`],
  ];
  const contender = (name: string, run: () => Promise<[Figures, Figures]>): Contender => ({
    name,
    run: async () => pick((await run())[1], "p50", "p99", "max"),
  });
  const row = (what: string, ours: string, atMost: number): Row => ({
    title: `a byte there and back, p50, ${what}`,
    unit: "µs",
    figure: "p50",
    ours,
    rivals: ["Node"],
    isLessBetter: true,
    goal: { atMost },
  });
  return {
    id: "ping",
    contenders: [
      contender("Node", () => node(echo, ping, SLACK_MS)),
      contender("ours, worker", () => perf(echo, ping, SLACK_MS)),
      contender("ours, caller", () => perf([...echo, ...ON_CALLER], [...ping, ...ON_CALLER], SLACK_MS)),
    ],
    rows: [row("stack in its worker", "ours, worker", 2.5), row("stack on the caller's thread", "ours, caller", 1.1)],
  };
}

/** The group `conn`. */
export function connections({ seconds }: Effort): Group {
  const [accept, conn] = [
    ["accept", "8000", `${seconds}`],
    ["conn", "HOST", "8000", `${seconds + 0.5}`, CONCURRENCY],
  ];
  const contender = (name: string, run: () => Promise<[Figures, Figures]>): Contender => ({
    name,
    run: async () => pick((await run())[0], "rate"),
  });
  const ms = seconds * 1000 + SLACK_MS;
  const row = (title: string, ours: string, goal?: Row["goal"]): Row => ({
    title,
    unit: "1/s",
    figure: "rate",
    ours,
    rivals: ["Node"],
    goal,
  });
  return {
    id: "conn",
    contenders: [
      contender("Node", () => node(accept, conn, ms)),
      contender("ours", () => perf(accept, conn, ms)),
      contender("ours, caller", () => perf([...accept, ...ON_CALLER], [...conn, ...ON_CALLER], ms)),
    ],
    rows: [
      row(`connect, accept, reset, ${CONCURRENCY} in flight`, "ours", { atLeast: 1 }),
      row("the same, stack on the caller's thread", "ours, caller"),
    ],
  };
}

/** The group `flows`. */
export function manyFlows({ seconds }: Effort): Group {
  const named = (flows: number): string => `${flows} flow${flows === 1 ? "" : "s"}`;
  const contender = (flows: number): Contender => ({
    name: named(flows),
    run: async () => {
      const many = ["--flows", `${flows}`];
      const source = ["source", "HOST", "5001", `${seconds}`, ...many];
      return pick((await perf(["sink", "5001", ...many], source, seconds * 1000 + 2 * SLACK_MS))[0], "gbps");
    },
  });
  const row = (flows: number): Row => ({
    title: `${named(flows)} together`,
    unit: "Gbit/s",
    figure: "gbps",
    ours: named(flows),
    rivals: [named(1)],
    goal: { atLeast: 0.8 },
  });
  return { id: "flows", contenders: FLOWS.map(contender), rows: FLOWS.slice(1).map(row) };
}

/** The group `idle`. */
export function idleConnections({ idle }: Effort): Group {
  const run = async (): Promise<Figures> => {
    const [listener, client] = await perf(
      ["idle-listen", "9000", `${idle}`],
      ["idle", "HOST", "9000", `${idle}`],
      IDLE_LIMIT_MS,
    );
    const each = (name: string): number => Math.max(listener[name] ?? 0, client[name] ?? 0);
    const held = Math.min(listener.n!, client.echoed!);
    return { ...pick(client), held, secs: client.secs!, wasm: each("wasm"), rss: each("rss") };
  };
  const row = (title: string, unit: string, figure: string, goal: Row["goal"]): Row => ({
    title,
    unit,
    figure,
    ours: "ours",
    rivals: [],
    goal,
  });
  return {
    id: "idle",
    contenders: [{ name: "ours", run, isOnce: true }],
    rows: [
      row("idle connections held, a byte echoed on each", "", "held", { atLeast: idle }),
      row("memory of an idle connection, WASM", "B", "wasm", { atMost: 1024 }),
      row("memory of an idle connection, whole process", "B", "rss", { atMost: 3300 }),
    ],
  };
}
