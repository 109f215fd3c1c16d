// From a link's description to its port; towers of emulated and capture links are built from the wire up.
import type { Link } from "../src/links/link.ts";
import type { Port, PortPlace, PortShard } from "./port.ts";
import { CapturePort } from "./ports/capture-port.ts";
import { EmulatedPort } from "./ports/emulated-port.ts";
import { MemoryPort } from "./ports/memory-port.ts";
import { PacketPort } from "./ports/packet-port.ts";
import { FirstShardPort, FurtherShardPort } from "./ports/shard-port.ts";

/** The ports that others need to know by kind. */
export interface OpenedLinks {
  /** To wait for. */
  packet: PacketPort[];
  /** To ask how they are doing. */
  capture: CapturePort[];
}

/** The packet port of one of several shards. @throws what its constructor throws; nothing stays open */
function shardPort(port: PacketPort, place: PortPlace, shard: PortShard): Port {
  if (shard.index === 0) return new FirstShardPort(port, place, shard);
  try {
    return new FurtherShardPort(port, place, shard);
  } catch (error) {
    port.close();
    throw error;
  }
}

/**
 * Opens the port of a link.
 * @param opened - packet and capture ports are added to it
 * @throws what the port's constructor throws; nothing stays open
 */
export function openPort(link: Link, place: PortPlace, opened: OpenedLinks): Port {
  switch (link.kind) {
    case "memory":
      return new MemoryPort(link, place);
    case "packet": {
      const port = new PacketPort(link, place);
      opened.packet.push(port);
      return place.shard === undefined ? port : shardPort(port, place, place.shard);
    }
    case "emulated":
      return new EmulatedPort(link, place, (inner) => openPort(link.link, inner, opened));
    case "capture": {
      const inner = openPort(link.link, place, opened);
      try {
        const port = new CapturePort(link, inner, place);
        opened.capture.push(port);
        return port;
      } catch (error) {
        inner.close();
        throw error;
      }
    }
  }
}
