// The memory belongs to JavaScript: each region is checked once, here.
#include "packet-socket-options.h"

#include <errno.h>
#include <linux/if_packet.h>

#include "layout.h"
#include "system-error.h"

namespace wasmtcp {

namespace {

constexpr uint32_t PAGE = 4096;

[[noreturn]] void refuse(const char* option, const std::string& why) {
  throw SystemError(EINVAL, "PacketSocket", std::string("PacketSocket(") + option + ")", why);
}

void checkRegions(const SharedMemory& memory, const PacketSocketOptions& options) {
  const struct {
    const char* name;
    uint32_t ptr;
    uint64_t bytes;
    uint32_t alignment;
  } regions[] = {
      {"ringPtr", options.ringPtr, options.ringBytes, PAGE},
      {"rxDescriptorsPtr", options.rxDescriptorsPtr, layout::RX_DESCRIPTOR_CAPACITY * layout::RX_DESCRIPTOR_BYTES, 8},
      {"txRingPtr", options.txRingPtr, layout::TX_RING_BYTES, 8},
      {"interfacePtr", options.interfacePtr, layout::INTERFACE_BYTES, 8},
  };
  for (const auto& region : regions) {
    if (region.ptr % region.alignment == 0 && memory.contains(region.ptr, region.bytes)) continue;
    refuse(region.name, std::to_string(region.bytes) + " bytes at " + std::to_string(region.ptr) + " must be aligned to " +
                            std::to_string(region.alignment) + " and inside the memory of " + std::to_string(memory.length()) + " bytes");
  }
}

void checkSlots(const PacketSocketOptions& options) {
  const bool small = options.slotBytes < PacketRing::SLOT_BYTES;
  const uint32_t overflow = options.overflowBytes;
  if (options.slotBytes % TPACKET_ALIGNMENT == 0 && options.slotBytes >= PacketRing::SLOT_BYTES_MIN &&
      options.slotBytes <= PacketRing::SLOT_BYTES && (!small || options.inPlace) &&
      (small ? overflow >= PacketRing::SLOT_BYTES && overflow % PAGE == 0 : overflow == 0)) {
    return;
  }
  refuse("slotBytes", "expected a multiple of 16 in " + std::to_string(PacketRing::SLOT_BYTES_MIN) + ".." +
                          std::to_string(PacketRing::SLOT_BYTES) + "; smaller ones in place, with whole pages of overflowBytes for one frame at least");
}

void checkRings(const PacketSocketOptions& options) {
  const uint64_t least = uint64_t{PacketRing::RING_BYTES_MIN} + options.overflowBytes;
  if (options.ringBytes < least) {
    refuse("ringBytes", "expected at least " + std::to_string(least) + ", got " + std::to_string(options.ringBytes));
  }
  const uint32_t first = options.firstRingBytes;
  if (first == 0) return;
  const bool fits = first % PAGE == 0 && first >= PacketRing::RING_BYTES_MIN && options.ringBytes >= uint64_t{first} + PacketRing::RING_BYTES_MIN;
  if (fits && options.inPlace && options.slotBytes == PacketRing::SLOT_BYTES && options.fanout.count <= 1) return;
  refuse("firstRingBytes", "expected whole pages, at least " + std::to_string(PacketRing::RING_BYTES_MIN) +
                               " and as much less than ringBytes; in place, with slots of full size and without fanout");
}

}  // namespace

void checkOptions(const SharedMemory& memory, const PacketSocketOptions& options) {
  checkRegions(memory, options);
  checkSlots(options);
  checkRings(options);
}

}  // namespace wasmtcp
