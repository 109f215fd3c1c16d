// Puts a congestion control of your own into the core: `npx tsx examples/congestion/add-to-core.ts FILE.ts [ROOT]`, then `npm run build`. The
// file is AssemblyScript and exports functions that begin with its name, as westwood.ts does; what it leaves out is done as Reno does
// it. Copies the file, gives the algorithm a code and a name, and adds one `case` for each function it exports.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What happens, in control.ts and in the file: the function there, the ending of the name here, and its arguments. */
const EVENTS = [
  ["initialise", "Start", "window"],
  ["congestionOnAck", "OnAck", "window, sample"],
  ["congestionOnLoss", "OnLoss", "window, flight"],
  ["congestionOnTimeout", "OnTimeout", "window, flight, isFirst"],
  ["congestionOnRecoveryExit", "OnRecoveryExit", "window"],
  ["congestionOnLossExit", "OnLossExit", "window"],
  ["congestionOnUndo", "OnUndo", "window, priorCwnd, priorSsthresh"],
  ["congestionOnTransmitStart", "OnTransmitStart", "window, idleUs"],
] as const;

/**
 * Adds an algorithm to a tree of sources.
 * @param file - its source; its name without `.ts` is the algorithm's
 * @param root - the folder of package.json
 * @returns its CONGESTION_ code
 */
export function addToCore(file: string, root: string): number {
  const name = basename(file, ".ts");
  if (!/^[a-z][a-z0-9]*$/.test(name)) throw new Error(`Expected a name of small letters and digits, got ${name}`);
  const source = readFileSync(file, "utf8");
  const events = EVENTS.filter(([, ending]) => source.includes(`export function ${name}${ending}(`));
  if (!events.some(([, ending]) => ending === "OnAck")) throw new Error(`${file} exports no ${name}OnAck`);
  const constant = `CONGESTION_${name.toUpperCase()}`;
  let code = 0;
  edit(join(root, "assembly/layout.ts"), (text) =>
    text.replace(/export const CONGESTION_COUNT = (\d+);/, (_, count: string) => {
      code = Number(count);
      return `export const ${constant} = ${code};\nexport const CONGESTION_COUNT = ${code + 1};`;
    }),
  );
  edit(join(root, "assembly/tcp/congestion/control.ts"), (text) => {
    const names = events.map(([, ending]) => `${name}${ending}`).join(", ");
    const imported = `import { ${constant} } from "../../layout";\nimport { ${names} } from "./${name}";\nimport `;
    const cases = events.reduce((sum, [where, ending, args]) => {
      const lines = `switch (tcb.congestion) {\n    case <u8>${constant}:\n      ${name}${ending}(${args});\n      break;`;
      const start = sum.indexOf(`function ${where}(`);
      const at = sum.indexOf("switch (tcb.congestion) {", start);
      if (start < 0 || at < 0) throw new Error(`control.ts has no switch in ${where}`);
      return sum.slice(0, at) + lines + sum.slice(at + "switch (tcb.congestion) {".length);
    }, text);
    return cases.replace("import ", imported);
  });
  edit(join(root, "src/congestion-controls.ts"), (text) =>
    text.replace("const CODES = {", `const CODES = {\n  ${name}: layout.${constant},`),
  );
  copyFileSync(file, join(root, `assembly/tcp/congestion/${name}.ts`));
  return code;
}

function edit(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`${path} has not the expected form`);
  writeFileSync(path, after);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [file, root = fileURLToPath(new URL("../../", import.meta.url))] = process.argv.slice(2);
  if (file === undefined) {
    console.error("usage: add-to-core.ts FILE.ts [ROOT]");
    process.exit(2);
  }
  const code = addToCore(file, root);
  console.log(`${basename(file, ".ts")} is congestion control ${code}: now npm run build`);
}
