// The value of --affinity: a word, or processors written as taskset(1) takes them.
import { InvalidArgumentError } from "commander";
import type { StackOptions } from "../index.ts";

export type Affinity = NonNullable<StackOptions["affinity"]>;

/** More than any system has: a range must not fill the memory before the stack looks at it. */
const MOST_CPUS = 8192;

/** Parses `none`, `auto`, or a list such as `0,2-3`, for commander. */
export function affinity(text: string): Affinity {
  if (text === "auto" || text === "none") return text;
  const cpus = text.split(",").flatMap((part) => {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? first);
    if (match === null || last < first || last - first >= MOST_CPUS) {
      throw new InvalidArgumentError(`Expected auto, none, or processors such as 0,2-3, got '${text}'.`);
    }
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
  // As for taskset, naming one twice does no harm.
  return [...new Set(cpus)];
}
