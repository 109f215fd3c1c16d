// What becomes of an interface when its link goes down, comes back, disappears or gets another MTU, as the worker was told by the kernel or by
// the other end of a cable. What was queued is given back, neighbours are forgotten (Linux's neigh_ifdown), connections stay and go on
// when the link is back (tcp/link-change.ts); with the interface gone they end.

import { countMany } from "../count";
import { COUNTER_FRAME_TX_DROPPED } from "../counters";
import { pathMtuInvalidate } from "../ip/path-mtu";
import {
  CLAIM_LOST,
  EINVAL,
  ENODEV,
  IF_GONE,
  IF_UP,
  INTERFACE_EVENT_DOWN,
  INTERFACE_EVENT_GONE,
  INTERFACE_EVENT_MTU,
  INTERFACE_EVENT_UP,
  NEIGHBOR_CAPACITY,
} from "../layout";
import { interfaceGone, linkRestored, listenersGone } from "../tcp/link-change";
import { linkMtuChanged } from "../tcp/path-mtu";
import { isFirstShard } from "../tcp/shard";
import { announceStart, claimFollow } from "./announce";
import { reap } from "./egress";
import { linkChanged } from "./interface-events";
import { forgetPlainPair, Interface, interfacesCount, isMtuPossible } from "./interfaces";
import { Neighbor } from "./neighbor";
import { neighborDrop } from "./neighbor-cache";
import { txDiscard } from "./tx-ring";
import { wakeGivenUp } from "./waking";

/** The link of an interface (not the loopback) came up or went down. @returns 0; -EINVAL; -ENODEV if the interface is gone */
export function setLinkUp(index: u32, up: bool, nowUs: u64): i32 {
  if (index === 0 || index >= interfacesCount()) return -EINVAL;
  const changed = Interface.at(index);
  if (changed.isGone) return -ENODEV;
  if (changed.isLinkUp === up) return 0;
  changed.flags ^= IF_UP;
  changed.carrierChanges += 1;
  announceStart(index);
  linkChanged(changed, up ? INTERFACE_EVENT_UP : INTERFACE_EVENT_DOWN);
  if (!up) discardAll(index);
  else if (changed.isUp) linkRestored(index, nowUs);
  return 0;
}

/**
 * What the first shard says of the address of an interface (not the loopback), in a shard that is not the first.
 * @param claim a CLAIM_ code
 * @returns 0 or -EINVAL
 */
export function setClaim(index: u32, claim: u32, nowUs: u64): i32 {
  if (index === 0 || index >= interfacesCount() || claim > <u32>CLAIM_LOST || isFirstShard()) return -EINVAL;
  if (claimFollow(index, claim)) linkRestored(index, nowUs);
  return 0;
}

/** There is no such interface any more (not the loopback). Its connections and listeners end with ENODEV. @returns 0 or -EINVAL */
export function removeLink(index: u32, nowUs: u64): i32 {
  if (index === 0 || index >= interfacesCount()) return -EINVAL;
  const gone = Interface.at(index);
  if (gone.isGone) return 0;
  if (gone.isLinkUp) gone.carrierChanges += 1;
  gone.flags = (gone.flags & ~IF_UP) | IF_GONE;
  announceStart(index);
  forgetPlainPair();
  linkChanged(gone, INTERFACE_EVENT_GONE);
  discardAll(index);
  interfaceGone(index, gone.addressHigh, gone.addressLow, nowUs);
  if (!isAnyLeft()) listenersGone(index, 0, 0);
  listenersGone(index, gone.addressHigh, gone.addressLow);
  return 0;
}

/**
 * The link of an interface (not the loopback) takes packets of another size from now on. What is queued stays: the link refuses what is too
 * long, and counts it.
 * @param mtu bytes of IP packet, 68..65535
 * @param gsoMax bytes of IP packet, 0 or not below `mtu`
 * @returns 0 or -EINVAL
 */
export function setLinkMtu(index: u32, mtu: u32, gsoMax: u32): i32 {
  if (index === 0 || index >= interfacesCount() || !isMtuPossible(mtu)) return -EINVAL;
  const changed = Interface.at(index);
  if (changed.isGone || (gsoMax !== 0 && (gsoMax < mtu || !isMtuPossible(gsoMax) || !changed.completesChecksums)))
    return -EINVAL;
  changed.gsoMax = gsoMax;
  if (changed.mtu === mtu) return 0;
  changed.mtu = mtu;
  pathMtuInvalidate();
  linkMtuChanged(index, mtu);
  linkChanged(changed, INTERFACE_EVENT_MTU);
  return 0;
}

function isAnyLeft(): bool {
  for (let i: u32 = 1; i < interfacesCount(); i++) if (!Interface.at(i).isGone) return true;
  return false;
}

// Nothing leaves over a link that is down, and who was known there may be somebody else when it is back
function discardAll(index: u32): void {
  countMany(COUNTER_FRAME_TX_DROPPED, txDiscard(index));
  reap(index);
  for (let i: u32 = 0; i < <u32>NEIGHBOR_CAPACITY; i++) {
    const neighbor = Neighbor.at(i);
    if (neighbor.state === 0 || neighbor.interfaceIndex !== index) continue;
    wakeGivenUp(i);
    neighborDrop(i);
  }
}
