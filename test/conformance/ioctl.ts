// ioctl: how much is unread, unacknowledged, unsent.
import { TCB_SND_NXT, TCB_SND_UNA } from "../../assembly/layout.ts";
import { EINVAL, ENOTTY } from "./errno.ts";
import { fail, ok, type Reply } from "./frames.ts";
import type { PortSocket } from "./sockets.ts";

const SIOCATMARK = 0x8905;
const SIOCINQ = 0x541b;
const SIOCOUTQ = 0x5411;
const SIOCOUTQNSD = 0x894b;

/** @returns 0 with `x` = the value */
export function ioctl(socket: PortSocket, request: number): Reply {
  if (![SIOCATMARK, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD].includes(request)) return fail(ENOTTY);
  if (request === SIOCATMARK) return ok(0, { x: socket.sim?.atMark ? 1 : 0 });
  if (socket.listener !== null) return fail(EINVAL);
  const { sim } = socket;
  if (sim === null || !sim.isAttached || socket.isOpening) return ok(0, { x: 0 });
  if (request === SIOCINQ) return ok(0, { x: sim.readable });
  // A FIN counts as a byte while it is on its way, as in Linux's write_seq
  const fin = socket.writeClosed && !sim.finAcked ? 1 : 0;
  const queued = sim.unacknowledged + fin;
  if (request === SIOCOUTQ) return ok(0, { x: queued });
  return ok(0, { x: Math.max(0, queued - ((sim.field(TCB_SND_NXT) - sim.field(TCB_SND_UNA)) >>> 0)) });
}
