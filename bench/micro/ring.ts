// What do the rings cost: a slot through the descriptor ring, a byte through a socket's byte ring? One thread, data in cache.
// Run: tsx bench/micro/ring.ts [--json]
import { HEAP } from "../../assembly/layout.ts";
import { loadCore } from "./load.ts";
import { type Operation, report } from "./report.ts";

const { exports: core, u8 } = await loadCore("testing");

const SLOT_RING = HEAP;
const DATA = HEAP + (1 << 20);
const BYTE_RING = HEAP + (2 << 20);
const BYTE_RING_CAPACITY = 1 << 18;

core.spscRingInit(SLOT_RING);
for (let i = 0; i < 1 << 18; i++) u8[DATA + i] = (Math.imul(i, 2654435761) >>> 13) & 0xff;

const SLOTS = 100_000;

const slotOperations: Operation[] = [
  { name: "slot, enqueue and dequeue one by one", iterations: SLOTS, run: (n) => core.benchSpscRing(SLOT_RING, n) },
  ...[8, 64].map((batch): Operation => {
    const name = `slot, enqueue and dequeue in batches of ${batch}`;
    return { name, iterations: SLOTS, run: (n) => core.benchSpscRingBatch(SLOT_RING, batch, n) };
  }),
];

// 64 KiB is a super-segment; 1460 does not divide the ring, so some copies are cut in two
const byteOperations = [64, 1460, 16_384, 65_536].flatMap((bytes): Operation[] => {
  const iterations = Math.ceil(4_000_000 / (bytes + 200));
  return [
    {
      name: `${bytes} B into a byte ring`,
      bytes,
      iterations,
      run: (n) => core.benchByteRingCopyIn(BYTE_RING, BYTE_RING_CAPACITY, DATA, bytes, n),
    },
    {
      name: `${bytes} B out of a byte ring`,
      bytes,
      iterations,
      run: (n) => core.benchByteRingCopyOut(BYTE_RING, BYTE_RING_CAPACITY, DATA, bytes, n),
    },
  ];
});

await report("micro/ring", [...slotOperations, ...byteOperations]);
