// One direction of the simulated cable: either impaired (and then super-segments are split first, as a network card would), or
// whole: frames of any size arrive as they were sent, after a fixed time.
import { Fifo } from "../links/fifo.ts";
import type { Frame } from "../links/frame.ts";
import { Impairment, type ImpairmentCounters, type Impairments } from "../links/impairment.ts";

/** What happens to frames on their way. */
export interface SimWire {
  /** A frame enters. */
  push(frame: Frame, nowUs: number): void;
  /** The next frame that has arrived, or null. */
  pop(nowUs: number): Frame | null;
  /** A frame that `pop` gave is not needed any more. */
  recycle(frame: Frame): void;
  /** When the next frame arrives, µs. */
  nextDeadlineUs(): number;
  /** Frames under way. */
  readonly queuedPackets: number;
  /** What happened to them; nothing does on a whole wire. */
  readonly counters: Readonly<ImpairmentCounters> | null;
}

/** An impaired direction. `stream`: which of the seed's dice */
export function impairedWire(impairments: Impairments, stream: number): SimWire {
  return new Impairment(impairments, stream);
}

/** A direction that keeps super-segments whole and harms nothing. */
export function wholeWire(delayUs: number): SimWire {
  const frames = new Fifo<{ frame: Frame; dueUs: number }>();
  return {
    counters: null,
    get queuedPackets(): number {
      return frames.size;
    },
    push: (frame, nowUs) => frames.push({ frame, dueUs: nowUs + delayUs }),
    pop: (nowUs) => ((frames.peek()?.dueUs ?? Number.POSITIVE_INFINITY) <= nowUs ? frames.shift()!.frame : null),
    recycle: () => {},
    nextDeadlineUs: () => frames.peek()?.dueUs ?? Number.POSITIVE_INFINITY,
  };
}
