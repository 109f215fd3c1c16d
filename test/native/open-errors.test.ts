// What opening a packet socket refuses, and how the errors read.
import * as assert from "uvu/assert";
import { loadAddon } from "../../src/native.ts";
import { End } from "./support/end.ts";
import { execIn, inNamespace, ip } from "./support/namespace.ts";

type SystemError = Error & { code?: string; errno?: number; syscall?: string };

function failure(body: () => unknown): SystemError {
  try {
    body();
  } catch (error) {
    return error as SystemError;
  }
  return assert.unreachable("it did not throw") as never;
}

inNamespace("native/open-errors", import.meta.url, (test) => {
  const { PacketSocket } = loadAddon();
  const memory = new Uint8Array(new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true }).buffer);
  const good = {
    interface: "wtn0",
    ringPtr: 0x100000,
    ringBytes: 0x100000,
    rxDescriptorsPtr: 0,
    txRingPtr: 0x10000,
    interfacePtr: 0x20000,
    macHigh16: 0x0277,
    macLow32: 10,
  };

  test("opens what the failures below are variations of", () => {
    new PacketSocket(memory, good).close();
  });

  test("names the call, the interface and the reason for an interface that does not exist", () => {
    const error = failure(() => new PacketSocket(memory, { ...good, interface: "eth-none" }));
    assert.is(error.code, "ENODEV");
    assert.is(error.errno, -19);
    assert.is(error.syscall, "bind");
    assert.match(error.message, /^bind\(AF_PACKET, eth-none\): No such device/);
  });

  test("takes an empty or over-long name for an interface that does not exist", () => {
    for (const name of ["", "a-name-of-more-than-fifteen-bytes", "wtn0\0x"]) {
      assert.is(failure(() => new PacketSocket(memory, { ...good, interface: name })).code, "ENODEV", name);
    }
  });

  test("refuses an interface whose frames are not Ethernet", () => {
    ip("tuntap", "add", "wtntun", "mode", "tun");
    ip("link", "set", "wtntun", "up");
    const error = failure(() => new PacketSocket(memory, { ...good, interface: "wtntun" }));
    assert.is(error.code, "ENOTSUP");
    assert.match(error.message, /wtntun.*not Ethernet/);
    ip("link", "del", "wtntun");
  });

  test("opens on an interface that is down and says so", () => {
    ip("link", "set", "wtn0", "down");
    const socket = new PacketSocket(memory, good);
    assert.is(socket.takeError(), 100);
    ip("link", "set", "wtn0", "up");
    assert.is(socket.takeError(), 0);
    socket.close();
  });

  const misplaced: [string, object][] = [
    ["ringPtr", { ringPtr: 0x100800 }],
    ["ringPtr", { ringPtr: 0x400000 - 4096 }],
    ["ringPtr", { ringPtr: 0xfffff000, ringBytes: 0x100000 }],
    ["ringBytes", { ringBytes: 100_000 }],
    ["rxDescriptorsPtr", { rxDescriptorsPtr: 4 }],
    ["rxDescriptorsPtr", { rxDescriptorsPtr: 0x400000 - 8 }],
    ["txRingPtr", { txRingPtr: 0x400000 - 64 }],
    ["interfacePtr", { interfacePtr: 0xfffffff8 }],
  ];
  for (const [name, change] of misplaced) {
    test(`refuses ${JSON.stringify(change)}`, () => {
      const error = failure(() => new PacketSocket(memory, { ...good, ...change }));
      assert.is(error.code, "EINVAL");
      assert.ok(error.message.includes(name), error.message);
    });
  }

  const wrong: [string, unknown, unknown][] = [
    ["`memory`", new Uint16Array(10), good],
    ["`memory`", new ArrayBuffer(10), good],
    ["`memory`", undefined, good],
    ["`options`", memory, undefined],
    ["`interface`", memory, { ...good, interface: 7 }],
    ["`ringPtr`", memory, { ...good, ringPtr: -4096 }],
    ["`ringPtr`", memory, { ...good, ringPtr: 1.5 }],
    ["`ringBytes`", memory, { ...good, ringBytes: "64" }],
    ["`macHigh16`", memory, { ...good, macHigh16: 65536 }],
    ["`macLow32`", memory, { ...good, macLow32: 2 ** 32 }],
    ["`sendBufferBytes`", memory, { ...good, sendBufferBytes: Number.NaN }],
    ["`macLow32`", memory, { ...good, macLow32: undefined }],
  ];
  for (const [name, first, second] of wrong) {
    test(`names ${name} in the TypeError for ${typeof first} and ${JSON.stringify(second)?.slice(-60)}`, () => {
      const error = failure(() => new PacketSocket(first as Uint8Array, second as typeof good));
      assert.instance(error, TypeError);
      assert.ok(error.message.includes(name), error.message);
    });
  }

  test("throws for methods on something else and for arguments that are no numbers", () => {
    const socket = new PacketSocket(memory, good);
    assert.throws(() => socket.receive("x" as unknown as number), /`maxFrames`/);
    assert.throws(() => socket.receive(-1), /`maxFrames`/);
    assert.throws(() => socket.transmit(0.5), /`maxFrames`/);
    assert.throws(() => socket.receive.call({} as typeof socket, 1));
    assert.throws(() => (PacketSocket as unknown as (m: Uint8Array, o: object) => void)(memory, good));
    socket.close();
  });

  test("leaves neither descriptors nor a promiscuous interface behind when it fails", () => {
    const before = failure(() => new PacketSocket(memory, { ...good, ringBytes: 100_000 }));
    assert.ok(before);
    assert.match(ip("-d", "link", "show", "wtn0"), /promiscuity 0/);
  });

  test("falls back to copies in a memory that is not page aligned", () => {
    const unaligned = new Uint8Array(new SharedArrayBuffer((4 << 20) + 1), 1);
    const socket = new PacketSocket(unaligned, { ...good, txRingPtr: 0x10000 });
    assert.is(socket.inPlace, false);
    socket.close();
  });

  test("takes the ring's size from ringBytes", () => {
    for (const [megabytes, slots] of [
      [1, 15],
      [4, 60],
      [8, 120],
    ] as const) {
      const end = new End({ interface: "wtn0", mac: 10, ringBytes: megabytes << 20 });
      assert.is(end.socket.slots, slots);
      end.socket.close();
    }
  });

  test("names CAP_NET_RAW and the cure without the capability", async () => {
    const script = `
      const { loadAddon } = await import("./src/native.ts");
      const memory = new Uint8Array(new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true }).buffer);
      try { new (loadAddon().PacketSocket)(memory, ${JSON.stringify(good)}); } catch (e) { console.log(e.code, e.message); }`;
    const { output } = await execIn(process.env.WASMTCP_TEST_NAMESPACE!, [
      "setpriv",
      "--bounding-set=-net_raw",
      "--inh-caps=-net_raw",
      process.execPath,
      "--import",
      "tsx",
      "--input-type=module",
      "-e",
      script,
    ]);
    assert.match(output, /^EPERM socket\(AF_PACKET, wtn0\): Operation not permitted \(.*CAP_NET_RAW.*setcap/, output);
  });
});
