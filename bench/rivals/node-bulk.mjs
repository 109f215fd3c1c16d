// A file over Node's `net`, tuned or not. The side that listens prints READY on standard error, the receiver one line of JSON: bytes, secs, gbps,
// from the first byte to the closed file.
//   node-bulk.mjs receive-pipe PORT FILE [HWM]           listens; pipes into a write stream
//   node-bulk.mjs send-pipe HOST PORT FILE [HWM]         connects; pipes a read stream
//   node-bulk.mjs receive-onread HOST PORT FILE BYTES    connects; one buffer (onread), written with writeSync
//   node-bulk.mjs serve-pipe PORT FILE HWM               listens; pipes a read stream to whoever connects
import fs from "node:fs";
import net from "node:net";
import { pipeline } from "node:stream/promises";

const [role, ...args] = process.argv.slice(2);

/** Counts from the first byte. */
function meter() {
  let bytes = 0;
  let first = 0;
  return {
    add(count) {
      if (bytes === 0) first = performance.now();
      bytes += count;
    },
    print() {
      const secs = (performance.now() - first) / 1000;
      console.log(JSON.stringify({ bytes, secs, gbps: (bytes * 8) / secs / 1e9 }));
    },
  };
}

function listen(port, options, serve) {
  const server = net.createServer(options, (socket) => {
    server.close();
    serve(socket);
  });
  server.listen(Number(port), "0.0.0.0", () => process.stderr.write("READY\n"));
}

function marks(hwm) {
  return hwm === undefined ? {} : { highWaterMark: Number(hwm) };
}

if (role === "receive-pipe") {
  const [port, file, hwm] = args;
  listen(port, marks(hwm), async (socket) => {
    const count = meter();
    socket.on("data", (chunk) => count.add(chunk.length));
    await pipeline(socket, fs.createWriteStream(file, marks(hwm)));
    count.print();
  });
} else if (role === "send-pipe") {
  const [host, port, file, hwm] = args;
  const socket = net.connect({ host, port: Number(port), ...marks(hwm) });
  socket.resume();
  await pipeline(fs.createReadStream(file, marks(hwm)), socket);
} else if (role === "serve-pipe") {
  const [port, file, hwm] = args;
  listen(port, marks(hwm), (socket) => {
    socket.resume();
    void pipeline(fs.createReadStream(file, marks(hwm)), socket);
  });
} else if (role === "receive-onread") {
  const [host, port, file, size] = args;
  const count = meter();
  const out = fs.openSync(file, "w");
  const buffer = Buffer.allocUnsafe(Number(size));
  const callback = (length, bytes) => {
    count.add(length);
    for (let at = 0; at < length; ) at += fs.writeSync(out, bytes, at, length - at);
    return true;
  };
  const socket = net.connect({ host, port: Number(port), noDelay: true, onread: { buffer, callback } });
  socket.on("end", () => {
    fs.closeSync(out);
    count.print();
    socket.end();
  });
} else {
  throw new Error(`no role ${role}`);
}
