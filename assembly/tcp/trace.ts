// State changes as events, for on('state') and --debug. Costs one load while it is off. Must never hold anything up: with the
// event ring nearly full the record is dropped and counted.
import { count } from "../count";
import { COUNTER_STATE_EVENTS_LOST } from "../counters";
import { eventRoom, pushEvent } from "../events";
import {
  CONFIG_TRACE_STATES,
  EVENT_FRAME,
  EVENT_HANDLE,
  EVENT_LOCAL_ADDRESS,
  EVENT_PORTS,
  EVENT_REMOTE_ADDRESS,
  EVENT_STATE,
  EVENT_TIME_US,
  EVENT_VALUE,
} from "../layout";
import { Tcb } from "./tcb";

// Slots left to events that somebody waits for
const ROOM_KEPT: u32 = 64;

// EVENT_FRAME of what happens now
let frameInHand: u32 = 0;

/** Says which received frame (EVENT_FRAME) is worked off from now on; 0 = none. */
export function traceFrame(frame: u32): void {
  frameInHand = frame;
}

/**
 * Records a state change, if main asked for it.
 * @param before, after STATE_ codes
 */
export function traceState(tcb: Tcb, before: u32, after: u32, nowUs: u64): void {
  if (atomic.load<u32>(CONFIG_TRACE_STATES) === 0) return;
  const slot = eventRoom() > ROOM_KEPT ? pushEvent(EVENT_STATE) : 0;
  if (slot === 0) {
    count(COUNTER_STATE_EVENTS_LOST);
    return;
  }
  store<u32>(slot, tcb.handle, EVENT_HANDLE);
  store<u32>(slot, frameInHand, EVENT_FRAME);
  store<u32>(slot, before | (after << 8), EVENT_VALUE);
  store<u32>(slot, ((<u32>tcb.localPort) << 16) | tcb.remotePort, EVENT_PORTS);
  store<f64>(slot, <f64>nowUs, EVENT_TIME_US);
  store<u64>(slot, tcb.localAddressHigh, EVENT_LOCAL_ADDRESS);
  store<u64>(slot, tcb.localAddressLow, EVENT_LOCAL_ADDRESS + 8);
  store<u64>(slot, tcb.remoteAddressHigh, EVENT_REMOTE_ADDRESS);
  store<u64>(slot, tcb.remoteAddressLow, EVENT_REMOTE_ADDRESS + 8);
}
