// Round-trip time and time-out against RFC 6298's formulas, worked out in floating point.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  SYSCTL_TCP_RTO_MAX_MS,
  SYSCTL_TCP_RTO_MIN_US,
  TCB_BACKOFF,
  TCB_BYTES,
  TCB_MIN_RTT_US,
  TCB_RECORDS,
  TCB_RTO_US,
  TCB_RTTVAR_US,
  TCB_SRTT_US,
} from "../../../assembly/layout.ts";
import { setSysctl, tcpInstance } from "../../support/tcp-sender.ts";

const test = suite("tcp/rtt");
const instance = await tcpInstance();
const { exports: wasm, view } = instance;
const tcb = wasm.outputTcb();
const field = (offset: number) => view.getUint32(TCB_RECORDS + tcb * TCB_BYTES + offset, true);

function samples(...us: number[]): void {
  wasm.rttTestReset(tcb);
  for (const sample of us) wasm.rttTestSample(tcb, sample);
}

test("starts with one second [6298 2.1]", () => {
  samples();
  assert.is(field(TCB_RTO_US), 1_000_000);
  assert.is(field(TCB_SRTT_US), 0);
});

test("takes SRTT = R and RTTVAR = R/2 from the first sample [6298 2.2]", () => {
  samples(400_000);
  assert.is(field(TCB_SRTT_US), 400_000);
  assert.is(field(TCB_RTTVAR_US), 200_000);
  assert.is(field(TCB_RTO_US), 1_200_000);
});

test("updates RTTVAR from the old SRTT, then SRTT [6298 2.3] [6298#3]", () => {
  samples(400_000, 800_000);
  assert.is(field(TCB_RTTVAR_US), 250_000); // 3/4 * 200 ms + 1/4 * |400 - 800| ms
  assert.is(field(TCB_SRTT_US), 450_000); // 7/8 * 400 ms + 1/8 * 800 ms
  assert.is(field(TCB_RTO_US), 1_450_000);
});

test("never adds less than tcp_rto_min to SRTT", () => {
  samples(100, 100, 100, 100);
  assert.is(field(TCB_RTO_US), 200_100);
  setSysctl(instance, SYSCTL_TCP_RTO_MIN_US, 30_000);
  samples(100, 100);
  assert.is(field(TCB_RTO_US), 30_100);
  setSysctl(instance, SYSCTL_TCP_RTO_MIN_US, 200_000);
});

test("bounds the time-out from above [6298 2.5] [6298#5]", () => {
  samples(119_000_000);
  assert.is(field(TCB_RTO_US), 120_000_000);
  samples(0x7fffffff, 0x7fffffff);
  assert.is(field(TCB_RTO_US), 120_000_000);
});

test("doubles at each time-out, up to the bound [6298 5.5]", () => {
  samples();
  const seconds = [];
  for (let i = 0; i < 10; i++) {
    wasm.rttTestBackOff(tcb);
    seconds.push(field(TCB_RTO_US) / 1e6);
  }
  assert.equal(seconds, [2, 4, 8, 16, 32, 64, 120, 120, 120, 120]);
});

test("forgets the back-off with the next sample [6298 5.7]", () => {
  samples(100_000);
  const before = field(TCB_RTO_US);
  for (let i = 0; i < 5; i++) wasm.rttTestBackOff(tcb);
  assert.is(field(TCB_RTO_US), before * 32);
  assert.is(view.getUint8(TCB_RECORDS + tcb * TCB_BYTES + TCB_BACKOFF), 5);
  wasm.rttTestSample(tcb, 100_000);
  assert.ok(field(TCB_RTO_US) <= before);
  assert.is(view.getUint8(TCB_RECORDS + tcb * TCB_BYTES + TCB_BACKOFF), 0);
});

test("takes a sample of 0 µs for one: SRTT 0 would mean that there is none", () => {
  samples(0, 0, 0);
  assert.is(field(TCB_SRTT_US), 1);
});

test("remembers the smallest round trip", () => {
  samples(500, 300, 900);
  assert.is(field(TCB_MIN_RTT_US), 300);
});

test("obeys a smaller tcp_rto_max, but one second at least", () => {
  setSysctl(instance, SYSCTL_TCP_RTO_MAX_MS, 5000);
  samples(40_000_000);
  assert.is(field(TCB_RTO_US), 5_000_000);
  setSysctl(instance, SYSCTL_TCP_RTO_MAX_MS, 1);
  samples(40_000_000);
  assert.is(field(TCB_RTO_US), 1_000_000);
  setSysctl(instance, SYSCTL_TCP_RTO_MAX_MS, 120_000);
});

test("follows the formulas for any samples, to a rounding of 4 µs", () => {
  const rtt = fc.integer({ min: 1, max: 10_000_000 });
  fc.assert(
    fc.property(fc.array(rtt, { minLength: 1, maxLength: 60, size: "max" }), (all) => {
      samples(...all);
      let srtt = all[0]!;
      let rttvar = srtt / 2;
      for (const r of all.slice(1)) {
        rttvar = 0.75 * rttvar + 0.25 * Math.abs(srtt - r);
        srtt = 0.875 * srtt + 0.125 * r;
      }
      assert.ok(Math.abs(field(TCB_SRTT_US) - srtt) <= 4, `SRTT ${field(TCB_SRTT_US)}, expected ${srtt}`);
      assert.ok(Math.abs(field(TCB_RTTVAR_US) - rttvar) <= 4, `RTTVAR ${field(TCB_RTTVAR_US)}, expected ${rttvar}`);
      const rto = Math.min(field(TCB_SRTT_US) + Math.max(4 * field(TCB_RTTVAR_US), 200_000), 120_000_000);
      assert.is(field(TCB_RTO_US), rto);
    }),
  );
});

test.run();
