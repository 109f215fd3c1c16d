// `node --import` this before TypeDoc: it uses TypeScript's programming interface, which TypeScript 7, our compiler, does not have, so it
// is handed TypeScript 6 (installed as `typescript-6`) whenever it asks for `typescript`.
import { register } from "node:module";

const hook = `export function resolve(name, context, next) {
  return next(name === "typescript" ? "typescript-6" : name, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`, import.meta.url);
