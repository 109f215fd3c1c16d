import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, FIN, PSH, RST, SYN } from "./input-harness.ts";

const test = suite("tcp/arrives-synchronized");

type Maker = (core: Core) => Core;
// [name, how to get there, RCV.NXT, SND.NXT, what a RST reports (undefined = the TCB is gone or told nothing)]
const STATES: [string, Maker, number, number][] = [
  ["ESTABLISHED", (c) => c.established(), 1, 1],
  ["FIN-WAIT-1", (c) => c.finWait1(), 1, 2],
  ["FIN-WAIT-2", (c) => c.finWait2(), 1, 2],
  ["CLOSE-WAIT", (c) => c.closeWait(), 2, 1],
  ["CLOSING", (c) => c.closing(), 2, 2],
  ["LAST-ACK", (c) => c.lastAck(), 2, 2],
];
const SYN_RECEIVED: [string, Maker, number, number] = [
  "SYN-RECEIVED",
  (c) => {
    c.listen();
    c.synReceived();
    return c;
  },
  1,
  1,
];

for (const [name, make, rcvNxt, sndNxt] of [...STATES, SYN_RECEIVED]) {
  test(`${name}: a RST at RCV.NXT resets, with a closed window too [RFC 5961 3.2, RFC 9293 MUST-66]`, async () => {
    const core = make(await Core.create());
    core.events();
    assert.not.ok(core.arrive({ flags: RST, seq: rcvNxt, data: 5 }), "SHLD-2: a RST may hold text");
    core.expectNothing();
    if (name === "SYN-RECEIVED") {
      assert.ok(core.isFree());
      return;
    }
    assert.is(core.state(), L.STATE_CLOSED);
    assert.is(core.error(), L.ECONNRESET);
    assert.ok(core.events().get(core.index)! & L.READY_CLOSED);
  });

  test(`${name}: a RST elsewhere in the window is challenged, outside it is dropped [RFC 5961 3.2]`, async () => {
    const core = make(await Core.create());
    const state = core.state();
    const wnd = (core.x.inputAdvertised(core.index) - core.tcb(L.TCB_RCV_NXT)) >>> 0;
    assert.ok(wnd > 1000);
    for (const seq of [rcvNxt + 1, rcvNxt + wnd - 1]) {
      core.now += 1_000_000;
      core.arrive({ flags: RST, seq });
      core.expect({ flags: ACK, seq: sndNxt, ack: rcvNxt }, `for RST at ${seq}`);
    }
    const edge = (core.x.inputAdvertised(core.index) - core.tcb(L.TCB_IRS)) >>> 0;
    for (const seq of [rcvNxt - 1, edge, rcvNxt + 0x7fffffff, rcvNxt - 0x7fffffff]) {
      core.now += 1_000_000;
      core.arrive({ flags: RST, seq: seq >>> 0 });
      core.expectNothing(`for RST at ${seq}`);
    }
    assert.is(core.state(), state);
  });
}

for (const [name, make, rcvNxt, sndNxt] of STATES) {
  test(`${name}: a SYN anywhere is challenged and changes nothing [RFC 5961 4.2]`, async () => {
    const core = make(await Core.create());
    const state = core.state();
    for (const seq of [0, rcvNxt, rcvNxt + 1, rcvNxt + 100000, rcvNxt - 5, rcvNxt + 0x7fffffff]) {
      for (const flags of [SYN, SYN | ACK, SYN | FIN]) {
        core.now += 1_000_000;
        core.arrive({ flags, seq: seq >>> 0, ack: 1, data: 3 });
        core.expect({ flags: ACK, seq: sndNxt, ack: rcvNxt }, `for ${flags} at ${seq}`);
      }
    }
    assert.is(core.state(), state);
    assert.is(core.rcvNxt(), rcvNxt);
  });

  test(`${name}: an ACK beyond SND.NXT or before SND.UNA - MAX.SND.WND is challenged, its text dropped [RFC 5961 5.2]`, async () => {
    const core = make(await Core.create());
    const maxWindow = Math.max(65535, 1000 << 7);
    for (const ack of [sndNxt + 1, sndNxt + 1000, 1 - maxWindow - 1, 0x70000000]) {
      core.now += 1_000_000;
      core.arrive({ flags: ACK, seq: rcvNxt, ack, data: 4 });
      core.expect({ flags: ACK, seq: sndNxt, ack: rcvNxt }, `for ACK ${ack}`);
    }
    assert.is(core.rcvNxt(), rcvNxt);
  });

  test(`${name}: a segment without ACK is dropped [RFC 9293 3.10.7.4, fifth]`, async () => {
    const core = make(await Core.create());
    for (const flags of [0, PSH, FIN]) core.arrive({ flags, seq: rcvNxt, data: 4 });
    core.expectNothing();
    assert.is(core.rcvNxt(), rcvNxt);
    assert.is(core.counter(C.COUNTER_TCP_IN_NO_ACK_FLAG), 3);
  });

  test(`${name}: unacceptable text is answered, each time; bare ACKs within the limit only [RFC 9293 3.10.7.4, first]`, async () => {
    const core = make(await Core.create());
    core.now += 1_000_000;
    for (let i = 0; i < 3; i++) {
      core.arrive({ flags: ACK, seq: (rcvNxt - 10) >>> 0, ack: 1, data: 10 });
      core.expect({ flags: ACK, seq: sndNxt, ack: rcvNxt }, "for old text");
    }
    core.arrive({ flags: ACK, seq: (rcvNxt - 1) >>> 0, ack: 1 });
    core.expect({ flags: ACK, seq: sndNxt, ack: rcvNxt }, "for a keepalive probe");
    core.arrive({ flags: ACK, seq: (rcvNxt - 1) >>> 0, ack: 1 });
    core.expectNothing("for the next within 500 ms");
    core.now += 500_000;
    core.arrive({ flags: ACK, seq: (rcvNxt - 1) >>> 0, ack: 1 });
    core.expect({ flags: ACK, seq: sndNxt, ack: rcvNxt }, "500 ms later");
  });
}

test("acceptability: text from RCV.NXT to the right edge, bare ACKs at the edge, nothing beyond [RFC 9293 3.10.7.4, table]", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK, seq: 0, ack: 1 });
  core.pullAll(); // the first ACK after the handshake promises the whole ring
  const wnd = (core.x.inputAdvertised(core.index) - core.tcb(L.TCB_RCV_NXT)) >>> 0;
  const isTaken = (seq: number, data: number): boolean => {
    core.now += 1_000_000;
    const before = core.counter(C.COUNTER_TCP_IN_UNACCEPTABLE);
    core.arrive({ flags: ACK, seq: seq >>> 0, ack: 1, data });
    core.pullAll();
    return core.counter(C.COUNTER_TCP_IN_UNACCEPTABLE) === before;
  };
  assert.not.ok(isTaken(0, 0));
  assert.not.ok(isTaken(0, 1));
  assert.ok(isTaken(1, 0));
  assert.ok(isTaken(1 + wnd - 1, 0));
  assert.ok(isTaken(1 + wnd, 0), "an ACK at the edge, as Linux");
  assert.not.ok(isTaken(1 + wnd + 1, 0));
  assert.not.ok(isTaken(1 + wnd + 1, 1));
  assert.ok(isTaken(1 + wnd - 1, 1));
  assert.ok(isTaken(1, 1));
});

test("challenge ACKs are limited to one in 500 ms per connection [RFC 5961 7]", async () => {
  const core = (await Core.create()).established();
  for (let i = 0; i < 100; i++) {
    core.arrive({ flags: SYN, seq: 50 + i });
    core.now += 10_000;
  }
  assert.is(core.counter(C.COUNTER_TCP_CHALLENGE_ACKS), 2);
  assert.is(core.counter(C.COUNTER_TCP_CHALLENGE_ACKS_LIMITED), 98);
});

test("SYN-RECEIVED: an ACK of anything but the SYN-ACK is answered with RST [RFC 9293 3.10.7.4, fifth]", async () => {
  const core = await Core.create();
  core.listen();
  core.synReceived();
  for (const ack of [0, 2, 100]) {
    assert.ok(core.arrive({ flags: ACK, seq: 1, ack }), `ack ${ack}`);
    assert.equal(core.reset(), { flags: RST, seq: (core.iss + ack) >>> 0, ack: 0 });
    assert.is(core.state(), L.STATE_SYN_RECEIVED);
  }
});

test("SYN-RECEIVED: the peer's SYN again brings the SYN-ACK again; another SYN in the window returns to LISTEN", async () => {
  const core = await Core.create();
  const listener = core.listen();
  core.synReceived();
  const iss = core.iss;
  core.arrive({ flags: SYN, seq: 0, mss: 1460, wscale: 7 });
  core.expect({ flags: SYN | ACK, seq: 0, ack: 1 });
  assert.is(core.iss, iss);
  core.arrive({ flags: SYN, seq: 500 });
  core.expectNothing();
  assert.ok(core.isFree());
  assert.is(core.x.inputSynQueue(listener), 0);
});

test("a FIN in order ends the stream: ESTABLISHED -> CLOSE-WAIT, EOF told once", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK | FIN | PSH, seq: 1, ack: 1, data: 20 });
  assert.is(core.state(), L.STATE_CLOSE_WAIT);
  core.expect({ flags: ACK, seq: 1, ack: 22 });
  assert.ok(core.events().get(core.index)! & L.READY_EOF);
  assert.is(core.view.getUint8(L.TCB_RECORDS + core.index * L.TCB_BYTES + L.TCB_EOF), 1);
  assert.is(core.read().length, 20);
  core.arrive({ flags: ACK | FIN | PSH, seq: 1, ack: 1, data: 20 });
  core.expect({ flags: ACK, ack: 22 }, "for the FIN again");
  assert.is(core.state(), L.STATE_CLOSE_WAIT);
  assert.is(core.read().length, 0);
});

test("a FIN before its turn waits for the gap [RFC 9293 3.10.7.4, eighth]", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK | FIN, seq: 11, ack: 1, data: 10 });
  core.expect({ flags: ACK, ack: 1 });
  assert.is(core.state(), L.STATE_ESTABLISHED);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10 });
  core.expect({ flags: ACK, ack: 22 });
  assert.is(core.state(), L.STATE_CLOSE_WAIT);
  assert.is(core.read().length, 20);
});

test("text beyond a FIN that is known is no text, and a second FIN elsewhere is none", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK | FIN, seq: 11, ack: 1 });
  core.arrive({ flags: ACK | FIN, seq: 20, ack: 1, data: 10 });
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 30 });
  core.pullAll();
  assert.is(core.read().length, 10);
  assert.is(core.rcvNxt(), 12);
  assert.is(core.state(), L.STATE_CLOSE_WAIT);
});

test("FIN-WAIT-1: FIN and ACK in all three orders [RFC 9293 figure 5]", async () => {
  const together = (await Core.create()).finWait1();
  together.arrive({ flags: FIN | ACK, seq: 1, ack: 2 });
  assert.is(together.state(), L.STATE_TIME_WAIT);
  const finFirst = (await Core.create()).closing();
  finFirst.arrive({ flags: ACK, seq: 2, ack: 2 });
  assert.is(finFirst.state(), L.STATE_TIME_WAIT);
  const ackFirst = (await Core.create()).timeWait();
  assert.ok(ackFirst.events().get(ackFirst.index)! & L.READY_CLOSED);
});

test("FIN-WAIT-1 stays there when the ACK covers only data [gVisor bcb259a28]", async () => {
  const core = (await Core.create()).finWait1();
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  assert.is(core.state(), L.STATE_FIN_WAIT_1);
});

test("LAST-ACK ends with the ACK of our FIN, and all is free after release", async () => {
  const core = (await Core.create()).lastAck();
  core.events();
  core.arrive({ flags: ACK, seq: 2, ack: 2 });
  assert.is(core.state(), L.STATE_CLOSED);
  assert.is(core.error(), 0);
  const told = core.events().get(core.index)!;
  assert.ok(told & L.READY_CLOSED && told & L.READY_FIN_ACKED);
  core.x.inputRelease(core.index, core.now);
  core.expectNothing();
  assert.ok(core.isFree());
  assert.is(core.x.heapBytesInUse(), 0);
  assert.is(core.x.inputNextTimer(), -1);
});

test("half-closed, the peer's data is still taken in FIN-WAIT-1 and FIN-WAIT-2", async () => {
  for (const make of [(c: Core) => c.finWait1(), (c: Core) => c.finWait2()]) {
    const core = make(await Core.create());
    core.arrive({ flags: ACK, seq: 1, ack: 2, data: 1000 });
    assert.is(core.read().length, 1000);
    core.pullAll();
  }
});

test("after CLOSE new text is answered with RST and ends the connection [RFC 9293 SHLD-3]", async () => {
  for (const ack of [1, 2]) {
    const core = (await Core.create()).established();
    core.x.inputClose(core.index, core.now);
    core.expect({ flags: FIN | ACK });
    assert.ok(core.arrive({ flags: ACK, seq: 1, ack, data: 10 }));
    assert.equal(core.reset(), { flags: RST, seq: (core.iss + ack) >>> 0, ack: 0 });
    core.expectNothing();
    assert.ok(core.isFree());
    assert.is(core.counter(C.COUNTER_TCP_ABORT_ON_DATA), 1);
  }
});

test("CLOSE with unread text sends RST, not FIN [RFC 9293 SHLD-3]", async () => {
  const core = (await Core.create()).established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 10 });
  core.pullAll();
  core.x.inputClose(core.index, core.now);
  core.expect({ flags: RST | ACK, seq: 1, ack: 11 });
  assert.ok(core.isFree());
  assert.is(core.x.heapBytesInUse(), 0);
});

test("ABORT sends RST in the states that have a peer to tell [RFC 9293 3.10.5]", async () => {
  for (const [name, make, , sndNxt] of STATES) {
    const core = make(await Core.create());
    core.x.inputAbort(core.index, core.now);
    if (name === "CLOSING" || name === "LAST-ACK") core.expectNothing(name);
    else core.expect({ flags: RST | ACK, seq: sndNxt }, name);
    core.events();
    assert.ok(core.isFree(), name);
    assert.is(core.x.inputNextTimer(), -1);
    assert.is(core.x.heapBytesInUse(), 0);
  }
});

test("the fast path does exactly what the slow path does", async () => {
  const script = [
    { flags: ACK, seq: 1, data: 1448, ack: 1 },
    { flags: ACK | PSH, seq: 1449, data: 1448, ack: 1 },
    { flags: ACK, seq: 2897, data: 14480, ack: 1, segments: 10, gsoSize: 1448 },
    { flags: ACK, seq: 17377, ack: 1001 },
    { flags: ACK, seq: 17377, data: 1, ack: 1001 },
    { flags: ACK, seq: 17378, ack: 2001, wnd: 70 },
    { flags: ACK, seq: 17378, ack: 3001, wnd: 900 },
  ];
  const run = async (isFast: boolean): Promise<[Uint8Array, unknown[], number]> => {
    const core = await Core.create();
    core.peerTs = 100;
    core.established();
    core.x.inputRingWanted(core.index);
    core.setTcb(L.TCB_SND_EPOCH_TAKEN, core.tcb(L.TCB_SND_EPOCH));
    core.setTcb(L.TCB_SND_TAIL, 3000);
    core.kick();
    const left: unknown[] = [core.pullAll()];
    for (const segment of script) {
      core.now += 100;
      core.peerTs += 1;
      if (isFast) core.arrive(segment);
      else core.arriveSlowly(segment);
      left.push(core.pullAll());
    }
    const record = core.u8.slice(
      L.TCB_RECORDS + core.index * L.TCB_BYTES,
      L.TCB_RECORDS + (core.index + 1) * L.TCB_BYTES,
    );
    return [record, left, core.counter(C.COUNTER_TCP_PREDICTED)];
  };
  const [fast, fastLeft, predicted] = await run(true);
  const [slow, slowLeft, none] = await run(false);
  assert.is(predicted, script.length);
  assert.is(none, 0);
  assert.equal(fastLeft, slowLeft);
  assert.equal([...fast], [...slow]);
});

test("nothing that needs a decision is predicted", async () => {
  const core = (await Core.create()).established();
  const plain = { flags: ACK, seq: 1, ack: 1, data: 10 };
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  assert.ok(core.isPredicted(plain));
  assert.not.ok(core.isPredicted({ ...plain, flags: ACK | FIN }));
  assert.not.ok(core.isPredicted({ ...plain, flags: ACK | RST }));
  assert.not.ok(core.isPredicted({ ...plain, flags: ACK | SYN }));
  assert.not.ok(core.isPredicted({ ...plain, flags: PSH }));
  assert.not.ok(core.isPredicted({ ...plain, seq: 2 }));
  assert.not.ok(core.isPredicted({ ...plain, seq: 0 }));
  assert.not.ok(core.isPredicted({ ...plain, ack: 2 }));
  assert.not.ok(core.isPredicted({ ...plain, wnd: 999 }));
  assert.not.ok(core.isPredicted({ flags: ACK, seq: 1, ack: 1 }), "a duplicate ACK");
});

test("figure 5 is all that setState allows [RFC 9293 3.3.2]", async () => {
  const { x } = await Core.create();
  const names = [..."CLrREFfWcaT"]; // CLOSED LISTEN SYN-SENT(r) SYN-RECEIVED(R) ESTABLISHED FW1 FW2(f) CLOSE-WAIT(W) CLOSING(c) LAST-ACK(a) TIME-WAIT
  const arrows = new Set("CL Cr CR rR rE RE EF EW Ff Fc FT fT Wa cT".split(" "));
  for (let before = 0; before < L.STATE_COUNT; before++) {
    for (let after = 0; after < L.STATE_COUNT; after++) {
      const arrow = `${names[before]}${names[after]}`;
      const wanted = arrows.has(arrow) || (after === L.STATE_CLOSED && before !== L.STATE_CLOSED);
      assert.is(Boolean(x.isLegalTransition(before, after)), wanted, arrow);
    }
  }
});

test.run();
