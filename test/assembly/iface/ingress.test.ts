// What is not taken, and under which name it is counted: one host, broken and hostile frames.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as counters from "../../../assembly/counters.ts";
import { FRAME_CSUM_PARTIAL, FRAME_CSUM_VALID } from "../../../assembly/layout.ts";
import { Bench, BROADCAST, bytes16, ethernet, fixIpv4, fixTcp, icmp, ipv4, OUR_IP, tcp } from "../../support/frames.ts";

const test = suite("iface/ingress");
const ECHO = icmp(8, 0, 0x00010001, [1, 2, 3]);
const FLOWING = [counters.COUNTER_IP_IN_RECEIVES, counters.COUNTER_TCP_IN_SEGS];

/** A frame draws no answer and is counted under exactly this name (besides what counts everything that comes in). */
function drops(frame: Uint8Array, counter: number, flags = 0, gsoSize = 0): void {
  const bench = new Bench();
  bench.meetPeer();
  const counted = bench.counted(() => assert.equal(bench.turn([{ bytes: frame, flags, gsoSize }]), []));
  for (const index of FLOWING) delete counted[index];
  assert.equal(counted, { [counter]: 1 });
}

/** A frame is answered. */
function answers(frame: Uint8Array, flags = 0, gsoSize = 0): Uint8Array {
  const bench = new Bench();
  bench.meetPeer();
  const [reply] = bench.turn([{ bytes: frame, flags, gsoSize }]);
  assert.ok(reply, "no answer");
  return reply!;
}

test("frames shorter than a header [attack 1]", () => {
  for (let length = 0; length < 14; length++) drops(ipv4(ECHO).slice(0, length), counters.COUNTER_FRAME_TOO_SHORT);
});

test("frames for another MAC address, and for groups [attack 2]", () => {
  drops(ipv4(ECHO, { to: [2, 9, 9, 9, 9, 9] }), counters.COUNTER_FRAME_OTHER_HOST);
  drops(ipv4(ECHO, { to: [1, 0, 0x5e, 0, 0, 1] }), counters.COUNTER_FRAME_OTHER_HOST);
});

test("ethertypes that nobody speaks: IPv6, VLAN tags, lengths [1122-link#4]", () => {
  for (const type of [0x86dd, 0x8100, 46]) drops(ethernet(type, ECHO), counters.COUNTER_FRAME_UNKNOWN_ETHERTYPE);
});

test("every truncation of a packet [attack 1] [791#5]", () => {
  const whole = ipv4(ECHO);
  for (let length = 14; length < whole.length; length++)
    drops(whole.slice(0, length), counters.COUNTER_IP_IN_HDR_ERRORS);
});

test("wrong version, IHL below 5, IHL past the total length [1122 3.2.1.1] [attack 10] [791#1] [791#5]", () => {
  for (const first of [0x55, 0x44, 0x40, 0x4f]) {
    const frame = ipv4(ECHO);
    frame[14] = first;
    drops(fixIpv4(frame), counters.COUNTER_IP_IN_HDR_ERRORS);
  }
});

test("a wrong header checksum [1122 3.2.1.2] [791#2] [attack 45]", () => {
  const frame = ipv4(ECHO);
  frame[24]! ^= 1;
  drops(frame, counters.COUNTER_IP_IN_CSUM_ERRORS);
});

test("link padding does not reach the protocol [attack 11] [791#5]", () => {
  const frame = new Uint8Array(60).fill(0xee);
  frame.set(ipv4(ECHO));
  const reply = answers(frame);
  assert.is((reply[16]! << 8) | reply[17]!, 20 + ECHO.length);
});

test("source routes and broken options are refused, others skipped [1122 3.2.1.8] [attack 12] [791#6]", () => {
  for (const options of [
    [131, 4, 4, 0],
    [137, 4, 4, 0],
    [7, 0, 0, 0],
    [7, 1, 0, 0],
    [7, 5, 0, 0],
    [1, 1, 1, 7],
  ]) {
    drops(ipv4(ECHO, { options }), counters.COUNTER_IP_IN_BAD_OPTIONS);
  }
  for (const options of [
    [1, 1, 1, 0],
    [148, 4, 0, 0],
    [7, 3, 4, 0],
    [0, 131, 131, 131],
  ])
    answers(ipv4(ECHO, { options }));
});

test("addresses that nobody may have sent from [1122 3.2.1.3] [attack 13] [791#3]", () => {
  const sources = [0, 0x00000005, 0xe0000001, 0xffffffff, 0x0a0000ff, 0x7f000001, OUR_IP];
  for (const src of sources) drops(ipv4(ECHO, { src }), counters.COUNTER_IP_IN_MARTIAN);
  drops(ipv4(ECHO, { dst: 0x7f000001 }), counters.COUNTER_IP_IN_MARTIAN);
});

test("the land attack: our own address and port as source [attack 14]", () => {
  drops(tcp({ src: OUR_IP, srcPort: 80, dstPort: 80 }), counters.COUNTER_IP_IN_MARTIAN);
});

test("packets for other hosts are not forwarded, broadcasts need a broadcast frame and the other way round [1122 3.3.6] [791#4] [791#12]", () => {
  drops(ipv4(ECHO, { dst: 0x0a000003 }), counters.COUNTER_IP_IN_ADDR_ERRORS);
  drops(ipv4(ECHO, { to: BROADCAST }), counters.COUNTER_IP_IN_ADDR_ERRORS);
  drops(ipv4(ECHO, { dst: 0x0a0000ff }), counters.COUNTER_IP_IN_ADDR_ERRORS);
  drops(ipv4(ECHO, { dst: 0xe0000001, to: BROADCAST }), counters.COUNTER_IP_IN_ADDR_ERRORS);
});

test("a flow that was looked at opens no way for other addresses, nor for itself as a broadcast [1122 3.2.1.3] [1122 3.3.6]", () => {
  const bench = new Bench();
  bench.meetPeer();
  const refused: [Uint8Array, number][] = [
    [ipv4(ECHO, { src: OUR_IP }), counters.COUNTER_IP_IN_MARTIAN],
    [ipv4(ECHO, { src: 0x0a0000ff }), counters.COUNTER_IP_IN_MARTIAN],
    [ipv4(ECHO, { dst: 0x0a000003 }), counters.COUNTER_IP_IN_ADDR_ERRORS],
    [ipv4(ECHO, { dst: 0x0a0000ff }), counters.COUNTER_IP_IN_ADDR_ERRORS],
    [ipv4(ECHO, { to: BROADCAST }), counters.COUNTER_IP_IN_ADDR_ERRORS],
  ];
  for (const [frame, counter] of refused) {
    assert.is(bench.turn([ipv4(ECHO)]).length, 1);
    for (let twice = 0; twice < 2; twice++) {
      const counted = bench.counted(() => assert.equal(bench.turn([frame]), []));
      assert.equal(counted, { [counters.COUNTER_IP_IN_RECEIVES]: 1, [counter]: 1 });
    }
  }
});

test("echo requests to all hosts get no answer [attack 29] [792#6]", () => {
  for (const dst of [0xffffffff, 0x0a0000ff])
    drops(ipv4(ECHO, { dst, to: BROADCAST }), counters.COUNTER_ICMP_IN_IGNORED);
});

test("segments to all hosts get no answer [9293 MUST-57]", () => {
  drops(tcp({ dst: 0x0a0000ff, to: BROADCAST }), counters.COUNTER_TCP_IN_ERRS);
});

test("TTL 0 and 1 are good enough for us [attack 17] [791#7]", () => {
  answers(ipv4(ECHO, { ttl: 0 }));
  answers(ipv4(ECHO, { ttl: 1 }));
});

test("a packet that must not be fragmented is none", () => {
  answers(ipv4(ECHO, { fragment: 0x4000 }));
});

test("TCP headers that do not fit [attack 32]", () => {
  for (const offset of [0, 4, 15]) {
    const frame = tcp();
    frame[46] = offset << 4;
    drops(fixTcp(frame), counters.COUNTER_TCP_IN_ERRS);
  }
  drops(ipv4(new Uint8Array(19), { protocol: 6 }), counters.COUNTER_TCP_IN_ERRS);
});

test("a wrong TCP checksum, 0 and 0xffff included [9293 MUST-3] [attack 45]", () => {
  for (const sum of [0x1234, 0, 0xffff]) {
    const frame = tcp({ dstPort: 81 });
    frame.set(bytes16(sum), 50);
    drops(frame, counters.COUNTER_TCP_IN_CSUM_ERRORS);
  }
});

test("a partial or verified checksum is not computed [attack 45]", () => {
  const frame = tcp({ dstPort: 81 });
  frame.set([1, 1], 50);
  answers(frame, FRAME_CSUM_PARTIAL);
  answers(frame, FRAME_CSUM_VALID);
});

test("port 0 at either end is dropped, not reset [attack 61]", () => {
  drops(tcp({ srcPort: 0 }), counters.COUNTER_TCP_IN_PORT_ZERO);
  drops(tcp({ dstPort: 0 }), counters.COUNTER_TCP_IN_PORT_ZERO);
});

test("super-segment sizes are hints: 0, larger than the payload, 1 [attack 46]", () => {
  for (const gsoSize of [0, 1, 65535]) answers(tcp({ dstPort: 81, payload: [1, 2, 3] }), FRAME_CSUM_VALID, gsoSize);
});

test("a segment that nobody owns is reset by the rules [9293 3.5.2 group 1]", () => {
  const reply = answers(tcp({ dstPort: 81, seq: 0xfffffffe, flags: 2, payload: [1, 2, 3] }));
  const view = new DataView(reply.buffer);
  assert.is(reply[47], 0x14); // RST, ACK
  assert.is(view.getUint32(38), 0);
  assert.is(view.getUint32(42), 2); // SEG.SEQ + SEG.LEN across 2^32
  const other = new DataView(answers(tcp({ dstPort: 81, ack: 77, flags: 0x10 })).buffer);
  assert.is(other.getUint8(47), 0x04);
  assert.is(other.getUint32(38), 77);
});

test("a reset is never answered with one", () => {
  const bench = new Bench();
  bench.meetPeer();
  assert.equal(bench.turn([tcp({ dstPort: 81, flags: 4 }), tcp({ dstPort: 81, flags: 0x14 })]), []);
});

test("descriptors that lie outside of the memory are refused", () => {
  const bench = new Bench();
  const { views, exports } = bench.host;
  const descriptor = (ptr: number, length: number) => {
    const at = bench.host.firstDescriptor;
    views.u32[at >>> 2] = ptr;
    views.u32[(at >>> 2) + 1] = length;
    const counted = bench.counted(() => exports.receive(1, 1, bench.nowUs));
    assert.equal(counted, { [counters.COUNTER_FRAME_BAD_DESCRIPTOR]: 1 });
  };
  descriptor(0xffffffff, 60);
  descriptor(0xfffffff0, 0xffffffff);
  descriptor(65536, 65550);
  exports.receive(99, 1, bench.nowUs); // an interface that is none
});

test("no frame, whatever its bytes, traps or makes it stop answering", () => {
  const bench = new Bench();
  bench.meetPeer();
  bench.host.listen(80);
  bench.turn();
  const seeds = [
    ipv4(ECHO),
    tcp(),
    tcp({ tcpOptions: [2, 4, 5, 180, 1, 3, 3, 7] }),
    ipv4(icmp(3, 3, 0, ipv4(ECHO).slice(14))),
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { maxLength: 6 }),
      fc.boolean(),
      (seed, changes, repair) => {
        const frame = seed.slice();
        for (const [at, value] of changes) if (at >= 14 && at < frame.length) frame[at] = value;
        if (repair) fixIpv4(frame);
        bench.turn([{ bytes: frame, flags: repair ? FRAME_CSUM_VALID : 0, gsoSize: 0 }]);
      },
    ),
    { numRuns: 2000, seed: 7 },
  );
  bench.meetPeer();
  assert.ok(bench.turn([ipv4(ECHO)]).some((frame) => frame[34] === 0));
});

test.run();
