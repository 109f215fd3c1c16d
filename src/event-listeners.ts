// Who listens to the events of a stack.
import { invalidValue } from "./errors.ts";
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

  /** Who listens to an event. @throws TypeError (`ERR_INVALID_ARG_VALUE`) if there is none of that name */
  of<Name extends keyof StackEvents>(name: Name): Set<(event: StackEvents[Name]) => void> {
    if (!Object.hasOwn(this.#listeners, name)) throw invalidValue("name", EVENT_NAMES, name);
    return this.#listeners[name];
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
}
