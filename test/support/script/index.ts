// Our scripts: what a test needs to write one.
export { type Endpoint, PEER_ISN } from "./endpoint.ts";
export { ANSWERED, CALLED, established, fillWindow } from "./openings.ts";
export { Script, ScriptError, type ScriptOptions, script } from "./script.ts";
