// The Ethernet header view and MAC address helpers.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";
import { bytesOf, hexOf } from "../../support/words.ts";

const test = suite("wire/ethernet");
const { exports: wasm, u8, view } = await instantiate(1 << 20);

const FRAME = HEAP + 4098;
const DESTINATION = HEAP + 101;
const SOURCE = HEAP + 203;
const OUT = HEAP + 512;
const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });

test("is valid from 14 bytes on", () => {
  for (let length = 0; length < 14; length++) assert.is(wasm.wireEthernetIsValid(FRAME, length), 0);
  assert.is(wasm.wireEthernetIsValid(FRAME, 14), 1);
  assert.is(wasm.wireEthernetIsValid(FRAME, 65_549), 1);
});

test("lies on the wire as destination, source, type [RFC 894]", () => {
  u8.set(bytesOf("0a0b0c0d0e0f"), DESTINATION);
  u8.set(bytesOf("020304050607"), SOURCE);
  u8.fill(0xee, FRAME, FRAME + 16);
  wasm.wireEthernetEmit(FRAME, DESTINATION, SOURCE, 0x86dd);
  assert.is(hexOf(u8.slice(FRAME, FRAME + 16)), "0a0b0c0d0e0f02030405060786ddeeee");
});

test("reads what it emitted", () => {
  fc.assert(
    fc.property(mac, mac, fc.nat(0xffff), (destination, source, etherType) => {
      u8.set(destination, DESTINATION);
      u8.set(source, SOURCE);
      wasm.wireEthernetEmit(FRAME, DESTINATION, SOURCE, etherType);
      wasm.wireEthernetRead(FRAME, OUT);
      assert.is(view.getUint32(OUT, true), etherType);
      assert.equal(u8.slice(OUT + 4, OUT + 10), destination);
      assert.equal(u8.slice(OUT + 10, OUT + 16), source);
    }),
  );
});

test("tells MAC addresses apart by every bit", () => {
  u8.set(bytesOf("020000000001ff"), DESTINATION);
  u8.set(bytesOf("020000000001aa"), SOURCE);
  assert.is(wasm.wireMacEquals(DESTINATION, SOURCE), 1, "the byte after the address does not count");
  for (let bit = 0; bit < 48; bit++) {
    u8[SOURCE + (bit >> 3)]! ^= 1 << (bit & 7);
    assert.is(wasm.wireMacEquals(DESTINATION, SOURCE), 0, `bit ${bit}`);
    u8[SOURCE + (bit >> 3)]! ^= 1 << (bit & 7);
  }
});

test("knows broadcast and multicast addresses", () => {
  const classOf = (hex: string) => {
    u8.set(bytesOf(hex), SOURCE);
    return [wasm.wireIsBroadcastMac(SOURCE), wasm.wireIsMulticastMac(SOURCE)];
  };
  assert.equal(classOf("ffffffffffff"), [1, 1]);
  assert.equal(classOf("fffffffffffe"), [0, 1]);
  assert.equal(classOf("feffffffffff"), [0, 0]);
  assert.equal(classOf("01005e000001"), [0, 1]);
  assert.equal(classOf("333300000001"), [0, 1]);
  assert.equal(classOf("020000000001"), [0, 0]);
  assert.equal(classOf("000000000000"), [0, 0]);
});

test.run();
