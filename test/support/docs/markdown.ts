// A page whose commands a test types: fenced `sh` blocks that begin with `# terminal A` are typed in that terminal, fenced `text` blocks are
// what it prints. Blocks without such a line (installing, for example) are for people only.

/** Something to do with a terminal. Lines count from 0. */
export type Step = {
  kind: "type" | "see";
  terminal: string;
  /** The command goes on after what is shown: the next step does not wait for its end. */
  isRunning: boolean;
  /** Of the block, without its fence and its heading. */
  lines: string[];
  /** First line of the block's body in the page, after the heading. */
  from: number;
  /** First line after the body. */
  to: number;
};

const HEADING = /^# terminal (\w+)( \(keeps running\))?$/;

/**
 * The steps of a page, in order.
 * @throws Error: an output without a terminal, a command that keeps running and shows nothing, a fence that is not closed
 */
export function stepsOf(page: string): Step[] {
  const lines = page.split("\n");
  const steps: Step[] = [];
  let language = "";
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\w*)( \S+)?$/.exec(lines[at]!);
    if (fence === null) continue;
    const end = lines.indexOf("```", at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: this block is not closed`);
    // What a program prints is nothing that a terminal shows (code-blocks.ts).
    if (!(language === "ts" && fence[1] === "text")) {
      const step = blockStep(fence[1]!, lines.slice(at + 1, end), at + 1, steps.at(-1));
      if (step !== undefined) steps.push(step);
    }
    language = fence[1]!;
    at = end;
  }
  for (const [index, step] of steps.entries()) {
    const isShown = steps[index + 1]?.kind === "see" && steps[index + 1]?.terminal === step.terminal;
    if (step.kind === "type" && step.isRunning && !isShown) {
      throw new Error(
        `line ${step.from}: a command that keeps running needs an output, or nobody knows when it is ready`,
      );
    }
  }
  return steps;
}

function blockStep(language: string, body: string[], first: number, last: Step | undefined): Step | undefined {
  const heading = HEADING.exec(body[0] ?? "");
  if (language !== "text" && (language !== "sh" || heading === null)) return undefined;
  const skipped = heading === null ? 0 : 1;
  const place = { lines: body.slice(skipped), from: first + skipped, to: first + body.length };
  if (heading !== null) {
    const kind = language === "sh" ? "type" : "see";
    return { kind, terminal: heading[1]!, isRunning: heading[2] !== undefined, ...place };
  }
  if (last?.kind !== "type") throw new Error(`line ${first}: whose output is this?`);
  return { kind: "see", terminal: last.terminal, isRunning: last.isRunning, ...place };
}

/** The page with the bodies of some steps replaced. */
export function withBodies(page: string, changes: Map<Step, string[]>): string {
  const lines = page.split("\n");
  const fromTheEnd = [...changes].sort(([a], [b]) => b.from - a.from);
  for (const [step, body] of fromTheEnd) lines.splice(step.from, step.to - step.from, ...body);
  return lines.join("\n");
}
