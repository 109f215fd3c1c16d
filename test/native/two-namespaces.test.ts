// Two processes in two network namespaces, a veth pair between them: frames and super-segments there and back.
import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as assert from "uvu/assert";
import * as layout from "../../assembly/layout.ts";
import { loadAddon } from "../../src/native.ts";
import type { Received } from "./support/end.ts";
import { End, macAddress } from "./support/end.ts";
import { assertFrames, concat, frame, pattern, TCP_START, tcpHeaders } from "./support/frames.ts";
import { inNamespace, ip, namespaceName, tsxCommand } from "./support/namespace.ts";

const A = 0x0a;
const B = 0x0b;

inNamespace("native/two-namespaces", import.meta.url, (test) => {
  test("gets back from the other namespace what it sent there", async () => {
    const other = namespaceName("other");
    ip("netns", "add", other);
    let child: ChildProcess | undefined;
    try {
      // The kernel's own IPv6 chatter would be reflected too
      for (const scope of ["all", "default"]) {
        execFileSync("ip", ["netns", "exec", other, "sysctl", "-qw", `net.ipv6.conf.${scope}.disable_ipv6=1`]);
      }
      ip("link", "set", "wtn1", "netns", other);
      ip("-n", other, "link", "set", "wtn1", "up");
      const file = new URL("support/reflector.ts", import.meta.url).pathname;
      child = spawn("ip", ["netns", "exec", other, ...tsxCommand(file)], { stdio: ["pipe", "pipe", "inherit"] });
      const exit = once(child, "exit");
      await once(child.stdout!, "data");
      exchange();
      child.stdin!.end();
      assert.equal(await exit, [0, null]);
    } finally {
      child?.kill();
      ip("netns", "del", other);
    }
  });

  /** Sends frames of all kinds to the reflector and expects them back in order. */
  function exchange(): void {
    const { Waiter, createWakeFd, closeWakeFd } = loadAddon();
    const a = new End({ interface: "wtn0", mac: A, ringBytes: 8 << 20 });
    const wakeFd = createWakeFd();
    const waiter = new Waiter(wakeFd);
    waiter.add(a.socket);
    const payload = pattern(60_000, 1);
    const header = tcpHeaders(B, payload.length);
    const expected: Uint8Array[] = [];
    const got: Received[] = [];
    for (let round = 0; round < 8; round++) {
      const frames = Array.from({ length: 5 }, (_, i) => frame(B, 100 + 280 * i, round * 5 + i));
      for (const bytes of frames) a.queue({ header: bytes });
      a.queue({ header, piece1: payload, flags: layout.FRAME_CSUM_PARTIAL, gsoSize: 1448, csumStart: TCP_START });
      assert.is(a.socket.transmit(), 6);
      expected.push(...frames, concat(header, payload));
      for (let idle = 0; got.length < expected.length && idle < 5; ) {
        if (waiter.wait(1e6) === 0) idle++;
        got.push(...a.receive());
      }
    }
    assertFrames(
      got.map(({ bytes }) => ({ bytes: turned(bytes) })),
      expected,
    );
    assert.equal(
      got.map(({ gsoSize }) => gsoSize),
      expected.map(({ length }) => (length > 10_000 ? 1448 : 0)),
    );
    a.socket.close();
    closeWakeFd(wakeFd);
  }

  /** The frame with its addresses changed back. */
  function turned(bytes: Uint8Array): Uint8Array {
    return concat(bytes.subarray(6, 12), macAddress(0xee), bytes.subarray(12));
  }
});
