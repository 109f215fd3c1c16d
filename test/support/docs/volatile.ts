// What differs from run to run, or from machine to machine, in the output of the commands that the docs show, and what stands for it when
// two runs are compared. All such rules are here.

type Rule = readonly [pattern: RegExp, word: string | ((found: string) => string)];

const RULES: readonly Rule[] = [
  // Lines that only some machines have
  [/^Running as user "root".*\n/gm, ""],
  [/^\*\*\* Error setting resource limits.*\n/gm, ""],
  [/^(ok|note|warning) +(kernel|processors|backlog|bridge filter|firewall|offloads) .*\n( +cure: .*\n)?/gm, ""],
  [/Node\.js \d+\.\d+\.\d+/g, "Node.js VERSION"],
  // Times, rates, and counts of what the network happened to lose
  [/\b\d+\.\d+ s(?=[ ,])/g, "TIME s"],
  [/\b\d+\.\d+ Gbit\/s/g, "RATE Gbit/s"],
  [/\btime=\d+(\.\d+)? ms/g, "time=TIME ms"],
  [/\btime \d+ms/g, "time TIME"],
  [/= [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms/g, "= TIMES ms"],
  [/\t\d\.\d{9}$/gm, (text) => `\t${Number(text).toFixed(1)}`],
  [/\b(rto|rtt|minrtt):[\d./]+/g, "$1:TIME"],
  [/\b(segs_out|segs_in):\d+/g, "$1:COUNT"],
  [/\d+ packets in, \d+ out/g, "COUNT packets in, COUNT out"],
  [/^[|=].*$/gm, (text) => text.replace(/\d+(\.\d+)?/g, "N").replace(/[ =-]+/g, " ")],
  // What is chosen at random: ports of clients, clocks, MAC addresses of the kernel's, process numbers, contents
  [/(:|^|\s)(3[3-9]|32(?=[89])|[45]\d|6[0-5])\d{3}(?=[ .:\n]|$)/gm, "$1PORT"],
  [/TSval=\d+/g, "TSval=TIME"],
  [/TSecr=[1-9]\d*/g, "TSecr=TIME"],
  [/(?<=Ethernet, )[\da-f:]{17}/g, "MAC"],
  [/\(pid \d+\)/g, "(pid PID)"],
  [/MD5 [\da-f]{32}/g, "MD5 SUM"],
];

/** An output as it is compared: what may differ replaced by a word for it. */
export function comparable(lines: readonly string[]): string {
  const text = RULES.reduce((rest, [pattern, word]) => rest.replace(pattern, word as string), `${lines.join("\n")}\n`);
  return text.replace(/(^DEBUG: .*\n)+/gm, inOrderOfSocket);
}

// What the listener, its connection and the program around them say comes in the order of each, but not in one of all
function inOrderOfSocket(lines: string): string {
  const socket = (line: string): string => /^DEBUG: ([\d.]+:\w+) /.exec(line)?.[1] ?? "";
  return lines
    .trimEnd()
    .split("\n")
    .sort((a, b) => socket(a).localeCompare(socket(b)))
    .map((line) => `${line}\n`)
    .join("");
}
