// The simulation matrix: loss x RTT x queue x reordering x congestion control. Its table is a committed snapshot, so that whatever
// changes a throughput is seen in review. WASMTCP_UPDATE_SNAPSHOTS=1 writes it anew; WASMTCP_MATRIX='cc=bbr,rtt=20,...' runs one cell.
import { readFileSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type MatrixCase, type MatrixResult, matrixCases, matrixTable, runCase } from "./matrix-cases.ts";

const SNAPSHOT = new URL("../../docs/simulation-matrix.md", import.meta.url);
const SEED = 1;
const HEAD = `# Simulation matrix

One flow of 2 MiB through a bottleneck of 20 Mbit/s, under virtual time, seed ${SEED}; \`npm run test:long -- matrix\` compares,
\`WASMTCP_UPDATE_SNAPSHOTS=1 npm run test:long -- matrix\` writes it anew. Goodput is the payload's share of the bottleneck's rate from the first
byte written to the last connection closed, so that start, end and headers count; retransmitted are segments per 1,000 needed.

`;

const test = suite("long/matrix");
const only = process.env.WASMTCP_MATRIX;
const cells = [...matrixCases()].filter((cell) => only === undefined || cell.name === only);
const results: [MatrixCase, MatrixResult][] = [];

for (const cell of cells) {
  test(`${cell.name}: exact`, () => {
    try {
      results.push([cell, runCase(cell, SEED)]);
    } catch (error) {
      const replay = `WASMTCP_MATRIX='${cell.name}' npm run test:long -- matrix`;
      throw new Error(`${(error as Error).message}\n    replay: ${replay}`, { cause: error });
    }
  });
}

test("the table is the committed one", () => {
  assert.ok(cells.length > 0, `no such cell: ${only}`);
  if (only !== undefined) return console.log(matrixTable(results));
  const text = `${HEAD}${matrixTable(results)}\n`;
  if (process.env.WASMTCP_UPDATE_SNAPSHOTS) writeFileSync(SNAPSHOT, text);
  assert.fixture(readFileSync(SNAPSHOT, "utf8"), text);
});

test.run();
