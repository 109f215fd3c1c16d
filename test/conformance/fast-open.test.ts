// The calls of TCP Fast Open through the port: what Linux answers to sendto() with MSG_FASTOPEN and to the options.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  PortUnderTest,
  peerPacket,
  REMOTE_IP,
  type ShimConnection,
  START_US,
  segmentOf,
  sockaddr,
} from "../support/shim.ts";
import { EAGAIN, EALREADY, EINPROGRESS, EINVAL, EOPNOTSUPP } from "./errno.ts";
import * as ops from "./ops.ts";
import { IPPROTO_TCP, TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_KEY } from "./option-names.ts";
import { AF_INET } from "./sockaddr.ts";

const SYN = 2;
const ACK = 16;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const MSG_FASTOPEN = 0x20000000;
const PEER_ISS = 0xfffffff0;
const PORT = 8080;
const MSS_1000 = [2, 4, 3, 232];
const COOKIE = [34, 6, 1, 2, 3, 4, 1, 1];

const conformance = suite("test/conformance/fast-open");
let port: PortUnderTest;
conformance.before(async () => {
  port = await new PortUnderTest().start();
});
conformance.after(() => port.stop());

const now = START_US;
const configure = (main: ShimConnection, text: string) =>
  main.call({ op: ops.OP_CONFIG, now, payload: Buffer.from(`${text}\n`) });

async function openSocket(main: ShimConnection): Promise<number> {
  return (await main.call({ op: ops.OP_SOCKET, now, a: AF_INET, b: SOCK_STREAM | SOCK_NONBLOCK, c: IPPROTO_TCP }))
    .result;
}

/** sendto() with MSG_FASTOPEN. */
function sendTo(main: ShimConnection, handle: number, bytes: number) {
  const address = sockaddr(REMOTE_IP, PORT);
  const payload = Buffer.concat([address, Buffer.alloc(bytes, 7)]);
  return main.call({ op: ops.OP_SEND, now, handle, a: MSG_FASTOPEN, b: address.length, payload });
}

/** Data bytes and port of the SYN that left. */
async function leavingSyn(main: ShimConnection) {
  const reply = await main.call({ op: ops.OP_NEXT_PACKET, now });
  assert.is(reply.result, 1, "no packet");
  const segment = segmentOf(reply.payload);
  assert.is(segment.flags & (SYN | ACK), SYN);
  return segment;
}

/** Another socket learns the server's cookie. */
async function learnCookie(main: ShimConnection): Promise<void> {
  const handle = await openSocket(main);
  assert.is((await sendTo(main, handle, 500)).errno, EINPROGRESS, "no cookie is known");
  const syn = await leavingSyn(main);
  assert.is(syn.payload.length, 0);
  const answer = { srcPort: PORT, dstPort: syn.srcPort, seq: PEER_ISS, ack: (syn.seq + 1) >>> 0, flags: SYN | ACK };
  await main.call({
    op: ops.OP_INJECT,
    now,
    payload: peerPacket({ ...answer, tcpOptions: [...MSS_1000, ...COOKIE] }),
  });
  await main.call({ op: ops.OP_NEXT_PACKET, now });
}

conformance(
  "sendto(MSG_FASTOPEN) takes what goes with the SYN once the cookie is known, and then EALREADY, EAGAIN [RFC 7413 4.2.1]",
  async () => {
    const main = await port.begin();
    await learnCookie(main);
    const handle = await openSocket(main);
    assert.is((await sendTo(main, handle, 2000)).result, 960);
    assert.is((await leavingSyn(main)).payload.length, 960);
    assert.is((await sendTo(main, handle, 10)).errno, EALREADY);
    assert.is((await main.call({ op: ops.OP_SEND, now, handle, payload: Buffer.alloc(10) })).errno, EAGAIN);
  },
);

conformance(
  "with no byte to send it is a connect with the cookie: EINPROGRESS, and the SYN leaves [RFC 7413 4.2.1]",
  async () => {
    const main = await port.begin();
    await learnCookie(main);
    const handle = await openSocket(main);
    assert.is((await sendTo(main, handle, 0)).errno, EINPROGRESS);
    assert.is((await leavingSyn(main)).payload.length, 0);
  },
);

conformance("forgets cookies when the metrics are flushed, once and again [RFC 7413 4.1.3]", async () => {
  const main = await port.begin();
  for (let i = 0; i < 3; i++) {
    await learnCookie(main);
    for (let times = 0; times <= i; times++) await configure(main, "cmd.ip=tcp_metrics flush all");
  }
});

conformance("says EOPNOTSUPP where clients may not, and EINVAL to a key of another length", async () => {
  const main = await port.begin();
  const handle = await openSocket(main);
  const option = (name: number, bytes: number) =>
    main.call({ op: ops.OP_SETSOCKOPT, now, handle, a: IPPROTO_TCP, b: name, payload: Buffer.alloc(bytes, 1) });
  for (const bytes of [0, 3, 15, 17])
    assert.is((await option(TCP_FASTOPEN_KEY, bytes)).errno, EINVAL, `${bytes} bytes`);
  assert.is((await option(TCP_FASTOPEN_KEY, 16)).result, 0);
  await configure(main, "net.ipv4.tcp_fastopen=0");
  assert.is((await option(TCP_FASTOPEN_CONNECT, 4)).errno, EOPNOTSUPP);
  assert.is((await sendTo(main, handle, 10)).errno, EOPNOTSUPP);
});

conformance.run();
