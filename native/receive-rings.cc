// The kernel writes frames of one flow one after the other, each into the ring it has chosen for it (packet_rcv_fanout); frames of different
// flows may be written at the same time on different processors. That is all the order there is to rely on.
#include "receive-rings.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

namespace wasmtcp {

namespace {

constexpr long WRITERS_MAX = 8;  // processors that we expect to deliver to one interface at the same time

}  // namespace

ReceiveRings::ReceiveRings(std::unique_ptr<PacketRing> only) : first_(std::move(only)) {}

ReceiveRings::ReceiveRings(std::unique_ptr<PacketRing> first, std::unique_ptr<PacketRing> second, int secondFd)
    : first_(std::move(first)), second_(std::move(second)), secondFd_(secondFd) {
  writers_ = static_cast<uint32_t>(std::clamp(sysconf(_SC_NPROCESSORS_ONLN), 1L, WRITERS_MAX) - 1);
}

/// The kernel rolls over to a ring only while a quarter of it is free (ROOM_NORMAL).
uint32_t ReceiveRings::slots() const { return first_->slots() + (second_ ? second_->slots() / 4 * 3 : 0); }

int ReceiveRings::next(RingFrame& frame) {
  if (!second_) return first_->next(frame);
  PacketRing* ring = oldest();
  return ring == nullptr ? 0 : ring->next(frame);
}

/// The ring whose next frame no frame of the same flow in the other one can be older than; null: none yet.
///
/// What was written before a frame is seen when that frame is: so a ring counts as empty only if it was looked at after the other's frame
/// was. If both have a frame the times tell. Of equal ones the first ring's is older: the second is used when the first is full.
PacketRing* ReceiveRings::oldest() {
  bool inSecond = second_->filled();
  const bool inFirst = first_->filled();
  if (inFirst && !inSecond) inSecond = second_->filled();
  if (inFirst && inSecond) return second_->arrivalNs() < first_->arrivalNs() ? second_.get() : first_.get();
  // A frame behind one that is still being written may be older than what the other ring has
  if (inFirst) return second_->unfinished(writers_) ? nullptr : first_.get();
  if (inSecond) return first_->unfinished(writers_) ? nullptr : second_.get();
  return nullptr;
}

void ReceiveRings::giveBack() {
  const uint32_t fromFirst = first_->giveBack();
  if (!second_) return;
  const bool wasUsed = second_->giveBack() > 0;
  if (!wasUsed && fromFirst <= first_->slots() / 4) return;
  // The kernel notes that a ring was short of room (`pressure`), and rolls over to it again only after a poll that finds room
  pollfd look{secondFd_, POLLIN, 0};
  poll(&look, 1, 0);
}

}  // namespace wasmtcp
