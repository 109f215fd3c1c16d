// A thousand connections between two stacks: all established before the first byte, all echoed, and nothing left of them.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Connection } from "../../src/connection.ts";
import { echo, readExactly, SERVER, stackPair } from "../support/stack-pair.ts";

const COUNT = Number(process.env.WASMTCP_CONNECTIONS ?? 1000);
const BYTES = Number(process.env.WASMTCP_CONNECTION_BYTES ?? 1024 * 1024);

const many = suite("src/many-connections");

many(`${COUNT} connections echo ${BYTES} bytes each and leave nothing behind`, async () => {
  await using pair = await stackPair({ sysctl: { tcp_time_wait_ms: 1000 } });
  const idle = [await pair.client.usage(), await pair.server.usage()];
  for (const { heapBytes, linkBytes } of idle) assert.is(heapBytes, linkBytes);
  assert.ok(idle[0]!.linkBytes > 0);
  const listener = await pair.server.listen({ port: 7, backlog: COUNT });
  const accepted: Connection[] = [];
  const accepting = (async () => {
    while (accepted.length < COUNT) accepted.push(await listener.accept());
  })();
  const connections = await Promise.all(
    Array.from({ length: COUNT }, () => pair.client.connect({ hostname: SERVER, port: 7 })),
  );
  await accepting;
  for (const connection of [...connections, ...accepted]) assert.is(connection.info().state, "ESTABLISHED");
  const served = accepted.map(echo);
  const bytes = new Uint8Array(randomBytes(BYTES));
  await Promise.all(
    connections.map(async (connection) => {
      const [, back] = await Promise.all([connection.write(bytes), readExactly(connection, BYTES)]);
      assert.ok(Buffer.from(back).equals(bytes));
      await connection.close();
    }),
  );
  await Promise.all(served);
  await listener.close();
  // TIME-WAIT is short here, but there is one.
  for (let tries = 0; tries < 1000 && (await pair.client.usage()).tcbs > 0; tries++) await sleep(10);
  assert.equal([await pair.client.usage(), await pair.server.usage()], idle);
  assert.equal(pair.client.connections(), []);
});

many.run();
