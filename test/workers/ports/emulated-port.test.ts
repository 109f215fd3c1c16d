// The port of an emulated link around a port of the test's.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  HEAP,
  INTERFACE_BYTES,
  INTERFACE_LINK_ERRORS,
  INTERFACES,
  TX_RING_BYTES,
  TX_RINGS,
} from "../../../assembly/layout.ts";
import { emulatedLink } from "../../../src/links/emulated.ts";
import type { EmulatedLink } from "../../../src/links/link.ts";
import { memoryLinkPair } from "../../../src/links/memory-link.ts";
import { createMemory } from "../../../src/memory.ts";
import type { LinkStatus, Port, PortPlace } from "../../../workers/port.ts";
import { EmulatedPort } from "../../../workers/ports/emulated-port.ts";
import { TxRing } from "../../../workers/tx-ring.ts";

const test = suite("workers/ports/emulated-port");
const RECORD = INTERFACES + INTERFACE_BYTES;

/** An emulated port, and what it hands to the port inside it. */
function opened(room: number) {
  const views = createMemory();
  let used = 0;
  const told: LinkStatus[] = [];
  const sent: number[] = [];
  let inside: PortPlace | undefined;
  const place: PortPlace = {
    views,
    rxDescriptors: 0,
    txRing: TX_RINGS + TX_RING_BYTES,
    interfaceRecord: RECORD,
    index: 1,
    name: "if1",
    address: 0x0a000001,
    prefixLength: 24,
    mac: new Uint8Array(6),
    mtu: 1000,
    mtuLimit: 65_535,
    onLink: (status) => told.push(status),
    allocate(bytes) {
      used += 2 ** Math.ceil(Math.log2(bytes));
      if (used > room) throw Object.assign(new Error("no room"), { code: "ENOMEM" });
      return HEAP + used - 2 ** Math.ceil(Math.log2(bytes));
    },
  };
  const open = (given: PortPlace): Port => {
    inside = given;
    const ring = new TxRing(views, given.txRing);
    return {
      link: { state: "up", mtu: 1000, gsoMax: 0 },
      checksumOffload: false,
      rxSlots: 1,
      blocked: false,
      receive: () => 0,
      transmit() {
        const first = ring.head;
        for (; ring.head !== ring.tail; ring.head = (ring.head + 1) >>> 0) sent.push(ring.length(ring.slot(ring.head)));
        return (ring.head - first) >>> 0;
      },
      nextDeadlineUs: () => Number.POSITIVE_INFINITY,
      beforeSleep() {},
      peerAttached() {},
      close() {},
    };
  };
  const link = emulatedLink(memoryLinkPair()[0], {}) as EmulatedLink;
  const port = new EmulatedPort(link, place, open);
  const outer = new TxRing(views, place.txRing);
  const frame = HEAP + 256 * 1024 * 1024;
  const info = { headerBytes: 0, flags: 0, gsoSize: 0, gsoType: 0, csumStart: 0, csumOffset: 0 };
  const send = (length: number): void => {
    outer.fill(outer.tail, frame, { ...info, length, headerBytes: Math.min(length, 54) });
    outer.tail = (outer.tail + 1) >>> 0;
    port.transmit(0);
  };
  const errors = () => Number(views.u64[(RECORD + INTERFACE_LINK_ERRORS) >>> 3]);
  return { place: inside!, told, sent, send, errors };
}

test("frames of a link whose MTU grows pass, those that were too long for it were counted", () => {
  const { place, told, sent, send, errors } = opened(2 ** 27);
  send(1014);
  send(2014);
  assert.equal([sent, errors()], [[1014], 1]);
  for (const mtu of [2000, 9000, 1000]) {
    place.onLink({ state: "up", mtu, gsoMax: 0 });
    send(mtu + 14);
  }
  assert.equal(sent, [1014, 2014, 9014, 1014]);
  assert.is(errors(), 1);
  assert.equal(
    told.map(({ mtu }) => mtu),
    [2000, 9000, 1000],
  );
});

test("without memory for longer frames they are counted, and all others pass", () => {
  const { place, told, sent, send, errors } = opened(2 ** 20);
  place.onLink({ state: "up", mtu: 9000, gsoMax: 0 });
  send(9014);
  send(1014);
  assert.equal([sent, errors(), told.length], [[1014], 1, 1]);
});

test.run();
