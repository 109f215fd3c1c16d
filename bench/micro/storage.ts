// What do the tables and allocators cost per operation, by how full they are? Looped inside WASM.
// Run: tsx bench/micro/storage.ts [--json]
import { HEAP } from "../../assembly/layout.ts";
import { loadCore } from "./load.ts";
import { type Operation, report } from "./report.ts";

const { exports: core, u8, view } = await loadCore("testing");

const MIB = 1 << 20;
const SLAB = HEAP;
const SLAB_RECORDS = HEAP + MIB;
const ALLOCATOR = HEAP + 2 * MIB;
const INTERVALS = HEAP + 4 * MIB;
const SECRET = HEAP + 5 * MIB;
const WHEEL = HEAP + 8 * MIB;
const TABLES = HEAP + 16 * MIB;
const RECORDS = HEAP + 24 * MIB;
const TIMERS = 100_000;
const RECORD_BYTES = 256;
const KEY_OFFSET = 128;

core.slabInit(SLAB, SLAB_RECORDS, 768, 1000);
core.powerOfTwoAllocatorInit(ALLOCATOR, HEAP, 64 * MIB, 2048);
core.timerWheelInit(WHEEL, TIMERS);
for (let i = 0; i < 16; i++) u8[SECRET + i] = i * 17;

// Tables of both sizes over the same records
function makeTable(tablePtr: number, ids: number): number {
  core.tupleTableInit(tablePtr, ids, SECRET, RECORDS, RECORD_BYTES, KEY_OFFSET);
  for (let id = 0; id < ids; id++) {
    view.setUint32(RECORDS + id * RECORD_BYTES + KEY_OFFSET + 28, id);
    if (core.tupleTableInsert(tablePtr, id) !== 1) throw new Error(`tuple ${id} was refused`);
  }
  return tablePtr;
}

const operations: Operation[] = [
  { name: "slab, a 768 B record taken and given back", iterations: 50_000, run: (n) => core.benchSlab(SLAB, n) },
  ...[2048, 65_536].map((bytes): Operation => {
    const run = (n: number) => core.benchPowerOfTwoAllocator(ALLOCATOR, bytes, n);
    return { name: `allocator, ${bytes} B taken and given back`, iterations: 20_000, run };
  }),
  ...[1, 64].map((holes): Operation => {
    const run = (n: number) => core.benchIntervalSet(INTERVALS, holes, 1460, n);
    return { name: `interval set, an insert, ${holes} ranges`, iterations: 64_000, run };
  }),
  { name: "SipHash-2-4 of 36 B", bytes: 36, iterations: 50_000, run: (n) => core.benchSipHash(SECRET, RECORDS, 36, n) },
  ...[1000, TIMERS].flatMap((timers): Operation[] => [
    {
      name: `timer, re-armed + next deadline, ${timers} armed`,
      iterations: 2 * timers,
      run: (n) => core.benchTimerRearm(WHEEL, timers, 2, 200_000, n),
    },
    {
      name: `timer, fired and set again, ${timers} armed`,
      iterations: 2 * timers,
      run: (n) => core.benchTimerFire(WHEEL, timers, 2, n),
    },
  ]),
  ...[makeTable(TABLES, 1000), makeTable(TABLES + MIB, 100_000)].map((tablePtr): Operation => {
    const ids: number = core.tupleTableCount(tablePtr);
    const run = (n: number) => core.benchTupleLookup(tablePtr, ids, n);
    return { name: `tuple table, a lookup, ${ids} tuples`, iterations: 100_000, run };
  }),
];

await report("micro/storage", operations);
