// How much is promised: SO_RCVBUF, TCP_WINDOW_CLAMP, window scale, the extremes of RFC 7323, a window that closes and opens.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../../assembly/layout.ts";
import { ACK, type Arriving, Core, type Leaving, PSH, pattern, SYN } from "./input-harness.ts";

const test = suite("tcp/receive-space");

const edgeOf = (core: Core, out: Leaving): number => out.ack + out.window * 2 ** core.rcvWscale;
const byte = (core: Core, field: number): number =>
  core.view.getUint8(L.TCB_RECORDS + core.index * L.TCB_BYTES + field);

function option(core: Core, index: number, code: number, value: number): void {
  assert.ok(core.x.outputSetOption(index, code, value, 0, core.now));
}

/** A connection whose listener had an option set. */
async function withOption(code: number, value: number, more: Partial<Arriving> = {}): Promise<Core> {
  const core = await Core.create([
    [L.SYSCTL_RMEM_MAX, 4 << 20],
    [L.SYSCTL_WMEM_MAX, 4 << 20],
  ]);
  const listener = core.listen();
  option(core, listener, code, value);
  core.synReceived(more);
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  core.x.inputAccept(core.index);
  return core;
}

/** Promised bytes beyond RCV.NXT. */
const promised = (core: Core): number => (core.x.inputAdvertised(core.index) - core.tcb(L.TCB_RCV_NXT)) >>> 0;

test("SO_RCVBUF fixes what is promised, whatever its size, and ends autotuning", async () => {
  for (const bytes of [2000, 10_000, 65_536, 100_000, 1_000_000]) {
    const core = await withOption(L.SOCKET_OPTION_RCVBUF, bytes);
    assert.is(core.tcb(L.TCB_RCVBUF), 2 * Math.max(bytes, 1152));
    let seq = 1;
    for (let i = 0; i < 60; i++) {
      core.now += 25;
      core.arrive({ flags: ACK, seq, ack: 1, data: Math.min(promised(core), 60_000) });
      seq = core.rcvNxt();
      core.read();
      core.kick();
      core.pullAll();
      const unit = 2 ** core.rcvWscale;
      assert.ok(promised(core) <= bytes + unit, `${promised(core)} of ${bytes}`);
    }
    assert.ok(promised(core) >= Math.min(bytes, 60_000) / 2, `${promised(core)} of ${bytes}`);
    assert.ok(core.x.inputCapacity(core.index) <= 2 * Math.max(bytes, 4096) + 4096);
  }
});

test("a larger SO_RCVBUF on a connection that exists makes its ring grow without a reason, a smaller one takes nothing back [RFC 9293 SHLD-14]", async () => {
  const core = await withOption(L.SOCKET_OPTION_RCVBUF, 65_536);
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 1000 });
  core.pullAll();
  core.read();
  option(core, core.index, L.SOCKET_OPTION_RCVBUF, 500_000);
  for (let i = 0; i < 6; i++) {
    core.arrive({ flags: ACK, seq: core.rcvNxt(), ack: 1, data: 1000 });
    core.read();
    core.kick();
    core.pullAll();
  }
  assert.is(promised(core), 65535 * 2, "all that the scale of the smaller one can tell");
  const edge = core.x.inputAdvertised(core.index);
  option(core, core.index, L.SOCKET_OPTION_RCVBUF, 4096);
  for (let i = 0; i < 20; i++) {
    core.arrive({ flags: ACK, seq: core.rcvNxt(), ack: 1, data: 1000 });
    core.read();
    core.kick();
    core.pullAll();
    assert.ok(((core.x.inputAdvertised(core.index) - edge) | 0) >= 0);
    assert.ok(((core.x.inputAdvertised(core.index) - edge) | 0) <= 256, "but by a unit's rounding it does not move");
  }
});

test("TCP_WINDOW_CLAMP bounds the window of each ACK", async () => {
  const core = await withOption(L.SOCKET_OPTION_WINDOW_CLAMP, 5000);
  let edge = 0;
  for (let i = 0; i < 40; i++) {
    core.arrive({ flags: ACK, seq: core.rcvNxt(), ack: 1, data: 1000 });
    core.read();
    for (const out of core.pullAll()) {
      assert.ok(edgeOf(core, out) - out.ack <= 5000 + 2 ** core.rcvWscale);
      assert.ok(edgeOf(core, out) >= edge);
      edge = edgeOf(core, out);
    }
  }
  assert.ok(edge > 40_000);
});

test("the window scale fits tcp_rmem's maximum: 7 for 6 MiB, 8 for 15 MiB; a fixed buffer needs less [RFC 7323 2.3, Linux]", async () => {
  const scale = async (rmemMax: number, rcvbuf = 0): Promise<number> => {
    const core = await Core.create([
      [L.SYSCTL_TCP_RMEM_MAX, rmemMax],
      [L.SYSCTL_RMEM_MAX, 0x3fffffff],
    ]);
    core.set(L.SYSCTL_RMEM_MAX, rcvbuf === 0 ? 0 : 0x3fffffff);
    const listener = core.listen();
    if (rcvbuf !== 0) option(core, listener, L.SOCKET_OPTION_RCVBUF, rcvbuf);
    core.synReceived();
    return byte(core, L.TCB_RCV_WSCALE);
  };
  assert.is(await scale(6 << 20), 7);
  assert.is(await scale(15_728_640), 8);
  assert.is(await scale(65_535), 0);
  assert.is(await scale(65_536), 1);
  assert.is(await scale(6 << 20, 40_000), 0);
  assert.is(await scale(6 << 20, 200_000), 2);
});

test("attack 78: with the widest scale and a buffer of 1 GiB the right edge stays exact, near 2^31 and 2^32", async () => {
  const core = await Core.create([
    [L.SYSCTL_TCP_RMEM_MAX, 1 << 30],
    [L.SYSCTL_TCP_RMEM_DEFAULT, 1 << 30],
    [L.SYSCTL_TCP_MODERATE_RCVBUF, 0],
  ]);
  core.set(L.CONFIG_HEAP_BYTES, 64 << 20);
  core.established();
  assert.is(core.rcvWscale, 14 + (core.rcvWscale > 14 ? NaN : 0));
  core.arrive({ flags: ACK, seq: 1, ack: 1, data: 1000 });
  const out = core.expect({ ack: 1001 });
  assert.ok(edgeOf(core, out) - out.ack <= 65535 * 2 ** 14);
  assert.ok(promised(core) < 2 ** 31);
  core.arrive({ flags: ACK, seq: 1001 + 2 ** 31, ack: 1, data: 10 });
  assert.is(core.rcvNxt(), 1001, "half of the space away is not ahead");
});

test("attack 79: a peer's window of 65535 * 2^14 is usable and never overflows", async () => {
  const core = (await Core.create()).established({ wscale: 14 });
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 65535 });
  assert.is(core.tcb(L.TCB_SND_WND), 65535 * 2 ** 14);
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 0 });
  assert.is(core.tcb(L.TCB_SND_WND), 0);
});

test("attack 40: a window of 0 in the SYN is no underflow; one that opens later is used", async () => {
  const core = await Core.create();
  core.listen();
  core.synReceived({ wnd: 0 });
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 0 });
  core.x.inputAccept(core.index);
  assert.is(core.tcb(L.TCB_SND_WND), 0);
  core.x.inputRingWanted(core.index);
  core.setTcb(L.TCB_SND_EPOCH_TAKEN, core.tcb(L.TCB_SND_EPOCH));
  core.setTcb(L.TCB_SND_TAIL, 3000);
  core.kick();
  assert.is(
    core.pullAll().reduce((sum, out) => sum + out.payloadLength, 0),
    0,
  );
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 100 });
  assert.is(
    core.pullAll().reduce((sum, out) => sum + out.payloadLength, 0),
    3000,
  );
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 1 });
  core.pullAll();
  core.arrive({ flags: ACK, seq: 1, ack: 3001, wnd: 0 });
  core.setTcb(L.TCB_SND_TAIL, 5000);
  core.kick();
  assert.is(
    core.pullAll().reduce((sum, out) => sum + out.payloadLength, 0),
    0,
    "a window taken back",
  );
});

test("attack 84: each probe of a closed window is answered with the window, and the first after a read with the new one [RFC 9293 3.8.6.1]", async () => {
  const core = await withOption(L.SOCKET_OPTION_RCVBUF, 4096);
  while (promised(core) > 0) {
    core.arrive({ flags: ACK, seq: core.rcvNxt(), ack: 1, data: Math.min(promised(core), 1000) });
    core.pullAll();
  }
  const end = core.rcvNxt();
  for (const data of [0, 1, 0, 1]) {
    core.now += 1_000_000;
    core.arrive({ flags: ACK, seq: data === 0 ? end - 1 : end, ack: 1, data });
    core.expect({ ack: end, window: 0 }, "for a probe");
  }
  core.read();
  // The update that main's kick sends is lost, and the kick itself too: the next probe tells all the same
  core.now += 1_000_000;
  core.arrive({ flags: ACK, seq: end - 1, ack: 1 });
  const { window } = core.expect({ ack: end });
  assert.ok(window * 2 ** core.rcvWscale >= 2048, `${window}`);
});

test("attack 72: a reader of single bytes never makes the window move by less than min(MSS, half the buffer) [RFC 9293 MUST-39]", async () => {
  const read = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 10, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(read, fc.constantFrom(3000, 4096, 20_000), async (reads, bytes) => {
      const core = await withOption(L.SOCKET_OPTION_RCVBUF, bytes);
      let edge = 0;
      const look = (): void => {
        for (const out of core.pullAll()) {
          const moved = edgeOf(core, out) - edge;
          const unit = 2 ** core.rcvWscale;
          assert.ok(moved < unit || moved >= Math.min(536, bytes / 2) - unit, `a step of ${moved}`);
          edge = edgeOf(core, out);
        }
      };
      while (promised(core) > 0) {
        core.arrive({ flags: ACK, seq: core.rcvNxt(), ack: 1, data: Math.min(promised(core), 536) });
        core.pullAll();
      }
      edge = core.rcvNxt();
      for (const most of reads) {
        core.read(most);
        if (core.mustKick()) core.kick();
        look();
        const data = Math.min(promised(core), 90);
        if (data > 0) core.arrive({ flags: ACK | PSH, seq: core.rcvNxt(), ack: 1, data });
        look();
      }
    }),
    { numRuns: 40 },
  );
});

test("the round trip that a receiver sees comes from the echo of its ACKs: smoothed, but a smaller one counts at once", async () => {
  const core = await Core.create();
  core.peerTs = 100;
  core.established();
  const rtt = (): number => core.tcb(L.TCB_RCV_RTT_US);
  const send = (afterUs: number): void => {
    const echoed = core.x.inputTimestamp(core.index, core.now);
    core.now += afterUs;
    core.arrive({ flags: ACK, seq: core.rcvNxt(), ack: 1, data: pattern(core.rcvNxt(), 1000), tsEcr: echoed });
    core.pullAll();
    core.read();
  };
  send(80_000);
  assert.is(rtt(), 80_000);
  send(160_000);
  assert.is(rtt(), 90_000);
  send(40_000);
  assert.is(rtt(), 40_000);
  send(100);
  assert.is(rtt(), 1000, "a tick at least");
});

test("a SYN is answered with a window that is never scaled, and at most 65535 [RFC 7323 2.2]", async () => {
  const core = await Core.create([[L.SYSCTL_TCP_RMEM_DEFAULT, 1 << 20]]);
  core.listen();
  core.arrive({ flags: SYN, mss: 1460, wscale: 7, wnd: 65535 });
  core.expect({ flags: SYN | ACK, window: 65535 });
});

test.run();
