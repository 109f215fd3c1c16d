// The server of TCP Fast Open, SYN by SYN (RFC 7413 4.1.2, 4.2.2, 5.1). The client and whole exchanges are in test/sim/fast-open.test.ts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, type Arriving, Core, type Leaving, PSH, RST, SYN } from "./input-harness.ts";

const test = suite("tcp/fast-open");
const KIND = 34;
const NONE = new Uint8Array(0);
const DAY = 24 * 3600 * 1_000_000;

/** A core that listens with a limit of pending Fast Open connections. */
async function serving(limit = 16, mode = 3, more: [number, number][] = []): Promise<Core & { listener: number }> {
  const core = await Core.create([[L.SYSCTL_TCP_FASTOPEN, mode], ...more]);
  const listener = core.listen(64);
  core.x.inputOption(listener, L.SOCKET_OPTION_FASTOPEN, limit, 0, core.now);
  return Object.assign(core, { listener });
}

/** The Fast Open cookie of a SYN-ACK without timestamps, or undefined. */
function cookieIn({ options }: Leaving): Uint8Array | undefined {
  for (let at = 0; at < options.length && options[at] !== 0; ) {
    if (options[at] === 1) at++;
    else if (options[at] === KIND) return options.slice(at + 2, at + options[at + 1]!);
    else at += options[at + 1]!;
  }
  return undefined;
}

/** A peer's SYN and our SYN-ACK. */
function open(core: Core, syn: Partial<Arriving>): Leaving {
  core.arrive({ flags: SYN, mss: 1460, wnd: 65535, ...syn });
  const out = core.expect({ flags: SYN | ACK });
  core.index = out.index;
  return out;
}

/** The cookie that the server gives to the peer. */
function cookieOf(core: Core, remotePort = 900): Uint8Array {
  const out = open(core, { remotePort, fastOpen: NONE });
  core.x.inputAbort(out.index, core.now);
  core.pullAll();
  core.events();
  return cookieIn(out)!;
}

test("gives a cookie of 8 bytes to who asks, and none to who does not [RFC 7413 4.1.2]", async () => {
  const core = await serving();
  assert.is(cookieOf(core).length, 8);
  assert.equal(cookieOf(core), cookieOf(core, 901), "it is the address's, not the port's");
  assert.is(cookieIn(open(core, { remotePort: 902 })), undefined);
  assert.is(core.counter(C.COUNTER_TCP_FASTOPEN_COOKIE_REQD), 3);
});

test("hands over the data of a SYN with a good cookie, acknowledges it, and may answer before the handshake is complete [RFC 7413 4.2.2]", async () => {
  const core = await serving();
  const fastOpen = cookieOf(core);
  const out = open(core, { data: 100, seq: 0, fastOpen });
  assert.is(out.ack, 101);
  assert.is(cookieIn(out), undefined);
  assert.is(core.state(), L.STATE_SYN_RECEIVED);
  assert.ok((core.events().get(core.index) ?? 0) & 0x10000, "main is told");
  assert.is(core.read().length, 100);
  core.arrive({ flags: ACK, seq: 101, ack: 1 });
  assert.is(core.state(), L.STATE_ESTABLISHED);
  core.arrive({ flags: ACK | PSH, seq: 101, ack: 1, data: 50 });
  assert.is(core.read().length, 50);
});

test("delivers the data of a SYN that comes twice once [attack 55]", async () => {
  const core = await serving();
  const fastOpen = cookieOf(core);
  open(core, { data: 100, fastOpen });
  core.arrive({ flags: SYN, mss: 1460, data: 100, fastOpen });
  core.expect({ flags: SYN | ACK, ack: 101 }, "again");
  core.arrive({ flags: ACK, seq: 101, ack: 1 });
  assert.is(core.read().length, 100);
});

test("takes no data with a forged, foreign or outdated cookie, and gives a good one [RFC 7413 4.2.2]", async () => {
  const core = await serving();
  const good = cookieOf(core);
  const forged = good.slice();
  forged[3]! ^= 1;
  for (const [index, fastOpen] of [forged, good.slice(0, 4), new Uint8Array(16).fill(1)].entries()) {
    const out = open(core, { remotePort: 1000 + index, data: 100, fastOpen });
    assert.is(out.ack, 1);
    assert.equal(cookieIn(out), good);
  }
  assert.is(core.counter(C.COUNTER_TCP_FASTOPEN_PASSIVE_FAIL), 3);
  core.now += DAY;
  assert.is(open(core, { remotePort: 2000, data: 100, fastOpen: good }).ack, 101, "the day after");
  core.now += DAY;
  assert.is(open(core, { remotePort: 2001, data: 100, fastOpen: good }).ack, 1, "two days after");
});

test("computes its cookies as Linux does where tcp_fastopen_key is set", async () => {
  // SipHash-2-4 of 10.0.0.2 and 10.0.0.1 under the key 1, 2, 3, 4: what a server farm of one key agrees on
  const words = [
    L.SYSCTL_TCP_FASTOPEN_KEY0,
    L.SYSCTL_TCP_FASTOPEN_KEY1,
    L.SYSCTL_TCP_FASTOPEN_KEY2,
    L.SYSCTL_TCP_FASTOPEN_KEY3,
  ];
  const key = words.map((address, index): [number, number] => [address, index + 1]);
  const core = await serving(16, 3, key);
  const cookie = cookieOf(core);
  core.now += 30 * DAY;
  assert.equal(cookieOf(core, 901), cookie, "a configured key does not change");
  const other = await serving(16, 3, key);
  assert.equal(cookieOf(other), cookie);
  const third = await serving(16, 3, [...key.slice(1), [words[0]!, 7]]);
  assert.not.equal(cookieOf(third), cookie);
});

test("a listener's own key takes the place of tcp_fastopen_key, for what it gives and takes [RFC 7413 4.1.2]", async () => {
  const words = [
    L.SYSCTL_TCP_FASTOPEN_KEY0,
    L.SYSCTL_TCP_FASTOPEN_KEY1,
    L.SYSCTL_TCP_FASTOPEN_KEY2,
    L.SYSCTL_TCP_FASTOPEN_KEY3,
  ];
  const global = cookieOf(
    await serving(
      16,
      3,
      words.map((address, index) => [address, index + 1]),
    ),
  );
  const core = await serving();
  core.x.inputOption(core.listener, L.SOCKET_OPTION_FASTOPEN_KEY0, 1, 2, core.now);
  core.x.inputOption(core.listener, L.SOCKET_OPTION_FASTOPEN_KEY1, 3, 4, core.now);
  assert.equal(cookieOf(core), global, "the same key, the same cookie");
  assert.is(open(core, { remotePort: 1000, data: 10, fastOpen: global }).ack, 11);
  core.x.inputOption(core.listener, L.SOCKET_OPTION_FASTOPEN_KEY1, 3, 5, core.now);
  const out = open(core, { remotePort: 1001, data: 10, fastOpen: global });
  assert.is(out.ack, 1, "another key: not good any more");
  assert.not.equal(cookieIn(out), global);
});

test("the option TCP_FASTOPEN_NO_COOKIE of a listener needs none either [RFC 7413 4.1.3]", async () => {
  const core = await serving();
  core.x.inputOption(core.listener, L.SOCKET_OPTION_FASTOPEN_NO_COOKIE, 1, 0, core.now);
  assert.is(open(core, { data: 10 }).ack, 11);
});

test("limits what is pending; beyond the limit a SYN is an ordinary one [RFC 7413 5.1]", async () => {
  const core = await serving(2);
  const fastOpen = cookieOf(core);
  const acks = [1000, 1001, 1002].map((remotePort) => open(core, { remotePort, data: 10, fastOpen }).ack);
  assert.equal(acks, [11, 11, 1]);
  assert.is(core.counter(C.COUNTER_TCP_FASTOPEN_LISTEN_OVERFLOW), 1);
});

test("a RST does not make room for another minute: spoofed SYNs stay bounded [RFC 7413 5.1]", async () => {
  const core = await serving(1);
  const fastOpen = cookieOf(core);
  open(core, { remotePort: 1000, data: 10, fastOpen });
  core.arrive({ flags: RST, seq: 11, remotePort: 1000 });
  assert.is(core.state(), L.STATE_CLOSED);
  assert.is(core.error(), L.ECONNRESET);
  assert.is(open(core, { remotePort: 1001, data: 10, fastOpen }).ack, 1);
  core.now += 61_000_000;
  assert.is(open(core, { remotePort: 1002, data: 10, fastOpen }).ack, 11);
});

test("challenges another SYN for a connection that main has [RFC 5961 4.2] [attack 56]", async () => {
  const core = await serving();
  const fastOpen = cookieOf(core);
  open(core, { data: 10, fastOpen });
  core.arrive({ flags: SYN, seq: 500, mss: 1460 });
  core.expect({ flags: ACK, ack: 11 });
  assert.is(core.state(), L.STATE_SYN_RECEIVED);
});

test("needs no cookie where tcp_fastopen says so, nor the option", async () => {
  const core = await serving(16, 3 | 0x200);
  assert.is(open(core, { data: 10 }).ack, 11);
});

test.run();
