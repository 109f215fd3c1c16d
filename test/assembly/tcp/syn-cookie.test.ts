import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { Random } from "../../../src/links/random.ts";
import { ACK, type Arriving, Core, CWR, ECE, PSH, RST, SYN } from "./input-harness.ts";

const test = suite("tcp/syn-cookie");
const SECOND = 1_000_000;

const always: [number, number][] = [
  [L.SYSCTL_TCP_SYNCOOKIES, 2],
  [L.SYSCTL_TCP_ECN, 2],
];

/** A core whose listener answers every SYN with a cookie. */
async function cookies(more: [number, number][] = []): Promise<Core> {
  const core = await Core.create([...always, ...more]);
  core.listen(64);
  return core;
}

/** TSval of options that hold one at byte 8 (after MSS, SACK or two no-ops, kind and length). */
const tsVal = (options: Uint8Array): number => new DataView(options.buffer, options.byteOffset).getUint32(8);
const option = (core: Core, index: number): number =>
  core.view.getUint8(L.TCB_RECORDS + index * L.TCB_BYTES + L.TCB_OPTIONS);

function child(core: Core): number {
  for (const [index, bits] of core.events()) if ((bits & 0x10000) !== 0) return index;
  return -1;
}

test("answers with a SYN-ACK that costs no memory, and makes the connection of its ACK [4987#4] [4987#5]", async () => {
  const core = await cookies();
  const before = [core.x.tcbsInUse(), core.x.heapBytesInUse()];
  const reply = core.cookie({ mss: 1460 })!;
  assert.is(reply.flags, SYN | ACK);
  assert.is(reply.ack, 1);
  assert.is(reply.window, 65535);
  assert.equal([...reply.options], [2, 4, 5, 180]);
  assert.equal([core.x.tcbsInUse(), core.x.heapBytesInUse()], before);
  core.expectNothing("beside the answer");
  core.events();
  assert.not.ok(core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 5000 }));
  core.index = child(core);
  assert.is(core.state(), L.STATE_ESTABLISHED);
  assert.is(core.tcb(L.TCB_SND_WND), 5000);
  core.arrive({ flags: ACK | PSH, seq: 1, ack: 1, data: 100 });
  assert.is(core.read().length, 100);
  assert.is(core.counter(C.COUNTER_TCP_SYNCOOKIES_SENT), 1);
  assert.is(core.counter(C.COUNTER_TCP_SYNCOOKIES_RECV), 1);
});

test("takes the data that came with the ACK, also when the bare ACK was lost", async () => {
  const core = await cookies();
  core.cookie({ mss: 1460 });
  core.events();
  core.arrive({ flags: ACK | PSH, seq: 1, ack: 1, data: 300 });
  core.index = child(core);
  assert.is(core.read().length, 300);
});

test("carries window scale, SACK and ECN in the timestamp, as Linux does [attack 54] [4987#5]", async () => {
  for (const wscale of [0, 1, 7, 14, undefined]) {
    for (const sackPermitted of [false, true]) {
      for (const ecn of [0, ECE | CWR]) {
        const core = await cookies();
        const syn: Partial<Arriving> = {
          flags: SYN | ecn,
          mss: 1460,
          sackPermitted,
          tsVal: 77,
          ...(wscale === undefined ? {} : { wscale }),
        };
        const reply = core.cookie(syn)!;
        assert.is(reply.flags, SYN | ACK | (ecn === 0 ? 0 : ECE));
        core.events();
        core.arrive({ flags: ACK, seq: 1, ack: 1, tsVal: 78, tsEcr: tsVal(reply.options), wnd: 10 });
        core.index = child(core);
        const bits = option(core, core.index);
        assert.is((bits & L.TCB_OPTION_TIMESTAMPS) !== 0, true);
        assert.is((bits & L.TCB_OPTION_SACK) !== 0, sackPermitted);
        assert.is((bits & L.TCB_OPTION_ECN) !== 0, ecn !== 0);
        assert.is((bits & L.TCB_OPTION_WSCALE) !== 0, wscale !== undefined);
        assert.is(core.tcb(L.TCB_SND_WND), 10 << (wscale ?? 0));
      }
    }
  }
});

test("offers nothing but MSS to a peer without timestamps: nothing else could come back [attack 54]", async () => {
  const core = await cookies();
  const reply = core.cookie({ flags: SYN | ECE | CWR, mss: 1460, wscale: 7, sackPermitted: true })!;
  assert.is(reply.flags, SYN | ACK);
  assert.is(reply.options.length, 4);
});

test("its timestamp is never in the future", async () => {
  const core = await cookies();
  for (let i = 0; i < 200; i++) {
    core.now = 1_000_000 + i * 1000;
    const reply = core.cookie({ mss: 1460, wscale: 14, sackPermitted: true, tsVal: 1 })!;
    const offsetClock = tsVal(reply.options);
    core.now += 64_000;
    const later = tsVal(core.cookie({ mss: 1460, wscale: 14, sackPermitted: true, tsVal: 1 })!.options);
    assert.is((later - offsetClock) >>> 0, 64, "follows the clock, 64 ms per step");
  }
});

for (const [announced, used] of [
  [undefined, 536],
  [0, 536],
  [1, 48],
  [48, 48],
  [300, 216],
  [536, 536],
  [1400, 1360],
  [1460, 1460],
  [9000, 8960],
  [65535, 8960],
] as const) {
  test(`remembers an MSS of ${announced} as ${used}, never more than was announced [RFC 9293 MUST-14]`, async () => {
    const core = await cookies();
    core.cookie(announced === undefined ? {} : { mss: announced });
    core.events();
    core.arrive({ flags: ACK, seq: 1, ack: 1 });
    core.index = child(core);
    assert.is(core.x.inputPeerMss(core.index), used);
  });
}

test("is valid for one to two times 64 s and not longer [attack 54] [4987#6]", async () => {
  for (const [ageSeconds, isValid] of [
    [0, true],
    [63, true],
    [64, true],
    [129, false],
    [300, false],
  ] as const) {
    const core = await cookies();
    core.now = 1000 * 64 * SECOND;
    core.cookie({ mss: 1460 });
    core.now += ageSeconds * SECOND;
    assert.is(core.arrive({ flags: ACK, seq: 1, ack: 1 }), !isValid, `${ageSeconds} s`);
    assert.is(core.counter(C.COUNTER_TCP_SYNCOOKIES_FAILED), isValid ? 0 : 1);
  }
});

test("is valid for its own four-tuple and sequence number only", async () => {
  const core = await cookies();
  core.cookie({ mss: 1460 });
  for (const change of [{ remotePort: 5001 }, { seq: 100 }, { ack: 100 }, { ack: 0xffffff00 }]) {
    assert.ok(core.arrive({ flags: ACK, seq: 1, ack: 1, ...change }), JSON.stringify(change));
    assert.is(core.reset()?.flags, RST);
  }
  assert.is(core.x.tcbsInUse(), 1);
});

test("200,000 guesses find nothing: a forged ACK passes once in 2^28 [attack 54]", async () => {
  const core = await cookies();
  const dice = new Random(7, 0);
  const guesses = 200_000;
  for (let i = 0; i < guesses; i++) {
    core.iss = dice.below(0x100000000);
    assert.ok(core.arrive({ flags: ACK, seq: 1, ack: 1 }));
  }
  assert.is(core.counter(C.COUNTER_TCP_SYNCOOKIES_FAILED), guesses);
  assert.is(core.x.tcbsInUse(), 1);
});

test("cookies of one peer differ from port to port and from minute to minute", async () => {
  const core = await cookies();
  const seen = new Set<number>();
  for (let port = 1000; port < 3000; port++) seen.add(core.cookie({ remotePort: port })!.isn >>> 8);
  assert.ok(seen.size > 1990, `${seen.size} of 2000`);
  const now = core.cookie({})!.isn;
  core.now += 64 * SECOND;
  assert.is.not(core.cookie({})!.isn, now);
});

test("starts when the SYN queue is full, and then a legitimate client still connects [attack 53] [4987#1] [4987#5]", async () => {
  const core = await Core.create([[L.SYSCTL_TCP_SYNCOOKIES, 1]]);
  const listener = core.listen(8);
  for (let port = 1000; port < 1008; port++) assert.is(core.cookie({ remotePort: port }), undefined);
  assert.is(core.x.inputSynQueue(listener), 8);
  const memory = core.x.heapBytesInUse();
  for (let port = 2000; port < 22_000; port++) assert.ok(core.cookie({ remotePort: port }));
  assert.is(core.x.tcbsInUse(), 9);
  assert.is(core.x.heapBytesInUse(), memory);
  assert.is(core.counter(C.COUNTER_TCP_REQ_Q_FULL_DO_COOKIES), 20_000);
  core.events();
  core.cookie({ remotePort: 30_000, mss: 1460 });
  assert.not.ok(core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort: 30_000 }));
  assert.is(core.state(child(core)), L.STATE_ESTABLISHED);
});

test("looks for cookies in ACKs for two minutes after the last one left, then answers with RST without a look", async () => {
  const core = await Core.create([[L.SYSCTL_TCP_SYNCOOKIES, 1]]);
  core.listen(1);
  assert.ok(core.arrive({ flags: ACK, seq: 1, ack: 1 }));
  assert.is(core.counter(C.COUNTER_TCP_SYNCOOKIES_FAILED), 0, "none was sent");
  core.cookie({ remotePort: 1 });
  assert.ok(core.cookie({ remotePort: 2 }));
  assert.ok(core.arrive({ flags: ACK, seq: 1, ack: 5, remotePort: 3 }));
  assert.is(core.counter(C.COUNTER_TCP_SYNCOOKIES_FAILED), 1);
  core.now += 129 * SECOND;
  assert.ok(core.arrive({ flags: ACK, seq: 1, ack: 5, remotePort: 3 }));
  assert.is(core.counter(C.COUNTER_TCP_SYNCOOKIES_FAILED), 1);
});

test("a full accept queue keeps the connection waiting, or at the backlog nothing of it, and a later segment tries again [attack 66]", async () => {
  const core = await cookies();
  const listener = core.listen(1, 81);
  const isn = [1000, 1001, 1002, 1003, 1004].map((remotePort, index) => {
    const reply = core.cookie({ remotePort, localPort: 81 })!;
    if (index === 0) core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort, localPort: 81 });
    return reply.isn;
  });
  const complete = (index: number, data = 0): boolean => {
    core.iss = isn[index]!;
    return core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort: 1000 + index, localPort: 81, data });
  };
  const first = child(core);
  complete(1);
  assert.is(core.x.inputAcceptQueue(listener), 2);
  for (const index of [2, 3, 4]) assert.not.ok(complete(index), "dropped, not reset");
  core.pullAll();
  assert.is(core.x.inputSynQueue(listener), 1, "one waits");
  assert.is(core.x.tcbsInUse(), 5, "two listeners, three children");
  core.x.inputAccept(first);
  core.events();
  complete(4, 10);
  core.index = child(core);
  assert.is(core.state(), L.STATE_ESTABLISHED);
  assert.is(core.read().length, 10);
  core.x.inputRunTimers(core.now); // a new ring is looked at first
  core.now = core.x.inputNextTimer();
  core.x.inputRunTimers(core.now);
  const again = core.pullAll().find(({ flags }) => flags === (SYN | ACK));
  assert.is(
    again?.index === undefined ? -1 : core.state(again.index),
    L.STATE_SYN_RECEIVED,
    "the one that waits asks again",
  );
});

test.run();
