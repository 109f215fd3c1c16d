// The TCP header view.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HEAP } from "../../../assembly/layout.ts";
import { instantiate } from "../../support/wasm.ts";
import { bytesOf, hexOf, readWords } from "../../support/words.ts";

const test = suite("wire/tcp");
const { exports: wasm, u8, view } = await instantiate(1 << 20);

const SEGMENT = HEAP + 4098;
const OUT = HEAP + 512;
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);

test("lies on the wire as the RFC draws it [9293 3.1]", () => {
  u8.fill(0xee, SEGMENT, SEGMENT + 22);
  wasm.wireTcpEmit(SEGMENT, 10000, 10001, 0xfffffff0, 0x01020304, 32, 0x12, 0xabcd);
  assert.is(hexOf(u8.slice(SEGMENT, SEGMENT + 22)), "27102711fffffff0010203048012abcd00000000eeee");
});

test("reads what it emitted", () => {
  const dataOffset = fc.integer({ min: 5, max: 15 }).map((words) => words * 4);
  fc.assert(
    fc.property(
      fc.tuple(u16, u16, u32, u32, dataOffset, fc.nat(255), u16),
      ([srcPort, dstPort, seq, ack, offset, flags, window]) => {
        wasm.wireTcpEmit(SEGMENT, srcPort, dstPort, seq, ack, offset, flags, window);
        assert.is(wasm.wireTcpIsValid(SEGMENT, offset), 1);
        assert.is(wasm.wireTcpIsValid(SEGMENT, offset - 1), 0);
        wasm.wireTcpRead(SEGMENT, OUT);
        assert.equal(readWords(view, OUT, 10), [srcPort, dstPort, seq, ack, offset, flags, window, 0, 0, 20]);
      },
    ),
  );
});

test("reads what its setters wrote, ports and data offset untouched", () => {
  fc.assert(
    fc.property(fc.tuple(u32, u32, fc.nat(255), u16, u16, u16), ([seq, ack, flags, window, sum, up]) => {
      wasm.wireTcpEmit(SEGMENT, 1, 65535, ~seq, ~ack, 44, ~flags & 255, ~window & 0xffff);
      wasm.wireTcpPatch(SEGMENT, seq, ack, flags, window, sum, up);
      wasm.wireTcpRead(SEGMENT, OUT);
      assert.equal(readWords(view, OUT, 9), [1, 65535, seq, ack, 44, flags, window, sum, up]);
    }),
  );
});

test("refuses a data offset below 5 or past the segment [9293 3.1] [attack 32]", () => {
  for (let words = 0; words < 16; words++) {
    u8[SEGMENT + 12] = words << 4;
    for (const length of [0, 12, 13, 19, 20, 23, 24, 40, 59, 60, 1480]) {
      const expected = length >= 20 && words >= 5 && words * 4 <= length;
      assert.is(wasm.wireTcpIsValid(SEGMENT, length), expected ? 1 : 0, `offset ${words}, length ${length}`);
    }
  }
});

test("ignores the reserved bits [9293 3.1]", () => {
  u8.set(bytesOf("0001 0002 00000003 00000004 5f10 0005 0006 0007"), SEGMENT);
  assert.is(wasm.wireTcpIsValid(SEGMENT, 20), 1);
  wasm.wireTcpRead(SEGMENT, OUT);
  assert.equal(readWords(view, OUT, 9), [1, 2, 3, 4, 20, 0x10, 5, 6, 7]);
});

test.run();
