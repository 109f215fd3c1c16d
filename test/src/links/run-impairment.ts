// Runs an Impairment on a clock of the test's own: numbered frames in, arrivals out, and what must hold of them. Runs are seeded;
// bounds are five standard deviations around what the options promise.
import * as assert from "uvu/assert";
import type { Frame } from "../../../src/links/frame.ts";
import { Impairment, type Impairments } from "../../../src/links/impairment.ts";

/** Packets of a run, unless told. */
export const PACKETS = 100_000;

/** A frame of `length` bytes that carries its number in its first four bytes. */
export function numbered(number: number, length = 60): Frame {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, number);
  return { bytes, flags: 0, gsoSize: 0 };
}

/** That number. */
export const numberOf = (frame: Frame) => new DataView(frame.bytes.buffer, frame.bytes.byteOffset).getUint32(0);

/** A packet at the far end. */
export interface Arrival {
  number: number;
  atUs: number;
}

/** Takes out what is due up to `untilUs`, each packet at its very deadline. */
export function drain(link: Impairment, arrivals: Arrival[], untilUs = Number.POSITIVE_INFINITY): void {
  for (
    let atUs = link.nextDeadlineUs();
    atUs <= untilUs && atUs < Number.POSITIVE_INFINITY;
    atUs = link.nextDeadlineUs()
  ) {
    const frame = link.pop(atUs);
    assert.ok(frame, "a deadline has a packet");
    arrivals.push({ number: numberOf(frame), atUs });
    link.recycle(frame);
  }
}

/** Sends `count` numbered frames, one every `everyUs`, and collects them at the far end. */
export function run(options: Impairments, count = PACKETS, everyUs = 10, length = 60) {
  const link = new Impairment(options);
  const arrivals: Arrival[] = [];
  const frame = numbered(0, length);
  const view = new DataView(frame.bytes.buffer);
  for (let i = 0; i < count; i++) {
    drain(link, arrivals, i * everyUs);
    view.setUint32(0, i);
    link.push(frame, i * everyUs);
  }
  drain(link, arrivals);
  return { link, arrivals, counters: link.counters };
}

/** Asserts that `seen` of `trials` is what `probability` gives, within five standard deviations. */
export function assertShare(seen: number, trials: number, probability: number): void {
  const deviation = Math.sqrt(trials * probability * (1 - probability));
  const expected = trials * probability;
  assert.ok(
    Math.abs(seen - expected) <= 5 * deviation,
    `${seen} of ${trials}, expected ${expected} +- ${5 * deviation}`,
  );
}

/** Asserts that every packet that came in is accounted for. */
export function assertConserved(link: Impairment): void {
  const { received, duplicated, forwarded, lost, burstLost, queueDropped } = link.counters;
  assert.is(received + duplicated, forwarded + lost + burstLost + queueDropped + link.queuedPackets);
}

/** Asserts that no packet overtook another. */
export function assertInOrder(arrivals: Arrival[]): void {
  for (let i = 1; i < arrivals.length; i++) {
    assert.ok(arrivals[i]!.number >= arrivals[i - 1]!.number, `packet ${arrivals[i]!.number} was overtaken`);
  }
}
