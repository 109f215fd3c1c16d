// Addresses as text and numbers.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  defaultMac,
  formatIpv4,
  inNetwork,
  networkMask,
  parseCidr,
  parseIpv4,
  parseMac,
  readAddress,
  writeAddress,
} from "../../src/address.ts";

const address = suite("src/address");

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => (error as { code?: unknown }).code === code;
}

address("reads what it writes, for every IPv4 address", () => {
  fc.assert(fc.property(fc.nat(0xffffffff), (value) => parseIpv4(formatIpv4(value)) === value));
});

address("takes nothing but a dotted quad of decimal numbers", () => {
  const wrong = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3.4 ",
    "0x1.2.3.4",
    "1.2.3.-4",
    "::1",
    "a.b.c.d",
  ];
  for (const text of wrong) assert.is(parseIpv4(text), undefined, text);
  assert.is(parseIpv4("0.0.0.0"), 0);
  assert.is(parseIpv4("255.255.255.255"), 0xffffffff);
});

address("reads a network with its prefix length, 32 if there is none", () => {
  assert.equal(parseCidr("address", "10.1.2.3/24"), { address: 0x0a010203, prefixLength: 24 });
  assert.equal(parseCidr("address", "10.1.2.3"), { address: 0x0a010203, prefixLength: 32 });
  assert.equal(parseCidr("address", "10.1.2.3/0"), { address: 0x0a010203, prefixLength: 0 });
  for (const text of ["10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1", "10.0.0.1/24/1", "10.0.0/24", "/24"]) {
    assert.throws(() => parseCidr("address", text), hasCode("ERR_INVALID_ARG_VALUE"), text);
  }
  assert.throws(() => parseCidr("address", 5), hasCode("ERR_INVALID_ARG_TYPE"));
});

address("compares networks by their prefix", () => {
  assert.is(networkMask(0), 0);
  assert.is(networkMask(1), 0x80000000);
  assert.is(networkMask(32), 0xffffffff);
  const network = parseCidr("network", "192.168.1.7/25");
  assert.ok(inNetwork(parseIpv4("192.168.1.127")!, network));
  assert.not.ok(inNetwork(parseIpv4("192.168.1.128")!, network));
});

address("reads unicast MAC addresses only", () => {
  assert.equal([...parseMac("mac", "02:AB:00:5e:10:ff")], [0x02, 0xab, 0x00, 0x5e, 0x10, 0xff]);
  for (const text of [
    "01:00:5e:00:00:01",
    "ff:ff:ff:ff:ff:ff",
    "00:00:00:00:00:00",
    "02:00:5e:10:00",
    "02-00-5e-10-00-01",
  ]) {
    assert.throws(() => parseMac("mac", text), hasCode("ERR_INVALID_ARG_VALUE"), text);
  }
});

address("derives a locally administered unicast MAC address that differs with the address", () => {
  const mac = defaultMac(0x0a000001);
  assert.is(mac[0]! & 3, 2);
  assert.equal([...mac], [0x02, 0x77, 10, 0, 0, 1]);
  assert.not.equal(defaultMac(0x0a000002), mac);
});

address("stores IPv4 addresses as IPv4-mapped IPv6 [RFC 4291 2.5.5.2], and any as zeros", () => {
  const bytes = new Uint8Array(24).fill(9);
  writeAddress(bytes, 4, 0xc0a80105);
  assert.equal([...bytes], [9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 1, 5, 9, 9, 9, 9]);
  assert.is(readAddress(bytes, 4), 0xc0a80105);
  writeAddress(bytes, 4, 0);
  assert.ok(bytes.subarray(4, 20).every((byte) => byte === 0));
});

address.run();
