// The core's end of the event ring: slots are filled one by one and published together, once per turn. Everything that has
// something to tell main writes here; the ring's form is layout.ts (EVENT_*). Must not know sockets: whose event it is, and
// what happens when the ring is full, is the caller's business.
import { EVENT_BYTES, EVENT_CAPACITY, EVENT_KIND, EVENT_RING, RING_AHEAD } from "./layout";
import { SpscRing } from "./storage/spsc-ring";

/** readyBits of a TCB that are not READY_ codes but events of their own: EVENT_ACCEPTED is owed for this child. */
export const INTERNAL_ACCEPTED: u32 = 1 << 16;
/** As INTERNAL_ACCEPTED: EVENT_ATTACHED is owed for this connection or listener. */
export const INTERNAL_ATTACHED: u32 = 1 << 17;

// Slots filled since the last publishEvents()
let filled: u32 = 0;

/** Makes the event ring empty. Before main reads it. */
export function eventsInitialise(): void {
  setFilled(0);
  SpscRing.at(EVENT_RING).init();
}

/** Event slots that can be filled now. */
export function eventRoom(): u32 {
  const free = SpscRing.at(EVENT_RING).free(EVENT_CAPACITY);
  return free > filled ? free - filled : 0;
}

/**
 * Takes the next slot and writes its kind; all other bytes are 0.
 * @param kind an EVENT_ code
 * @returns address of the slot (EVENT_BYTES), or 0 if the ring is full
 */
export function pushEvent(kind: u32): usize {
  const slot = SpscRing.at(EVENT_RING).reserve(EVENT_BYTES, EVENT_CAPACITY, filled);
  if (slot === 0) return 0;
  setFilled(filled + 1);
  memory.fill(slot, 0, EVENT_BYTES);
  store<u32>(slot, kind, EVENT_KIND);
  return slot;
}

/** Hands all filled slots to main. @returns how many there were */
export function publishEvents(): u32 {
  const count = filled;
  if (count !== 0) SpscRing.at(EVENT_RING).publish(count);
  setFilled(0);
  return count;
}

function setFilled(slots: u32): void {
  filled = slots;
  store<u32>(EVENT_RING, slots, RING_AHEAD);
}
