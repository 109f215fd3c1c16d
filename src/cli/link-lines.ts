// What happens to the interfaces of a stack, on standard error, one line each.
import type { Stack } from "../index.ts";

const LINK_WORDS = {
  up: "link up",
  down: "link down: connections wait for it",
  gone: "gone: it was deleted, or moved to another network namespace",
};

/** Prints a line for each event of an interface until the stack is closed. */
export function printLinkLines(stack: Stack): void {
  stack.on("link", ({ interface: name, state }) => say(name, LINK_WORDS[state]));
  stack.on("mtu", ({ interface: name, mtu }) => say(name, `MTU ${mtu}`));
  stack.on("neighbor", ({ interface: name, address }) => say(name, `${address} does not answer ARP any more`));
  stack.on("conflict", ({ interface: name, address }) => say(name, `another host uses ${address}, too`));
}

function say(name: string, text: string): void {
  process.stderr.write(`wasmtcp: ${name}: ${text}\n`);
}
