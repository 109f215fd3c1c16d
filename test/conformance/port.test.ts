// The conformance port from the outside: the protocol over its unix socket, with a peer made of packets. Needs no packetdrill.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  HELLO_LINES,
  PortUnderTest,
  peerPacket,
  REMOTE_IP,
  type ShimConnection,
  START_US,
  segmentOf,
  sockaddr,
} from "../support/shim.ts";
import { EDEADLK, EINPROGRESS, ENOSYS, EPROTO } from "./errno.ts";
import { KIND_DONE, KIND_STARTED } from "./frames.ts";
import * as ops from "./ops.ts";
import { AF_INET, AF_INET6 } from "./sockaddr.ts";

const FIN = 1;
const SYN = 2;
const ACK = 16;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const IPPROTO_TCP = 6;
const PEER_ISS = 0xfffffff0;
const PORT = 8080;
/** SipHash-2-4 of 192.0.2.1 and 192.168.0.1 under the key of the test, by another implementation. */
const COOKIE = "0b3ad0ec99a15273";

const conformance = suite("test/conformance/port");
let port: PortUnderTest;
conformance.before(async () => {
  port = await new PortUnderTest().start();
});
conformance.after(() => port.stop());

async function openSocket(main: ShimConnection, now = START_US, type = SOCK_STREAM): Promise<number> {
  return (await main.call({ op: ops.OP_SOCKET, now, a: AF_INET, b: type, c: IPPROTO_TCP })).result;
}

async function listen(main: ShimConnection): Promise<number> {
  const handle = await openSocket(main);
  await main.call({ op: ops.OP_BIND, now: START_US, handle, payload: sockaddr(0, PORT) });
  assert.is((await main.call({ op: ops.OP_LISTEN, now: START_US, handle, a: 1 })).result, 0);
  return handle;
}

async function nextSegment(main: ShimConnection, now: number, waitMs = 0) {
  const reply = await main.call({ op: ops.OP_NEXT_PACKET, now, a: waitMs });
  assert.is(reply.result, 1, "no packet");
  return { ...segmentOf(reply.payload), timeUs: reply.now };
}

/** The peer connects: SYN, SYN-ACK, ACK. @returns our initial sequence number */
async function handshake(main: ShimConnection, now: number): Promise<number> {
  const syn = peerPacket({ dstPort: PORT, seq: PEER_ISS, flags: SYN, tcpOptions: [[2, 4, 5, 180]].flat() });
  await main.call({ op: ops.OP_INJECT, now, payload: syn });
  const answer = await nextSegment(main, now);
  assert.is(answer.flags, SYN | ACK);
  assert.is(answer.ack, (PEER_ISS + 1) >>> 0);
  const ack = peerPacket({ dstPort: PORT, seq: PEER_ISS + 1, ack: (answer.seq + 1) >>> 0, flags: ACK });
  await main.call({ op: ops.OP_INJECT, now, payload: ack });
  return answer.seq;
}

conformance("accepts, receives, sends and closes", async () => {
  const main = await port.begin();
  const listener = await listen(main);
  const iss = await handshake(main, START_US + 1000);
  const now = START_US + 2000;
  const accepted = await main.call({ op: ops.OP_ACCEPT, now, handle: listener });
  assert.ok(accepted.result >= 0);
  assert.is(accepted.payload.readUInt32BE(4), REMOTE_IP);
  const handle = accepted.result;

  const data = peerPacket({ dstPort: PORT, seq: PEER_ISS + 1, ack: (iss + 1) >>> 0, flags: ACK, payload: [1, 2, 3] });
  await main.call({ op: ops.OP_INJECT, now, payload: data });
  const read = await main.call({ op: ops.OP_RECV, now, handle, a: 10 });
  assert.is(read.result, 3);
  assert.equal([...read.payload], [1, 2, 3]);

  const sent = await main.call({ op: ops.OP_SEND, now, handle, payload: Buffer.from([9, 8]) });
  assert.is(sent.result, 2);
  let segment = await nextSegment(main, now);
  if (segment.payload.length === 0) segment = await nextSegment(main, now);
  assert.equal([...segment.payload], [9, 8]);
  assert.is(segment.ack, (PEER_ISS + 4) >>> 0);

  assert.is((await main.call({ op: ops.OP_CLOSE, now, handle })).result, 0);
  const fin = await nextSegment(main, now);
  assert.is(fin.flags & FIN, FIN);
  assert.is((await main.call({ op: ops.OP_END, now })).result, 0);
});

conformance("connects when the peer answers, and says EINPROGRESS before to a socket that does not block", async () => {
  const main = await port.begin();
  const handle = await openSocket(main, START_US, SOCK_STREAM | SOCK_NONBLOCK);
  const connect = { op: ops.OP_CONNECT, handle, payload: sockaddr(REMOTE_IP, PORT) };
  const first = await main.call({ ...connect, now: START_US });
  assert.is(first.result, -1);
  assert.is(first.errno, EINPROGRESS);
  const syn = await nextSegment(main, START_US);
  assert.is(syn.flags, SYN);
  const answer = { srcPort: PORT, dstPort: syn.srcPort, seq: PEER_ISS, ack: (syn.seq + 1) >>> 0, flags: SYN | ACK };
  await main.call({ op: ops.OP_INJECT, now: START_US + 5, payload: peerPacket(answer) });
  assert.is((await main.call({ ...connect, now: START_US + 5 })).result, 0);
});

conformance("retransmits at the virtual time that the stack chose, however long that is", async () => {
  const main = await port.begin();
  const handle = await openSocket(main, START_US, SOCK_STREAM | SOCK_NONBLOCK);
  await main.call({ op: ops.OP_CONNECT, now: START_US, handle, payload: sockaddr(REMOTE_IP, PORT) });
  const times: number[] = [];
  for (let count = 0; count < 4; count++) times.push((await nextSegment(main, START_US, 60_000)).timeUs - START_US);
  assert.equal(times, [0, 1e6, 3e6, 7e6]);
});

conformance("answers a blocking accept with started at once and with done when the connection comes", async () => {
  const main = await port.begin();
  const listener = await listen(main);
  const blocking = await port.connect();
  assert.is((await blocking.call({ op: ops.OP_HELLO, now: START_US, a: 1, b: 1 })).result, 0);
  blocking.send({ op: ops.OP_ACCEPT, now: START_US, handle: listener });
  assert.is((await blocking.reply()).kind, KIND_STARTED);
  await handshake(main, START_US + 250_000);
  const done = await blocking.reply();
  assert.is(done.kind, KIND_DONE);
  assert.ok(done.result >= 0);
  assert.is(done.now, START_US + 250_000);
});

conformance("tells RUN that a call was completed, and when", async () => {
  const main = await port.begin();
  const handle = await openSocket(main);
  const blocking = await port.connect();
  await blocking.call({ op: ops.OP_HELLO, now: START_US, a: 1, b: 1 });
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(2n);
  await main.call({ op: ops.OP_SETSOCKOPT, now: START_US, handle, a: 1, b: 21, payload: timeout });
  blocking.send({ op: ops.OP_CONNECT, now: START_US, handle, payload: sockaddr(REMOTE_IP, PORT) });
  assert.is((await blocking.reply()).kind, KIND_STARTED);
  const ran = await main.call({ op: ops.OP_RUN, now: START_US, a: 10_000_000 });
  assert.is(ran.result, 1);
  assert.is(ran.now, START_US + 2_000_000);
  const done = await blocking.reply();
  assert.is(done.errno, EINPROGRESS);
  assert.is(done.now, START_US + 2_000_000);
});

conformance("answers EDEADLK to a call that nothing can complete, after an hour", async () => {
  const main = await port.begin();
  const listener = await listen(main);
  const accepted = await main.call({ op: ops.OP_ACCEPT, now: START_US, handle: listener });
  assert.is(accepted.result, -1);
  assert.is(accepted.errno, EDEADLK);
  assert.is(accepted.now, START_US + 3600e6);
});

conformance("begins each run with a fresh stack, the same as the one before", async () => {
  const traces: string[][] = [];
  for (let run = 0; run < 2; run++) {
    const main = await port.begin();
    const handle = await openSocket(main, START_US, SOCK_STREAM | SOCK_NONBLOCK);
    assert.is(handle, 0);
    await main.call({ op: ops.OP_CONNECT, now: START_US, handle, payload: sockaddr(REMOTE_IP, PORT) });
    const packets: string[] = [];
    for (let count = 0; count < 3; count++) {
      const reply = await main.call({ op: ops.OP_NEXT_PACKET, now: START_US, a: 10_000 });
      packets.push(`${reply.now} ${reply.payload.toString("hex")}`);
    }
    traces.push(packets);
  }
  assert.equal(traces[0], traces[1]);
});

conformance("chooses other numbers for another seed", async () => {
  const seen = new Set<number>();
  for (const seed of [1, 2]) {
    const main = await port.begin(HELLO_LINES.replace("seed=7", `seed=${seed}`));
    const handle = await openSocket(main, START_US, SOCK_STREAM | SOCK_NONBLOCK);
    await main.call({ op: ops.OP_CONNECT, now: START_US, handle, payload: sockaddr(REMOTE_IP, PORT) });
    seen.add((await nextSegment(main, START_US)).seq);
  }
  assert.is(seen.size, 2);
});

conformance("takes sysctls while the run goes on", async () => {
  const main = await port.begin();
  const config = Buffer.from("net.ipv4.tcp_timestamps=0\nnet.ipv4.no_such_name=1\ncmd.tc=qdisc add\n");
  assert.is((await main.call({ op: ops.OP_CONFIG, now: START_US, payload: config })).result, 0);
  const handle = await openSocket(main, START_US, SOCK_STREAM | SOCK_NONBLOCK);
  await main.call({ op: ops.OP_CONNECT, now: START_US, handle, payload: sockaddr(REMOTE_IP, PORT) });
  const reply = await main.call({ op: ops.OP_NEXT_PACKET, now: START_US, a: 0 });
  const tcpHeader = reply.payload.subarray(20);
  const options = tcpHeader.subarray(20, (tcpHeader[12]! >>> 4) * 4);
  assert.not(options.includes(8), "a timestamps option");
});

conformance(
  "makes Fast Open cookies of a key that was given as Linux does: SipHash of both addresses [RFC 7413 4.1.2]",
  async () => {
    const main = await port.begin();
    const config = "net.ipv4.tcp_fastopen=0x70403\nnet.ipv4.tcp_fastopen_key=00112233-44556677-8899aabb-ccddeeff\n";
    await main.call({ op: ops.OP_CONFIG, now: START_US, payload: Buffer.from(config) });
    await listen(main);
    const request = peerPacket({ dstPort: PORT, seq: PEER_ISS, flags: SYN, tcpOptions: [34, 2, 1, 1] });
    await main.call({ op: ops.OP_INJECT, now: START_US, payload: request });
    const reply = await main.call({ op: ops.OP_NEXT_PACKET, now: START_US });
    assert.ok(reply.payload.toString("hex").includes(`220a${COOKIE}`), reply.payload.toString("hex"));
  },
);

conformance("speaks IPv6 sockets over IPv4-mapped addresses", async () => {
  const main = await port.begin(HELLO_LINES.replace("ipv4", "ipv4-mapped-ipv6"));
  const opened = await main.call({ op: ops.OP_SOCKET, now: START_US, a: AF_INET6, b: SOCK_STREAM | SOCK_NONBLOCK });
  const mapped = Buffer.alloc(28);
  mapped.writeUInt16LE(AF_INET6, 0);
  mapped.writeUInt16BE(PORT, 2);
  mapped.writeUInt16BE(0xffff, 18);
  mapped.writeUInt32BE(REMOTE_IP, 20);
  await main.call({ op: ops.OP_CONNECT, now: START_US, handle: opened.result, payload: mapped });
  const reply = await main.call({ op: ops.OP_NEXT_PACKET, now: START_US, a: 0 });
  assert.is(reply.payload[0]! >>> 4, 4);
  assert.is(reply.payload.readUInt32BE(16), REMOTE_IP);
});

conformance("refuses what it does not know: operations, versions, handles, plain IPv6", async () => {
  const main = await port.begin();
  assert.is((await main.call({ op: 77, now: START_US })).errno, ENOSYS);
  assert.is((await main.call({ op: ops.OP_RECV, now: START_US, handle: 5, a: 1 })).errno, 9);
  assert.is((await main.call({ op: ops.OP_SOCKET, now: START_US, a: AF_INET6, b: SOCK_STREAM })).errno, 97);
  const other = await port.connect();
  assert.is((await other.call({ op: ops.OP_HELLO, now: START_US, a: 2, b: 0 })).errno, EPROTO);
});

conformance("drops a connection that sends a frame of an impossible length, and serves on", async () => {
  const bad = await port.connect();
  bad.send({ op: ops.OP_HELLO, now: START_US, a: 1, b: 0, payload: Buffer.alloc(17 * 1024 * 1024) });
  const main = await port.begin();
  assert.is(await openSocket(main), 0);
});

conformance.run();
