// The worker of a wire, as piscina runs it: one task that lasts as long as the wire. Frames in, frames out, sleep.
import { STOP } from "../../assembly/layout.ts";
import { failureOf } from "../../src/failure.ts";
import { SharedViews } from "../../src/memory.ts";
import { loadAddon } from "../../src/native.ts";
import type { Failure } from "../../src/protocol.ts";
import { PASSAGE_HEAP_BYTES, SIDES_HEAP_BYTES, type WireTask, writePassageCounters } from "../../src/wire-task.ts";
import { MAX_SLEEP_US } from "../sleep.ts";
import { ImpairedPassage, type Passage, PlainPassage } from "./passage.ts";
import { SIDE_BYTES, WireSide } from "./wire-side.ts";

/** How often main's copy of the counters is brought up to date, µs. */
const PUBLISH_US = 50_000;

/** Runs a wire until main stops it. @returns null then, or why it ended: an interface could not be opened, or is gone */
export default function runWire(task: WireTask): Failure | null {
  try {
    join(task);
    return null;
  } catch (error) {
    return failureOf(error, "ERR_WIRE");
  }
}

function join(task: WireTask): void {
  const views = new SharedViews(task.memory);
  const [a, b] = openSides(views, task);
  try {
    const passages: [Passage, Passage] = [
      passage(a, b, views, task, 0), //
      passage(b, a, views, task, 1),
    ];
    run(views, task, [a, b], passages);
  } finally {
    a.close();
    b.close();
  }
}

function openSides(views: SharedViews, { interfaces, heap, ready }: WireTask): [WireSide, WireSide] {
  const a = new WireSide(views, 0, interfaces[0], heap);
  try {
    const b = new WireSide(views, 1, interfaces[1], heap + SIDE_BYTES);
    ready.postMessage("open");
    return [a, b];
  } catch (error) {
    a.close();
    throw error;
  } finally {
    ready.close();
  }
}

function passage(from: WireSide, to: WireSide, views: SharedViews, task: WireTask, index: 0 | 1): Passage {
  const impairments = index === 0 ? task.aToB : task.bToA;
  if (impairments === null) return new PlainPassage(from, to);
  const heap = task.heap + SIDES_HEAP_BYTES + index * PASSAGE_HEAP_BYTES;
  return new ImpairedPassage(from, to, views.u8, impairments, index, heap);
}

function run(views: SharedViews, task: WireTask, sides: [WireSide, WireSide], passages: [Passage, Passage]): void {
  const waiter = new (loadAddon().Waiter)(task.wakeFd);
  for (const side of sides) waiter.add(side.socket);
  const [a, b] = sides;
  const [aToB, bToA] = passages;
  let publishUs = 0;
  let isStale = false;
  while (Atomics.load(views.i32, STOP >>> 2) === 0) {
    const nowUs = performance.now() * 1000;
    const work = aToB.turn(nowUs) + bToA.turn(nowUs);
    if (work > 0) isStale = true;
    if (isStale && nowUs >= publishUs) {
      publish(views, passages);
      publishUs = nowUs + PUBLISH_US;
      isStale = false;
    }
    if (work > 0) continue;
    const latestUs = isStale ? publishUs : nowUs + MAX_SLEEP_US;
    const deadlineUs = Math.min(aToB.nextDeadlineUs(), bToA.nextDeadlineUs(), latestUs);
    const wantWritable = (a.blocked ? 1 : 0) | (b.blocked ? 2 : 0);
    // Whole µs: a fraction would be an object on the heap at each turn. A turn without work is short, so that nowUs is still true.
    waiter.wait(Math.ceil(Math.max(0, deadlineUs - nowUs)), wantWritable);
  }
  publish(views, passages);
}

function publish(views: SharedViews, passages: [Passage, Passage]): void {
  writePassageCounters(views.f64, 0, passages[0].counters);
  writePassageCounters(views.f64, 1, passages[1].counters);
}
