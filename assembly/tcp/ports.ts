// Ephemeral ports: RFC 6056 3.3.4, algorithm 4 (double hash): a keyed hash of the other end gives each destination its own starting
// point in the range and one of many counters, which walks on from there in random steps. Knows the tuple table only through findTuple().
import { SECRET_PORTS, SYSCTL_IP_LOCAL_PORT_RANGE_MAX, SYSCTL_IP_LOCAL_PORT_RANGE_MIN } from "../layout";
import { NONE } from "../storage/none";
import { randomBelow } from "../storage/random";
import { sipHash24 } from "../storage/siphash";
import { findTuple } from "./connections";
import { findListener, isListenerTaken } from "./listener-table";
import { PORT_KEY } from "./scratch";
import { isOfThisShard } from "./shard";
import { Tcb } from "./tcb";
import { mayReuse } from "./time-wait";

const PORT_KEY_BYTES: u32 = 34; // local and remote address, remote port

// Where each class of destinations goes on from: as many counters as nobody can fill by connecting to ports of his own (CVE-2022-1012)
const COUNTERS: u32 = 16384;
const COUNTER_BYTES: usize = 4;
/** A counter moves on by 1 to this, so that what others do cannot be counted. */
const STRIDE_MAX: u32 = 8;

let countersPtr: usize = 0;

/** Lays out the counters in zeroed memory from `ptr` on. @returns the end */
export function portsInitialise(ptr: usize): usize {
  countersPtr = ptr;
  return ptr + <usize>COUNTERS * COUNTER_BYTES;
}

// The offset in the range of the next port for a destination: F() + table[G()] of RFC 6056 3.3.4, both from one keyed hash
function nextOffset(localHigh: u64, localLow: u64, remoteHigh: u64, remoteLow: u64, remotePort: u32): u32 {
  store<u64>(PORT_KEY, localHigh);
  store<u64>(PORT_KEY, localLow, 8);
  store<u64>(PORT_KEY, remoteHigh, 16);
  store<u64>(PORT_KEY, remoteLow, 24);
  store<u16>(PORT_KEY, <u16>remotePort, 32);
  const key = sipHash24(SECRET_PORTS, PORT_KEY, PORT_KEY_BYTES);
  const counter = countersPtr + <usize>(<u32>(key >> 32) % COUNTERS) * COUNTER_BYTES;
  const position = load<u32>(counter);
  store<u32>(counter, position + 1 + randomBelow(STRIDE_MAX));
  return <u32>key + position;
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
 * Chooses a local port for a connection to a remote end: one whose four-tuple is free, or in TIME-WAIT and to be reused, and on which
 * nobody listens. What comes back to it meets this shard.
 * @returns the port, or 0 if all of ip_local_port_range are taken
 */
export function chooseConnectPort(
  localHigh: u64,
  localLow: u64,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u32,
  isLoopback: bool,
  nowUs: u64,
): u32 {
  const offset = nextOffset(localHigh, localLow, remoteHigh, remoteLow, remotePort);
  const ports = portCount();
  for (let tried: u32 = 0; tried < ports; tried++) {
    const port = firstPort() + <u32>((<u64>offset + tried) % ports);
    if (!isLoopback && !isOfThisShard(remoteLow, remotePort, port)) continue;
    if (findListener(localHigh, localLow, port) !== NONE) continue;
    const taken = findTuple(localHigh, localLow, remoteHigh, remoteLow, port, remotePort);
    if (taken === NONE || mayReuse(Tcb.at(taken), isLoopback, nowUs)) return port;
  }
  return 0;
}

/** Chooses a port for a listener that named none. @returns the port, or 0 if all are taken */
export function chooseListenPort(localHigh: u64, localLow: u64): u32 {
  const offset = nextOffset(localHigh, localLow, 0, 0, 0);
  const ports = portCount();
  for (let tried: u32 = 0; tried < ports; tried++) {
    const port = firstPort() + <u32>((<u64>offset + tried) % ports);
    if (!isListenerTaken(localHigh, localLow, port)) return port;
  }
  return 0;
}
