// The consumer of one interface's TX ring (assembly/layout.ts): gathers frames out of WASM memory and hands them to the
// kernel in batches. Knows lengths and offload fields, no protocol.
#pragma once
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>

#include "offload-header.h"
#include "shared-memory.h"

namespace wasmtcp {

/// Why the TX ring was not emptied.
enum class Blocked : uint8_t {
  no,
  socketFull,  // EAGAIN: too many of our bytes wait in the kernel; the socket becomes writable again
  queueFull,   // ENOBUFS: the interface's queue refused the frame; nothing will tell us, so try again soon
};

/// When to try again after queueFull; at 1 Gbit/s this is 60 KB of a device's queue.
constexpr double QUEUE_RETRY_US = 500;

class FrameSender {
 public:
  FrameSender(const SharedMemory& memory, uint32_t txRingPtr, uint32_t interfacePtr);

  /// Sends from the ring's head until it is empty, `maxFrames` are handled or the kernel pushes back, and moves the head
  /// over what was sent or, being unsendable, counted in INTERFACE_LINK_ERRORS. Returns by how many frames the head moved.
  uint32_t send(int fd, uint32_t maxFrames);

  Blocked blocked() const { return blocked_; }
  uint64_t frames() const { return frames_; }
  uint64_t errors() const { return errors_; }

  /// The last of ENETDOWN, ENXIO, ENODEV that a send met; 0 when none.
  int linkError() const { return linkError_; }
  void clearLinkError() { linkError_ = 0; }

 private:
  static constexpr uint32_t BATCH = 64;
  static constexpr uint32_t PIECES = 4;  // offload header, frame header, payload, payload after the ring's wrap

  bool prepare(uint32_t batchIndex, uint32_t descriptor);
  bool describeOffload(OffloadHeader& offload, uint32_t descriptor, uint32_t headerPtr, uint32_t headerLength) const;
  uint32_t prepareBatch(uint32_t head, uint32_t available);
  bool onFailure(int number);
  void countError();

  SharedMemory memory_;
  uint32_t txRingPtr_;
  uint32_t interfacePtr_;
  Blocked blocked_ = Blocked::no;
  int linkError_ = 0;
  uint64_t frames_ = 0;
  uint64_t errors_ = 0;
  std::array<mmsghdr, BATCH> messages_{};
  std::array<std::array<iovec, PIECES>, BATCH> pieces_{};
  std::array<OffloadHeader, BATCH> offloads_{};
};

}  // namespace wasmtcp
