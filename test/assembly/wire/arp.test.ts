// The ARP packet view.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";
import { bytesOf, hexOf, readWords } from "../../support/words.ts";

const test = suite("wire/arp");
const { exports: wasm, u8, view } = await instantiate(1 << 20);

const PACKET = HEAP + 4097;
const SENDER = HEAP + 101;
const TARGET = HEAP + 203;
const OUT = HEAP + 512;
const REQUEST = "0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002";
const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
const u32 = fc.nat(0xffffffff);

test("lies on the wire as the RFC draws it, a request with an empty target [826]", () => {
  u8.set(bytesOf("020000000001"), SENDER);
  u8.fill(0xee, PACKET, PACKET + 28);
  wasm.wireArpEmit(PACKET, 1, SENDER, 0x0a000001, 0, 0x0a000002);
  assert.is(hexOf(u8.slice(PACKET, PACKET + 28)), hexOf(bytesOf(REQUEST)));
});

test("reads what it emitted, and calls it valid", () => {
  fc.assert(
    fc.property(fc.nat(0xffff), mac, u32, mac, u32, (operation, sender, from, target, to) => {
      u8.set(sender, SENDER);
      u8.set(target, TARGET);
      wasm.wireArpEmit(PACKET, operation, SENDER, from, TARGET, to);
      assert.is(wasm.wireArpIsValid(PACKET, 28), 1);
      wasm.wireArpRead(PACKET, OUT);
      assert.equal(readWords(view, OUT, 3), [operation, from, to]);
      assert.equal(u8.slice(OUT + 12, OUT + 18), sender);
      assert.equal(u8.slice(OUT + 18, OUT + 24), target);
    }),
  );
});

test("refuses a short packet, accepts link padding [826] [attack 3]", () => {
  u8.set(bytesOf(REQUEST), PACKET);
  for (let length = 0; length < 28; length++) assert.is(wasm.wireArpIsValid(PACKET, length), 0, `length ${length}`);
  assert.is(wasm.wireArpIsValid(PACKET, 28), 1);
  assert.is(wasm.wireArpIsValid(PACKET, 46), 1);
});

test("refuses any other hardware type, protocol type or address length [826] [826#1] [attack 3]", () => {
  for (let at = 0; at < 6; at++) {
    for (let bit = 0; bit < 8; bit++) {
      u8.set(bytesOf(REQUEST), PACKET);
      u8[PACKET + at]! ^= 1 << bit;
      assert.is(wasm.wireArpIsValid(PACKET, 28), 0, `byte ${at}, bit ${bit}`);
    }
  }
});

test.run();
