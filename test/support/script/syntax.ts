// Lines of a script as statements. Knows nothing of what they mean.

/** A line that does something. */
export type Statement = {
  line: number;
  text: string;
  /** Seconds after the line before, as written; null = at once. */
  time: string | null;
  /** Connection, "" = the first one. */
  name: string;
  kind: "<" | ">" | "call";
  body: string;
  /** Arrives together with the segment before. */
  isTogether: boolean;
  /** The next line arrives together with it. */
  isOpen: boolean;
};

const LINE = /^(&\s*)?(?:\+(\S+)\s+)?(?:([a-z]\w*):\s+)?(?:([<>])\s+)?(.*)$/;

/** The statements of a script; prose (a first letter in upper case, or a parenthesis) and empty lines are none. @throws Error */
export function statements(text: string): Statement[] {
  const result: Statement[] = [];
  text.split("\n").forEach((raw, index) => {
    const line = raw.trim();
    if (line === "" || /^[A-Z(]/.test(line)) return;
    const [, together, time, name, arrow, body] = LINE.exec(line)!;
    const kind = (arrow ?? "call") as Statement["kind"];
    if (together !== undefined && (kind !== "<" || result.at(-1)?.kind !== "<")) {
      throw new Error(`line ${index + 1}: & joins a segment of the peer to the one before`);
    }
    if (together !== undefined) result.at(-1)!.isOpen = true;
    result.push({
      line: index + 1,
      text: line,
      time: time ?? null,
      name: name ?? "",
      kind,
      body: body!,
      isTogether: together !== undefined,
      isOpen: false,
    });
  });
  return result;
}
