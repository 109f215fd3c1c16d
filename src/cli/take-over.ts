// Takes an address, with its routes, from the kernel for a run and gives it back: what is taken is noted in a file first, so that after
// a SIGKILL the next run, or `wasmtcp restore`, finds it. Everything here is synchronous: it must also work while the process exits.
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { announceAddress, controlFolder } from "../index.ts";
import {
  addAddress,
  addRoute,
  interfaceExists,
  type KernelAddress,
  networkNamespace,
  readAddresses,
  readRoutes,
  removeAddress,
} from "./kernel-network.ts";

/** What was taken, as the file says it. */
interface Taken {
  pid: number;
  /** Start of that process in clock ticks since boot: another process may have its number by now. */
  startTicks: string;
  networkNamespace: string;
  interface: string;
  address: string;
  /** All addresses of the interface before: removing one may take its secondaries along. */
  addresses: KernelAddress[];
  routes: string[][];
}

/** An address that is ours for a while. */
export interface TakeOver {
  /** The kernel's routes through a gateway, for the stack that stands in for it. */
  routes: { destination: string; gateway: string }[];
  /** Gives it back. May be called again. */
  giveBack(): void;
}

/** Root's notes outlive its login; others' are as private as their sockets. */
function stateFolder(): string {
  const folders = process.getuid?.() === 0 ? ["/run/wasmtcp", controlFolder()] : [controlFolder()];
  // Who is root of a user namespace only may not write to /run.
  const found = folders.find((folder, index) => make(folder, index === folders.length - 1));
  return found ?? folders.at(-1)!;
}

/** @param isLast - whether there is no other one to try: then it throws. @returns whether it is there and may be written to */
function make(folder: string, isLast: boolean): boolean {
  try {
    mkdirSync(folder, { mode: 0o700, recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch (error) {
    if (isLast) throw error;
    return false;
  }
}

/**
 * Takes `cidr`'s address from the kernel on an interface, if the kernel has it there; what a killed run left is given back before.
 * @param warn - told what the user should know before it happens
 * @throws Error: ip(8) is missing, or not allowed to
 */
export function takeOver(interfaceName: string, cidr: string, warn: (message: string) => void): TakeOver {
  restoreAll(warn);
  const [address = ""] = cidr.split("/");
  const addresses = readAddresses(interfaceName);
  const own = addresses.find((one) => one.address === address);
  if (own === undefined) return { routes: [], giveBack: () => {} };
  const taken: Taken = {
    pid: process.pid,
    startTicks: startTicksOf(process.pid) ?? "",
    networkNamespace: networkNamespace(),
    interface: interfaceName,
    address,
    addresses,
    routes: readRoutes(interfaceName),
  };
  for (const message of dangers(taken)) warn(message);
  const path = write(taken);
  let isOver = false;
  const giveBack = (): void => {
    if (isOver) return;
    isOver = true;
    process.off("exit", giveBack);
    // While the process exits nobody could catch it, and others who clean up are still to come.
    try {
      if (interfaceExists(interfaceName)) restore(path, taken);
      else rmSync(path, { force: true });
    } catch (error) {
      warn(`${address} could not be given back (${(error as Error).message}): run \`wasmtcp restore\``);
    }
  };
  process.once("exit", giveBack);
  try {
    removeAddress(interfaceName, own.cidr);
    for (const other of addresses) if (other !== own) addAddress(interfaceName, other);
  } catch (error) {
    giveBack();
    throw error;
  }
  return { routes: gatewayRoutes(taken.routes), giveBack };
}

function gatewayRoutes(routes: string[][]): TakeOver["routes"] {
  return routes.flatMap((words) => {
    const [destination = "", via, gateway = ""] = words;
    if (via !== "via" || words.includes("table")) return [];
    return [{ destination: destination === "default" ? "0.0.0.0/0" : withPrefix(destination), gateway }];
  });
}

function withPrefix(destination: string): string {
  return destination.includes("/") ? destination : `${destination}/32`;
}

/** What would be cut off. */
function dangers({ interface: name, address, routes }: Taken): string[] {
  const found: string[] = [];
  const ssh = process.env.SSH_CONNECTION?.split(" ");
  if (ssh?.[2] === address)
    found.push(`${address} carries your SSH session from ${ssh[0]}: it will hang until the run is over`);
  if (routes.some(([destination]) => destination === "default")) {
    found.push(`the default route leaves through ${name}: until the run is over this host may reach no other network`);
  }
  return found;
}

function write(taken: Taken): string {
  const path = join(stateFolder(), `take-over-${taken.networkNamespace}-${taken.interface}-${taken.pid}.json`);
  // Whole or not at all: a file that is cut off could not be restored from.
  writeFileSync(`${path}.new`, JSON.stringify(taken), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  return path;
}

function restore(path: string, { interface: name, address, addresses, routes }: Taken): void {
  // The order among the addresses says which are primary, so those that stayed are put back in line as well.
  const present = readAddresses(name);
  const isInOrder = present.every((one, index) => one.cidr === addresses[index]?.cidr);
  if (!isInOrder)
    for (const { cidr } of present) if (addresses.some((one) => one.cidr === cidr)) removeQuietly(name, cidr);
  for (const one of addresses) addAddress(name, one);
  for (const route of routes) addRoute(name, route);
  rmSync(path, { force: true });
  try {
    announceAddress(name, address);
  } catch {
    // The neighbours find out by themselves when their entry grows old.
  }
}

function removeQuietly(name: string, cidr: string): void {
  try {
    removeAddress(name, cidr);
  } catch {
    // It went along with its primary.
  }
}

/**
 * Gives back what runs that are no more had taken in this network namespace.
 * @param tell - told of each
 * @returns how many could not be given back
 */
export function restoreAll(tell: (message: string) => void): number {
  const folder = stateFolder();
  const names = readdirSync(folder).filter((name) => /^take-over-.*\.json$/.test(name));
  let failures = 0;
  for (const name of names) {
    const path = join(folder, name);
    try {
      restoreOne(path, tell);
    } catch (error) {
      failures++;
      tell(`${path}: ${(error as Error).message}`);
    }
  }
  return failures;
}

function restoreOne(path: string, tell: (message: string) => void): void {
  const taken = JSON.parse(readFileSync(path, "utf8")) as Taken;
  const { pid, startTicks, address, interface: name } = taken;
  if (startTicksOf(pid) === startTicks || taken.networkNamespace !== networkNamespace()) return;
  if (!interfaceExists(name)) {
    rmSync(path);
    tell(`${name} is gone, and with it ${address} that process ${pid} had taken`);
    return;
  }
  restore(path, taken);
  tell(
    `gave ${address} and ${taken.routes.length} route(s) back to the kernel on ${name}, which process ${pid} had taken`,
  );
}

/** Field 22 of /proc/PID/stat, or undefined if there is no such process. */
function startTicksOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
