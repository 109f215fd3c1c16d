// Worker threads that run a TypeScript file: a worker does not inherit tsx from the thread that starts it.
import { Worker } from "node:worker_threads";

/** Starts `file`, named relative to this folder, with `workerData`. tsx is found from the working directory. */
export function tsWorker(file: string, workerData: unknown): Worker {
  const url = JSON.stringify(new URL(file, import.meta.url).href);
  const bootstrap = `import("tsx/esm/api").then(({ register }) => { register(); return import(${url}); });`;
  return new Worker(bootstrap, { eval: true, workerData });
}
