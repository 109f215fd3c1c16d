// Files across two namespaces: 1 GiB each way between two of ours and between ours and the kernel, offloads on and off.
// Every copy is compared by SHA-256, and no ring of ours may have dropped a frame.
import { createHash, randomFillSync } from "node:crypto";
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasPrivileges, type Running, type Side, TwoHosts } from "../support/namespaces.ts";
import { tshark } from "../support/tshark.ts";

const MIB = 1024 * 1024;
const SIZE_MIB = Number(process.env.WASMTCP_TRANSFER_MIB ?? 1024);

const transfer = suite("e2e/transfer");
const folder = mkdtempSync(join(tmpdir(), "wasmtcp-transfer-"));
const source = join(folder, "source.bin");
const copy = join(folder, "copy.bin");
let sourceSha256 = "";

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: MIB }), hash);
  return hash.digest("hex");
}

type End = "ours" | "kernel";

async function move(hosts: TwoHosts, sender: End, receiver: End): Promise<void> {
  rmSync(copy, { force: true });
  const target: Side = "a";
  let receiving: Running;
  if (receiver === "ours") {
    receiving = hosts.wasmtcp(target, "receive", "10001", copy, "--json", "--debug");
    await receiving.saw("from CLOSED to LISTEN");
  } else {
    receiving = hosts.peer(target, "receive", "10001", copy);
    await receiving.saw("READY");
  }
  const host = receiver === "ours" ? hosts.stackAddress.a : hosts.kernelAddress.a;
  const sending =
    sender === "ours"
      ? hosts.wasmtcp("b", "send", host, "10001", source, "--json")
      : hosts.peer("b", "send", host, "10001", source);
  const [received, sent] = await Promise.all([receiving.finished, sending.finished]);
  assert.is(sent.code, 0, sent.stderr);
  assert.is(received.code, 0, received.stderr);
  assert.is(await sha256(copy), sourceSha256);
  for (const report of [...(sender === "ours" ? [sent] : []), ...(receiver === "ours" ? [received] : [])]) {
    const { linkDrops, linkErrors, retransSegs, lossProbes } = JSON.parse(report.stdout);
    assert.equal({ linkDrops, linkErrors }, { linkDrops: 0, linkErrors: 0 });
    // A host that does not get its processor for long is probed once, which says nothing about loss
    if (sender === receiver) assert.ok(retransSegs <= lossProbes, `two of ours sent ${retransSegs} segments again`);
  }
  if (receiver === "ours") {
    const report = JSON.parse(received.stdout);
    assert.is(report.sha256, sourceSha256);
    assert.not.ok(existsSync(`${copy}.part`));
    process.stdout.write(`  ${sender} -> ${receiver}: ${report.gbitPerSecond.toFixed(2)} Gbit/s\n`);
  } else if (sender === "ours") {
    process.stdout.write(`  ${sender} -> ${receiver}: ${JSON.parse(sent.stdout).gbitPerSecond.toFixed(2)} Gbit/s\n`);
  }
}

transfer.before(async () => {
  const file = openSync(source, "w");
  const chunk = Buffer.alloc(MIB);
  for (let i = 0; i < SIZE_MIB; i++) writeSync(file, randomFillSync(chunk));
  closeSync(file);
  sourceSha256 = await sha256(source);
});
transfer.after(() => rmSync(folder, { recursive: true }));

if (hasPrivileges()) {
  const pairs: [End, End][] = [
    ["ours", "ours"],
    ["ours", "kernel"],
    ["kernel", "ours"],
  ];
  for (const offloads of [true, false]) {
    for (const [sender, receiver] of pairs) {
      transfer(
        `${sender} to ${receiver}: ${SIZE_MIB} MiB arrive intact, offloads ${offloads ? "on" : "off"}`,
        async () => {
          using hosts = new TwoHosts({ offloads });
          await move(hosts, sender, receiver);
        },
      );
    }
  }
}

if (hasPrivileges()) {
  transfer("a transfer that the peer resets keeps the part, says what arrived and fails", async () => {
    using hosts = new TwoHosts();
    const target = join(folder, "broken.bin");
    const receiving = hosts.wasmtcp("a", "receive", "10001", target, "--debug");
    await receiving.saw("from CLOSED to LISTEN");
    const breaking = await hosts.peer("b", "break", hosts.stackAddress.a, "10001", "300000").finished;
    assert.is(breaking.code, 0, breaking.stderr);
    const { code, stderr } = await receiving.finished;
    assert.is(code, 1);
    assert.match(stderr, /after 300000 bytes, kept in .*broken\.bin\.part: .*ECONNRESET/);
    assert.is(statSync(`${target}.part`).size, 300_000);
    assert.not.ok(existsSync(target));
  });

  transfer("a capture between two of ours shows no retransmission and no bad checksum", async () => {
    using hosts = new TwoHosts();
    const small = join(folder, "small.bin");
    const capture = join(folder, "sender.pcapng");
    writeFileSync(small, randomFillSync(Buffer.alloc(32 * MIB)));
    rmSync(copy, { force: true });
    const receiving = hosts.wasmtcp("a", "receive", "10001", copy, "--json", "--debug");
    await receiving.saw("from CLOSED to LISTEN");
    const sending = hosts.wasmtcp("b", "send", hosts.stackAddress.a, "10001", small, "--json", "--capture", capture);
    const [received, sent] = await Promise.all([receiving.finished, sending.finished]);
    assert.is(received.code, 0, received.stderr);
    assert.is(sent.code, 0, sent.stderr);
    const wrong = "tcp.analysis.retransmission || tcp.checksum.status == 0 || ip.checksum.status == 0";
    assert.is(tshark(capture, "-Y", wrong), "");
    const all = tshark(capture, "-Y", "tcp.len > 0");
    assert.ok(all.split("\n").length > 100, "the capture holds the data");
  });
}

transfer.run();
