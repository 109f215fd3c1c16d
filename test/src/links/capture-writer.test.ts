// Capture files on a real file system: contents, buffering, and what happens when the file cannot be opened or written.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FRAME_CSUM_PARTIAL } from "../../../assembly/layout.ts";
import { CaptureError, CaptureWriter } from "../../../src/links/capture-writer.ts";
import { MAX_PACKET_BLOCK_BYTES } from "../../../src/links/pcapng.ts";
import { pattern, tcpFrame } from "./build-frame.ts";
import { packetOf, readFile } from "./read-pcapng.ts";

const test = suite("links/capture-writer");

let folder = "";
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "wasmtcp-capture-"));
});
test.after(() => rmSync(folder, { recursive: true }));

const frameOf = (bytes: Uint8Array, flags = 0) => ({ bytes, flags, gsoSize: 0 });
const blocksOf = (path: string) => readFile(readFileSync(path));
const openFiles = () => readdirSync("/proc/self/fd").length;

test("writes section, interfaces and frames of both directions in order", () => {
  const path = join(folder, "order.pcapng");
  const writer = new CaptureWriter(path);
  const [a, b] = [writer.addInterface("a"), writer.addInterface("b")];
  const fields = { seq: 1, id: 2, flags: 0x10, payload: pattern(100) };
  const partial = tcpFrame(fields, { partial: true });
  writer.write(a, 1000, frameOf(pattern(60)), true);
  writer.write(b, 2000, frameOf(partial, FRAME_CSUM_PARTIAL), false, "retransmission");
  writer.write(a, 3000, frameOf(pattern(61)), false);
  writer.close();
  writer.close();
  const [section, first, second, ...packets] = blocksOf(path);
  assert.is(section!.type, 0x0a0d0d0a);
  assert.is(first!.options.get(2)!.toString(), "a");
  assert.is(second!.options.get(2)!.toString(), "b");
  assert.equal(
    packets.map(packetOf).map((packet) => ({ ...packet, bytes: packet.bytes.toString("hex") })),
    [
      { interfaceId: 0, timestampUs: 1000n, length: 60, bytes: hex(pattern(60)), flags: 2, comment: undefined },
      {
        interfaceId: 1,
        timestampUs: 2000n,
        length: partial.length,
        bytes: hex(tcpFrame(fields)),
        flags: 1,
        comment: "retransmission",
      },
      { interfaceId: 0, timestampUs: 3000n, length: 61, bytes: hex(pattern(61)), flags: 1, comment: undefined },
    ],
  );
  assert.equal(partial, tcpFrame(fields, { partial: true }), "the caller's frame is untouched");
  assert.equal(writer.counters, { frames: 3, bytes: statSync(path).size, lostFrames: 0 });
  assert.is(writer.error, null);
});

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("collects blocks until flush, and writes by itself when its buffer is full", () => {
  const path = join(folder, "buffer.pcapng");
  const writer = new CaptureWriter(path, { bufferBytes: MAX_PACKET_BLOCK_BYTES + 1000 });
  const id = writer.addInterface("a");
  writer.write(id, 1, frameOf(pattern(60)), true);
  assert.is(statSync(path).size, 0);
  writer.flush();
  assert.is(blocksOf(path).length, 3);
  const before = statSync(path).size;
  for (let i = 0; i < 20; i++) writer.write(id, i, frameOf(pattern(200)), true);
  assert.ok(statSync(path).size > before, "more than its buffer holds");
  writer.close();
  assert.is(blocksOf(path).length, 23);
});

test("holds super-segments in any number", () => {
  const path = join(folder, "super.pcapng");
  const writer = new CaptureWriter(path);
  const id = writer.addInterface("a");
  const bytes = tcpFrame({ seq: 1, id: 2, flags: 0x10, payload: pattern(65495) });
  for (let i = 0; i < 40; i++) writer.write(id, i, frameOf(bytes), true);
  writer.close();
  const packets = blocksOf(path).slice(2).map(packetOf);
  assert.is(packets.length, 40);
  assert.ok(packets.every((packet) => Buffer.compare(packet.bytes, bytes) === 0));
});

test("says which file cannot be opened and why, and leaves nothing open", () => {
  const path = join(folder, "missing", "x.pcapng");
  const before = openFiles();
  try {
    new CaptureWriter(path);
  } catch (error) {
    assert.instance(error, CaptureError);
    const { message, code, syscall, path: where } = error as CaptureError;
    assert.ok(message.startsWith(`Capture file \`${path}\` cannot be opened: ENOENT`), message);
    assert.is(code, "ENOENT");
    assert.is(syscall, "open");
    assert.is(where, path);
    assert.is(openFiles(), before);
    return;
  }
  assert.unreachable("nothing was thrown");
});

test("ends the capture and not the link when the disk is full: one report, frames counted, file closed", () => {
  if (!existsSync("/dev/full")) throw new Error("this test needs /dev/full (Linux)");
  const before = openFiles();
  const errors: CaptureError[] = [];
  const writer = new CaptureWriter("/dev/full", { onError: (error) => errors.push(error) });
  const id = writer.addInterface("a");
  for (let i = 0; i < 5; i++) writer.write(id, i, frameOf(pattern(60)), true);
  writer.flush();
  for (let i = 0; i < 3; i++) writer.write(id, i, frameOf(pattern(60)), true);
  writer.flush();
  writer.close();
  assert.is(errors.length, 1);
  assert.is(writer.error, errors[0]);
  assert.is(errors[0]!.code, "ENOSPC");
  assert.is(errors[0]!.syscall, "write");
  assert.match(errors[0]!.message, /^Capture file `\/dev\/full` cannot be written, the capture stops: ENOSPC/);
  assert.equal(writer.counters, { frames: 0, bytes: 0, lostFrames: 8 });
  assert.is(openFiles(), before);
});

test("leaves a readable file when writing fails half way", () => {
  // A file size limit makes the kernel take part of a piece and refuse the rest, as a full disk does.
  const path = join(folder, "limited.pcapng");
  const script = `
    import { CaptureWriter } from ${JSON.stringify(new URL("../../../src/links/capture-writer.ts", import.meta.url).href)};
    const writer = new CaptureWriter(${JSON.stringify(path)});
    const id = writer.addInterface("a");
    const frame = { bytes: new Uint8Array(1000), flags: 0, gsoSize: 0 };
    for (let i = 0; i < 6; i++) writer.write(id, i, frame, true);
    writer.flush();
    for (let i = 0; i < 6; i++) writer.write(id, i, frame, true);
    writer.flush();
    console.log(JSON.stringify({ code: writer.error?.code, ...writer.counters }));
  `;
  // 8 blocks of 1,024 bytes; an ignored SIGXFSZ turns into EFBIG. Without its cache tsx writes no file that could be
  // too long.
  const run = `trap "" XFSZ && ulimit -f 8 && exec "$0" --import tsx --input-type=module -e "$1"`;
  const output = execFileSync("bash", ["-c", run, process.execPath, script], {
    encoding: "utf8",
    env: { ...process.env, TSX_DISABLE_CACHE: "1" },
  });
  const { code, frames, bytes, lostFrames } = JSON.parse(output);
  assert.is(code, "EFBIG");
  assert.is(frames, 6);
  assert.is(lostFrames, 6);
  assert.is(bytes, statSync(path).size);
  assert.is(blocksOf(path).length, 2 + 6);
});

test("counts frames after close as lost", () => {
  const writer = new CaptureWriter(join(folder, "closed.pcapng"));
  const id = writer.addInterface("a");
  writer.close();
  writer.write(id, 1, frameOf(pattern(60)), true);
  writer.flush();
  assert.is(writer.counters.lostFrames, 1);
  assert.is(blocksOf(writer.path).length, 2);
});

test("empties a file that exists", () => {
  const path = join(folder, "again.pcapng");
  for (let i = 0; i < 2; i++) {
    const writer = new CaptureWriter(path);
    writer.write(writer.addInterface("a"), 1, frameOf(pattern(60)), true);
    writer.close();
  }
  assert.is(blocksOf(path).length, 3);
});

test("refuses a buffer that is too small and an interface that was not added", () => {
  const path = join(folder, "refused.pcapng");
  assert.throws(
    () => new CaptureWriter(path, { bufferBytes: 1000 }),
    /Expected `bufferBytes` to be at least \d+, got `1000`/,
  );
  const writer = new CaptureWriter(path);
  assert.throws(
    () => writer.write(0, 1, frameOf(pattern(60)), true),
    (error: NodeJS.ErrnoException) => error instanceof RangeError && error.code === "ERR_OUT_OF_RANGE",
  );
  writer.close();
});

test.run();
