// Brings a stack up: checks, memory, configuration, worker, interfaces, cables. What fails on the way is taken down again.
import { type PluggedStack, plug, unplug } from "./cables.ts";
import { CallerHost } from "./caller-host.ts";
import { writeConfig } from "./config.ts";
import { openDebugLog } from "./debug-log.ts";
import { Dispatcher } from "./dispatcher.ts";
import { outOfRange } from "./errors.ts";
import { EventPump } from "./event-pump.ts";
import { failureError } from "./failure.ts";
import { KeepAlive } from "./keep-alive.ts";
import { type MemoryLink, wireOf } from "./links/link.ts";
import { unplugCable } from "./links/memory-link.ts";
import { createMemory } from "./memory.ts";
import { OpQueue } from "./op-queue.ts";
import {
  LEAST_MTU,
  MOST_MTU,
  type ResolvedInterface,
  type ResolvedStack,
  resolveStackOptions,
  type StackOptions,
} from "./options.ts";
import { checkPacketInterface } from "./packet-check.ts";
import type { InterfaceSetup } from "./protocol.ts";
import { Stack } from "./stack.ts";
import type { StackHost } from "./stack-host.ts";
import { WorkerHost } from "./worker-host.ts";

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
  const views = createMemory();
  writeConfig(views, resolved.sysctl);
  const dispatcher = new Dispatcher(views);
  const isCaller = resolved.thread === "caller";
  const pump = new EventPump(views, (slot) => dispatcher.dispatch(slot), !isCaller);
  const host: StackHost = isCaller
    ? await CallerHost.start(views, () => pump.drain())
    : await WorkerHost.start(views, resolved.spinUs);
  const interfaceNames = ["lo", ...resolved.interfaces.map(({ name }) => name)];
  const log = openDebugLog(views, interfaceNames);
  if (log !== undefined) dispatcher.onEvent = (slot) => log.event(slot);
  try {
    const started = await host.call((control) => control.start({ interfaces, routes: resolved.routes }));
    if (!started.ok) throw failureError(started.failure);
    log?.started(resolved.thread, interfaces, started.links, resolved.routes);
    const plugged: PluggedStack[] = [];
    const cables = cablesOf(resolved);
    for (const { link, index } of cables) {
      const end: PluggedStack = {
        memory: views.buffer,
        peerAttached: (memory) => host.call((control) => control.peerAttached(index, memory)),
      };
      plugged.push(end);
      await plug(link, end);
    }
    const ops = new OpQueue(views, host.doorbell);
    return new Stack({
      views,
      ops,
      dispatcher,
      keepAlive: new KeepAlive(host),
      host,
      pump,
      interfaceNames,
      log,
      lookup: resolved.lookup,
      timeOriginMs: started.timeOriginMs,
      unplug: (crashed) => {
        for (const [at, { link }] of cables.entries()) {
          if (crashed) unplugCable(link);
          unplug(link, plugged[at]!);
        }
      },
    });
  } catch (error) {
    log?.failed(error as Error);
    await host.stop();
    throw error;
  }
}

/** The memory links of a stack and the numbers of their interfaces. */
function cablesOf({ interfaces }: ResolvedStack): { link: MemoryLink; index: number }[] {
  return interfaces.flatMap(({ link }, at) => {
    const wire = wireOf(link);
    return wire.kind === "memory" ? [{ link: wire, index: at + 1 }] : [];
  });
}

/** Asks the link for what the options leave open. */
function setupOf(own: ResolvedInterface): InterfaceSetup {
  const wire = wireOf(own.link);
  const linkMtu = wire.kind === "packet" ? checkPacketInterface(wire.interface, own) : wire.mtu;
  const mtu = own.mtu ?? linkMtu;
  if (mtu > linkMtu) throw outOfRange("mtu", `${LEAST_MTU}..${linkMtu} (the link's)`, mtu);
  const { name, link, address, prefixLength, mac } = own;
  return { name, link, address, prefixLength, mac, mtu, mtuLimit: own.mtu ?? MOST_MTU };
}
