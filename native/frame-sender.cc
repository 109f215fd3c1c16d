// AF_PACKET transmission with PACKET_VNET_HDR: each message is a virtio_net_hdr and a frame of up to 64 KiB, which the kernel
// (or the device) cuts into wire segments of gso_size. One copy, from the socket's send ring into the kernel's buffer.
#include "frame-sender.h"

#include <errno.h>
#include <linux/if_ether.h>

#include <algorithm>

#include "layout.h"

namespace wasmtcp {

namespace {
constexpr uint32_t TCP_FLAGS = 13;  // offset in the TCP header
constexpr uint8_t TCP_CWR = 0x80;   // RFC 3168
}  // namespace

FrameSender::FrameSender(const SharedMemory& memory, uint32_t txRingPtr, uint32_t interfacePtr)
    : memory_(memory), txRingPtr_(txRingPtr), interfacePtr_(interfacePtr) {
  for (uint32_t i = 0; i < BATCH; i++) messages_[i].msg_hdr.msg_iov = pieces_[i].data();
}

uint32_t FrameSender::send(int fd, uint32_t maxFrames) {
  blocked_ = Blocked::no;
  const uint32_t first = memory_.load<uint32_t>(txRingPtr_ + layout::RING_HEAD);
  const uint32_t tail = memory_.load<uint32_t>(txRingPtr_ + layout::RING_TAIL);
  if (tail - first > layout::TX_CAPACITY) {  // the producer's index is not to be trusted: start over from it
    memory_.store(txRingPtr_ + layout::RING_CORRUPT, memory_.load<uint32_t>(txRingPtr_ + layout::RING_CORRUPT) + 1);
    memory_.store(txRingPtr_ + layout::RING_HEAD, tail);
    countError();
    return 0;
  }
  const uint32_t end = first + std::min(tail - first, maxFrames);
  uint32_t head = first;
  while (head != end) {
    const uint32_t count = prepareBatch(head, end - head);
    if (count == 0) {  // the frame at the head makes no sense
      countError();
      head++;
      continue;
    }
    const int sent = sendmmsg(fd, messages_.data(), count, MSG_DONTWAIT);
    if (sent > 0) {
      head += static_cast<uint32_t>(sent);
      frames_ += static_cast<uint32_t>(sent);
    } else if (errno != EINTR) {
      if (!onFailure(errno)) break;
      head++;
    }
  }
  memory_.store(txRingPtr_ + layout::RING_HEAD, head);
  return head - first;
}

/// Fills messages from the ring's head on, up to the first frame that cannot be sent; returns how many.
uint32_t FrameSender::prepareBatch(uint32_t head, uint32_t available) {
  const uint32_t limit = std::min(available, BATCH);
  uint32_t count = 0;
  while (count < limit) {
    const uint32_t slot = (head + count) & (layout::TX_CAPACITY - 1);
    if (!prepare(count, txRingPtr_ + layout::RING_SLOTS + slot * layout::TX_DESCRIPTOR_BYTES)) break;
    count++;
  }
  return count;
}

bool FrameSender::prepare(uint32_t batchIndex, uint32_t descriptor) {
  const auto headerPtr = memory_.load<uint32_t>(descriptor + layout::TX_HEADER_PTR);
  const auto headerLength = memory_.load<uint32_t>(descriptor + layout::TX_HEADER_LENGTH);
  if (headerLength < ETH_HLEN || headerLength > layout::FRAME_MAX_BYTES || !memory_.contains(headerPtr, headerLength)) return false;
  if (!describeOffload(offloads_[batchIndex], descriptor, headerPtr, headerLength)) return false;
  auto& pieces = pieces_[batchIndex];
  pieces[0] = {&offloads_[batchIndex], sizeof(OffloadHeader)};
  pieces[1] = {memory_.at(headerPtr), headerLength};
  uint32_t count = 2;
  uint64_t total = headerLength;
  for (const uint32_t field : {layout::TX_PIECE1_PTR, layout::TX_PIECE2_PTR}) {
    const auto ptr = memory_.load<uint32_t>(descriptor + field);
    const auto length = memory_.load<uint32_t>(descriptor + field + layout::TX_PIECE1_LENGTH - layout::TX_PIECE1_PTR);
    if (length == 0) continue;
    if (!memory_.contains(ptr, length)) return false;
    pieces[count++] = {memory_.at(ptr), length};
    total += length;
  }
  messages_[batchIndex].msg_hdr.msg_iovlen = count;
  return total <= layout::FRAME_MAX_BYTES;
}

bool FrameSender::describeOffload(OffloadHeader& offload, uint32_t descriptor, uint32_t headerPtr, uint32_t headerLength) const {
  offload = {};
  const auto flags = memory_.load<uint16_t>(descriptor + layout::TX_FLAGS);
  const auto gsoSize = memory_.load<uint16_t>(descriptor + layout::TX_GSO_SIZE);
  if (flags & layout::FRAME_CSUM_PARTIAL) {
    offload.flags = OFFLOAD_NEEDS_CSUM;
    offload.csumStart = memory_.load<uint16_t>(descriptor + layout::TX_CSUM_START);
    offload.csumOffset = memory_.load<uint16_t>(descriptor + layout::TX_CSUM_OFFSET);
    if (uint32_t{offload.csumStart} + offload.csumOffset + 2 > headerLength) return false;
  }
  if (gsoSize == 0) return true;
  // Segmentation rewrites every checksum, so it wants the partial one; the headers must be in the first hdr_len bytes.
  if (offload.flags == 0) return false;
  offload.gsoType = static_cast<uint8_t>(memory_.load<uint16_t>(descriptor + layout::TX_GSO_TYPE));
  if (offload.gsoType == GSO_NONE) {
    const uint32_t etherType = uint32_t{*memory_.at(headerPtr + 12)} << 8 | *memory_.at(headerPtr + 13);
    if (etherType != ETH_P_IP && etherType != ETH_P_IPV6) return false;
    offload.gsoType = etherType == ETH_P_IP ? GSO_TCPV4 : GSO_TCPV6;
    // CWR belongs on the first segment only (RFC 3168 6.1.2): devices that repeat it must be told, or asked not to segment
    if (offload.csumStart + TCP_FLAGS >= headerLength) return false;
    if (*memory_.at(headerPtr + offload.csumStart + TCP_FLAGS) & TCP_CWR) offload.gsoType |= GSO_ECN;
  }
  offload.gsoSize = gsoSize;
  offload.headerBytes = static_cast<uint16_t>(headerLength);
  return headerLength <= UINT16_MAX;
}

/// Sorts a failed send; returns whether the frame is to be given up (true) or kept for later (false).
bool FrameSender::onFailure(int number) {
  if (number == EAGAIN || number == ENOBUFS || number == ENOMEM) {
    blocked_ = number == EAGAIN ? Blocked::socketFull : Blocked::queueFull;
    memory_.count(interfacePtr_ + layout::INTERFACE_TX_QUEUE_FULL, 1);
    return false;
  }
  if (number == ENETDOWN || number == ENXIO || number == ENODEV) linkError_ = number;
  countError();
  return true;
}

void FrameSender::countError() {
  errors_++;
  memory_.count(interfacePtr_ + layout::INTERFACE_LINK_ERRORS, 1);
}

}  // namespace wasmtcp
