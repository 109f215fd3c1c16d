// Options of a socket that does not exist yet: main sends them before its OP_CONNECT or OP_LISTEN, under the same token, so that they
// hold when the SYN is built. The op ring is in order and main does not mix two calls, so there is one token at a time, and each
// code needs one place.
import { count } from "../count";
import { COUNTER_OP_OPTION_INVALID } from "../counters";
import { SOCKET_OPTION_COUNT } from "../layout";
import { setSocketOption } from "./options-set";
import { STAGED_OPTIONS } from "./scratch";
import { Tcb } from "./tcb";

// [present mask u64 | (value, value2) by code]
const PRESENT: usize = 0;
const WORDS: usize = 8;
const WORDS_BYTES: usize = 8;

let stagedToken: u32 = 0;

/** Forgets what is staged. */
export function forgetStaged(): void {
  store<u64>(STAGED_OPTIONS, 0, PRESENT);
}

/** Keeps an option for the socket that `token` will make. Options staged for another token were never used: forgotten, counted. */
export function stageOption(token: u32, code: u32, value: u32, value2: u32): void {
  if (code === 0 || code >= <u32>SOCKET_OPTION_COUNT) {
    count(COUNTER_OP_OPTION_INVALID);
    return;
  }
  if (token !== stagedToken) {
    if (load<u64>(STAGED_OPTIONS, PRESENT) !== 0) count(COUNTER_OP_OPTION_INVALID);
    forgetStaged();
    stagedToken = token;
  }
  const at = STAGED_OPTIONS + WORDS + <usize>code * WORDS_BYTES;
  store<u32>(at, value);
  store<u32>(at, value2, 4);
  store<u64>(STAGED_OPTIONS, load<u64>(STAGED_OPTIONS, PRESENT) | ((<u64>1) << code), PRESENT);
}

/** Sets the options staged for `token` in a new TCB, in the order of their codes. */
export function applyStaged(tcb: Tcb, token: u32, nowUs: u64): void {
  if (token !== stagedToken) return;
  let present = load<u64>(STAGED_OPTIONS, PRESENT);
  while (present !== 0) {
    const code = <u32>ctz(present);
    present &= present - 1;
    const at = STAGED_OPTIONS + WORDS + <usize>code * WORDS_BYTES;
    if (!setSocketOption(tcb, code, load<u32>(at), load<u32>(at, 4), nowUs)) count(COUNTER_OP_OPTION_INVALID);
  }
  forgetStaged();
}
