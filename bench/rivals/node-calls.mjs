// Ping-pong and connections over Node's `net`, with the fields of `wasmtcp perf`. The side that listens prints READY on standard error.
//   node-calls.mjs echo PORT | ping HOST PORT COUNT | accept PORT SECONDS | conn HOST PORT SECONDS CONCURRENCY
import net from "node:net";

const [role, ...args] = process.argv.slice(2);
const WARM_UP = 0.1;

function listen(port, options, serve) {
  const server = net.createServer(options, serve);
  server.listen({ host: "0.0.0.0", port: Number(port), backlog: 4096 }, () => process.stderr.write("READY\n"));
  return server;
}

function print(fields) {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}

function frequency(n, started) {
  const secs = (performance.now() - started) / 1000;
  return { n, secs, rate: n / secs };
}

function echo(port) {
  let n = 0;
  const server = listen(port, { noDelay: true }, (socket) => {
    server.close();
    socket.on("data", (chunk) => {
      n++;
      socket.write(chunk);
    });
    socket.on("end", () => print({ n }));
  });
}

function ping(host, port, count) {
  const times = new Float64Array(count);
  const byte = Buffer.from("x");
  let turn = -Math.floor(count * WARM_UP);
  let sent = 0;
  const socket = net.connect({ host, port: Number(port), noDelay: true });
  const next = () => {
    sent = performance.now();
    socket.write(byte);
  };
  socket.on("connect", next);
  socket.on("data", () => {
    if (turn >= 0) times[turn] = (performance.now() - sent) * 1000;
    if (++turn < count) return next();
    times.sort();
    print({ n: count, p50: times[count >> 1], p99: times[Math.floor(count * 0.99)], max: times[count - 1] });
    socket.end();
  });
}

function accept(port, seconds) {
  let n = 0;
  let started = 0;
  listen(port, {}, (socket) => {
    if (n++ === 0) {
      started = performance.now();
      setTimeout(() => {
        print(frequency(n, started));
        process.exit(0);
      }, seconds * 1000);
    }
    socket.on("error", () => {});
    socket.resetAndDestroy();
  });
}

function conn(host, port, seconds, concurrency) {
  let n = 0;
  let errs = 0;
  let isOver = false;
  const started = performance.now();
  const next = () => {
    if (isOver) return;
    const socket = net.connect({ host, port: Number(port) });
    socket.on("connect", () => {
      n++;
      socket.resetAndDestroy();
      next();
    });
    socket.on("error", () => {
      errs++;
      if (!isOver) setTimeout(next, 1);
    });
  };
  for (let one = 0; one < concurrency; one++) next();
  setTimeout(() => {
    isOver = true;
    print({ ...frequency(n, started), errs });
    process.exit(0);
  }, seconds * 1000);
}

if (role === "echo") echo(args[0]);
else if (role === "ping") ping(args[0], args[1], Number(args[2]));
else if (role === "accept") accept(args[0], Number(args[1]));
else if (role === "conn") conn(args[0], args[1], Number(args[2]), Number(args[3]));
else throw new Error(`no role ${role}`);
