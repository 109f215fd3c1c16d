// Fits a MessagePort of node:worker_threads to what comlink expects of an endpoint: DOM-style listeners.
import type { MessagePort } from "node:worker_threads";
import type { Endpoint } from "comlink";

/** Makes a comlink endpoint of a port. */
export function endpointOf(port: MessagePort): Endpoint {
  const listeners = new WeakMap<object, (data: unknown) => void>();
  return {
    postMessage: (message, transfer) => port.postMessage(message, (transfer ?? []) as never),
    addEventListener: (_type, listener) => {
      const deliver = (data: unknown): void => {
        const event = { data } as MessageEvent;
        if (typeof listener === "function") listener(event);
        else listener.handleEvent(event);
      };
      listeners.set(listener, deliver);
      port.on("message", deliver);
    },
    removeEventListener: (_type, listener) => {
      const deliver = listeners.get(listener);
      if (deliver !== undefined) port.off("message", deliver);
    },
    start: () => port.start(),
  };
}
