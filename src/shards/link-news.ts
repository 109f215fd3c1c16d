// The link events of several shards as those of one host. Each shard hears of a link from its own socket, at its own time: a link is up, or
// has another MTU, when the last shard knows it, and down or gone when the first does.
import type { LinkEvent, MtuEvent } from "../interface-news.ts";
import type { InterfaceStats, LinkState } from "../stats.ts";

type Known = Pick<InterfaceStats, "name" | "state" | "mtu">;
type Told = { states: LinkState[]; mtus: number[]; state: LinkState; mtu: number };

/** What to tell of the links of one stack. */
export class LinkNews {
  readonly #links = new Map<string, Told>();

  /** @param shards - the interfaces of each shard as they are now */
  constructor(shards: readonly (readonly Known[])[]) {
    for (const [at, { name }] of shards[0]!.entries()) {
      const states = shards.map((known) => known[at]!.state);
      const mtus = shards.map((known) => known[at]!.mtu);
      this.#links.set(name, { states, mtus, state: together(states), mtu: mtus[0]! });
    }
  }

  /** A shard says how a link is. @returns what to tell, or undefined if that is no news for the host */
  link(shard: number, event: LinkEvent): LinkEvent | undefined {
    const told = this.#links.get(event.interface);
    if (told === undefined) return undefined;
    told.states[shard] = event.state;
    const state = together(told.states);
    if (state === told.state) return undefined;
    told.state = state;
    return { ...event, state };
  }

  /** As `link`, of an MTU. */
  mtu(shard: number, event: MtuEvent): MtuEvent | undefined {
    const told = this.#links.get(event.interface);
    if (told === undefined) return undefined;
    told.mtus[shard] = event.mtu;
    if (event.mtu === told.mtu || told.mtus.some((mtu) => mtu !== event.mtu)) return undefined;
    told.mtu = event.mtu;
    return event;
  }
}

function together(states: readonly LinkState[]): LinkState {
  if (states.includes("gone")) return "gone";
  return states.includes("down") ? "down" : "up";
}
