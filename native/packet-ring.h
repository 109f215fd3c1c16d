// The kernel's TPACKET_V2 receive ring (packet_mmap.rst in the kernel's documentation): allocation, mapping and the slots' ownership.
// Mapped over a region of the WASM memory when it can be, so that the core reads frames where the kernel wrote them.
#pragma once
#include <cstdint>

#include "offload-header.h"
#include "shared-memory.h"

namespace wasmtcp {

/// One received frame, in its slot; valid until the slot is given back.
struct RingFrame {
  uint8_t* data;              // Ethernet header; 64 bytes before it are the slot's own and may be overwritten
  uint32_t length;            // bytes in the slot
  uint32_t wireLength;        // bytes the frame had; more than `length` when it was cut
  uint32_t status;            // TP_STATUS_ bits
  uint32_t seconds;           // arrival, CLOCK_REALTIME
  uint32_t nanoseconds;
  uint16_t vlanTci;           // with TP_STATUS_VLAN_VALID: the tag that the kernel took off
  uint16_t vlanTpid;          // its Ethernet type
  OffloadHeader offload;     // checksum and segmentation state
};

class PacketRing {
 public:
  static constexpr uint32_t SLOT_BYTES = 65536 + 512;      // FRAME_MAX_BYTES plus the kernel's header, and a shift of 512 per slot against cache aliasing
  static constexpr uint32_t BLOCK_BYTES = 1 << 20;         // measured best; the kernel allocates block by block
  static constexpr uint32_t BIG_BLOCK_BYTES = 4 << 20;     // no slot spans two blocks: 63 instead of 60 in 4 MiB
  static constexpr uint32_t RING_BYTES_MIN = 256 * 1024;

  static constexpr uint32_t SLOT_BYTES_MIN = 256;

  /// Allocates the ring of socket `fd` (PACKET_VERSION and PACKET_VNET_HDR are set already) and maps it: over
  /// [ringPtr, ringPtr + ringBytes) of `memory` when `inPlace` and possible, else at an address of the kernel's choice.
  /// Half the size is tried, again and again, while the kernel has no memory. Throws SystemError.
  /// @param slotBytes SLOT_BYTES_MIN..SLOT_BYTES, a multiple of 16; @param blockBytes a power of two of pages
  PacketRing(int fd, const SharedMemory& memory, uint32_t ringPtr, uint32_t ringBytes, uint32_t slotBytes, bool inPlace,
             uint32_t blockBytes = BLOCK_BYTES);
  ~PacketRing();
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  bool inPlace() const { return inPlace_; }
  uint32_t slots() const { return slots_; }

  /// The next slot the kernel has filled: 1 = `frame` is filled in, 0 = none, -1 = a slot whose header makes no sense.
  /// With 1 and -1 the slot is held until giveBack().
  int next(RingFrame& frame);

  /// Whether next() would find a frame.
  bool filled() const { return held_ < slots_ && filledAt(index_); }

  /// Whether the kernel is still writing the frame that is next while one of the `within` after it is there already.
  bool unfinished(uint32_t within) const;

  /// When the frame that is next arrived, in ns of CLOCK_REALTIME. Only while filled().
  uint64_t arrivalNs() const;

  /// Returns every held slot to the kernel. @returns how many there were
  uint32_t giveBack();

 private:
  uint8_t* slot(uint32_t index) const;
  bool filledAt(uint32_t index) const;
  void allocate(int fd, uint32_t ringBytes, uint32_t blockBytes);
  void mapOver(int fd, uint8_t* target);

  uint32_t slotBytes_;
  uint32_t blockBytes_ = 0;
  uint32_t blocks_ = 0;
  uint32_t slotsPerBlock_ = 0;
  uint32_t slots_ = 0;
  uint32_t index_ = 0;   // next slot to look at
  uint32_t held_ = 0;    // slots before index_ that the core may still be reading
  uint8_t* base_ = nullptr;
  bool inPlace_ = false;
};

}  // namespace wasmtcp
