// How most scripts begin: a connection that the peer opened, or that we opened, with an MSS of 1000 on both sides and no other option, so that
// numbers are round and every segment is what a script says it is.
import { Script, type ScriptOptions } from "./script.ts";

/** The peer opens a connection, and we accept it. */
export const ANSWERED = `
  listen
  < S 0:0(0) win 65535 <mss 1000>
  > S. 0:0(0) ack 1
  < . 1:1(0) ack 1 win 65535
  accept
  state ESTABLISHED`;

/** We open a connection. */
export const CALLED = `
  connect
  > S 0:0(0)
  < S. 0:0(0) ack 1 win 65535 <mss 1000>
  > . 1:1(0) ack 1
  state ESTABLISHED`;

/** A stack with a connection that the peer opened. */
export function established(options: ScriptOptions = {}): Script {
  return new Script(options).run(ANSWERED);
}
