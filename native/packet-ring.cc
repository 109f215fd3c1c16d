// PACKET_RX_RING with TPACKET_V2: the kernel fills slots in order and marks them TP_STATUS_USER; we mark them
// TP_STATUS_KERNEL to give them back. Read the kernel's Documentation/networking/packet_mmap.rst first.
#include "packet-ring.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "layout.h"
#include "system-error.h"

namespace wasmtcp {

namespace {

// struct tpacket2_hdr | sockaddr_ll, aligned | virtio_net_hdr | Ethernet header ... (tpacket_rcv in the kernel)
constexpr uint32_t SLOT_OVERHEAD = 128;
static_assert(PacketRing::SLOT_BYTES >= layout::FRAME_MAX_BYTES + SLOT_OVERHEAD);
static_assert(PacketRing::SLOT_BYTES % TPACKET_ALIGNMENT == 0);
constexpr uint32_t MAC_OFFSET_MIN = sizeof(tpacket2_hdr) + sizeof(OffloadHeader);

}  // namespace

PacketRing::PacketRing(int fd, const SharedMemory& memory, uint32_t ringPtr, uint32_t ringBytes, uint32_t slotBytes, bool inPlace,
                       uint32_t blockBytes)
    : slotBytes_(slotBytes) {
  allocate(fd, ringBytes, blockBytes);
  uint8_t* target = memory.at(ringPtr);
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  if (inPlace && reinterpret_cast<uintptr_t>(target) % page == 0) mapOver(fd, target);
  if (inPlace_) return;
  const size_t bytes = size_t{blockBytes_} * blocks_;
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) throw SystemError(errno, "mmap", "mmap(PACKET_RX_RING)");
  base_ = static_cast<uint8_t*>(mapped);
}

void PacketRing::allocate(int fd, uint32_t ringBytes, uint32_t blockBytes) {
  const auto page = static_cast<uint32_t>(sysconf(_SC_PAGESIZE));
  blockBytes_ = std::min(blockBytes, ringBytes / page * page);
  slotsPerBlock_ = blockBytes_ / slotBytes_;
  for (blocks_ = ringBytes / blockBytes_; blocks_ > 0; blocks_ /= 2) {
    slots_ = slotsPerBlock_ * blocks_;
    tpacket_req request{};
    request.tp_block_size = blockBytes_;
    request.tp_block_nr = blocks_;
    request.tp_frame_size = slotBytes_;
    request.tp_frame_nr = slots_;
    if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) == 0) return;
    if (errno != ENOMEM) break;
  }
  throw SystemError(errno, "setsockopt", "setsockopt(PACKET_RX_RING, " + std::to_string(ringBytes) + " bytes)");
}

void PacketRing::mapOver(int fd, uint8_t* target) {
  const size_t bytes = size_t{blockBytes_} * blocks_;
  if (mmap(target, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED) {
    base_ = target;
    inPlace_ = true;
    return;
  }
  // The kernel takes the old mapping away before it asks the socket for the new one: a refusal leaves a hole in the
  // WASM memory. Fill it again; the caller falls back to copying.
  void* refilled = mmap(target, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  if (refilled == MAP_FAILED) throw SystemError(errno, "mmap", "mmap(anonymous pages over the receive region)");
}

PacketRing::~PacketRing() {
  const size_t bytes = size_t{blockBytes_} * blocks_;
  if (!inPlace_) {
    if (base_ != nullptr) munmap(base_, bytes);
    return;
  }
  // Fresh pages replace the ring in one step: no moment in which a thread that still reads the region could fault. Should
  // this fail for want of memory, the ring stays mapped, and with it alive, until the WASM memory itself is unmapped.
  mmap(base_, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
}

uint8_t* PacketRing::slot(uint32_t index) const {
  return base_ + size_t{index / slotsPerBlock_} * blockBytes_ + size_t{index % slotsPerBlock_} * slotBytes_;
}

bool PacketRing::filledAt(uint32_t index) const {
  auto* header = reinterpret_cast<tpacket2_hdr*>(slot(index));
  return (std::atomic_ref<uint32_t>(header->tp_status).load(std::memory_order_acquire) & TP_STATUS_USER) != 0;
}

bool PacketRing::unfinished(uint32_t within) const {
  if (held_ + within >= slots_) return false;
  for (uint32_t i = 1; i <= within; i++) {
    if (filledAt(index_ + i < slots_ ? index_ + i : index_ + i - slots_)) return !filledAt(index_);
  }
  return false;
}

uint64_t PacketRing::arrivalNs() const {
  const auto* header = reinterpret_cast<const tpacket2_hdr*>(slot(index_));
  return uint64_t{header->tp_sec} * 1000000000 + header->tp_nsec;
}

int PacketRing::next(RingFrame& frame) {
  if (held_ == slots_) return 0;  // all of the ring is ours: the slot at index_ is one we hold
  uint8_t* start = slot(index_);
  auto* header = reinterpret_cast<tpacket2_hdr*>(start);
  // Acquire: the frame's bytes, written before the kernel set the status, must not be read before it.
  const uint32_t status = std::atomic_ref<uint32_t>(header->tp_status).load(std::memory_order_acquire);
  if ((status & TP_STATUS_USER) == 0) return 0;
  index_ = index_ + 1 == slots_ ? 0 : index_ + 1;
  held_++;
  // In place the core, and through it the network's peer, could have scribbled over the header: bound all of it.
  const uint32_t mac = header->tp_mac;
  const uint32_t length = header->tp_snaplen;
  if (mac < MAC_OFFSET_MIN || mac > slotBytes_ || length > slotBytes_ - mac) return -1;
  frame.data = start + mac;
  frame.length = length;
  frame.wireLength = header->tp_len;
  frame.status = status;
  frame.seconds = header->tp_sec;
  frame.nanoseconds = header->tp_nsec;
  frame.vlanTci = header->tp_vlan_tci;
  frame.vlanTpid = (status & TP_STATUS_VLAN_TPID_VALID) != 0 ? header->tp_vlan_tpid : ETH_P_8021Q;
  std::memcpy(&frame.offload, frame.data - sizeof frame.offload, sizeof frame.offload);
  return 1;
}

uint32_t PacketRing::giveBack() {
  const uint32_t returned = held_;
  uint32_t index = index_ >= held_ ? index_ - held_ : index_ + slots_ - held_;
  for (; held_ > 0; held_--) {
    auto* header = reinterpret_cast<tpacket2_hdr*>(slot(index));
    // Release: our reads of the frame must be over before the kernel may write the slot again.
    std::atomic_ref<uint32_t>(header->tp_status).store(TP_STATUS_KERNEL, std::memory_order_release);
    index = index + 1 == slots_ ? 0 : index + 1;
  }
  return returned;
}

}  // namespace wasmtcp
