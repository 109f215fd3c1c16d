// The ICMPv4 header view.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { onesComplementSum } from "../../support/checksum-oracle.ts";
import { instantiate } from "../../support/wasm.ts";
import { bytesOf, hexOf, readWords } from "../../support/words.ts";

const test = suite("wire/icmpv4");
const { exports: wasm, u8, view } = await instantiate(1 << 20);

const MESSAGE = HEAP + 4098;
const OUT = HEAP + 512;

test("lies on the wire as the RFC draws an echo [792]", () => {
  u8.set(bytesOf("eeeeeeeeeeeeeeee 616263"), MESSAGE);
  wasm.wireIcmpv4EmitEcho(MESSAGE, 8, 0x1234, 0x0001, 11);
  // 0800 + 1234 + 0001 + 6162 + 6300 = de97, its complement 2168
  assert.is(hexOf(u8.slice(MESSAGE, MESSAGE + 11)), "0800216812340001616263");
});

test("reads what it emitted, around any body, with a valid checksum", () => {
  const type = fc.nat(255);
  const body = fc.uint8Array({ maxLength: 200, size: "max" });
  fc.assert(
    fc.property(type, fc.nat(255), fc.nat(0xffffffff), body, (messageType, code, rest, data) => {
      const length = 8 + data.length;
      u8.set(data, MESSAGE + 8);
      wasm.wireIcmpv4Emit(MESSAGE, messageType, code, rest, length);
      const bytes = u8.slice(MESSAGE, MESSAGE + length);
      assert.is(onesComplementSum(bytes), 0xffff);
      assert.is(wasm.wireIcmpv4IsChecksumValid(MESSAGE, length), 1);
      wasm.wireIcmpv4Read(MESSAGE, OUT);
      const sum = (bytes[2]! << 8) | bytes[3]!;
      const low = rest & 0xffff;
      assert.equal(readWords(view, OUT, 8), [messageType, code, sum, rest, rest >>> 16, low, low, 8]);
      u8[MESSAGE + length - 1]! ^= 0x10;
      assert.is(wasm.wireIcmpv4IsChecksumValid(MESSAGE, length), 0);
    }),
  );
});

test("finds the next-hop MTU of fragmentation needed [1191 4]", () => {
  u8.set(bytesOf("0304 0000 0000 05dc"), MESSAGE);
  wasm.wireIcmpv4Read(MESSAGE, OUT);
  assert.is(view.getUint32(OUT + 24, true), 1500);
});

test("is valid from 8 bytes on [792]", () => {
  for (let length = 0; length < 8; length++) assert.is(wasm.wireIcmpv4IsValid(MESSAGE, length), 0);
  assert.is(wasm.wireIcmpv4IsValid(MESSAGE, 8), 1);
});

test("knows the error messages, about which no error may be sent [1122 3.2.2]", () => {
  const errors = Array.from({ length: 256 }, (_, type) => type).filter((type) => wasm.wireIsIcmpv4Error(type));
  assert.equal(errors, [3, 4, 5, 11, 12]);
});

test.run();
