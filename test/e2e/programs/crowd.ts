// One end of many connections at a time on a stack with several shards, in a network namespace:
//
//   crowd.ts serve INTERFACE CIDR SHARDS PORT COUNT              accepts COUNT connections and sends back what comes
//   crowd.ts dial INTERFACE CIDR SHARDS PORT COUNT HOST BYTES [GATEWAY]
//                                                               makes COUNT connections at once, sends, compares what comes back
//
// INTERFACE and CIDR may be lists with commas between them, and so may HOST: then each gets COUNT connections. Prints one line of JSON: of each
// shard the connections it had (`opened`), frames that came on each interface (`received`), datagrams it put together of fragments
// (`reassembled`) and times it was told of a narrow path (`narrowed`), and what the counters of all say.
import { randomBytes } from "node:crypto";
import { type Connection, createStack, packetLink, type Stack } from "../../../src/index.ts";
import { shardsOf } from "../../../src/shards/sharded-stack.ts";

const [role, names, addresses, shards, port, count, host, size, gateway] = process.argv.slice(2) as [
  string,
  string,
  ...string[],
];

async function echo(connection: Connection): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (let got = await connection.read(buffer); got !== null; got = await connection.read(buffer)) {
    await connection.write(buffer.subarray(0, got));
  }
  await connection.close();
}

async function serve(stack: Stack): Promise<void> {
  await using listener = await stack.listen({ port: Number(port), backlog: Number(count) });
  process.stdout.write("READY\n");
  const served: Promise<void>[] = [];
  while (served.length < Number(count)) served.push(echo(await listener.accept()));
  await Promise.all(served);
}

async function talk(connection: Connection): Promise<void> {
  const sent = randomBytes(Number(size));
  const got = Buffer.alloc(sent.length);
  const writing = connection.write(sent).then(() => connection.closeWrite());
  let length = 0;
  while (length < got.length) {
    const more = await connection.read(got.subarray(length));
    if (more === null) break;
    length += more;
  }
  await writing;
  if (length !== sent.length || !got.equals(sent)) throw new Error("other bytes came back");
  if ((await connection.read(Buffer.alloc(1))) !== null) throw new Error("data where the end was due");
  await connection.close();
}

async function dial(stack: Stack): Promise<void> {
  const dialling = host!
    .split(",")
    .flatMap((hostname) =>
      Array.from({ length: Number(count) }, () => stack.connect({ hostname, port: Number(port), timeoutMs: 20_000 })),
    );
  await Promise.all((await Promise.all(dialling)).map(talk));
}

const stack = await createStack({
  interfaces: names.split(",").map((name, at) => ({
    link: packetLink({ interface: name }),
    address: addresses!.split(",")[at]!,
    gateway,
  })),
  shards: Number(shards),
});
await (role === "serve" ? serve(stack) : dial(stack));
await stack.close({ lingerMs: 10_000 });
const each = shardsOf(stack).map((shard) => shard.stats());
const opened = each.map(({ statesEntered }) => statesEntered.ESTABLISHED);
const received = each.map(({ interfaces }) => interfaces.slice(1).map(({ rxFrames }) => rxFrames));
const reassembled = each.map(({ counters }) => counters.ipReasmOks);
const narrowed = each.map(({ counters }) => counters.icmpInPmtu);
const { tcpInOtherShard } = stack.stats().counters;
console.log(JSON.stringify({ opened, received, reassembled, narrowed, tcpInOtherShard }));
