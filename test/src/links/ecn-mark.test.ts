import { suite } from "uvu";
import * as assert from "uvu/assert";
import { internetChecksum } from "../../../src/links/checksum.ts";
import { markCongestion } from "../../../src/links/ecn-mark.ts";
import { Random } from "../../../src/links/random.ts";

const test = suite("src/links/ecn-mark");

/** An IPv4 packet of zeros but for its header, with a type of service. */
function packet(tos: number, id: number): Uint8Array {
  const bytes = new Uint8Array(60);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, 0x0800);
  bytes.set([0x45, tos, 0, 46], 14);
  view.setUint16(18, id);
  bytes.set([64, 6], 22);
  bytes.set([10, 0, 0, 1, 10, 0, 0, 2], 26);
  view.setUint16(24, internetChecksum(bytes, 14, 34));
  return bytes;
}

test("marks ECT(0) and ECT(1), keeps the DSCP and leaves a right checksum [RFC 3168 5, RFC 1624 3]", () => {
  const dice = new Random(5, 0);
  for (let i = 0; i < 2000; i++) {
    const tos = dice.below(256);
    const bytes = packet(tos, dice.below(65536));
    const isCapable = (tos & 3) === 1 || (tos & 3) === 2;
    assert.is(markCongestion(bytes), isCapable, `tos ${tos}`);
    assert.is(bytes[15], isCapable ? tos | 3 : tos);
    assert.is(internetChecksum(bytes, 14, 34), 0);
  }
});

test("marks IPv6 in its traffic class, behind a VLAN tag as well [RFC 8200 3]", () => {
  for (const [field, marked] of [
    [0, 0],
    [1, 3],
    [2, 3],
    [3, 3],
  ] as const) {
    for (const tags of [0, 1]) {
      const bytes = new Uint8Array(14 + 4 * tags + 40);
      if (tags === 1) bytes.set([0x81, 0, 0, 7], 12);
      bytes.set([0x86, 0xdd, 0x6b, 0x80 | (field << 4) | 5], 12 + 4 * tags);
      assert.is(markCongestion(bytes), marked !== field);
      assert.is(bytes[15 + 4 * tags], 0x80 | (marked << 4) | 5, "the flow label and the rest of the class stay");
    }
  }
});

test("leaves alone what is no IP packet", () => {
  const arp = packet(2, 1);
  arp[13] = 6;
  assert.not.ok(markCongestion(arp));
  assert.not.ok(markCongestion(packet(2, 1).subarray(0, 33)));
});

test.run();
