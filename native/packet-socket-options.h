// What a packet socket is told when it is opened, and whether that can be.
#pragma once
#include <cstdint>
#include <string>

#include "fanout.h"
#include "packet-ring.h"
#include "shared-memory.h"

namespace wasmtcp {

struct PacketSocketOptions {
  std::string interface;
  uint32_t ringPtr = 0;             // region for received frames, page aligned
  uint32_t ringBytes = 64u << 20;
  uint32_t slotBytes = PacketRing::SLOT_BYTES;  // of the ring; a longer frame is fetched on its own, into overflowBytes behind the ring
  uint32_t overflowBytes = 0;       // of the region, at its end: at least PacketRing::SLOT_BYTES with smaller slots
  uint32_t firstRingBytes = 0;      // of the region, at its start: a ring that is used while it has room, the rest a second one; 0: one ring
  bool inPlace = true;
  uint32_t rxDescriptorsPtr = 0;    // RX_DESCRIPTOR_CAPACITY descriptors
  uint32_t txRingPtr = 0;           // TX_RING_BYTES
  uint32_t interfacePtr = 0;        // the interface's record: link counters
  uint16_t macHigh16 = 0;
  uint32_t macLow32 = 0;
  bool everyFrame = false;          // all that passes the interface, whoever it is for, VLAN tags and all: for a wire, not for a host
  FanoutOptions fanout;             // the socket is one of several that share what comes in
  uint32_t receiveBufferBytes = 16u << 20;
  uint32_t sendBufferBytes = 4u << 20;
};

/// Throws SystemError EINVAL for regions that do not fit the memory, and for sizes that do not go together.
void checkOptions(const SharedMemory& memory, const PacketSocketOptions& options);

}  // namespace wasmtcp
