// Listens, unless it is told otherwise on its standard input: it must not end before.
import { stackPair } from "../../support/stack-pair.ts";

const pair = await stackPair();
const listener = await pair.server.listen({ port: 1 });
console.log("listening");
process.stdin.once("data", () => {
  console.log("told");
  listener.unref();
  process.stdin.unref();
});
process.stdin.unref();
