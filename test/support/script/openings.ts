// How most scripts begin: a connection that the peer opened, or that we opened, with an MSS of 1000 on both sides and no other option, so that
// numbers are round and every segment is what a script says it is.
import { readTcpInfo } from "../../../src/tcp-info.ts";
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

/**
 * The peer fills the window that the stack announces, in segments of up to 1000 bytes, and nobody reads.
 * @param left - bytes of window that stay
 * @returns the next sequence number of the peer
 */
export function fillWindow(run: Script, left = 0): number {
  const endpoint = run.endpoint();
  let next = 1;
  for (;;) {
    const info = readTcpInfo(run.host.views, endpoint.socket!.tcb);
    const room = ((info.rcvNxt + info.rcvWnd - endpoint.isn) | 0) - next - left;
    if (room <= 0) break;
    const length = Math.min(room, 1000);
    run.run(`< . ${next}:${next + length}(${length}) ack 1 win 65535`);
    run.pass(0.3);
    run.take();
    next += length;
  }
  return next;
}
