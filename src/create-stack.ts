// Brings a stack up: checks what was asked for, asks the links what they are, starts the core.
import { outOfRange } from "./errors.ts";
import { wireOf } from "./links/link.ts";
import { LEAST_MTU, MOST_MTU } from "./links/mtu-range.ts";
import { type ResolvedInterface, resolveStackOptions, type StackOptions } from "./options.ts";
import { checkPacketInterface } from "./packet-check.ts";
import type { InterfaceSetup } from "./protocol.ts";
import type { Stack } from "./stack-api.ts";
import { startCore } from "./start-core.ts";

/**
 * Starts a TCP/IP stack, in a worker thread of its own unless `thread` says otherwise.
 * @returns the stack, when its interfaces are up
 * @throws (rejects) TypeError or RangeError for wrong options (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE`);
 * `ERR_ADDON_MISSING` when a packet link has no addon; {@link NetstackError}: `ENODEV`, `ENETDOWN`, `EPERM` (no CAP_NET_RAW),
 * `EADDRINUSE` (the kernel owns the address), `EBUSY` (the end of a memory link is taken), `ERR_CORE_MISSING`
 * @example
 * const [left, right] = memoryLinkPair();
 * const a = await createStack({ interfaces: [{ link: left, address: "10.0.0.1/24" }] });
 * const b = await createStack({ interfaces: [{ link: right, address: "10.0.0.2/24" }] });
 */
export async function createStack(options: StackOptions): Promise<Stack> {
  const resolved = resolveStackOptions(options);
  const interfaces = resolved.interfaces.map(setupOf);
  if (resolved.shards === 1) return await startCore(resolved, interfaces);
  const { startShards } = await import("./shards/start-shards.ts");
  return await startShards(resolved, interfaces);
}

/** Asks the link for what the options leave open. */
function setupOf(own: ResolvedInterface): InterfaceSetup {
  const wire = wireOf(own.link);
  const linkMtu = wire.kind === "packet" ? checkPacketInterface(wire.interface, own) : wire.mtu;
  const mtu = own.mtu ?? linkMtu;
  if (mtu > linkMtu) throw outOfRange("mtu", `${LEAST_MTU}..${linkMtu} (the link's)`, mtu);
  const { name, link, address, prefixLength, mac } = own;
  return { name, link, address, prefixLength, mac, mtu, mtuLimit: own.mtu ?? MOST_MTU, gro: own.gro };
}
