// The one place where a worker sleeps: all its packet sockets and its wake fd in one ppoll(2), with a nanosecond timeout.
#pragma once
#include <poll.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "packet-socket.h"
#include "unique-fd.h"

namespace wasmtcp {

class Waiter {
 public:
  static constexpr uint32_t WOKEN = 1;           // bit 0 of wait()'s result
  static constexpr uint32_t READABLE_SHIFT = 1;  // bits 1..15, one per socket in the order of add()
  static constexpr uint32_t WRITABLE_SHIFT = 16; // bits 16..30
  static constexpr double SLEEP_MAX_US = 1e6;

  /// @param wakeFd from createWakeFd(); a duplicate is kept. Throws SystemError: EBADF when it is not one.
  explicit Waiter(int wakeFd);

  /// Returns the socket's number for wait()'s masks, 0..14. A closed socket keeps its number. Throws SystemError ENOSPC.
  uint32_t add(std::shared_ptr<PacketSocket> socket);

  /// Sleeps until input, the wake fd, room to send or the timeout, and says which. Gives the frames of the sockets' last
  /// receive() back first. The wake fd is drained. A sleep ends after SLEEP_MAX_US at the latest: JavaScript cannot stop a
  /// thread inside a system call, and a terminated worker must not hang.
  /// @param timeoutUs negative or infinite: no deadline; 0: only look
  /// @param wantWritable bit n: socket n has frames waiting that the kernel refused
  uint32_t wait(double timeoutUs, uint32_t wantWritable);

 private:
  static constexpr size_t PER_SOCKET = 3;

  uint32_t sort(uint32_t wantWritable);

  UniqueFd wakeFd_;
  std::vector<std::shared_ptr<PacketSocket>> sockets_;
  std::vector<pollfd> polled_;  // the wake fd, then of each socket: it, its second one, what tells of its link
};

}  // namespace wasmtcp
