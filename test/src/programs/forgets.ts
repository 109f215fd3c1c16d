// Never closes anything, but keeps nothing open that it waits for: it must end by itself.
import { connected, stackPair } from "../../support/stack-pair.ts";

const pair = await stackPair();
const { ours, theirs } = await connected(pair);
const listener = await pair.server.listen({ port: 1 });
listener.unref();
ours.unref();
theirs.unref();
console.log("forgotten");
