// The SACK blocks we send: which ranges wait out of order, the one that changed last first (RFC 2018 4), so that each is told in
// several ACKs. A D-SACK block, if one is due, stands before them (RFC 2883 4). Kept as a list of four beside the set of ranges,
// as a look at all ranges per ACK would cost too much. Must not know how the bytes are stored.
//
// The four lie before that set in its heap block, which there is only while something waits; a D-SACK block may be due without one.
//
//   tcb.oooBlock:  │ start end │ start end │ start end │ start end │ set of ranges ...     host order, as emitSack() reads them
import { TCB_OPTION_SACK } from "../layout";
import { emitSack, sackBlocksMax, sackOptionBytes } from "../wire/tcp-options";
import { wantOutputSoon } from "./connections";
import { seqGt, seqLt, seqLte } from "./seq";
import { headerBytes } from "./sizes";
import { Tcb } from "./tcb";
import { hasTimestamps } from "./timestamps";

/** Blocks remembered: as many as an option without timestamps holds. */
const BLOCKS: u32 = 4;
const BLOCK_BYTES: usize = 8;
/** Bytes that they take of tcb.oooBlock. */
export const SACK_BYTES: u32 = BLOCKS * <u32>BLOCK_BYTES;

// What an option is made of if a D-SACK block goes before the others
const WITH_DSACK: usize = memory.data(40, 8);

function blockPtr(tcb: Tcb, index: u32): usize {
  return <usize>tcb.oooBlock + <usize>index * BLOCK_BYTES;
}

/** Whether both ends sent SACK-permitted on their SYN. */
export function hasSack(tcb: Tcb): bool {
  return (tcb.options & TCB_OPTION_SACK) !== 0;
}

/**
 * The range [start, end) that waits out of order was added to, or came again: it is the first block of the next ACK.
 * Blocks that it has swallowed are forgotten; of more than four the oldest is. tcb.oooBlock is there.
 */
export function noteSackBlock(tcb: Tcb, start: u32, end: u32): void {
  if (!hasSack(tcb)) return;
  const before: u32 = tcb.sackBlocks;
  let kept: u32 = 0;
  let swallowed: u32 = 0;
  let movedStart = start;
  let movedEnd = end;
  // Each block that stays moves one place back, into the room that the new one or a swallowed one leaves
  for (let i: u32 = 0; i <= before && kept < BLOCKS; i++) {
    const ptr = blockPtr(tcb, i);
    const isPast = i === before;
    const nextStart = isPast ? 0 : load<u32>(ptr);
    const nextEnd = isPast ? 0 : load<u32>(ptr, 4);
    const out = blockPtr(tcb, kept);
    if (!isPast && seqLte(nextStart, end) && seqLte(start, nextEnd)) {
      swallowed += 1;
      continue;
    }
    store<u32>(out, movedStart);
    store<u32>(out, movedEnd, 4);
    kept += 1;
    movedStart = nextStart;
    movedEnd = nextEnd;
  }
  tcb.sackBlocks = <u8>kept;
  if (swallowed !== 0) return;
  // An ACK tells of three or four: with more in one turn some would never be told, and sent again for nothing
  tcb.sackUntold += 1;
  if (<u32>tcb.sackUntold >= blocksMax(tcb)) wantOutputSoon(tcb);
}

/** RCV.NXT moved: blocks that it has reached wait no longer. */
export function trimSackBlocks(tcb: Tcb): void {
  let kept: u32 = 0;
  for (let i: u32 = 0; i < <u32>tcb.sackBlocks; i++) {
    const ptr = blockPtr(tcb, i);
    if (!seqGt(load<u32>(ptr), tcb.rcvNxt)) continue;
    if (kept !== i) store<u64>(blockPtr(tcb, kept), load<u64>(ptr));
    kept += 1;
  }
  tcb.sackBlocks = <u8>kept;
}

/** What lies at or beyond `end` was discarded (RFC 2018 8 allows it): no ACK may go on saying that it is there. */
export function cutSackBlocks(tcb: Tcb, end: u32): void {
  let kept: u32 = 0;
  for (let i: u32 = 0; i < <u32>tcb.sackBlocks; i++) {
    const ptr = blockPtr(tcb, i);
    if (!seqLt(load<u32>(ptr), end)) continue;
    const out = blockPtr(tcb, kept);
    store<u32>(out, load<u32>(ptr));
    store<u32>(out, seqGt(load<u32>(ptr, 4), end) ? end : load<u32>(ptr, 4), 4);
    kept += 1;
  }
  tcb.sackBlocks = <u8>kept;
}

/** Nothing waits out of order any more. */
export function clearSackBlocks(tcb: Tcb): void {
  tcb.sackBlocks = 0;
  tcb.sackUntold = 0;
}

// Blocks of the next segment, a D-SACK block included
function blocksDue(tcb: Tcb): u32 {
  const due = <u32>tcb.sackBlocks + <u32>tcb.dsackDue;
  return due === 0 ? 0 : min(due, blocksMax(tcb));
}

// As many as there is option space for, and room in the packets of a tiny MTU
function blocksMax(tcb: Tcb): u32 {
  const most = sackBlocksMax(hasTimestamps(tcb));
  const headers = headerBytes(tcb);
  if (headers + sackOptionBytes(most) <= tcb.pmtu) return most;
  let blocks: u32 = 1;
  while (blocks < most && headers + sackOptionBytes(blocks + 1) <= tcb.pmtu) blocks += 1;
  return blocks;
}

/** Bytes of the SACK option that the next segment carries, 0 = none. */
export function sackBytesDue(tcb: Tcb): u32 {
  return sackOptionBytes(blocksDue(tcb));
}

/**
 * Bytes of SACK option that go with payload: none if a tiny SND.MSS leaves no room beside them, as then only pure ACKs carry it.
 */
export function sackBytesBeside(tcb: Tcb): u32 {
  if (tcb.sackBlocks === 0 && tcb.dsackDue === 0) return 0;
  const bytes = sackBytesDue(tcb);
  return tcb.sndMss > bytes ? bytes : 0;
}

/**
 * Writes the SACK option of a segment that leaves now. A D-SACK block is sent once (RFC 2883 4).
 * @param ptr -> room for sackBytesDue() bytes
 * @returns bytes written
 */
export function writeSack(tcb: Tcb, ptr: usize): u32 {
  const blocks = blocksDue(tcb);
  if (blocks === 0) return 0;
  tcb.sackUntold = 0;
  if (tcb.dsackDue === 0) return emitSack(ptr, blockPtr(tcb, 0), blocks);
  tcb.dsackDue = 0;
  store<u32>(WITH_DSACK, tcb.dsackStart);
  store<u32>(WITH_DSACK, tcb.dsackEnd, 4);
  if (blocks > 1) memory.copy(WITH_DSACK + BLOCK_BYTES, blockPtr(tcb, 0), (<usize>blocks - 1) * BLOCK_BYTES);
  return emitSack(ptr, WITH_DSACK, blocks);
}
