// Captures of a stack that talks to a kernel, as tshark reads them: names, comments, and checksums that the kernel or we left to the card.
import { randomFillSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges, TwoHosts } from "../support/namespaces.ts";
import { tshark } from "../support/tshark.ts";

const capture = suite("e2e/capture");
const ERROR = "_ws.expert.severity >= 0x800000 || _ws.malformed";

function fields(file: string, filter: string, ...names: string[]): string[][] {
  const text = tshark(file, "-Y", filter, "-T", "fields", ...names.flatMap((name) => ["-e", name]));
  return text === "" ? [] : text.split("\n").map((line) => line.split("\t"));
}

if (hasPrivileges()) {
  capture(
    "a capture of super-segments to and from a kernel has every checksum, the interface's name and the states",
    async () => {
      using hosts = new TwoHosts();
      const folder = mkdtempSync(join(tmpdir(), "wasmtcp-"));
      try {
        const [data, copy] = [join(folder, "data"), join(folder, "copy")];
        writeFileSync(data, randomFillSync(Buffer.alloc(4 * 1024 * 1024)));
        const toKernel = join(folder, "sent.pcapng");
        const sink = hosts.peer("a", "receive", "10001", "/dev/null");
        await sink.saw("READY");
        const sent = await hosts.wasmtcp("b", "send", hosts.kernelAddress.a, "10001", data, "--capture", toKernel)
          .finished;
        assert.is(sent.code, 0, sent.stderr);
        await sink.finished;
        const fromKernel = join(folder, "received.pcapng");
        const receiving = hosts.wasmtcp("b", "receive", "10002", copy, "--debug", "--capture", fromKernel);
        await receiving.saw("from CLOSED to LISTEN");
        const source = await hosts.peer("a", "send", hosts.stackAddress.b, "10002", data).finished;
        assert.is(source.code, 0, source.stderr);
        const received = await receiving.finished;
        assert.is(received.code, 0, received.stderr);

        for (const [file, direction] of [
          [toKernel, 2],
          [fromKernel, 1],
        ] as const) {
          assert.is(tshark(file, "-Y", "tcp.checksum.status != 1 || ip.checksum.status != 1"), "");
          assert.is(tshark(file, "-Y", ERROR), "");
          const whole = fields(
            file,
            "tcp.len > 1460",
            "frame.interface_name",
            "frame.packet_flags_direction",
            "frame.cap_len",
          );
          assert.ok(whole.length > 10, "super-segments are kept whole");
          assert.ok(whole.every(([name, way]) => name === "h2-eth0" && Number(way) === direction));
        }
        const opened = fields(fromKernel, "frame.comment", "tcp.flags", "frame.comment");
        assert.equal(opened.slice(0, 3), [
          ["0x0002", `${hosts.stackAddress.b}:10002 CLOSED -> SYN-RECEIVED`],
          ["0x0010", `${hosts.stackAddress.b}:10002 SYN-RECEIVED -> ESTABLISHED`],
          [opened[2]![0]!, `${hosts.stackAddress.b}:10002 ESTABLISHED -> CLOSE-WAIT`],
        ]);
        assert.is(Number(opened[2]![0]) & 1, 1, "the kernel's FIN");
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
}

capture.run();
