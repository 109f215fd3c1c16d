// Tells the neighbours of an address of ours when its link comes up (RFC 5227 2.3): two announcements, two seconds apart, so that
// caches with the address of who had it before are put right.
import { INTERFACE_CAPACITY } from "../layout";
import { sendArpAnnouncement } from "./arp-out";
import { Interface } from "./interfaces";
import { ifaceTimers, TIMER_ANNOUNCE } from "./timers";

// RFC 5227 1.1: ANNOUNCE_NUM 2, ANNOUNCE_INTERVAL 2 seconds
const ANNOUNCE_NUM: u32 = 2;
const ANNOUNCE_INTERVAL_US: u64 = 2000000;

/** Starts announcing at the next turn; stops if the interface is down. */
export function announceStart(interfaceIndex: u32): void {
  assert(interfaceIndex > 0 && interfaceIndex < <u32>INTERFACE_CAPACITY); // the loopback has no neighbours
  const sender = Interface.at(interfaceIndex);
  sender.announcementsLeft = sender.isUp ? ANNOUNCE_NUM : 0;
  if (sender.isUp) ifaceTimers().set(TIMER_ANNOUNCE + interfaceIndex, 0);
  else ifaceTimers().cancel(TIMER_ANNOUNCE + interfaceIndex);
}

/** The time of an announcement has come. */
export function announceTimer(interfaceIndex: u32, nowUs: u64): void {
  const sender = Interface.at(interfaceIndex);
  if (!sender.isUp || sender.announcementsLeft === 0) return;
  sendArpAnnouncement(interfaceIndex);
  sender.announcementsLeft -= 1;
  if (sender.announcementsLeft !== 0) ifaceTimers().set(TIMER_ANNOUNCE + interfaceIndex, nowUs + ANNOUNCE_INTERVAL_US);
}
