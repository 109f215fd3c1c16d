// Loads the C++ addon when a link first needs it, and says what to do when it is missing: everything but packet links
// works without it. Types: native/addon.d.ts.
import { createRequire } from "node:module";
import type { NativeAddon } from "#native";
import { LAYOUT_VERSION } from "../assembly/layout.ts";

export type {
  FanoutOptions,
  InterfaceInfo,
  KernelAddress,
  LinkStatus,
  LoopWatcher,
  NativeAddon,
  PacketSocket,
  PacketSocketOptions,
  PacketStatistics,
  Waiter,
} from "#native";

/** Bit 0 of the result of `Waiter.wait()`: the wake fd was rung. */
export const WAIT_WOKEN = 1;
/** `1 << (WAIT_READABLE_SHIFT + n)` in that result: socket n has input, or an error for `takeError()`. */
export const WAIT_READABLE_SHIFT = 1;
/** `1 << (WAIT_WRITABLE_SHIFT + n)` in that result: socket n may send again. */
export const WAIT_WRITABLE_SHIFT = 16;
/** The addon is not there, does not load, or was compiled from other sources. */
export class AddonError extends Error {
  readonly code: "ERR_ADDON_MISSING" | "ERR_ADDON_STALE";

  constructor(code: "ERR_ADDON_MISSING" | "ERR_ADDON_STALE", message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "AddonError";
    this.code = code;
  }
}

// From src/ and from dist/src/
const ADDON_PATHS = ["../native/build/Release/wasmtcp.node", "../../native/build/Release/wasmtcp.node"];
const CURE = "install a C++20 compiler, make and Python 3, then run `npm run build:native` in the package's directory";

let loaded: NativeAddon | undefined;

/**
 * The native addon, loaded at the first call.
 * @throws AddonError ERR_ADDON_MISSING when it was not built, cannot be loaded or this is not Linux; ERR_ADDON_STALE when it
 * was built from sources with another memory layout
 */
export function loadAddon(): NativeAddon {
  loaded ??= checkLayout(requireAddon());
  return loaded;
}

/** The addon if a packet link, or anything else, has loaded it; never tries to. */
export function loadedAddon(): NativeAddon | undefined {
  return loaded;
}

function requireAddon(): NativeAddon {
  if (process.platform !== "linux") {
    throw new AddonError("ERR_ADDON_MISSING", `Packet links need Linux (AF_PACKET); this is ${process.platform}`);
  }
  const require = createRequire(import.meta.url);
  let problem: unknown;
  for (const path of ADDON_PATHS) {
    try {
      return require(path) as NativeAddon;
    } catch (error) {
      // A file that is there but does not load says more than one that is not
      const absent = (error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND";
      if (problem === undefined || !absent) problem = error;
      if (!absent) break;
    }
  }
  const absent = (problem as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND";
  const what = absent ? "has not been built" : `does not load: ${(problem as Error).message}`;
  throw new AddonError(
    "ERR_ADDON_MISSING",
    `The native addon, which packet links need, ${what}. Cure: ${CURE}`,
    problem,
  );
}

function checkLayout(addon: NativeAddon): NativeAddon {
  if (addon.layoutVersion === LAYOUT_VERSION) return addon;
  throw new AddonError(
    "ERR_ADDON_STALE",
    `The native addon was built for memory layout ${addon.layoutVersion}, this is ${LAYOUT_VERSION}. Cure: run \`npm run build:native\``,
  );
}
