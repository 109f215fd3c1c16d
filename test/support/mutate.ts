// Frames as a hostile network would send them: copies of real ones with fields changed and the checksums put right again, so that
// they reach the code behind the checksum.
import type { Frame } from "../../src/links/frame.ts";
import type { Random } from "../../src/links/random.ts";
import { onesComplementSum } from "./checksum-oracle.ts";

const ETHERNET = 14;
const TCP = 6;
const INTERESTING = [0, 1, 2, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** Whether a frame is IPv4 without options that carries TCP. */
export function isTcp(bytes: Uint8Array): boolean {
  return bytes.length >= ETHERNET + 40 && bytes[12] === 8 && bytes[13] === 0 && bytes[14] === 0x45 && bytes[23] === TCP;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes IPv4 total length, header checksum and TCP checksum of a TCP frame as they should be. */
export function repair(bytes: Uint8Array): void {
  const words = view(bytes);
  words.setUint16(ETHERNET + 2, bytes.length - ETHERNET);
  words.setUint16(ETHERNET + 10, 0);
  words.setUint16(ETHERNET + 10, ~onesComplementSum(bytes.subarray(ETHERNET, ETHERNET + 20)) & 0xffff);
  words.setUint16(ETHERNET + 36, 0);
  const pseudo = new Uint8Array(bytes.length - ETHERNET - 20 + 12);
  pseudo.set(bytes.subarray(ETHERNET + 12, ETHERNET + 20));
  pseudo[9] = TCP;
  view(pseudo).setUint16(10, bytes.length - ETHERNET - 20);
  pseudo.set(bytes.subarray(ETHERNET + 20), 12);
  words.setUint16(ETHERNET + 36, ~onesComplementSum(pseudo) & 0xffff);
}

// Moves a number a little, a lot, or to where arithmetic breaks
function nudge(value: number, dice: Random): number {
  switch (dice.below(4)) {
    case 0:
      return (value + dice.below(9) - 4) >>> 0;
    case 1:
      return (value + dice.below(131_072) - 65_536) >>> 0;
    case 2:
      return (value + INTERESTING[dice.below(INTERESTING.length)]!) >>> 0;
    default:
      return dice.u32();
  }
}

// Ways to change a TCP frame; each may answer with another one, longer or shorter
const CHANGES: ((bytes: Uint8Array, dice: Random) => Uint8Array)[] = [
  (bytes) => bytes, // a duplicate
  (bytes, dice) => {
    view(bytes).setUint32(38, nudge(view(bytes).getUint32(38), dice)); // SEG.SEQ
    return bytes;
  },
  (bytes, dice) => {
    view(bytes).setUint32(42, nudge(view(bytes).getUint32(42), dice)); // SEG.ACK
    return bytes;
  },
  (bytes, dice) => {
    bytes[47] = bytes[47]! ^ (1 << dice.below(8)); // one flag
    return bytes;
  },
  (bytes, dice) => {
    bytes[47] = dice.below(256); // all flags
    return bytes;
  },
  (bytes, dice) => {
    view(bytes).setUint16(48, nudge(view(bytes).getUint16(48), dice) & 0xffff); // SEG.WND
    return bytes;
  },
  (bytes, dice) => {
    bytes[46] = (bytes[46]! & 15) | (dice.below(16) << 4); // data offset
    return bytes;
  },
  (bytes, dice) => {
    const options = ((bytes[46]! >> 4) << 2) - 20;
    for (let i = 0; i < options && ETHERNET + 40 + i < bytes.length; i++) {
      if (dice.below(4) === 0) bytes[ETHERNET + 40 + i] = dice.below(3) === 0 ? dice.below(12) : dice.below(256);
    }
    return bytes;
  },
  (bytes, dice) => bytes.slice(0, ETHERNET + 40 + dice.below(bytes.length - ETHERNET - 40 + 1)), // cut
  (bytes, dice) => {
    const longer = new Uint8Array(Math.min(bytes.length + 1 + dice.below(3000), 65_549)); // text that nobody wrote
    longer.set(bytes);
    return longer;
  },
  (bytes, dice) => {
    const at = 34 + 2 * dice.below(2); // a port
    view(bytes).setUint16(at, dice.below(2) === 0 ? view(bytes).getUint16(at) ^ 1 : 0);
    return bytes;
  },
  (bytes, dice) => {
    bytes[47] = bytes[47]! | 32; // urgent
    view(bytes).setUint16(52, dice.below(65_536));
    return bytes;
  },
];

/** One to three changes of a TCP frame, checksums repaired; now and then with a segment size that cannot be true. */
export function mutateTcp(original: Uint8Array, dice: Random): Frame {
  let bytes: Uint8Array = original.slice();
  for (let left = 1 + dice.below(3); left > 0; left--) bytes = CHANGES[dice.below(CHANGES.length)]!(bytes, dice);
  repair(bytes);
  return { bytes, flags: 0, gsoSize: dice.below(8) === 0 ? 1 + dice.below(2000) : 0 };
}

/** What somebody sends who knows the four-tuple but sees no packet: sequence and acknowledgment numbers are guessed. */
export function guessTcp(original: Uint8Array, dice: Random): Frame {
  const bytes = original.slice();
  view(bytes).setUint32(38, dice.u32());
  view(bytes).setUint32(42, dice.u32());
  const flags = [0, 1, 2, 4, 16, 17, 18, 20, 24];
  bytes[47] = flags[dice.below(flags.length)]!;
  for (let i = ETHERNET + 40; i < bytes.length; i++) bytes[i] = bytes[i]! ^ 0x55;
  repair(bytes);
  return { bytes, flags: 0, gsoSize: 0 };
}

/** Any frame with a few bytes changed and nothing repaired. */
export function mutateBytes(original: Uint8Array, dice: Random): Frame {
  const bytes = original.slice(0, dice.below(4) === 0 ? dice.below(original.length + 1) : original.length);
  for (let left = 1 + dice.below(4); left > 0 && bytes.length > 0; left--)
    bytes[dice.below(bytes.length)] = dice.below(256);
  return { bytes, flags: dice.below(4), gsoSize: dice.below(4) === 0 ? dice.below(65_536) : 0 };
}
