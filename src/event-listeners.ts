// Who listens to the events of a stack.
import { invalidType, invalidValue } from "./errors.ts";
import type { StackEvents } from "./interface-news.ts";

const EVENT_NAMES = "`state`, `link`, `mtu`, `neighbor` or `conflict`";

/** The listeners of one stack. */
export class EventListeners {
  readonly #listeners: { [Name in keyof StackEvents]: Set<(event: StackEvents[Name]) => void> } = {
    state: new Set(),
    conflict: new Set(),
    link: new Set(),
    mtu: new Set(),
    neighbor: new Set(),
  };

  /** Whether anybody listens to an event. */
  has(name: keyof StackEvents): boolean {
    return this.#listeners[name].size > 0;
  }

  /** @throws TypeError: no event has that name (`ERR_INVALID_ARG_VALUE`), the listener is no function (`ERR_INVALID_ARG_TYPE`) */
  add<Name extends keyof StackEvents>(name: Name, listener: (event: StackEvents[Name]) => void): void {
    const listeners = this.#of(name);
    if (typeof listener !== "function") throw invalidType("listener", "a function", listener);
    listeners.add(listener);
  }

  /** @throws TypeError (`ERR_INVALID_ARG_VALUE`) if no event has that name */
  delete<Name extends keyof StackEvents>(name: Name, listener: (event: StackEvents[Name]) => void): void {
    this.#of(name).delete(listener);
  }

  emit<Name extends keyof StackEvents>(name: Name, event: StackEvents[Name]): void {
    for (const listener of [...this.#listeners[name]]) {
      // A listener that throws is its author's uncaught exception, not a broken stack.
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #of<Name extends keyof StackEvents>(name: Name): Set<(event: StackEvents[Name]) => void> {
    if (!Object.hasOwn(this.#listeners, name)) throw invalidValue("name", EVENT_NAMES, name);
    return this.#listeners[name];
  }
}
