import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { Sender, setSysctl, tcpInstance } from "../../support/tcp-sender.ts";
import { ACK, Core, CWR, ECE, FIN, PSH, SYN } from "./input-harness.ts";

const test = suite("tcp/ecn");

const NOT_ECT = 0;
const ECT0 = 2;
const ECT1 = 1;
const CE = 3;
const BITS = ECE | CWR;
const OPTION_ECN = L.TCB_OPTION_ECN;

const ecn = (value: number, more: [number, number][] = []): [number, number][] => [[L.SYSCTL_TCP_ECN, value], ...more];
const negotiated = (core: Core): boolean =>
  (core.view.getUint8(L.TCB_RECORDS + core.index * L.TCB_BYTES + L.TCB_OPTIONS) & OPTION_ECN) !== 0;

/** A connection that the peer opened with an ECN-setup SYN. */
async function withEcn(): Promise<Core> {
  const core = await Core.create(ecn(2));
  const listener = core.listen();
  core.arrive({ flags: SYN | BITS, mss: 1460, wnd: 65535 });
  core.index = core.expect({ flags: SYN | ACK | ECE, tos: NOT_ECT }).index;
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  core.x.inputAccept(core.index);
  core.x.inputCloseListener(listener, core.now);
  core.events();
  return core;
}

for (const [value, flags, answer] of [
  [0, BITS, 0],
  [1, BITS, ECE],
  [2, BITS, ECE],
  [2, ECE, 0],
  [2, CWR, 0],
  [2, 0, 0],
] as const) {
  test(`answers SYN with ECE/CWR bits ${flags} by ${answer} where tcp_ecn is ${value} [RFC 3168 6.1.1] [3168#1]`, async () => {
    const core = await Core.create(ecn(value));
    core.listen();
    core.arrive({ flags: SYN | flags, mss: 1460 });
    core.index = core.expect({ flags: SYN | ACK | answer, tos: NOT_ECT }).index;
    assert.is(negotiated(core), answer !== 0);
  });
}

test("takes no SYN that is itself ECN-capable for an offer [RFC 3168 6.1.1]", async () => {
  for (const tos of [ECT0, ECT1, CE]) {
    const core = await Core.create(ecn(2));
    core.listen();
    core.arrive({ flags: SYN | BITS, tos });
    core.expect({ flags: SYN | ACK });
  }
});

test("asks with ECE and CWR only where tcp_ecn is 1, and agrees to ECE alone [RFC 3168 6.1.1] [3168#1] [3168#2]", async () => {
  for (const [value, asked] of [
    [0, 0],
    [1, BITS],
    [2, 0],
  ] as const) {
    for (const reply of [0, ECE, BITS, CWR]) {
      const core = await Core.create(ecn(value));
      core.localPort = 40000;
      core.remotePort = 80;
      core.index = core.x.inputConnect(40000, 80, false, 0, 0, core.now);
      core.expect({ flags: SYN | asked, tos: NOT_ECT });
      core.arrive({ flags: SYN | ACK | reply, ack: 1, mss: 1460 });
      assert.is(negotiated(core), asked !== 0 && reply === ECE, `tcp_ecn ${value}, reply ${reply}`);
    }
  }
});

test("sends a lost ECN-setup SYN again without ECN, unless tcp_ecn_fallback is 0 [RFC 3168 6.1.1.1] [3168#3]", async () => {
  for (const fallback of [0, 1]) {
    const core = await Core.create(ecn(1, [[L.SYSCTL_TCP_ECN_FALLBACK, fallback]]));
    core.index = core.x.inputConnect(40000, 80, false, 0, 0, core.now);
    core.expect({ flags: SYN | BITS });
    for (let i = 0; i < 2; i++) {
      core.now = core.x.inputNextTimer();
      core.x.inputRunTimers(core.now);
      core.expect({ flags: SYN | (fallback ? 0 : BITS) });
    }
    assert.is(core.counter(C.COUNTER_TCP_ECN_FALLBACK), fallback);
  }
});

test("echoes a mark on every ACK until CWR comes, the first at once [RFC 3168 6.1.3] [3168#6] [3168#7]", async () => {
  const core = await withEcn();
  const send = (seq: number, tos: number, flags = 0) =>
    core.arrive({ flags: ACK | flags, seq, ack: 1, data: 100, tos });
  send(1, ECT0);
  core.expect({ flags: ACK, ack: 101 }, "for ECT(0)");
  send(101, CE);
  core.expect({ flags: ACK | ECE, ack: 201 }, "for CE");
  send(201, ECT0);
  core.expect({ flags: ACK | ECE, ack: 301 }, "after CE");
  send(301, ECT0, CWR);
  core.expect({ flags: ACK, ack: 401 }, "for CWR");
  send(401, CE, CWR);
  core.expect({ flags: ACK | ECE, ack: 501 }, "for CWR with a new mark");
  assert.is(core.counter(C.COUNTER_IP_IN_CE_PKTS), 2);
  const options = core.view.getUint8(L.TCB_RECORDS + core.index * L.TCB_BYTES + L.TCB_OPTIONS);
  assert.ok(options & L.TCB_OPTION_ECN_SEEN);
});

test("acknowledges a mark and a CWR at once even when ACKs are delayed [RFC 3168 6.1.3]", async () => {
  const core = await withEcn();
  let seq = 1;
  const send = (tos: number, flags = 0) => {
    core.arrive({ flags: ACK | flags, seq, ack: 1, data: 100, tos });
    seq += 100;
    return core.pullAll();
  };
  // Past the ACKs that are not delayed at the start
  while (send(ECT0).length !== 0) assert.ok(seq < 10_000);
  const seen = send(CE);
  assert.is(seen.length, 1);
  assert.is(seen[0]!.flags, ACK | ECE);
  assert.is(send(ECT0, CWR)[0]?.flags, ACK);
});

test("ignores marks and echoes where ECN was not agreed [RFC 3168 6.1.1]", async () => {
  const core = await Core.create(ecn(0));
  core.established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 100, tos: CE });
  core.expect({ flags: ACK, ack: 101 });
  core.arrive({ flags: ACK | ECE, seq: 101, ack: 1 });
  assert.is(core.counter(C.COUNTER_TCP_DELIVERED_CE), 0);
});

test("does not mark ACKs, FIN and probes as ECN-capable [RFC 3168 6.1.4, 6.1.5, 6.1.6] [3168#8] [3168#10]", async () => {
  const core = await withEcn();
  core.arrive({ flags: ACK | PSH, seq: 1, ack: 1, data: 10, tos: CE });
  core.expect({ flags: ACK | ECE, tos: NOT_ECT });
  core.x.inputShutdown(core.index, core.now);
  core.expect({ flags: FIN | ACK | ECE, tos: NOT_ECT });
});

// -------------------------------------------------------------------------------------------------------------- the sender

const TOS = 24; // word of the Outgoing record

async function sender(): Promise<Sender & { tos(): number }> {
  const instance = await tcpInstance();
  setSysctl(instance, L.SYSCTL_TCP_INITIAL_CWND, 20);
  const made = new Sender(instance, { mss: 1000 });
  const view = instance.view;
  const at = L.TCB_RECORDS + made.index * L.TCB_BYTES + L.TCB_OPTIONS;
  view.setUint8(at, view.getUint8(at) | OPTION_ECN);
  return Object.assign(made, { tos: () => view.getUint32((made.wasm.outputRecord() >>> 0) + 4 * TOS, true) });
}

test("sends new data as ECT(0), retransmissions as not ECN-capable [RFC 3168 6.1.5] [3168#9] [3168#12]", async () => {
  const s = await sender();
  s.write(3000);
  for (let i = 0; i < 3; i++) {
    assert.is(s.next()?.bytes, 1000);
    assert.is(s.tos(), ECT0);
  }
  s.wait(10_000_000);
  assert.is(s.next()?.seq, 0, "retransmitted");
  assert.is(s.tos(), NOT_ECT);
});

test("halves the window once for all echoes of one window of data, then sends CWR once [RFC 3168 6.1.2] [3168#4] [SHLD-8]", async () => {
  const s = await sender();
  s.write(100_000);
  assert.is(s.pull().length, 20);
  s.nowUs += 10_000;
  s.echo(1000);
  assert.is(s.caState, L.CA_CWR);
  assert.is(s.get("ssthresh"), 10);
  for (let acked = 2; acked <= 20; acked++) s.echo(acked * 1000);
  assert.is(s.get("ssthresh"), 10, "one reduction");
  const sent = s.pull();
  assert.ok(sent.length > 0 && s.inFlight <= 10, `${s.inFlight} in flight`);
  assert.equal(
    sent.map(({ flags }) => flags & CWR),
    sent.map((_, index) => (index === 0 ? CWR : 0)),
  );
  s.nowUs += 10_000;
  s.ack(21_000);
  assert.is(s.caState, L.CA_OPEN);
  assert.is(s.get("cwnd"), 10);
  s.pull();
  s.echo(22_000);
  assert.is(s.get("ssthresh"), 5, "the next window of data");
});

test("sends CWR after a reduction that a time-out caused [RFC 3168 6.1.2]", async () => {
  const s = await sender();
  s.write(2000);
  s.pull();
  s.wait(10_000_000);
  assert.is((s.next()?.flags ?? CWR) & CWR, 0, "not on the retransmission");
  s.ack(2000);
  s.write(1000);
  assert.is((s.next()?.flags ?? 0) & CWR, CWR);
});

test("counts what was delivered under an echo", async () => {
  const s = await sender();
  s.write(5000);
  s.pull();
  s.echo(3000);
  s.ack(5000);
  assert.is(s.get("deliveredCe"), 3);
});

test.run();
