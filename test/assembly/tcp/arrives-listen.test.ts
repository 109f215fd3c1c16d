import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, FIN, PEER_ISN, PSH, RST, SYN } from "./input-harness.ts";

const test = suite("tcp/arrives-listen");

test("answers a closed port with RST by the RFC's two formulas, never a RST [RFC 9293 3.10.7.1]", async () => {
  const core = await Core.create();
  for (let flags = 0; flags < 64; flags++) {
    const isReset = core.arrive({ flags, seq: 5, ack: 77, data: 3 });
    assert.is(isReset, (flags & RST) === 0, `flags ${flags}`);
    const length = 3 + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
    const reply = core.reset();
    if ((flags & RST) !== 0) assert.is(reply, undefined);
    else if ((flags & ACK) !== 0) assert.equal(reply, { flags: RST, seq: 77, ack: 0 });
    else assert.equal(reply, { flags: RST | ACK, seq: 0, ack: (PEER_ISN + 5 + length) >>> 0 });
  }
  assert.is(core.x.tcbsInUse(), 0);
});

test("ignores RST, refuses ACK with RST, drops what is no SYN and SYN with FIN [RFC 9293 3.10.7.2]", async () => {
  const core = await Core.create();
  core.listen();
  for (let flags = 0; flags < 64; flags++) {
    const isReset = core.arrive({ flags, ack: 9 });
    assert.is(isReset, (flags & RST) === 0 && (flags & ACK) !== 0, `flags ${flags}`);
    const makesChild = (flags & (RST | ACK | SYN | FIN)) === SYN;
    const out = core.pullAll();
    assert.is(out.length, makesChild ? 1 : 0, `flags ${flags}`);
    if (makesChild) core.x.inputAbort(out[0]!.index, core.now);
    core.pullAll();
    assert.is(core.x.tcbsInUse(), 1, `flags ${flags}`);
  }
});

test("answers SYN with SYN-ACK: MSS of the MTU, scale 7 for 6 MiB, unscaled window, timestamps if offered [RFC 7323 2.2, 3.2] [7323#2] [7323#6]", async () => {
  const core = await Core.create();
  core.listen();
  const out = core.synReceived({ tsVal: 1234 });
  assert.is(out.window, 65535);
  const mss = [2, 4, 1460 >> 8, 1460 & 255];
  assert.equal([...out.options.subarray(0, 4)], mss);
  assert.equal([...out.options.subarray(-3)], [3, 3, 7]);
  assert.is(out.options[6], 8, "timestamps");
  const echo = new DataView(out.options.buffer, out.options.byteOffset + 12, 4).getUint32(0);
  assert.is(echo, 1234, "TSecr is the peer's TSval");
  assert.is(core.state(), L.STATE_SYN_RECEIVED);
});

test("offers neither scale nor timestamps to a peer that did not [RFC 7323 2.2, 3.2] [7323#1] [7323#6]", async () => {
  const core = await Core.create();
  core.listen();
  core.arrive({ flags: SYN, mss: 1460 });
  const out = core.expect({ flags: SYN | ACK });
  assert.is(out.options.length, 4);
  assert.is(core.view.getUint8(L.TCB_RECORDS + out.index * L.TCB_BYTES + L.TCB_RCV_WSCALE), 0);
});

test("does not deliver text that came with the SYN; the peer sends it again [RFC 9293 3.10.7.2]", async () => {
  const core = await Core.create();
  core.listen();
  core.arrive({ flags: SYN, data: 10, mss: 1460 });
  core.index = core.expect({ flags: SYN | ACK, ack: 1 }).index;
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  assert.is(core.read().length, 0);
  core.arrive({ flags: ACK | PSH, seq: 1, ack: 1, data: 10 });
  assert.is(core.read().length, 10);
});

test("becomes ESTABLISHED by the ACK of the SYN-ACK and tells main of the child", async () => {
  const core = await Core.create();
  const listener = core.listen();
  core.synReceived();
  assert.is(core.x.inputSynQueue(listener), 1);
  assert.equal([...core.events().keys()], [listener]);
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  assert.is(core.state(), L.STATE_ESTABLISHED);
  assert.is(core.x.inputSynQueue(listener), 0);
  assert.is(core.x.inputAcceptQueue(listener), 1);
  const accepted = core.events().get(core.index) ?? 0;
  assert.ok(accepted & 0x10000, "INTERNAL_ACCEPTED");
  core.x.inputAccept(core.index);
  assert.is(core.x.inputAcceptQueue(listener), 0);
});

test("without cookies gives up the oldest half-open child for the newest SYN, and counts it [attack 53] [4987#3]", async () => {
  const core = await Core.create([[L.SYSCTL_TCP_SYNCOOKIES, 0]]);
  const listener = core.listen(3);
  for (let port = 1000; port < 1008; port++) core.arrive({ flags: SYN, remotePort: port });
  assert.is(core.x.inputSynQueue(listener), 3);
  assert.equal(
    core
      .pullAll()
      .map(({ index }) => core.view.getUint16(L.TCB_RECORDS + index * L.TCB_BYTES + L.TCB_REMOTE_PORT, true)),
    [1005, 1006, 1007],
  );
  assert.is(core.counter(C.COUNTER_TCP_SYN_BACKLOG_DROPS), 5);
  assert.is(core.x.tcbsInUse(), 4);
});

test("with a full accept queue drops ACK and SYN, and goes on once main accepts [4987#7] [attack 66]", async () => {
  const core = await Core.create();
  const listener = core.listen(2);
  const children: number[] = [];
  for (let port = 1000; port < 1003; port++) {
    core.arrive({ flags: SYN, remotePort: port });
    children.push(core.expect({ flags: SYN | ACK }).index);
    core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort: port });
  }
  assert.is(core.x.inputAcceptQueue(listener), 3, "a backlog of 2 admits 3, as in Linux");
  core.arrive({ flags: SYN, remotePort: 1003 });
  core.expectNothing("for a SYN with the accept queue full");
  assert.is(core.counter(C.COUNTER_TCP_LISTEN_OVERFLOWS), 1);
  core.x.inputAccept(children[0]);
  core.arrive({ flags: SYN, remotePort: 1003 });
  const third = core.expect({ flags: SYN | ACK }).index;
  core.arrive({ flags: SYN, remotePort: 1004 });
  const fourth = core.expect({ flags: SYN | ACK }).index;
  const isn = core.iss;
  core.iss = core.tcb(L.TCB_ISS, third);
  core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort: 1003 });
  core.iss = isn;
  core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort: 1004 });
  assert.is(core.state(fourth), L.STATE_SYN_RECEIVED, "its ACK was dropped");
  assert.is(core.counter(C.COUNTER_TCP_LISTEN_OVERFLOWS), 2);
  core.x.inputAccept(children[1]);
  core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort: 1004 });
  assert.is(core.state(fourth), L.STATE_ESTABLISHED);
});

test("closing a listener resets the children nobody accepted and leaves the accepted [attack 65]", async () => {
  const core = await Core.create();
  const listener = core.listen(10);
  const children: number[] = [];
  for (let port = 1000; port < 1003; port++) {
    core.arrive({ flags: SYN, remotePort: port });
    children.push(core.expect({ flags: SYN | ACK }).index);
    if (port !== 1002) core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort: port });
  }
  core.x.inputAccept(children[0]);
  core.x.inputCloseListener(listener, core.now);
  const out = core.pullAll();
  assert.is(out.length, 2);
  for (const reset of out) assert.ok(reset.flags & RST);
  core.events();
  assert.is(core.x.tcbsInUse(), 1);
  assert.is(core.state(children[0]), L.STATE_ESTABLISHED);
  assert.ok(core.arrive({ flags: SYN, remotePort: 2000 }), "the port is closed");
});

test("refuses a second listener on the same port, unless their addresses differ", async () => {
  const core = await Core.create();
  assert.ok(core.x.inputListen(80, 1, false, core.now) >= 0);
  assert.is(core.x.inputListen(80, 1, false, core.now), -L.EADDRINUSE);
  assert.is(core.x.inputListen(80, 1, true, core.now), -L.EADDRINUSE);
  assert.ok(core.x.inputListen(81, 1, true, core.now) >= 0);
  assert.is(core.x.inputListen(81, 1, false, core.now), -L.EADDRINUSE);
});

test("a listener may open while a connection uses its port, and does not disturb it [RFC 9293 MUST-41, MUST-42]", async () => {
  const core = await Core.create();
  core.synSent();
  const listener = core.listen(1, core.localPort);
  assert.ok(listener >= 0);
  assert.is(core.state(), L.STATE_SYN_SENT);
  core.x.inputCloseListener(listener, core.now);
  assert.is(core.state(), L.STATE_SYN_SENT);
});

test("gives a listener without a port an ephemeral one", async () => {
  const core = await Core.create();
  const index = core.listen(1, 0);
  const port = core.view.getUint16(L.TCB_RECORDS + index * L.TCB_BYTES + L.TCB_LOCAL_PORT, true);
  assert.ok(port >= 32768 && port <= 60999);
});

test.run();
