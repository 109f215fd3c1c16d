// The worker of a wire, as piscina runs it: one task that lasts as long as the wire. Frames in, frames out, sleep.
import { STOP } from "../../assembly/layout.ts";
import { failureOf } from "../../src/failure.ts";
import { SharedViews } from "../../src/memory.ts";
import { loadAddon } from "../../src/native.ts";
import type { Failure } from "../../src/protocol.ts";
import { type WireTask, writePassageCounters } from "../../src/wire-task.ts";
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
    const passages: Passage[] = [
      passage(a, b, views, task.aToB, 0), //
      passage(b, a, views, task.bToA, 1),
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

function passage(
  from: WireSide,
  to: WireSide,
  views: SharedViews,
  impairments: WireTask["aToB"],
  stream: number,
): Passage {
  if (impairments === null) return new PlainPassage(from, to);
  return new ImpairedPassage(from, to, views.u8, impairments, stream);
}

function run(views: SharedViews, task: WireTask, sides: [WireSide, WireSide], passages: Passage[]): void {
  const waiter = new (loadAddon().Waiter)(task.wakeFd);
  for (const side of sides) waiter.add(side.socket);
  let publishUs = 0;
  while (Atomics.load(views.i32, STOP >>> 2) === 0) {
    const nowUs = performance.now() * 1000;
    let work = 0;
    for (const each of passages) work += each.turn(nowUs);
    if (nowUs >= publishUs || work === 0) {
      publish(views, passages);
      publishUs = nowUs + PUBLISH_US;
    }
    if (work > 0) continue;
    const deadlineUs = Math.min(...passages.map((each) => each.nextDeadlineUs()), nowUs + MAX_SLEEP_US);
    const wantWritable = (sides[0].blocked ? 1 : 0) | (sides[1].blocked ? 2 : 0);
    waiter.wait(Math.max(0, deadlineUs - performance.now() * 1000), wantWritable);
  }
  publish(views, passages);
}

function publish(views: SharedViews, passages: Passage[]): void {
  for (const [index, { counters }] of passages.entries()) writePassageCounters(views.f64, index, counters);
}
