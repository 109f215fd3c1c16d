// epoll: interest lists over the same readiness as poll, level and edge triggered, one-shot.
import { type Call, immediate } from "./blocking.ts";
import { EBADF, EEXIST, EINVAL, ENOENT } from "./errno.ts";
import { fail, ok, type Reply, type Request } from "./frames.ts";
import * as ops from "./ops.ts";
import { POLLERR, POLLHUP, readyEvents } from "./poll.ts";
import type { Run } from "./run.ts";
import type { PortSocket } from "./sockets.ts";

const CTL_ADD = 1;
const CTL_DEL = 2;
const CTL_MOD = 3;
const EPOLLONESHOT = 0x40000000;
const EPOLLET = 0x80000000;
const EVENT_BYTES = 12;
/** Events without the flags of the interest. */
const EVENT_MASK = 0xffff;

interface Interest {
  readonly socket: PortSocket;
  events: number;
  data: Buffer;
  /** Edge-triggered: what was ready and the activity when it was last reported. */
  reported: number;
  activity: number;
}

/** An epoll instance. */
export class Epoll {
  readonly interests = new Map<number, Interest>();

  /** Looks whether something has ceased to be ready, so that its return is news. */
  observe(run: Run): void {
    for (const interest of this.interests.values()) interest.reported &= readyEvents(run, interest.socket);
  }
}

/** EPOLL_CREATE, EPOLL_CTL, EPOLL_WAIT. */
export function epollCall(run: Run, request: Request): Call {
  if (request.op === ops.OP_EPOLL_CREATE) return immediate(ok(run.addEpoll(new Epoll())));
  const epoll = run.epoll(request.handle);
  if (epoll === undefined) return immediate(fail(run.sockets.get(request.handle) === undefined ? EBADF : EINVAL));
  return request.op === ops.OP_EPOLL_CTL ? immediate(control(run, epoll, request)) : waitCall(run, epoll, request);
}

function control(run: Run, epoll: Epoll, request: Request): Reply {
  const { a: operation, b: handle, payload } = request;
  const socket = run.sockets.get(handle);
  if (socket === undefined) return fail(EBADF);
  const known = epoll.interests.get(handle);
  const interest = known?.socket === socket ? known : undefined;
  if (operation === CTL_DEL) {
    epoll.interests.delete(handle);
    return interest === undefined ? fail(ENOENT) : ok();
  }
  if (operation !== CTL_ADD && operation !== CTL_MOD) return fail(EINVAL);
  if (payload.length < EVENT_BYTES) return fail(EINVAL);
  if (operation === CTL_ADD && interest !== undefined) return fail(EEXIST);
  if (operation === CTL_MOD && interest === undefined) return fail(ENOENT);
  const events = payload.readUInt32LE(0);
  const data = Buffer.from(payload.subarray(4, EVENT_BYTES));
  epoll.interests.set(handle, { socket, events, data, reported: 0, activity: -1 });
  return ok();
}

function waitCall(run: Run, epoll: Epoll, request: Request): Call {
  const { a: capacity, b: timeoutMs } = request;
  if (capacity <= 0) return immediate(fail(EINVAL));
  return {
    attempt: () => {
      const found = collect(run, epoll, capacity);
      return found.result > 0 ? found : null;
    },
    giveUp: () => ok(0),
    blocks: timeoutMs !== 0,
    deadlineUs: timeoutMs < 0 ? Number.POSITIVE_INFINITY : run.now + timeoutMs * 1000,
  };
}

function collect(run: Run, epoll: Epoll, capacity: number): Reply {
  const found: Buffer[] = [];
  for (const [handle, interest] of epoll.interests) {
    if (run.sockets.get(handle) !== interest.socket) {
      epoll.interests.delete(handle);
      continue;
    }
    if (found.length === capacity || interest.events === 0) continue;
    const ready = readyEvents(run, interest.socket) & ((interest.events & EVENT_MASK) | POLLERR | POLLHUP);
    if (!isNews(interest, ready)) continue;
    const event = Buffer.alloc(EVENT_BYTES);
    event.writeUInt32LE(ready, 0);
    interest.data.copy(event, 4);
    found.push(event);
    if ((interest.events & EPOLLONESHOT) !== 0) interest.events = 0;
  }
  return ok(found.length, { payload: Buffer.concat(found) });
}

// Level-triggered: always. Edge-triggered: when something has become ready, or more of it has come, since it was last told
function isNews(interest: Interest, ready: number): boolean {
  const isEdge = (interest.events & EPOLLET) !== 0;
  const { activity } = interest.socket;
  const isNew = !isEdge || (ready & ~interest.reported) !== 0 || activity !== interest.activity;
  interest.reported = ready;
  interest.activity = activity;
  return ready !== 0 && isNew;
}
