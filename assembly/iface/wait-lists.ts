// Connections that cannot send now: their next hop is not resolved, or the TX ring of their interface is full. Nothing is built
// for them meanwhile, so nothing is copied or lost. One doubly linked list of TCB indices per thing waited for, in links of
// our own beside the TCBs: a TCB that is freed while it waits is harmless, whoever wakes it asks whether it still lives, and
// one that took its place since has another handle and is passed over.
import { INTERFACE_CAPACITY, NEIGHBOR_CAPACITY, TCB_BYTES, TCB_CAPACITY, TCB_HANDLE, TCB_RECORDS } from "../layout";
import { NONE } from "../storage/none";

/** List of those that wait for neighbour n: n. For interface i: WAIT_INTERFACE + i. */
export const WAIT_INTERFACE: u32 = NEIGHBOR_CAPACITY;
const LIST_COUNT: u32 = WAIT_INTERFACE + INTERFACE_CAPACITY;

// Per TCB: list + 1 (0 = none), next + 1, prev + 1, handle of who waits; per list: first + 1, last + 1. Fresh memory is empty
// lists.
const LINK_BYTES: usize = 16;
const LINK_LIST: usize = 0;
const LINK_NEXT: usize = 4;
const LINK_PREV: usize = 8;
const LINK_HANDLE: usize = 12;
const FIRST: usize = 0;
const LAST: usize = 4;

let linksPtr: usize = 0;
let listsPtr: usize = 0;

/** Lays out the links in zeroed memory at `tablesPtr`. @returns their end */
export function waitListsInitialise(tablesPtr: usize): usize {
  listsPtr = (tablesPtr + 63) & ~63;
  linksPtr = listsPtr + LIST_COUNT * 8;
  return linksPtr + TCB_CAPACITY * LINK_BYTES;
}

function link(tcbIndex: u32): usize {
  return linksPtr + <usize>tcbIndex * LINK_BYTES;
}

// The handle of the TCB that has this index now: it tells an incarnation from the next one
function handleAt(tcbIndex: u32): u32 {
  return load<u32>(<usize>TCB_RECORDS + <usize>tcbIndex * <usize>TCB_BYTES, TCB_HANDLE);
}

/** Puts a connection at the end of a list; it leaves the one in which it was. */
export function waitFor(list: u32, tcbIndex: u32): void {
  const at = link(tcbIndex);
  store<u32>(at, handleAt(tcbIndex), LINK_HANDLE);
  if (load<u32>(at, LINK_LIST) === list + 1) return;
  waitNoMore(tcbIndex);
  const ends = listsPtr + <usize>list * 8;
  const last = load<u32>(ends, LAST);
  store<u32>(at, list + 1, LINK_LIST);
  store<u32>(at, 0, LINK_NEXT);
  store<u32>(at, last, LINK_PREV);
  if (last !== 0) store<u32>(link(last - 1), tcbIndex + 1, LINK_NEXT);
  else store<u32>(ends, tcbIndex + 1, FIRST);
  store<u32>(ends, tcbIndex + 1, LAST);
}

/** Takes a connection from the list in which it waits, if any. */
export function waitNoMore(tcbIndex: u32): void {
  const at = link(tcbIndex);
  const list = load<u32>(at, LINK_LIST);
  if (list === 0) return;
  const ends = listsPtr + <usize>(list - 1) * 8;
  const next = load<u32>(at, LINK_NEXT);
  const prev = load<u32>(at, LINK_PREV);
  if (next !== 0) store<u32>(link(next - 1), prev, LINK_PREV);
  else store<u32>(ends, prev, LAST);
  if (prev !== 0) store<u32>(link(prev - 1), next, LINK_NEXT);
  else store<u32>(ends, next, FIRST);
  store<u32>(at, 0, LINK_LIST);
}

/** Takes the one that waits longest. @returns its TCB index, or NONE if nobody waits */
export function waitTakeFirst(list: u32): u32 {
  const ends = listsPtr + <usize>list * 8;
  for (let first = load<u32>(ends, FIRST); first !== 0; first = load<u32>(ends, FIRST)) {
    waitNoMore(first - 1);
    if (load<u32>(link(first - 1), LINK_HANDLE) === handleAt(first - 1)) return first - 1;
  }
  return NONE;
}

/** Whether somebody waits. */
export function waitAny(list: u32): bool {
  return load<u32>(listsPtr + <usize>list * 8, FIRST) !== 0;
}
