// Ephemeral ports: RFC 6056 3.3.3, algorithm 3 (simple hash-based): a keyed hash of the other end gives each destination its own
// starting point in the range, one counter walks on from there. Knows the tuple table only through findTuple().
import { SECRET_PORTS, SYSCTL_IP_LOCAL_PORT_RANGE_MAX, SYSCTL_IP_LOCAL_PORT_RANGE_MIN } from "../layout";
import { NONE } from "../storage/none";
import { sipHash24 } from "../storage/siphash";
import { findTuple } from "./connections";
import { findListener, isListenerTaken } from "./listener-table";
import { PORT_KEY } from "./scratch";

const PORT_KEY_BYTES: u32 = 34; // local and remote address, remote port

let nextEphemeral: u32 = 0;

function portOffset(localHigh: u64, localLow: u64, remoteHigh: u64, remoteLow: u64, remotePort: u32): u32 {
  store<u64>(PORT_KEY, localHigh);
  store<u64>(PORT_KEY, localLow, 8);
  store<u64>(PORT_KEY, remoteHigh, 16);
  store<u64>(PORT_KEY, remoteLow, 24);
  store<u16>(PORT_KEY, <u16>remotePort, 32);
  return <u32>sipHash24(SECRET_PORTS, PORT_KEY, PORT_KEY_BYTES);
}

// Ports in ip_local_port_range; a range that is empty or holds 0 counts as what Linux has by default
function firstPort(): u32 {
  const first = load<u32>(SYSCTL_IP_LOCAL_PORT_RANGE_MIN);
  return isRangeSane() ? first : 32768;
}

function portCount(): u32 {
  return isRangeSane() ? load<u32>(SYSCTL_IP_LOCAL_PORT_RANGE_MAX) - firstPort() + 1 : 28232;
}

function isRangeSane(): bool {
  const first = load<u32>(SYSCTL_IP_LOCAL_PORT_RANGE_MIN);
  const last = load<u32>(SYSCTL_IP_LOCAL_PORT_RANGE_MAX);
  return first > 0 && first <= last && last < 65536;
}

/**
 * Chooses a local port for a connection to a remote end: one whose four-tuple is free and on which nobody listens.
 * @returns the port, or 0 if all of ip_local_port_range are taken
 */
export function chooseConnectPort(
  localHigh: u64,
  localLow: u64,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u32,
): u32 {
  const offset = portOffset(localHigh, localLow, remoteHigh, remoteLow, remotePort);
  const ports = portCount();
  for (let tried: u32 = 0; tried < ports; tried++) {
    const port = firstPort() + <u32>((<u64>offset + nextEphemeral) % ports);
    nextEphemeral += 1;
    if (findListener(localHigh, localLow, port) !== NONE) continue;
    if (findTuple(localHigh, localLow, remoteHigh, remoteLow, port, remotePort) === NONE) return port;
  }
  return 0;
}

/** Chooses a port for a listener that named none. @returns the port, or 0 if all are taken */
export function chooseListenPort(localHigh: u64, localLow: u64): u32 {
  const offset = portOffset(localHigh, localLow, 0, 0, 0);
  const ports = portCount();
  for (let tried: u32 = 0; tried < ports; tried++) {
    const port = firstPort() + <u32>((<u64>offset + nextEphemeral) % ports);
    nextEphemeral += 1;
    if (!isListenerTaken(localHigh, localLow, port)) return port;
  }
  return 0;
}
