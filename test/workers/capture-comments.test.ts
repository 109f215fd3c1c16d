// Which packet gets which comment, with an event ring that the test fills as the core does.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  EVENT_BYTES,
  EVENT_CAPACITY,
  EVENT_FRAME,
  EVENT_INTERFACE,
  EVENT_KIND,
  EVENT_LOCAL_ADDRESS,
  EVENT_PORTS,
  EVENT_REMOTE_ADDRESS,
  EVENT_RING,
  EVENT_STATE,
  EVENT_VALUE,
  EVENT_VALUE2,
  INTERFACE_EVENT_DOWN,
  INTERFACE_EVENT_UP,
  RING_AHEAD,
  RING_SLOTS,
  RING_TAIL,
  STATE_CLOSED,
  STATE_ESTABLISHED,
  STATE_FIN_WAIT_1,
} from "../../assembly/layout.ts";
import { writeAddress } from "../../src/address.ts";
import { createMemory } from "../../src/memory.ts";
import { CaptureComments } from "../../workers/ports/capture-comments.ts";
import { tcpFrame } from "../src/links/build-frame.ts";

const LOCAL = 0x0a000001;
const REMOTE = 0xc0a8fffe;
const PORTS = (10001 << 16) | 443;
/** From 10.0.0.1:10001 to 192.168.255.254:443. */
const SENT = tcpFrame({ seq: 1, id: 1, flags: 16, payload: new Uint8Array(0) });

const comments = suite("workers/capture-comments");
const views = createMemory(65536);

/** Fills the next slot of the ring; it is not published. */
function event(fields: Record<number, number>, local = LOCAL, remote = REMOTE): void {
  const { u8, u32 } = views;
  const ahead = (EVENT_RING + RING_AHEAD) >>> 2;
  const index = u32[(EVENT_RING + RING_TAIL) >>> 2]! + u32[ahead]!;
  const slot = EVENT_RING + RING_SLOTS + (index & (EVENT_CAPACITY - 1)) * EVENT_BYTES;
  u8.fill(0, slot, slot + EVENT_BYTES);
  for (const [field, value] of Object.entries(fields)) u32[(slot + Number(field)) >>> 2] = value;
  writeAddress(u8, slot + EVENT_LOCAL_ADDRESS, local);
  writeAddress(u8, slot + EVENT_REMOTE_ADDRESS, remote);
  u32[ahead] = u32[ahead]! + 1;
}

function state(from: number, to: number, frame: number, ports = PORTS): void {
  event({ [EVENT_KIND]: EVENT_STATE, [EVENT_VALUE]: from | (to << 8), [EVENT_FRAME]: frame, [EVENT_PORTS]: ports });
}

function publish(): void {
  const { u32 } = views;
  u32[(EVENT_RING + RING_TAIL) >>> 2]! += u32[(EVENT_RING + RING_AHEAD) >>> 2]!;
  u32[(EVENT_RING + RING_AHEAD) >>> 2] = 0;
}

comments("a change belongs to the frame of this interface that caused it, published or not, and is told once", () => {
  const own = new CaptureComments(views, 2, "eth0");
  state(STATE_CLOSED, STATE_ESTABLISHED, (2 << 16) | 3);
  publish();
  state(STATE_ESTABLISHED, STATE_FIN_WAIT_1, (2 << 16) | 3);
  state(STATE_CLOSED, STATE_ESTABLISHED, (1 << 16) | 1);
  own.collect();
  assert.is(own.received(0), undefined, "that was another interface's");
  assert.is(own.received(2), "10.0.0.1:10001 CLOSED -> ESTABLISHED\n10.0.0.1:10001 ESTABLISHED -> FIN-WAIT-1");
  assert.is(own.received(2), undefined);
  assert.is(own.sent(SENT), undefined);
  own.collect();
  own.endBatch();
  publish();
});

comments("a change without a frame waits for the next one that the connection sends, not for another's", () => {
  const own = new CaptureComments(views, 2, "eth0");
  state(STATE_ESTABLISHED, STATE_FIN_WAIT_1, 0);
  own.collect();
  assert.is(own.received(0), undefined);
  const other = SENT.slice();
  other[35]! ^= 1;
  assert.is(own.sent(other), undefined);
  assert.is(own.sent(new Uint8Array(60)), undefined);
  assert.is(own.sent(SENT), "10.0.0.1:10001 ESTABLISHED -> FIN-WAIT-1");
  assert.is(own.sent(SENT), undefined);
  publish();
});

comments("an event of the interface goes to its next packet, in whichever direction", () => {
  const own = new CaptureComments(views, 1, "eth0");
  const link = (index: number, code: number) =>
    event({ [EVENT_KIND]: EVENT_INTERFACE, [EVENT_VALUE]: index, [EVENT_VALUE2]: code });
  link(1, INTERFACE_EVENT_DOWN);
  link(2, INTERFACE_EVENT_DOWN);
  link(1, INTERFACE_EVENT_UP);
  state(STATE_ESTABLISHED, STATE_FIN_WAIT_1, 0);
  own.collect();
  assert.is(own.sent(SENT), "eth0: link down\neth0: link up\n10.0.0.1:10001 ESTABLISHED -> FIN-WAIT-1");
  link(1, INTERFACE_EVENT_DOWN);
  own.collect();
  assert.is(own.received(0), "eth0: link down");
  assert.is(own.received(1), undefined);
  publish();
});

comments("waits for a bounded number of connections and forgets the oldest", () => {
  const own = new CaptureComments(views, 1, "eth0");
  for (let port = 1; port <= 1025; port++) state(STATE_ESTABLISHED, STATE_FIN_WAIT_1, 0, (port << 16) | 443);
  own.collect();
  const from = (port: number): Uint8Array => {
    const frame = SENT.slice();
    frame.set([port >>> 8, port & 255], 34);
    return frame;
  };
  assert.is(own.sent(from(1)), undefined);
  assert.is(own.sent(from(2)), "10.0.0.1:2 ESTABLISHED -> FIN-WAIT-1");
  assert.is(own.sent(from(1025)), "10.0.0.1:1025 ESTABLISHED -> FIN-WAIT-1");
  publish();
});

comments("goes on after more events than the ring holds", () => {
  const own = new CaptureComments(views, 1, "eth0");
  for (let n = 0; n < EVENT_CAPACITY + 10; n++) {
    state(STATE_CLOSED, STATE_ESTABLISHED, (1 << 16) | (n + 1));
    publish();
  }
  own.collect();
  assert.is(own.received(9), undefined);
  assert.is(own.received(10), "10.0.0.1:10001 CLOSED -> ESTABLISHED");
});

comments.run();
