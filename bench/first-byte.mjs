// From `import` to the first byte echoed over a memory link, in a process of its own. Prints {"ms":...}. JavaScript, so that no loader is in the figure.
const started = performance.now();
const { createStack, memoryLinkPair } = await import("wasmtcp");
const [left, right] = memoryLinkPair();
const [server, client] = await Promise.all([
  createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] }),
  createStack({ interfaces: [{ link: right, address: "10.0.0.2/24" }] }),
]);
const listener = await server.listen({ port: 7 });
const [near, far] = await Promise.all([client.connect({ hostname: "10.0.0.1", port: 7 }), listener.accept()]);
const byte = new Uint8Array(1);
await near.write(byte);
await far.read(byte);
await far.write(byte);
await near.read(byte);
console.log(JSON.stringify({ ms: performance.now() - started }));
await Promise.all([client.close({ lingerMs: 0 }), server.close({ lingerMs: 0 })]);
