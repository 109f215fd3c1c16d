// The 4-tuple table: keys that live in records, removal without tombstones, and the key's secret.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";

const test = suite("storage/tuple-table");
const { exports: wasm, u8, view } = await instantiate();

const NONE = 0xffffffff;
const SECRET = HEAP;
const KEY = HEAP + 67; // a key to look up, at an odd address
const TABLE = HEAP + 4096;
const RECORDS = HEAP + (16 << 20);
const RECORD_BYTES = 100;
const KEY_OFFSET = 40;
const KEY_BYTES = 36;

function init(capacity: number, secret = 1): void {
  const end = TABLE + wasm.tupleTableBytes(capacity);
  u8.fill(0, TABLE, end);
  u8.fill(0x5a, end, end + 64);
  for (let i = 0; i < 16; i++) u8[SECRET + i] = (secret * 89 + i * 7) & 255;
  wasm.tupleTableInit(TABLE, capacity, SECRET, RECORDS, RECORD_BYTES, KEY_OFFSET);
}

type Tuple = { local: number; remote: number; localPort: number; remotePort: number };

function writeKey(ptr: number, tuple: Tuple): void {
  u8.fill(0, ptr, ptr + KEY_BYTES);
  view.setUint16(ptr + 10, 0xffff); // ::ffff:a.b.c.d
  view.setUint32(ptr + 12, tuple.local);
  view.setUint16(ptr + 26, 0xffff);
  view.setUint32(ptr + 28, tuple.remote);
  view.setUint16(ptr + 32, tuple.localPort);
  view.setUint16(ptr + 34, tuple.remotePort);
}

const recordKey = (id: number) => RECORDS + id * RECORD_BYTES + KEY_OFFSET;

function insert(id: number, tuple: Tuple): boolean {
  writeKey(recordKey(id), tuple);
  return wasm.tupleTableInsert(TABLE, id) === 1;
}

function lookup(tuple: Tuple): number {
  writeKey(KEY, tuple);
  return wasm.tupleTableLookup(TABLE, KEY) >>> 0;
}

const remove = (id: number) => wasm.tupleTableRemove(TABLE, id) === 1;
const count = () => wasm.tupleTableCount(TABLE) >>> 0;
const tupleOf = (n: number): Tuple => ({ local: 0x0a000001, remote: 0x0a000002, localPort: 80, remotePort: n });

test("finds an id by its tuple, until it is removed", () => {
  init(8);
  assert.is(lookup(tupleOf(1)), NONE);
  assert.ok(insert(0, tupleOf(1)));
  assert.ok(insert(5, tupleOf(2)));
  assert.is(lookup(tupleOf(1)), 0);
  assert.is(lookup(tupleOf(2)), 5);
  assert.is(lookup(tupleOf(3)), NONE);
  assert.ok(remove(0));
  assert.is(lookup(tupleOf(1)), NONE);
  assert.is(lookup(tupleOf(2)), 5);
  assert.is(count(), 1);
});

test("tells tuples apart that differ in one bit of any byte", () => {
  init(1);
  const tuple = { local: 0x0a000001, remote: 0x0a000002, localPort: 80, remotePort: 4000 };
  insert(0, tuple);
  for (let byte = 0; byte < KEY_BYTES; byte++) {
    writeKey(KEY, tuple);
    u8[KEY + byte]! ^= 1 << (byte % 8);
    assert.is(wasm.tupleTableLookup(TABLE, KEY) >>> 0, NONE, `byte ${byte}`);
  }
  assert.is(lookup(tuple), 0);
});

// Two keys that differ in 32 bits at an offset only, and share the 32 bits of the hash that the table keeps. About 2^16.4
// tries find one; the secret is fixed, so they always do
function keysOfOneTag(offset: number): [number, number] {
  const seen = new Map<number, number>();
  writeKey(KEY, tupleOf(1));
  for (let n = 0; ; n++) {
    view.setUint32(KEY + offset, n);
    const tag = Number(BigInt.asUintN(32, wasm.sipHash24(SECRET, KEY, KEY_BYTES)));
    const before = seen.get(tag);
    if (before !== undefined) return [before, n];
    seen.set(tag, n);
  }
}

test("tells tuples apart whose tags are equal, wherever they differ", () => {
  for (const offset of [0, 4, 8, 12, 16, 20, 24, 28, 32]) {
    init(4);
    const [a, b] = keysOfOneTag(offset);
    const lookupWith = (n: number) => {
      view.setUint32(KEY + offset, n);
      return wasm.tupleTableLookup(TABLE, KEY) >>> 0;
    };
    const insertWith = (id: number, n: number) => {
      writeKey(recordKey(id), tupleOf(1));
      view.setUint32(recordKey(id) + offset, n);
      return wasm.tupleTableInsert(TABLE, id) === 1;
    };
    assert.ok(insertWith(2, a));
    assert.is(lookupWith(b), NONE, `offset ${offset}`);
    assert.ok(insertWith(3, b));
    assert.is(lookupWith(a), 2);
    assert.is(lookupWith(b), 3);
    assert.ok(remove(2));
    assert.is(lookupWith(a), NONE);
    assert.is(lookupWith(b), 3);
  }
});

test("refuses a second id under the same tuple, and an id twice", () => {
  init(4);
  assert.ok(insert(1, tupleOf(7)));
  assert.not.ok(insert(2, tupleOf(7)));
  assert.not.ok(insert(1, tupleOf(7)));
  assert.not.ok(remove(2), "it was not taken");
  assert.is(lookup(tupleOf(7)), 1);
  assert.is(count(), 1);
});

test("refuses more than its capacity, which is at most half of its buckets", () => {
  for (const capacity of [1, 2, 3, 5, 64, 1000]) {
    init(capacity);
    for (let id = 0; id < capacity; id++) assert.ok(insert(id, tupleOf(id)));
    assert.not.ok(insert(capacity, tupleOf(capacity)));
    assert.is(lookup(tupleOf(capacity)), NONE);
    for (let id = 0; id < capacity; id++) assert.is(lookup(tupleOf(id)), id);
    assert.ok(wasm.tupleTableBytes(capacity) >= capacity * 2 * 8, "8 bytes a bucket");
  }
});

test("refuses to remove what is not there", () => {
  init(4);
  writeKey(recordKey(3), tupleOf(3));
  assert.not.ok(remove(3));
  insert(3, tupleOf(3));
  assert.ok(remove(3));
  assert.not.ok(remove(3));
  assert.is(count(), 0);
});

test("leaves no trace of what was removed: every bucket is empty again", () => {
  init(256);
  for (let turn = 0; turn < 3; turn++) {
    for (let id = 0; id < 256; id++) assert.ok(insert(id, tupleOf(turn * 1000 + id)));
    for (let id = 0; id < 256; id++) assert.ok(remove((id * 101) % 256));
  }
  const buckets = u8.subarray(TABLE + wasm.tupleTableBytes(256) - 512 * 8, TABLE + wasm.tupleTableBytes(256));
  assert.ok(buckets.every((byte) => byte === 0));
});

test("puts tuples into other buckets under another secret [attack 64]", () => {
  const occupied = (secret: number) => {
    init(64, secret);
    for (let id = 0; id < 20; id++) insert(id, tupleOf(id));
    const end = TABLE + wasm.tupleTableBytes(64);
    const words: number[] = [];
    for (let ptr = end - 128 * 8; ptr < end; ptr += 8) words.push(view.getUint32(ptr, true) === 0 ? 0 : 1);
    return words.join("");
  };
  assert.is(occupied(1), occupied(1));
  assert.is.not(occupied(1), occupied(2));
});

test("does as a map does for any inserts, lookups and removals", () => {
  const CAPACITY = 8; // 16 buckets: runs meet and wrap round the end
  const step = fc.oneof(
    fc.record({ insert: fc.nat(CAPACITY + 1), key: fc.nat(20) }),
    fc.record({ remove: fc.nat(CAPACITY + 1) }),
  );
  fc.assert(
    fc.property(fc.nat(1000), fc.array(step, { maxLength: 80, size: "max" }), (secret, steps) => {
      init(CAPACITY, secret);
      const ids = new Map<number, number>(); // key -> id
      const keys = new Map<number, number>(); // id -> key
      for (const one of steps) {
        if ("insert" in one) {
          if (keys.has(one.insert)) continue; // its key must not change
          const isNew = !ids.has(one.key) && ids.size < CAPACITY;
          assert.is(insert(one.insert, tupleOf(one.key)), isNew);
          if (isNew) {
            ids.set(one.key, one.insert);
            keys.set(one.insert, one.key);
          } else {
            writeKey(recordKey(one.insert), tupleOf(999));
          }
        } else {
          const key = keys.get(one.remove);
          assert.is(remove(one.remove), key !== undefined);
          if (key !== undefined) ids.delete(key);
          keys.delete(one.remove);
        }
        assert.is(count(), ids.size);
        for (let key = 0; key <= 20; key++) assert.is(lookup(tupleOf(key)), ids.get(key) ?? NONE);
      }
      const end = TABLE + wasm.tupleTableBytes(CAPACITY);
      assert.ok(
        u8.subarray(end, end + 64).every((byte) => byte === 0x5a),
        "stays inside its bytes",
      );
    }),
    { numRuns: 300 },
  );
});

test.run();
