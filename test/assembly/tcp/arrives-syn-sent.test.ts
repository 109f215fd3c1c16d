import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, FIN, PSH, RST, SYN } from "./input-harness.ts";

const test = suite("tcp/arrives-syn-sent");

test("becomes ESTABLISHED by SYN-ACK, acknowledges it and tells main [RFC 9293 3.10.7.3]", async () => {
  const core = (await Core.create()).synSent();
  assert.not.ok(core.arrive({ flags: SYN | ACK, seq: 0, ack: 1, mss: 1460, wscale: 5, wnd: 29200 }));
  assert.is(core.state(), L.STATE_ESTABLISHED);
  core.expect({ flags: ACK, seq: 1, ack: 1 });
  assert.ok(core.events().get(core.index)! & L.READY_CONNECTED);
  assert.is(core.tcb(L.TCB_SND_WND), 29200, "the window of a SYN-ACK is not scaled [RFC 7323 2.2]");
});

test("answers an ACK of anything but its SYN with RST and goes on waiting [RFC 9293 3.10.7.3, 3.5.2]", async () => {
  for (const flags of [ACK, SYN | ACK, ACK | FIN]) {
    for (const ack of [0, 2, -5, 0x7fffffff]) {
      const core = (await Core.create()).synSent();
      assert.ok(core.arrive({ flags, seq: 0, ack }), `flags ${flags} ack ${ack}`);
      assert.equal(core.reset(), { flags: RST, seq: (core.iss + ack) >>> 0, ack: 0 });
      assert.not.ok(core.arrive({ flags: flags | RST, seq: 0, ack }), "never a RST for a RST");
      assert.is(core.state(), L.STATE_SYN_SENT);
    }
  }
});

test("sends its SYN again 200 ms after the challenge ACK of a half-open connection [RFC 9293 3.5.1] [attack 59]", async () => {
  const core = (await Core.create()).synSent();
  core.now += 1000;
  assert.ok(core.arrive({ flags: ACK, seq: 5000, ack: 9999 }));
  assert.is(core.x.inputNextTimer(), core.now + 200_000);
  core.now += 200_000;
  core.x.inputRunTimers(core.now);
  core.expect({ flags: SYN, seq: 0 });
});

test("is refused by a RST that acknowledges its SYN, ignores one that does not [RFC 9293 3.10.7.3]", async () => {
  const core = (await Core.create()).synSent();
  for (const segment of [{ flags: RST }, { flags: RST | ACK, ack: 0 }, { flags: RST | ACK, ack: 2 }]) {
    assert.not.ok(core.arrive(segment));
    assert.is(core.state(), L.STATE_SYN_SENT);
  }
  core.arrive({ flags: RST | ACK, ack: 1 });
  assert.is(core.state(), L.STATE_CLOSED);
  assert.is(core.error(), L.ECONNREFUSED);
  assert.ok(core.events().get(core.index)! & L.READY_CLOSED);
  core.x.inputRelease(core.index, core.now);
  core.expectNothing();
  assert.ok(core.isFree());
});

test("drops a segment with neither SYN nor RST [RFC 9293 3.10.7.3, fifth]", async () => {
  const core = (await Core.create()).synSent();
  for (const flags of [0, PSH, ACK, FIN]) assert.not.ok(core.arrive({ flags, ack: 1, data: 5 }));
  assert.is(core.state(), L.STATE_SYN_SENT);
  core.expectNothing();
});

test("opens simultaneously: bare SYN, SYN-ACK with the same ISN, then either order of ACKs [RFC 9293 MUST-10, figure 7]", async () => {
  for (const last of [ACK, SYN | ACK]) {
    const core = (await Core.create()).synSent();
    const iss = core.iss;
    core.arrive({ flags: SYN, seq: 0, mss: 1460 });
    assert.is(core.state(), L.STATE_SYN_RECEIVED);
    core.expect({ flags: SYN | ACK, seq: 0, ack: 1 });
    assert.is(core.iss, iss);
    core.arrive({ flags: last, seq: last === ACK ? 1 : 0, ack: 1, mss: 1460 });
    assert.is(core.state(), L.STATE_ESTABLISHED);
    core.arrive({ flags: ACK | PSH, seq: 1, ack: 1, data: 3 });
    assert.is(core.read().length, 3);
  }
});

test("connects to itself [RFC 9293 figure 7] [attack 57]", async () => {
  const core = await Core.create();
  core.localPort = 40000;
  core.remotePort = 40000;
  core.index = core.x.inputConnect(40000, 40000, true, 0, 0, core.now);
  for (let turn = 0; turn < 10; turn++) {
    const out = core.pull();
    if (out === undefined) break;
    const isn = core.tcb(L.TCB_ISS);
    core.arrive({ flags: out.flags, seq: out.seq, isn, ack: out.ack, wnd: out.window, mss: 1460, fromSelf: true });
  }
  assert.is(core.state(), L.STATE_ESTABLISHED);
});

test("a RST in SYN-RECEIVED refuses an active open and returns a passive one to its listener [RFC 9293 MUST-11]", async () => {
  const active = (await Core.create()).synSent();
  active.arrive({ flags: SYN, seq: 0 });
  active.expect({ flags: SYN | ACK });
  active.arrive({ flags: RST, seq: 1 });
  assert.is(active.state(), L.STATE_CLOSED);
  assert.is(active.error(), L.ECONNREFUSED);

  const passive = await Core.create();
  const listener = passive.listen();
  passive.synReceived();
  passive.events();
  passive.arrive({ flags: RST, seq: 1 });
  passive.expectNothing();
  assert.ok(passive.isFree());
  assert.is(passive.x.inputSynQueue(listener), 0);
  assert.equal([...passive.events()], [], "nobody is told");
  assert.is(passive.state(listener), L.STATE_LISTEN);
});

test("takes text and FIN that come with the SYN-ACK [RFC 9293 3.10.7.3]", async () => {
  const core = (await Core.create()).synSent();
  core.arrive({ flags: SYN | ACK | FIN, seq: 0, ack: 1, data: 10 });
  core.expect({ flags: ACK, ack: 12 });
  assert.is(core.read().length, 10);
  assert.is(core.state(), L.STATE_CLOSE_WAIT);
});

test("without an MSS option sends 536 bytes [RFC 9293 MUST-15]; an MSS of 0 is none", async () => {
  for (const mss of [undefined, 0]) {
    const core = (await Core.create()).synSent();
    core.arrive(mss === undefined ? { flags: SYN | ACK, ack: 1 } : { flags: SYN | ACK, ack: 1, mss });
    assert.is(core.tcb(L.TCB_SND_MSS), 536);
  }
});

test("uses shifts only if both sent one [RFC 7323 2.2], timestamps likewise [RFC 7323 3.2] [7323#1]", async () => {
  const none = (await Core.create()).synSent();
  none.arrive({ flags: SYN | ACK, ack: 1, mss: 1460 });
  assert.is(none.view.getUint8(L.TCB_RECORDS + none.index * L.TCB_BYTES + L.TCB_OPTIONS), 0);
  assert.is(none.view.getUint8(L.TCB_RECORDS + none.index * L.TCB_BYTES + L.TCB_RCV_WSCALE), 0);
  assert.is(none.expect({ flags: ACK }).window, 65535);
  const both = (await Core.create()).synSent();
  both.arrive({ flags: SYN | ACK, ack: 1, mss: 1460, wscale: 3, tsVal: 5, wnd: 100 });
  assert.is(both.expect({ flags: ACK }).options.length, 12);
  assert.is(both.tcb(L.TCB_SND_MSS), 1448);
  both.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 100, tsVal: 5 });
  assert.is(both.tcb(L.TCB_SND_WND), 800);
});

test("fails with ETIMEDOUT at the connect timeout, exactly then", async () => {
  const core = (await Core.create()).synSent(2500);
  const end = core.now + 2_500_000;
  for (let due = core.x.inputNextTimer(); due >= 0 && due < end; due = core.x.inputNextTimer()) {
    core.now = due;
    core.x.inputRunTimers(core.now);
    assert.is(core.state(), L.STATE_SYN_SENT);
    core.pullAll();
  }
  assert.is(core.x.inputNextTimer(), end);
  core.now = end;
  core.x.inputRunTimers(core.now);
  assert.is(core.state(), L.STATE_CLOSED);
  assert.is(core.error(), L.ETIMEDOUT);
});

test("CLOSE and ABORT in SYN-SENT send nothing and free the TCB [RFC 9293 3.10.4, 3.10.5]", async () => {
  for (const end of ["inputClose", "inputAbort"]) {
    const core = (await Core.create()).synSent();
    core.x[end](core.index, core.now);
    core.expectNothing(end);
    assert.ok(core.isFree());
    assert.is(core.x.inputNextTimer(), -1);
  }
});

test("a half-close before the handshake is over sends its FIN after it [RFC 9293 3.10.4]", async () => {
  const core = (await Core.create()).synSent();
  core.x.inputShutdown(core.index, core.now);
  core.expectNothing();
  core.arrive({ flags: SYN | ACK, ack: 1, mss: 1460 });
  assert.is(core.state(), L.STATE_FIN_WAIT_1);
  const out = core.pullAll();
  assert.ok(out.at(-1)!.flags & FIN);
});

test("a hard error of the network fails a connect, and is only noted later [RFC 9293 3.9.2.2, RFC 5927]", async () => {
  const connecting = (await Core.create()).synSent();
  connecting.x.inputHardError(connecting.index, L.EHOSTUNREACH, connecting.now);
  assert.is(connecting.state(), L.STATE_CLOSED);
  assert.is(connecting.error(), L.EHOSTUNREACH);
  const connected = (await Core.create()).established();
  connected.x.inputHardError(connected.index, L.EHOSTUNREACH, connected.now);
  assert.is(connected.state(), L.STATE_ESTABLISHED);
});

test.run();
