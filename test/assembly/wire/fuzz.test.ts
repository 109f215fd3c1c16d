// Random bytes against every view at the very end of memory: a read past the given length traps. Whatever isValid accepts,
// every accessor must be able to read.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";

const test = suite("wire/fuzz");
const { exports: wasm, u8, view } = await instantiate(1 << 20);

const OUT = HEAP + 512;
const RECORD = HEAP + 256;

/** Bytes in which valid headers are common: random ones, some with a plausible start. */
const bytesWith = (...starts: number[][]) =>
  fc
    .tuple(fc.uint8Array({ maxLength: 80, size: "max" }), fc.constantFrom([], ...starts), fc.boolean())
    .map(([bytes, start, isWhole]) => {
      bytes.set(start.slice(0, bytes.length));
      if (isWhole && start[0] === 0x45 && bytes.length >= 4) bytes[3] = bytes.length;
      return bytes;
    });

/** Puts the bytes at the end of memory. */
function atEnd(bytes: Uint8Array): number {
  u8.set(bytes, u8.length - bytes.length);
  return u8.length - bytes.length;
}

/** Runs `check` on many inputs; it says whether the view accepted one, and both must happen. */
function survives(input: fc.Arbitrary<Uint8Array>, check: (ptr: number, length: number) => boolean): void {
  const seen = { accepted: 0, refused: 0 };
  const property = fc.property(input, (bytes) => {
    if (check(atEnd(bytes), bytes.length)) seen.accepted++;
    else seen.refused++;
  });
  fc.assert(property, { numRuns: 2000 });
  assert.ok(seen.accepted > 50 && seen.refused > 50, JSON.stringify(seen));
}

test("Ethernet reads nothing outside", () => {
  survives(bytesWith(), (ptr, length) => {
    if (!wasm.wireEthernetIsValid(ptr, length)) return false;
    wasm.wireEthernetRead(ptr, OUT);
    wasm.wireIsBroadcastMac(ptr);
    wasm.wireIsMulticastMac(ptr);
    return true;
  });
});

test("ARP reads nothing outside [attack 3]", () => {
  survives(bytesWith([0, 1, 8, 0, 6, 4]), (ptr, length) => {
    if (!wasm.wireArpIsValid(ptr, length)) return false;
    wasm.wireArpRead(ptr, OUT);
    return true;
  });
});

test("IPv4 reads nothing outside, and its payload lies inside", () => {
  survives(bytesWith([0x45, 0, 0, 20], [0x46, 0, 0, 24], [0x47, 0, 0, 30]), (ptr, length) => {
    if (!wasm.wireIpv4IsValid(ptr, length)) return false;
    wasm.wireIpv4Read(ptr, OUT);
    wasm.wireIpv4IsChecksumValid(ptr);
    wasm.wireIpv4OptionsAcceptable(ptr);
    assert.ok(view.getUint32(OUT + 56, true) + view.getUint32(OUT + 60, true) <= length);
    return true;
  });
});

test("a quoted IPv4 header reads nothing outside, and 8 payload bytes lie inside", () => {
  survives(bytesWith([0x45, 0, 5, 220], [0x48, 0, 5, 220]), (ptr, length) => {
    if (!wasm.wireIpv4IsValidQuote(ptr, length)) return false;
    wasm.wireIpv4Read(ptr, OUT);
    assert.ok(view.getUint32(OUT + 56, true) + 8 <= length);
    assert.ok(view.getUint32(OUT + 60, true) >= 8);
    return true;
  });
});

test("ICMPv4 reads nothing outside", () => {
  survives(bytesWith(), (ptr, length) => {
    if (!wasm.wireIcmpv4IsValid(ptr, length)) return false;
    wasm.wireIcmpv4Read(ptr, OUT);
    wasm.wireIcmpv4IsChecksumValid(ptr, length);
    return true;
  });
});

test("TCP and its options read nothing outside [attack 32]", () => {
  survives(
    bytesWith([0, 80, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x80], [0, 80, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50]),
    (ptr, length) => {
      if (!wasm.wireTcpIsValid(ptr, length)) return false;
      wasm.wireTcpRead(ptr, OUT);
      const dataOffset = view.getUint32(OUT + 16, true);
      assert.ok(dataOffset <= length);
      for (const isSyn of [0, 1]) wasm.wireParseTcpOptions(ptr + 20, dataOffset - 20, isSyn, RECORD);
      return true;
    },
  );
});

test.run();
