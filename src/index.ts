// The public API of wasmtcp: exports, and only exports.
export { announceAddress, probeAddress } from "./arp.ts";
export type { ConnectOptions, ConnectSettings, ConnectTarget, ListenOptions } from "./call-options.ts";
export type { Address, Connection, WriteOptions } from "./connection.ts";
export {
  type ControlSocket,
  controlFolder,
  findControlSockets,
  openControlSocket,
  readReport,
  type StackReport,
} from "./control-socket.ts";
export { createStack } from "./create-stack.ts";
export { diagnose } from "./diagnose.ts";
export type { DiagnoseOptions } from "./doctor/diagnose.ts";
export type { Finding, FindingLevel } from "./doctor/finding.ts";
export {
  AbortError,
  AddressError,
  ClosedError,
  ConnectionLostError,
  ConnectionRefusedError,
  NetstackError,
  ResourceError,
  StackCrashedError,
  TimedOutError,
  UnreachableError,
} from "./errors.ts";
export type { Progress, ReceiveFileOptions, SendFileOptions } from "./file-transfer.ts";
export type { ConflictEvent, LinkEvent, MtuEvent, NeighborEvent, StackEvents, StateEvent } from "./interface-news.ts";
export { captureLink } from "./links/capture.ts";
export { emulatedLink } from "./links/emulated.ts";
export { parseEmulation } from "./links/emulation-text.ts";
export type { BurstLoss, Impairments } from "./links/impairment-options.ts";
export type { CaptureLink, EmulatedLink, Link, MemoryLink, PacketLink } from "./links/link.ts";
export { memoryLinkPair } from "./links/memory-link.ts";
export { packetLink } from "./links/packet.ts";
export type { Listener } from "./listener.ts";
export type { InterfaceOptions, RouteOptions, StackOptions } from "./options.ts";
export type { PingOptions, PingReply } from "./ping.ts";
export type { CaptureStatus, Usage } from "./protocol.ts";
export type { KeepAliveOptions, SocketSettings } from "./socket-settings.ts";
export type { ConnectionInfo, Stack } from "./stack-api.ts";
export type { TcpState } from "./states.ts";
export type { InterfaceStats, LinkState, Stats } from "./stats.ts";
export type { MemoryTriple, Sysctl } from "./sysctl.ts";
export type { TcpInfo } from "./tcp-info.ts";
export { createWire, type PassageCounters, type Wire, type WireOptions } from "./wire.ts";
