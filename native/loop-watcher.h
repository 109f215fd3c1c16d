// Wakes a stack that runs on a thread with an event loop (libuv): packet sockets, a wake fd and a timer of nanoseconds, watched side by
// side with everything else the thread waits for. What the Waiter is to a worker. Knows uv.h and no Node-API.
#pragma once
#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "packet-socket.h"

namespace wasmtcp {

class LoopWatcher {
 public:
  /// Watches the wake fd from now on. Does not keep the loop alive until hold(true).
  /// @param wakeFd from createWakeFd(); a duplicate is kept. Throws SystemError: EBADF when it is not one, EMFILE.
  /// @param onWake called from the loop: a socket has input, an error or room; the wake fd was rung; the time of arm() is over
  LoopWatcher(uv_loop_t* loop, int wakeFd, std::function<void()> onWake);
  ~LoopWatcher() { close(); }
  LoopWatcher(const LoopWatcher&) = delete;
  LoopWatcher& operator=(const LoopWatcher&) = delete;

  /// Watches a socket for input; it must outlive close() as an open descriptor. Throws SystemError ENOSPC.
  void add(std::shared_ptr<PacketSocket> socket);

  /// Before the thread goes back to its loop: gives the frames of the sockets' last receive() back (a held frame reads as input).
  /// An earlier deadline that is still to come stays: it wakes for nothing, which is cheaper than setting a timer for each segment.
  /// @param timeoutUs when to wake at the latest; infinite: no deadline
  /// @param wantWritable bit n: socket n has frames waiting that the kernel refused
  void arm(double timeoutUs, uint32_t wantWritable);

  /// Whether the loop stays alive for this.
  void hold(bool held);

  /// Stops watching at once. The handles are gone some turns of the loop after that: then `onClosed` is called. May be called again.
  void close(std::function<void()> onClosed = {});

 private:
  struct Handles;
  Handles* handles_;  // owned until close(), then they delete themselves
};

}  // namespace wasmtcp
