// What a packet socket receives into: one PacketRing, or a small one that is used while it has room, so that what passes through it stays
// in a processor's cache, and a large one of a second socket for what then comes (native/fanout.h). Keeps each flow in order.
#pragma once
#include <cstdint>
#include <memory>

#include "packet-ring.h"

namespace wasmtcp {

class ReceiveRings {
 public:
  explicit ReceiveRings(std::unique_ptr<PacketRing> only);

  /// @param second the ring of socket `secondFd`, for what `first` has no room for
  ReceiveRings(std::unique_ptr<PacketRing> first, std::unique_ptr<PacketRing> second, int secondFd);

  bool inPlace() const { return first_->inPlace(); }

  /// Frames that may wait here without loss.
  uint32_t slots() const;

  /// As PacketRing::next, of both rings together: frames of one flow in the order in which they arrived.
  int next(RingFrame& frame);

  /// Returns every held slot to the kernel.
  void giveBack();

 private:
  PacketRing* oldest();

  std::unique_ptr<PacketRing> first_;
  std::unique_ptr<PacketRing> second_;
  int secondFd_ = -1;
  uint32_t writers_ = 0;  // frames that the kernel may be writing at the same time, less one
};

}  // namespace wasmtcp
