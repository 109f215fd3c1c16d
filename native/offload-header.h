// The 10 bytes in front of every frame on a socket with PACKET_VNET_HDR: struct virtio_net_hdr (VIRTIO 1.2, 5.1.6) in the
// host's byte order. Written out here because linux/virtio_net.h is not C++: it has a member called `class`.
#pragma once
#include <cstdint>

namespace wasmtcp {

struct OffloadHeader {
  uint8_t flags;         // OFFLOAD_ bits
  uint8_t gsoType;       // a GSO_ code
  uint16_t headerBytes;  // Ethernet + IP + TCP: what the kernel repeats in front of each segment
  uint16_t gsoSize;      // payload bytes per segment
  uint16_t csumStart;    // offset from the Ethernet header at which the checksum begins
  uint16_t csumOffset;   // offset from there of the checksum field
};
static_assert(sizeof(OffloadHeader) == 10);

constexpr uint8_t OFFLOAD_NEEDS_CSUM = 1;  // the checksum field holds the pseudo-header's sum only
constexpr uint8_t OFFLOAD_DATA_VALID = 2;  // the checksum was verified

constexpr uint8_t GSO_NONE = 0;
constexpr uint8_t GSO_TCPV4 = 1;
constexpr uint8_t GSO_TCPV6 = 4;
constexpr uint8_t GSO_ECN = 0x80;  // a flag on top of the code: CWR is set

}  // namespace wasmtcp
