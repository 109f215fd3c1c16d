// Urgent data both ways: the byte out of band and in line, the mark, a byte that another one overtakes, and pointers that lie.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../assembly/layout.ts";
import type { SimSocket, Simulator } from "../../src/sim/index.ts";
import { assertAllFree, connected, SECOND, simulate } from "../support/sim.ts";

const test = suite("sim/urgent");
const TCP = 34;
const URG = 32;

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
function readText(socket: SimSocket, most = 1000): string | null {
  const target = new Uint8Array(most);
  const count = socket.read(target);
  return count === null ? null : new TextDecoder().decode(target.subarray(0, count));
}

/** Writes all of it as soon as there is room. */
function send(sim: Simulator, socket: SimSocket, words: string, mark = 0): void {
  const bytes = text(words);
  let from = 0;
  assert.ok(
    sim.runFor(SECOND, () => {
      from += socket.write(bytes, from, mark);
      return from === bytes.length;
    }),
  );
}

/** A connection without Nagle, and the urgent pointers seen on the wire, as SEG.SEQ + SEG.UP from the first byte. */
function pair(options: Parameters<typeof simulate>[0] = {}) {
  const sim = simulate(options);
  const made = connected(sim);
  made.client.setNoDelay(true);
  const pointers: number[] = [];
  const iss = made.client.field(L.TCB_ISS);
  sim.filter = (from, { bytes }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (from === "a" && bytes[12] === 8 && bytes[13] === 0 && (bytes[TCP + 13]! & URG) !== 0)
      pointers.push((view.getUint32(TCP + 4) + view.getUint16(TCP + 18) - iss - 1) >>> 0);
    return true;
  };
  return { sim, pointers, ...made };
}

test("the last byte of an urgent write is told as such: the pointer is one after it [9293 3.8.5 MUST-30, 6093]", () => {
  const { sim, client, server, pointers } = pair();
  send(sim, client, "abc");
  send(sim, client, "de!", L.SEND_MARK_URGENT);
  sim.runFor(SECOND);
  assert.is(pointers.length > 0, true);
  assert.is(
    pointers.every((pointer) => pointer === 6),
    true,
    `${pointers}`,
  );
  assert.is(server.hasUrgent, true);
  assert.is(server.readUrgent(), "!".charCodeAt(0));
  assert.is(server.readUrgent(), null, "once");
  assert.is(server.hasUrgent, false);
});

test("urgent data has any length: one that the field does not reach is told once it does [9293 3.8.5 MUST-31]", () => {
  const { sim, client, server, pointers } = pair();
  const words = "y".repeat(150_000);
  const bytes = text(words);
  let from = 0;
  let got = "";
  sim.processes.push(
    () => {
      from += client.write(bytes, from, L.SEND_MARK_URGENT);
    },
    () => {
      got += readText(server, 65_536) ?? "";
    },
  );
  assert.ok(sim.runFor(20 * SECOND, () => from === bytes.length && client.unacknowledged === 0));
  sim.runFor(SECOND);
  assert.is(pointers.at(-1), bytes.length);
  assert.ok(pointers.every((pointer) => pointer <= bytes.length));
  assert.is(got.length, bytes.length - 1, "all but the urgent byte");
});

test("reading stops at the mark and leaves the urgent byte out of the stream; the reader can see how far it is [MUST-33]", () => {
  const { sim, client, server } = pair();
  send(sim, client, "abc!", L.SEND_MARK_URGENT);
  send(sim, client, "def");
  sim.runFor(SECOND);
  assert.is(server.atMark, false);
  assert.is(server.urgentAhead, 3);
  assert.is(readText(server), "abc");
  assert.is(server.urgentAhead, 0);
  assert.is(server.atMark, true);
  assert.is(readText(server), "def");
  assert.is(server.atMark, false);
  assert.is(server.readUrgent(), null, "the reader has passed it");
});

test("in line the byte is data, and reading stops at the mark too", () => {
  const { sim, client, server } = pair();
  server.setOption(L.SOCKET_OPTION_OOBINLINE, 1);
  send(sim, client, "abc!", L.SEND_MARK_URGENT);
  send(sim, client, "def");
  sim.runFor(SECOND);
  assert.is(server.readUrgent(), null);
  assert.is(readText(server), "abc");
  assert.is(server.atMark, true);
  assert.is(readText(server), "!def");
  assert.is(server.atMark, false);
});

test("a second urgent byte takes the place of one that was not read, which becomes data", () => {
  const { sim, client, server } = pair();
  send(sim, client, "a1", L.SEND_MARK_URGENT);
  sim.runFor(SECOND);
  send(sim, client, "b2", L.SEND_MARK_URGENT);
  sim.runFor(SECOND);
  assert.is(server.readUrgent(), "2".charCodeAt(0));
  assert.is(readText(server), "a1b");
  assert.is(server.atMark, true);
  assert.is(readText(server), "");
  assert.is(server.readable, 0);
});

test("a pointer is news before its byte arrives, and goes with a shut window [9293 3.8.5 MUST-32]", () => {
  const { sim, client, server, pointers } = pair({ b: { sysctl: { tcp_rmem: [4096, 4096, 4096] } } });
  for (let i = 0; i < 10 && client.field(L.TCB_SND_WND) > 0; i++) {
    send(sim, client, "x".repeat(1000));
    sim.runFor(SECOND);
  }
  assert.is(client.field(L.TCB_SND_WND), 0);
  assert.is(pointers.length, 0);
  send(sim, client, "!", L.SEND_MARK_URGENT);
  assert.ok(
    sim.runFor(120 * SECOND, () => pointers.length > 0),
    "a probe tells of it",
  );
  sim.runFor(SECOND);
  assert.is(server.readUrgent(), -1, "announced, not here");
  assert.is(server.urgentSignals, 1);
  while (server.readUrgent() === -1) {
    readText(server);
    sim.runFor(SECOND);
  }
  assert.is(server.atMark || server.readable > 0, true);
});

test("pointers that lie are harmless [attack 43]", () => {
  for (const pointer of [0, 1, 2, 500, 0xffff]) {
    const { sim, client, server, listener } = pair();
    let isStorm = true;
    sim.filter = (from, { bytes }) => {
      const isText =
        from === "a" && bytes[12] === 8 && bytes[13] === 0 && bytes[23] === 6 && bytes.length > TCP + 32 + 1;
      if (!isText || !isStorm) return true;
      // URG on every segment, with a pointer that means nothing; the checksum follows (RFC 1624)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      let sum = ~view.getUint16(TCP + 16) & 0xffff;
      sum += ~view.getUint16(TCP + 12) & 0xffff;
      view.setUint8(TCP + 13, view.getUint8(TCP + 13) | URG);
      sum += view.getUint16(TCP + 12) + (~view.getUint16(TCP + 18) & 0xffff);
      view.setUint16(TCP + 18, pointer);
      sum += pointer;
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      view.setUint16(TCP + 16, ~sum & 0xffff);
      return true;
    };
    let got = "";
    let urgent = 0;
    for (let i = 0; i < 50; i++) {
      send(sim, client, `line ${i % 10}\n`);
      sim.runFor(10_000);
      if (i % 3 === 0 && (server.readUrgent() ?? -1) >= 0) urgent++;
      const words = readText(server, 5);
      assert.ok(words !== null && words.length <= 5);
      got += words;
    }
    isStorm = false;
    for (let i = 0; i < 400; i++) {
      const words = readText(server, 7);
      got += words;
      sim.runFor(1000);
      if (words === "" && server.readable === 0) break;
    }
    // What is missing are urgent bytes, one for each mark at most: nothing else is lost, repeated or out of order
    const all = Array.from({ length: 50 }, (_, i) => `line ${i % 10}\n`).join("");
    assert.ok(got.length >= all.length - 50 - urgent && got.length <= all.length, `${pointer}: ${got.length}`);
    let at = 0;
    for (const letter of got) {
      at = all.indexOf(letter, at) + 1;
      assert.ok(at > 0, `${pointer}: ${JSON.stringify(letter)} is not from the stream`);
    }
    client.close();
    server.close();
    listener.close();
    assertAllFree(sim);
  }
});

test.run();
