// The AF_PACKET socket of one interface (two, if there are two receive rings): opened with everything a stack with a MAC address of its own
// needs, receiving through ReceiveRings, sending through a FrameSender. Runs on one thread. Read packet(7) first.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "frame-sender.h"
#include "link-monitor.h"
#include "packet-socket-options.h"
#include "receive-rings.h"
#include "shared-memory.h"
#include "unique-fd.h"

namespace wasmtcp {

struct PacketStatistics {
  uint64_t received = 0;   // frames handed to the core
  uint64_t dropped = 0;    // frames the kernel found no slot for (PACKET_STATISTICS)
  uint64_t truncated = 0;  // frames longer than a slot
  uint64_t tagged = 0;     // frames that had a VLAN tag: not for us
  uint64_t malformed = 0;  // slots with impossible headers, frames of an unknown segmentation type
  uint64_t sent = 0;
  uint64_t sendErrors = 0;
};

/// Sockets that one thread waits for at most: each has a bit in the masks of Waiter and LoopWatcher.
constexpr uint32_t SOCKETS_MAX = 15;

class PacketSocket {
 public:
  /// Opens, maps and binds. Throws SystemError: EPERM without CAP_NET_RAW, ENODEV for an unknown interface, ENETDOWN,
  /// EOPNOTSUPP for one that is not Ethernet, EINVAL for regions that do not fit the memory.
  PacketSocket(const SharedMemory& memory, const PacketSocketOptions& options);
  ~PacketSocket() { close(); }

  /// Writes RX descriptors for at most `maxFrames` frames and returns how many. What the call before returned is given
  /// back to the kernel first. `nowUs` is the loop's clock for RX_TIME_US; 0 leaves arrival times unknown.
  uint32_t receive(uint32_t maxFrames, double nowUs);

  /// Sends what waits in the TX ring; see FrameSender::send.
  uint32_t transmit(uint32_t maxFrames);

  /// Gives the slots of the last receive() back. Before a poll(2) this must be done: a held slot reads as input.
  void releaseFrames();

  /// Adds the kernel's counts since the last look to `dropped` and INTERFACE_LINK_DROPS.
  PacketStatistics statistics();

  /// ENETDOWN, ENXIO or ENODEV when the link failed since the last call, else 0.
  int takeError();

  /// Reads the socket's pending error (POLLERR) so that poll(2) does not report it again.
  void collectError();

  /// Takes in what the kernel told of links; returns whether anything about ours changed, which INTERFACE_LINK_NEWS of the
  /// interface's record says too.
  bool noticeLink();

  /// How the link is, if that changed since the last call, or at the first one; INTERFACE_LINK_NEWS is 0 after it.
  std::optional<LinkStatus> takeLink();

  /// Puts anonymous memory in the ring's place, then closes the socket. May be called again.
  void close();

  bool closed() const { return !fd_; }
  int fd() const { return fd_.get(); }
  int secondFd() const { return secondFd_.get(); }  // of the second ring, or -1: input and errors come there too
  int linkFd() const { return monitor_ ? monitor_->fd() : -1; }  // readable when there is something for noticeLink()
  Blocked blocked() const { return sender_.blocked(); }
  bool inPlace() const { return inPlace_; }
  uint32_t slots() const { return slots_; }
  uint32_t fanoutGroup() const { return fanoutGroup_; }

 private:
  void checkInterface();
  void open();
  bool openTwo();
  UniqueFd create();
  void configure(int fd);
  void setFilter(int fd);
  void bindToInterface(int fd);
  bool admit(RingFrame& frame);
  bool hasRoom(uint32_t used, uint32_t overflowed) const;
  bool fetch(RingFrame& frame, uint32_t& overflowed);
  uint32_t place(const RingFrame& frame, uint32_t& used);
  void describe(uint32_t descriptor, uint32_t framePtr, const RingFrame& frame, double realtimeOffsetUs);
  void addDrops();
  void addDropsOf(int fd);

  SharedMemory memory_;
  PacketSocketOptions options_;
  FrameSender sender_;
  PacketStatistics statistics_;
  int interfaceIndex_ = 0;
  bool ownMac_ = false;  // our MAC is the interface's own: no need to be promiscuous
  bool inPlace_ = false;
  uint32_t slots_ = 0;
  uint32_t fanoutGroup_ = 0;
  int socketError_ = 0;
  UniqueFd fd_;                       // declared before the rings: they go first
  UniqueFd secondFd_;
  std::unique_ptr<ReceiveRings> rings_;
  std::unique_ptr<LinkMonitor> monitor_;
  bool linkChanged_ = true;
};

}  // namespace wasmtcp
