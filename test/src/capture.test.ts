// What a capture says beside the bytes: its interface, and which packet changed a connection's state.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { captureLink } from "../../src/links/capture.ts";
import { memoryLinkPair } from "../../src/links/memory-link.ts";
import { CLIENT, SERVER, startStack } from "../support/stack-pair.ts";
import { type Block, packetOf, readBlocks } from "./links/read-pcapng.ts";

const INTERFACE = 1;
const PACKET = 6;
const IPV4 = 0x0800;
const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

const capture = suite("src/capture");

/** Flags and comments of the TCP packets with comments. */
function comments(blocks: Block[]): [flags: number, isOurs: boolean, comment: string][] {
  return (
    blocks
      .filter(({ type }) => type === PACKET)
      .map(packetOf)
      // "if1: link up", when the other end is plugged in, stands with a packet of ARP.
      .filter(({ bytes, comment }) => comment !== undefined && bytes.readUInt16BE(12) === IPV4)
      .map(({ bytes, flags, comment }) => [bytes[47]! & (FIN | SYN | RST | ACK), flags === 2, comment!])
  );
}

capture(
  "names the interface, and puts each change of state to the packet that brought it or brings it to the peer",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "wasmtcp-"));
    const file = (name: string): string => join(folder, `${name}.pcapng`);
    try {
      const [left, right] = memoryLinkPair();
      const client = await startStack({
        interfaces: [{ link: captureLink(left, file("client")), address: `${CLIENT}/24`, mac: "02:00:00:00:00:01" }],
      });
      const server = await startStack({
        interfaces: [{ link: captureLink(right, file("server")), address: `${SERVER}/24`, name: "downlink" }],
      });
      const listener = await server.listen({ port: 7 });
      const connection = await client.connect({ hostname: SERVER, port: 7 });
      const accepted = await listener.accept();
      await connection.closeWrite();
      assert.is(await accepted.read(new Uint8Array(1)), null);
      await accepted.closeWrite();
      await connection.closed;
      await client.connect({ hostname: SERVER, port: 8 }).then(
        () => assert.unreachable(),
        () => {},
      );
      await client.close();
      await server.close();

      const options = (type: number): number => (type === INTERFACE ? 8 : 16);
      const ofClient = readBlocks(readFileSync(file("client")), { options });
      const ofServer = readBlocks(readFileSync(file("server")), { options });
      const own = ofClient[1]!.options;
      assert.is(own.get(2)!.toString(), "if1");
      assert.is(own.get(3)!.toString(), `wasmtcp ${CLIENT}/24`);
      assert.equal([...own.get(4)!], [10, 1, 0, 1, 255, 255, 255, 0]);
      assert.equal([...own.get(6)!], [2, 0, 0, 0, 0, 1]);
      assert.is(ofServer[1]!.options.get(2)!.toString(), "downlink");

      const local = `${CLIENT}:${connection.localAddr.port}`;
      const [first, second, ...rest] = comments(ofClient);
      assert.equal(first, [SYN, true, `${local} CLOSED -> SYN-SENT`]);
      assert.equal(second, [SYN | ACK, false, `${local} SYN-SENT -> ESTABLISHED`]);
      assert.equal(rest.slice(0, 3), [
        [FIN | ACK, true, `${local} ESTABLISHED -> FIN-WAIT-1`],
        [ACK, false, `${local} FIN-WAIT-1 -> FIN-WAIT-2`],
        [FIN | ACK, false, `${local} FIN-WAIT-2 -> TIME-WAIT`],
      ]);
      const [syn, reset] = rest.slice(3);
      assert.is(syn![0], SYN);
      assert.match(syn![2], /CLOSED -> SYN-SENT$/);
      assert.is(reset![0] & RST, RST);
      assert.match(reset![2], /SYN-SENT -> CLOSED$/);
      assert.equal(comments(ofServer), [
        [SYN, false, `${SERVER}:7 CLOSED -> SYN-RECEIVED`],
        [ACK, false, `${SERVER}:7 SYN-RECEIVED -> ESTABLISHED`],
        [FIN | ACK, false, `${SERVER}:7 ESTABLISHED -> CLOSE-WAIT`],
        [FIN | ACK, true, `${SERVER}:7 CLOSE-WAIT -> LAST-ACK`],
        [ACK, false, `${SERVER}:7 LAST-ACK -> CLOSED`],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

capture.run();
