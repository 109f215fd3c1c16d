import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../../assembly/layout.ts";
import { Core } from "./input-harness.ts";

const test = suite("tcp/isn");

/** SipHash-2-4 as its paper has it, on BigInt: the oracle. */
function sipHash(key: Uint8Array, data: Uint8Array): bigint {
  const mask = (1n << 64n) - 1n;
  const word = (bytes: Uint8Array, at: number): bigint => {
    let value = 0n;
    for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] ?? 0);
    return value;
  };
  const rotate = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & mask;
  const k0 = word(key, 0);
  const k1 = word(key, 8);
  const v = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn, k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n];
  const round = (): void => {
    v[0] = (v[0]! + v[1]!) & mask;
    v[1] = rotate(v[1]!, 13n) ^ v[0]!;
    v[0] = rotate(v[0]!, 32n);
    v[2] = (v[2]! + v[3]!) & mask;
    v[3] = rotate(v[3]!, 16n) ^ v[2]!;
    v[0] = (v[0]! + v[3]!) & mask;
    v[3] = rotate(v[3]!, 21n) ^ v[0]!;
    v[2] = (v[2]! + v[1]!) & mask;
    v[1] = rotate(v[1]!, 17n) ^ v[2]!;
    v[2] = rotate(v[2]!, 32n);
  };
  const words: bigint[] = [];
  for (let at = 0; at + 8 <= data.length; at += 8) words.push(word(data, at));
  words.push(word(data, data.length - (data.length % 8)) | (BigInt(data.length & 255) << 56n));
  for (const m of words) {
    v[3] = v[3]! ^ m;
    round();
    round();
    v[0] = v[0]! ^ m;
  }
  v[2] = v[2]! ^ 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v[0]! ^ v[1]! ^ v[2]! ^ v[3]!;
}

test("is M + F: the 4 µs clock plus SipHash-2-4 of the four-tuple under the secret [RFC 6528 3, MUST-8]", async () => {
  const core = (await Core.create()).synSent();
  const record = L.TCB_RECORDS + core.index * L.TCB_BYTES;
  const key = core.u8.slice(L.SECRET_ISN, L.SECRET_ISN + 16);
  const tuple = core.u8.slice(record + L.TCB_LOCAL_ADDRESS, record + L.TCB_LOCAL_ADDRESS + 36);
  assert.equal([...tuple.subarray(10, 16)], [255, 255, 10, 0, 0, 1]);
  for (const nowUs of [0, 4, 1_000_000, 17_179_869_184, 1e15]) {
    const wanted = (BigInt(Math.floor(nowUs / 4)) + sipHash(key, tuple)) & 0xffffffffn;
    assert.is(core.x.inputIsn(core.index, nowUs) >>> 0, Number(wanted), `at ${nowUs}`);
  }
  assert.is(core.iss, core.x.inputIsn(core.index, core.now) >>> 0);
});

test("differs between four-tuples in an unpredictable way, and between secrets [RFC 9293 MUST-9]", async () => {
  const core = await Core.create();
  const seen = new Set<number>();
  const steps = new Set<number>();
  let last = 0;
  for (let port = 1; port <= 200; port++) {
    const index: number = core.x.inputConnect(40000, port, false, 0, core.now);
    const isn = core.x.inputIsn(index, core.now) >>> 0;
    seen.add(isn);
    steps.add((isn - last) >>> 0);
    last = isn;
  }
  assert.is(seen.size, 200);
  assert.is(steps.size, 200, "no constant step from port to port");
  const first = (await Core.create()).synSent();
  const other = await Core.create([[L.SECRET_ISN, 1]]);
  other.synSent();
  assert.is.not(first.iss, other.iss);
});

test.run();
