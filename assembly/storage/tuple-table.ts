// The hash table from (local address, remote address, local port, remote port) to an id. Keys lie in the records that the
// ids name, nowhere else. Open addressing with linear probing, at most half full; a removal shifts the followers back, so
// there are no tombstones and a table that has seen many connections is as fast as a new one. The hash is SipHash-2-4 under a
// secret key, so nobody can choose tuples that collide (attack of CVE-2023-1206).

import { sipHash24Keyed } from "./siphash";

/** A key: local address 16 bytes, remote address 16, local port 2, remote port 2, in one piece; any alignment. */
export const TUPLE_KEY_BYTES: u32 = 36;

// One bucket is a u64: id + 1 in the low half (0 = empty), the low 32 bits of the hash in the high half. They give the home
// bucket and spare all but one in 2^32 of the wrong comparisons of keys; a comparison decides in any case, so the other 32
// bits would only make the table larger. 8 buckets share a cache line.
const BUCKET_BYTES_LOG2: u32 = 3;

/** Most ids a table can hold. */
const TUPLE_TABLE_MAX_CAPACITY: u32 = 1 << 24;

function bucketsFor(capacity: u32): u32 {
  const wanted = capacity * 2;
  return wanted <= 2 ? 2 : 1 << (32 - <u32>clz(wanted - 1));
}

/**
 * Bytes of a table.
 * @param capacity ids, 1..TUPLE_TABLE_MAX_CAPACITY
 */
export function tupleTableBytes(capacity: u32): u32 {
  return <u32>offsetof<TupleTable>() + (bucketsFor(capacity) << BUCKET_BYTES_LOG2);
}

/** Whether two keys of TUPLE_KEY_BYTES are equal. */
function sameKey(aPtr: usize, bPtr: usize): bool {
  return (
    ((load<u64>(aPtr) ^ load<u64>(bPtr)) |
      (load<u64>(aPtr, 8) ^ load<u64>(bPtr, 8)) |
      (load<u64>(aPtr, 16) ^ load<u64>(bPtr, 16)) |
      (load<u64>(aPtr, 24) ^ load<u64>(bPtr, 24)) |
      <u64>(load<u32>(aPtr, 32) ^ load<u32>(bPtr, 32))) ===
    0
  );
}

/**
 * ptr -> tupleTableBytes(capacity), 8-byte aligned; the buckets must be zero (as fresh memory is). The key of an id in the
 * table, at `recordsPtr + id * recordBytes + keyOffset`, must not change.
 */
@unmanaged
@final
export class TupleTable {
  key0: u64;
  key1: u64;
  recordsPtr: usize; // address of the key of id 0
  recordBytes: u32;
  capacity: u32;
  /** Ids in the table. */
  count: u32;
  mask: u32;
  reserved: u32; // keeps the buckets 8-byte aligned

  static at(ptr: usize): TupleTable {
    return changetype<TupleTable>(ptr);
  }

  /**
   * Makes an empty table in zeroed memory.
   * @param capacity ids, 1..TUPLE_TABLE_MAX_CAPACITY
   * @param secretPtr 16 bytes from a good random source; read now, not kept
   * @param recordsPtr address of record 0
   * @param recordBytes bytes from a record to the next
   * @param keyOffset bytes from a record's start to its key
   */
  init(capacity: u32, secretPtr: usize, recordsPtr: usize, recordBytes: u32, keyOffset: u32): void {
    assert(capacity > 0 && capacity <= TUPLE_TABLE_MAX_CAPACITY); // callers pass layout constants
    this.key0 = load<u64>(secretPtr);
    this.key1 = load<u64>(secretPtr, 8);
    this.recordsPtr = recordsPtr + keyOffset;
    this.recordBytes = recordBytes;
    this.capacity = capacity;
    this.count = 0;
    this.mask = bucketsFor(capacity) - 1;
  }

  /**
   * Adds an id under the key in its record.
   * @returns false, with nothing changed, if the table is full or the key is there already (also if under another id)
   */
  insert(id: u32): bool {
    if (this.count === this.capacity) return false;
    const keyPtr = this.keyPtr(id);
    const hash = this.hash(keyPtr);
    const index = this.find(hash, keyPtr);
    if (this.bucket(index) !== 0) return false;
    this.setBucket(index, ((<u64>hash) << 32) | (id + 1));
    this.count += 1;
    return true;
  }

  /**
   * @param keyPtr TUPLE_KEY_BYTES
   * @returns the id whose key is equal, or NONE
   */
  lookup(keyPtr: usize): u32 {
    // Empty is 0 in the low half, and 0 - 1 is NONE
    return <u32>this.bucket(this.find(this.hash(keyPtr), keyPtr)) - 1;
  }

  /** Takes an id out; its key must be what it was at insert(). @returns false if it is not in the table. */
  remove(id: u32): bool {
    const keyPtr = this.keyPtr(id);
    let hole = this.find(this.hash(keyPtr), keyPtr);
    if (<u32>this.bucket(hole) !== id + 1) return false;
    this.count -= 1;
    // Close the hole with the next entry of the run whose home is at or before it, then that one's hole, and so on
    const mask = this.mask;
    for (let index = (hole + 1) & mask; ; index = (index + 1) & mask) {
      const bucket = this.bucket(index);
      if (bucket === 0) break;
      const home = <u32>(bucket >> 32) & mask;
      if (((index - home) & mask) < ((index - hole) & mask)) continue; // it would land before its home
      this.setBucket(hole, bucket);
      hole = index;
    }
    this.setBucket(hole, 0);
    return true;
  }

  // The bucket of the key, or the empty one that ends its run. There always is one: at most half are in use
  find(hash: u32, keyPtr: usize): u32 {
    let index = hash & this.mask;
    let bucket = this.bucket(index);
    while (bucket !== 0) {
      if (<u32>(bucket >> 32) === hash && sameKey(this.keyPtr(<u32>bucket - 1), keyPtr)) break;
      index = (index + 1) & this.mask;
      bucket = this.bucket(index);
    }
    return index;
  }

  hash(keyPtr: usize): u32 {
    return <u32>sipHash24Keyed(this.key0, this.key1, keyPtr, TUPLE_KEY_BYTES);
  }

  keyPtr(id: u32): usize {
    return this.recordsPtr + <usize>id * this.recordBytes;
  }

  bucket(index: u32): u64 {
    return load<u64>(changetype<usize>(this) + ((<usize>index) << BUCKET_BYTES_LOG2), offsetof<TupleTable>());
  }

  setBucket(index: u32, bucket: u64): void {
    store<u64>(changetype<usize>(this) + ((<usize>index) << BUCKET_BYTES_LOG2), bucket, offsetof<TupleTable>());
  }
}
