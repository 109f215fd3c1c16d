// The types of the addon that native/addon.cc defines: AF_PACKET sockets, waiting and waking, placing a thread. Loaded by src/native.ts.
// Addresses are u32 byte offsets into the shared WebAssembly.Memory; records are laid out by assembly/layout.ts.

/** Where a packet socket puts and finds things in the memory, and which interface it serves. */
export interface PacketSocketOptions {
  /** Name of an Ethernet interface of this network namespace. */
  interface: string;
  /** Region for received frames, aligned to 4096; it belongs to the socket until `close()` returns. */
  ringPtr: number;
  /** Size of that region, bytes; default 64 MiB, at least 256 KiB. The kernel pins as much memory, or less when short of it. */
  ringBytes?: number;
  /**
   * Bytes of a slot of the ring, the kernel's headers (up to 128) included: a multiple of 16, 256..66048. Default 66048: any frame. A
   * frame longer than a slot is fetched by a system call of its own, into `overflowBytes`.
   */
  slotBytes?: number;
  /** With smaller slots, which need `inPlace`: bytes at the end of the region for longer frames, a multiple of 4096, at least 66048. */
  overflowBytes?: number;
  /**
   * Bytes at the start of the region for a ring that is used as long as it has room; the rest becomes that of a second socket, which takes
   * what the first has no room for (PACKET_FANOUT_FLAG_ROLLOVER). For `inPlace`, slots of full size and no `fanout`; a kernel that cannot
   * do it gets one ring of the whole region. Default 0: one ring.
   */
  firstRingBytes?: number;
  /** Map the kernel's ring over the region so that frames are read where the kernel wrote them. Default true. */
  inPlace?: boolean;
  /** RX_DESCRIPTOR_CAPACITY descriptors of RX_DESCRIPTOR_BYTES, aligned to 8, written by `receive()`. */
  rxDescriptorsPtr: number;
  /** A TX ring of TX_RING_BYTES, aligned to 8, consumed by `transmit()`. */
  txRingPtr: number;
  /** The interface's record: INTERFACE_LINK_DROPS and INTERFACE_LINK_ERRORS are counted there. */
  interfacePtr: number;
  /** First two bytes of the MAC address whose frames are wanted, most significant first. */
  macHigh16: number;
  /** Its last four bytes. */
  macLow32: number;
  /**
   * All frames that arrive at the interface, whoever they are for, of any type, with their VLAN tags: for a wire between two
   * interfaces. Default false.
   */
  everyFrame?: boolean;
  /** The socket is one of several, in one process, that share what comes in. Default: it gets everything. */
  fanout?: FanoutOptions;
  /** SO_RCVBUF in bytes; default 16 MiB, past the system's limit only with CAP_NET_ADMIN. */
  receiveBufferBytes?: number;
  /** SO_SNDBUF in bytes; default 4 MiB: how much may wait in the kernel before `blocked`. */
  sendBufferBytes?: number;
}

/**
 * A group of packet sockets (PACKET_FANOUT). TCP segments, and ICMP errors that quote one, go to the socket of their connection's shard, as
 * assembly/tcp/shard.ts has it; all else goes to shard 0.
 */
export interface FanoutOptions {
  /** Sockets that there will be, up to SHARDS_MAX (64); with 1 there is no group. */
  count: number;
  /** Which one this is, from 0. They must be opened in this order. */
  index: number;
  /** u32 in the hash. */
  salt: number;
  /** `fanoutGroup` of the first one; ignored for socket 0, which makes the group. */
  group: number;
}

/** Counts since the socket was opened. */
export interface PacketStatistics {
  /** Frames handed to the core. */
  received: number;
  /** Frames for which the kernel found no free slot (PACKET_STATISTICS); also in INTERFACE_LINK_DROPS. */
  dropped: number;
  /** Frames longer than a slot (above FRAME_MAX_BYTES); also in INTERFACE_LINK_DROPS. */
  truncated: number;
  /** Frames with a VLAN tag: not for us. */
  tagged: number;
  /** Slots with impossible headers, frames below 14 bytes or of another segmentation than TCP's. */
  malformed: number;
  /** Frames handed to the kernel; a super-segment is one. */
  sent: number;
  /** Frames given up: bad descriptor, too long, link down; also in INTERFACE_LINK_ERRORS. */
  sendErrors: number;
}

/** How the link of an interface is. */
export interface LinkStatus {
  /** Switched on and with a carrier. */
  up: boolean;
  /** Deleted, or moved to another network namespace; nothing else counts then. */
  gone: boolean;
  /** Bytes of IP packet. */
  mtu: number;
  /** As `InterfaceInfo.gsoMaxBytes`. */
  gsoMaxBytes: number;
}

/**
 * An AF_PACKET socket on one interface, promiscuous when its MAC address is not the interface's. For one thread; it closes
 * itself when that thread ends.
 */
export declare class PacketSocket {
  /**
   * @param memory bytes of the whole shared WebAssembly.Memory, which is kept alive until `close()`
   * @throws TypeError for arguments of the wrong kind; Error with `code`, `errno`, `syscall`: EPERM without CAP_NET_RAW,
   * ENODEV for an unknown interface, ENOTSUP for one that is not Ethernet, EINVAL for regions outside the memory, ENOMEM
   */
  constructor(memory: Uint8Array, options: PacketSocketOptions);

  /** Whether frames are read where the kernel wrote them (true) or were copied into the region (false). */
  readonly inPlace: boolean;
  /** Frames that may be in flight towards us without loss: slots of the ring; of a second one three quarters, as the kernel stops there. */
  readonly slots: number;
  /** The kernel's number of the group that shares what comes in, 0 without one. */
  readonly fanoutGroup: number;
  /** Whether the last `transmit()` stopped because the kernel took no more (back-pressure; nothing is lost). */
  readonly blocked: boolean;

  /**
   * Writes an RX descriptor for each of at most `maxFrames` (and RX_DESCRIPTOR_CAPACITY) frames and returns how many. Their
   * bytes stay valid until the next `receive()`, `releaseFrames()`, `Waiter.wait()` or `close()`.
   * @param nowUs the loop's clock, µs: RX_TIME_US is on it; without it arrival times are 0 (unknown)
   */
  receive(maxFrames: number, nowUs?: number): number;

  /** Gives the frames of the last `receive()` back to the kernel now. `Waiter.wait()` does it too. */
  releaseFrames(): void;

  /**
   * Sends from the head of the TX ring until it is empty, the kernel takes no more (see `blocked`) or `maxFrames` (default
   * TX_CAPACITY) are handled, and stores the new head. Frames that cannot be sent are passed over and counted.
   * @returns frames the head moved over
   */
  transmit(maxFrames?: number): number;

  /** Reads the kernel's drop count too. */
  statistics(): PacketStatistics;

  /** The errno (ENETDOWN 100, ENXIO 6, ENODEV 19) with which the link failed since the last call, or 0. */
  takeError(): number;

  /**
   * How the link is, if that changed since the last call, or at the first one; else null. Whoever waits for the socket (`Waiter`,
   * `LoopWatcher`) is woken by a change and sets INTERFACE_LINK_NEWS in the interface's record to 1; this sets it to 0.
   */
  takeLink(): LinkStatus | null;

  /** Takes the ring out of the memory (the region reads as zeros after it) and closes the socket. May be called again. */
  close(): void;
}

/** Sleeps on packet sockets and a wake fd at once. For one thread. */
export declare class Waiter {
  /** @throws Error EBADF when `wakeFd` is not an open descriptor of `createWakeFd()` */
  constructor(wakeFd: number);

  /** Adds a socket and returns its number n, 0..14, counted up. A closed socket keeps its number. @throws Error ENOSPC */
  add(socket: PacketSocket): number;

  /**
   * Sleeps until there is input, a wake, room to send, or the time is over; at most a second, so that a terminated worker
   * ends. Gives the sockets' received frames back first, drains the wake fd, sets this thread's timer slack to 1 µs.
   * @param timeoutUs 0 only looks; negative or Infinity: no deadline
   * @param wantWritable bit n: frames of socket n wait because it was `blocked`
   * @returns 0 for nothing, else bit 0: woken; bit 1 + n: socket n has input or an error; bit 16 + n: socket n may send
   */
  wait(timeoutUs: number, wantWritable?: number): number;
}

/** Has this thread's event loop wait for packet sockets, a wake fd and a deadline. Does not keep the process alive until `ref()`. */
export declare class LoopWatcher {
  /**
   * @param onWake called by the event loop when there may be something to do, as any callback of Node's is; must not throw
   * @throws Error EBADF when `wakeFd` is not an open descriptor of `createWakeFd()`
   */
  constructor(wakeFd: number, onWake: () => void);

  /** Watches a socket; close the watcher before the socket. @throws Error ENOSPC: the 16th */
  add(socket: PacketSocket): void;

  /**
   * To be called before every return to the event loop: gives the sockets' received frames back and sets the deadline. It may
   * wake earlier than asked.
   * @param timeoutUs Infinity: no deadline
   * @param wantWritable bit n: frames of socket n (counted as added) wait because it was `blocked`
   */
  arm(timeoutUs: number, wantWritable?: number): void;

  /** The event loop stays alive for this. */
  ref(): void;
  unref(): void;
  /** Stops watching. May be called again; nothing else may. */
  close(): void;
}

/** An IPv4 address the kernel has on an interface. */
export interface KernelAddress {
  /** Dotted quad. */
  address: string;
  /** 0..32. */
  prefixLength: number;
}

/** What the kernel knows about an interface. */
export interface InterfaceInfo {
  index: number;
  /** Bytes of IP packet. */
  mtu: number;
  /** Lower case, with colons. */
  mac: string;
  /**
   * The longest IP packet that crosses the interface as one super-segment, for INTERFACE_GSO_MAX; 65521 by default. The
   * kernel splits longer ones, up to 65535, by software: correct, but slow.
   */
  gsoMaxBytes: number;
  /**
   * It merges what comes in (GRO, LRO), or sends super-segments itself (TSO), as its peer may then: frames of 64 KiB are usual. True if
   * the driver does not say.
   */
  superFrames: boolean;
  /** Its frames are Ethernet: a PacketSocket can use it. */
  ethernet: boolean;
  /** Switched on (IFF_UP). */
  up: boolean;
  /** And has a carrier (IFF_RUNNING). */
  running: boolean;
  addresses: KernelAddress[];
}

/** The addon as a module. */
export interface NativeAddon {
  /** LAYOUT_VERSION of the layout.h it was compiled with. */
  readonly layoutVersion: number;
  /** What sources-hash.mjs printed when it was compiled. */
  readonly sources: number;
  readonly PacketSocket: typeof PacketSocket;
  readonly Waiter: typeof Waiter;
  readonly LoopWatcher: typeof LoopWatcher;
  /**
   * `target.set(source.subarray(from, from + count), to)` at the speed of memmove(3): with shared memory on either side the engine copies
   * by single atomic words. @throws TypeError for other than Uint8Arrays; RangeError beyond an array's end
   */
  copyBytes(target: Uint8Array, to: number, source: Uint8Array, from: number, count: number): void;
  /** A new eventfd, which any thread may ring; close it with `closeWakeFd`. @throws Error EMFILE */
  createWakeFd(): number;
  /** Wakes whoever waits on the fd, now or at its next wait. @returns false when it is not an open wake fd */
  wake(fd: number): boolean;
  /** @returns false when it is not an open wake fd */
  closeWakeFd(fd: number): boolean;
  /** The processors that the calling thread may run on, ascending. @throws Error with `code`, `errno`, `syscall` */
  threadAffinity(): number[];
  /**
   * The calling thread runs on these processors from now on, and so do threads that it makes.
   * @param cpus 0..8191, ascending, each once, at least one
   * @throws TypeError for others; Error EINVAL when there are some that it may not use: nothing has changed then
   */
  setThreadAffinity(cpus: readonly number[]): void;
  /** @returns null when this network namespace has no interface of that name */
  interfaceInfo(name: string): InterfaceInfo | null;
}
