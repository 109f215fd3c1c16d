// Starts one core: memory, configuration, host, interfaces, cables. What fails on the way is taken down again.
import { type PluggedStack, plug, unplug } from "./cables.ts";
import { CallerHost } from "./caller-host.ts";
import { writeConfig } from "./config.ts";
import { openDebugLog } from "./debug-log.ts";
import { Dispatcher } from "./dispatcher.ts";
import { EventPump } from "./event-pump.ts";
import { failureError } from "./failure.ts";
import { KeepAlive } from "./keep-alive.ts";
import { type MemoryLink, wireOf } from "./links/link.ts";
import { unplugCable } from "./links/memory-link.ts";
import { createMemory, type SharedViews } from "./memory.ts";
import { OpQueue } from "./op-queue.ts";
import type { ResolvedStack } from "./options.ts";
import type { InterfaceSetup } from "./protocol.ts";
import type { ShardPlace } from "./shards/shard-of.ts";
import { CoreStack } from "./stack.ts";
import type { StackHost } from "./stack-host.ts";
import { WorkerHost } from "./worker-host.ts";

/** What a core of a stack with several shards differs in. */
export interface ShardStart {
  place: ShardPlace;
  views: SharedViews;
  secrets: Uint8Array;
}

/**
 * Starts a core.
 * @param setup - what to bring up; if it has to be waited for, the thread is started meanwhile
 * @throws (rejects) as `createStack`, but for wrong options; what `setup` rejects with
 */
export async function startCore(
  resolved: ResolvedStack,
  setup: InterfaceSetup[] | Promise<InterfaceSetup[]>,
  shard?: ShardStart,
): Promise<CoreStack> {
  const views = shard?.views ?? createMemory();
  writeConfig(views, resolved.sysctl, shard && { shard: shard.place, secrets: shard.secrets });
  const dispatcher = new Dispatcher(views);
  const isCaller = resolved.thread === "caller";
  const pump = new EventPump(views, (slot) => dispatcher.dispatch(slot), !isCaller);
  const host: StackHost = isCaller
    ? await CallerHost.start(views, () => pump.turn())
    : await WorkerHost.start(views, resolved);
  const interfaceNames = ["lo", ...resolved.interfaces.map(({ name }) => name)];
  const log = openDebugLog(views, interfaceNames);
  if (log !== undefined) dispatcher.onEvent = (slot) => log.event(slot);
  try {
    const interfaces = await setup;
    const result = await host.call((control) => control.start({ interfaces, routes: resolved.routes }));
    if (!result.ok) throw failureError(result.failure);
    const { started } = result;
    log?.started(resolved.thread, interfaces, resolved.routes, started);
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
    return new CoreStack({
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
