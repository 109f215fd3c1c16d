// The datagrams of which fragments have arrived and others have not: a record each, found by RFC 791's four-part name, on a list from
// the oldest to the newest, their bytes in chunks that are taken where a fragment touches them. Storage only, bounded by
// SYSCTL_IPFRAG_HIGH_THRESH: what a fragment may say is reassembly.ts.
import { heapAlloc, heapFree } from "../heap";
import { SECRET_TUPLES, SYSCTL_IPFRAG_HIGH_THRESH } from "../layout";
import { IntervalSet } from "../storage/interval-set";
import { NONE } from "../storage/none";
import { sipHash24 } from "../storage/siphash";
import { Slab, slabBytes } from "../storage/slab";

/** Datagrams in parts at once. */
export const DATAGRAM_CAPACITY: u32 = 1024;
/** Ranges of bytes between holes that one datagram may have; fragments that would make more cost the datagram. */
const RANGES_MAX: u32 = 64;
const RECORD_BYTES: u32 = 1024;
/** A fragment of eight bytes at the far end of a datagram costs one chunk and not 64 KiB. */
const CHUNK_BYTES: u32 = 4096;
const CHUNK_SHIFT: u32 = 12;
const CHUNKS: u32 = 16;
/** Bytes of the name at the start of a record. */
const NAME_BYTES: u32 = 12;

const HEADER_AT: usize = 64;
const CHUNKS_AT: usize = 128;
const RANGES_AT: usize = CHUNKS_AT + <usize>CHUNKS * 4;

if (<u32>RANGES_AT + 24 + RANGES_MAX * 12 > RECORD_BYTES) ERROR("a Datagram does not fit its record");

@unmanaged
@final
export class Datagram {
  // its name (RFC 791 3.2)
  src: u32; // host order
  dst: u32;
  identification: u16;
  protocol: u16;
  interfaceIndex: u32;
  hashNext: u32; // index + 1, 0 = end; likewise below
  older: u32;
  newer: u32;
  chargedBytes: u32;
  deadlineUs: u64;
  endOffset: u16; // bytes of payload of the whole, valid with hasEnd
  firstBytes: u16; // payload bytes of the fragment at offset 0, valid with headerBytes
  headerBytes: u8; // of the fragment at offset 0, at headerPtr; 0 = it has not come
  hasEnd: u8;
  ecnSeen: u8; // bit n: a fragment bore ECN code point n
  isDead: u8; // discarded; what still comes of it is dropped until its time is up (RFC 5722 4)

  static at(index: u32): Datagram {
    return changetype<Datagram>(recordsPtr + <usize>index * RECORD_BYTES);
  }

  get headerPtr(): usize {
    return changetype<usize>(this) + HEADER_AT;
  }

  /** Which bytes of payload are there. */
  get ranges(): IntervalSet {
    return IntervalSet.at(changetype<usize>(this) + RANGES_AT);
  }
}

if (offsetof<Datagram>() > HEADER_AT) ERROR("layout drift: Datagram");

const BUCKETS: u32 = DATAGRAM_CAPACITY;

let recordsPtr: usize = 0;
let slabPtr: usize = 0;
let bucketsPtr: usize = 0;
let oldest: u32 = 0; // index + 1
let newest: u32 = 0;
let charged: u32 = 0; // bytes

/** Lays out the records in zeroed memory at `tablesPtr`. @returns their end */
export function datagramsInitialise(tablesPtr: usize): usize {
  recordsPtr = (tablesPtr + 63) & ~63;
  slabPtr = recordsPtr + DATAGRAM_CAPACITY * RECORD_BYTES;
  bucketsPtr = slabPtr + slabBytes(DATAGRAM_CAPACITY);
  oldest = 0;
  newest = 0;
  charged = 0;
  Slab.at(slabPtr).init(recordsPtr, RECORD_BYTES, DATAGRAM_CAPACITY);
  return bucketsPtr + BUCKETS * 4;
}

/** Bytes that the datagrams of which something is kept cost. */
export function datagramBytes(): u32 {
  return charged;
}

/** The datagram that waits longest, or NONE. */
export function datagramOldest(): u32 {
  return oldest === 0 ? NONE : oldest - 1;
}

function bucketPtr(namePtr: usize): usize {
  return bucketsPtr + <usize>(<u32>sipHash24(SECRET_TUPLES, namePtr, NAME_BYTES) & (BUCKETS - 1)) * 4;
}

// The name to look for, in a record's own form so that it hashes alike
const NAME: usize = memory.data(16, 16);

function writeName(src: u32, dst: u32, identification: u16, protocol: u8): void {
  const name = changetype<Datagram>(NAME);
  name.src = src;
  name.dst = dst;
  name.identification = identification;
  name.protocol = protocol;
}

/** @returns the index of a datagram, or NONE. `src`, `dst`: host order */
export function datagramFind(interfaceIndex: u32, src: u32, dst: u32, identification: u16, protocol: u8): u32 {
  writeName(src, dst, identification, protocol);
  let next = load<u32>(bucketPtr(NAME));
  while (next !== 0) {
    const found = Datagram.at(next - 1);
    const isSame =
      found.src === src &&
      found.dst === dst &&
      found.identification === identification &&
      found.protocol === <u16>protocol &&
      found.interfaceIndex === interfaceIndex;
    if (isSame) return next - 1;
    next = found.hashNext;
  }
  return NONE;
}

/**
 * Makes a record without bytes; evicts the oldest ones if there is no room for it.
 * @returns its index, or NONE if one record is more than may be kept at all
 */
export function datagramMake(
  interfaceIndex: u32,
  src: u32,
  dst: u32,
  identification: u16,
  protocol: u8,
  deadlineUs: u64,
): u32 {
  if (!makeRoom(RECORD_BYTES, NONE)) return NONE;
  if (Slab.at(slabPtr).inUse === DATAGRAM_CAPACITY) datagramForget(oldest - 1);
  const index = Slab.at(slabPtr).alloc();
  if (index === NONE) return NONE;
  const made = Datagram.at(index);
  memory.fill(changetype<usize>(made), 0, RANGES_AT);
  made.src = src;
  made.dst = dst;
  made.identification = identification;
  made.protocol = protocol;
  made.interfaceIndex = interfaceIndex;
  made.deadlineUs = deadlineUs;
  made.ranges.init(0, RANGES_MAX);
  charge(made, RECORD_BYTES);
  const bucket = bucketPtr(changetype<usize>(made));
  made.hashNext = load<u32>(bucket);
  store<u32>(bucket, index + 1);
  made.older = newest;
  if (newest !== 0) Datagram.at(newest - 1).newer = index + 1;
  else oldest = index + 1;
  newest = index + 1;
  return index;
}

/** Frees a record and its bytes. */
export function datagramForget(index: u32): void {
  const gone = Datagram.at(index);
  freeChunks(gone);
  charged -= gone.chargedBytes;
  let at = bucketPtr(changetype<usize>(gone));
  while (load<u32>(at) !== index + 1)
    at = changetype<usize>(Datagram.at(load<u32>(at) - 1)) + offsetof<Datagram>("hashNext");
  store<u32>(at, gone.hashNext);
  if (gone.older !== 0) Datagram.at(gone.older - 1).newer = gone.newer;
  else oldest = gone.newer;
  if (gone.newer !== 0) Datagram.at(gone.newer - 1).older = gone.older;
  else newest = gone.older;
  Slab.at(slabPtr).free(index);
}

/** Frees the bytes of a datagram and remembers only that it was discarded. */
export function datagramKill(index: u32): void {
  const dead = Datagram.at(index);
  freeChunks(dead);
  dead.isDead = 1;
  dead.headerBytes = 0;
}

/**
 * Puts bytes into a datagram; evicts older ones for them if need be.
 * @returns false if there is no room even so
 */
export function datagramWrite(index: u32, offset: u32, ptr: usize, length: u32): bool {
  const datagram = Datagram.at(index);
  let done: u32 = 0;
  while (done < length) {
    const at = offset + done;
    const slot = changetype<usize>(datagram) + CHUNKS_AT + ((<usize>(at >> CHUNK_SHIFT)) << 2);
    if (load<u32>(slot) === 0) {
      if (!makeRoom(CHUNK_BYTES, index)) return false;
      const chunk = heapAlloc(CHUNK_BYTES);
      if (chunk === 0) return false;
      store<u32>(slot, <u32>chunk);
      charge(datagram, CHUNK_BYTES);
    }
    const within = at & (CHUNK_BYTES - 1);
    const part = min(length - done, CHUNK_BYTES - within);
    memory.copy(<usize>load<u32>(slot) + within, ptr + done, part);
    done += part;
  }
  return true;
}

/** Copies the first `length` bytes, all of which are there, to `to`. */
export function datagramRead(datagram: Datagram, length: u32, to: usize): void {
  for (let done: u32 = 0; done < length; done += CHUNK_BYTES) {
    const chunk = <usize>load<u32>(changetype<usize>(datagram) + CHUNKS_AT + ((<usize>(done >> CHUNK_SHIFT)) << 2));
    memory.copy(to + done, chunk, min(length - done, CHUNK_BYTES));
  }
}

/** Whether the bytes from `offset` on, all of which are there, are those at `ptr`. */
export function datagramEquals(datagram: Datagram, offset: u32, ptr: usize, length: u32): bool {
  for (let done: u32 = 0; done < length; ) {
    const at = offset + done;
    const chunk = <usize>load<u32>(changetype<usize>(datagram) + CHUNKS_AT + ((<usize>(at >> CHUNK_SHIFT)) << 2));
    const within = at & (CHUNK_BYTES - 1);
    const part = min(length - done, CHUNK_BYTES - within);
    if (memory.compare(chunk + within, ptr + done, part) !== 0) return false;
    done += part;
  }
  return true;
}

function freeChunks(datagram: Datagram): void {
  for (let i: u32 = 0; i < CHUNKS; i++) {
    const slot = changetype<usize>(datagram) + CHUNKS_AT + ((<usize>i) << 2);
    if (load<u32>(slot) === 0) continue;
    heapFree(load<u32>(slot));
    store<u32>(slot, 0);
    datagram.chargedBytes -= CHUNK_BYTES;
    charged -= CHUNK_BYTES;
  }
}

function charge(datagram: Datagram, bytes: u32): void {
  datagram.chargedBytes += bytes;
  charged += bytes;
}

// Evicts whole datagrams, the oldest first but never `except`, until `bytes` more may be kept
function makeRoom(bytes: u32, except: u32): bool {
  const limit = load<u32>(SYSCTL_IPFRAG_HIGH_THRESH);
  let candidate = oldest;
  while (charged + bytes > limit && candidate !== 0) {
    const next = Datagram.at(candidate - 1).newer;
    if (candidate - 1 !== except) datagramForget(candidate - 1);
    candidate = next;
  }
  return charged + bytes <= limit;
}
