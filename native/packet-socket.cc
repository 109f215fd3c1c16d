// Socket options and their order follow packet(7): protocol 0 until bind, so that nothing is queued before the filter and
// the ring stand; PACKET_VNET_HDR before the ring.
#include "packet-socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "clock.h"
#include "interface-info.h"
#include "layout.h"
#include "packet-filter.h"
#include "system-error.h"

namespace wasmtcp {

namespace {

constexpr char CAPABILITY_CURE[] =
    "raw sockets need the capability CAP_NET_RAW: run as root, inside a network namespace of your own (unshare -rn), or "
    "give it to the binary with: setcap cap_net_raw,cap_net_admin=ep \"$(command -v node)\"";

void setOption(int fd, int level, int name, int value, const char* label) {
  if (setsockopt(fd, level, name, &value, sizeof value) == 0) return;
  throw SystemError(errno, "setsockopt", std::string("setsockopt(") + label + ")");
}

/// Sets a buffer size past the system's limit when we may (CAP_NET_ADMIN), up to the limit otherwise.
void setBuffer(int fd, int forced, int plain, uint32_t bytes) {
  const int value = static_cast<int>(std::min<uint32_t>(bytes, 1u << 30));
  if (setsockopt(fd, SOL_SOCKET, forced, &value, sizeof value) != 0) {
    setOption(fd, SOL_SOCKET, plain, value, plain == SO_RCVBUF ? "SO_RCVBUF" : "SO_SNDBUF");
  }
}

/// Writes the tag that the kernel keeps beside the frame where it was on the wire: after the addresses. The slot has room in
/// front (the kernel's own headers, read by now); offsets into the frame move along.
void putTagBack(RingFrame& frame) {
  constexpr uint32_t TAG_BYTES = 4;
  constexpr uint32_t ADDRESSES_BYTES = 2 * ETH_ALEN;
  frame.data -= TAG_BYTES;
  std::memmove(frame.data, frame.data + TAG_BYTES, ADDRESSES_BYTES);
  const uint8_t tag[TAG_BYTES] = {static_cast<uint8_t>(frame.vlanTpid >> 8), static_cast<uint8_t>(frame.vlanTpid),
                                  static_cast<uint8_t>(frame.vlanTci >> 8), static_cast<uint8_t>(frame.vlanTci)};
  std::memcpy(frame.data + ADDRESSES_BYTES, tag, TAG_BYTES);
  frame.length += TAG_BYTES;
  frame.wireLength += TAG_BYTES;
  if (frame.offload.flags & OFFLOAD_NEEDS_CSUM) frame.offload.csumStart += TAG_BYTES;
  if (frame.offload.gsoType != GSO_NONE) frame.offload.headerBytes += TAG_BYTES;
}

}  // namespace

PacketSocket::PacketSocket(const SharedMemory& memory, const PacketSocketOptions& options)
    : memory_(memory), options_(options), sender_(memory, options.txRingPtr, options.interfacePtr) {
  checkOptions(memory_, options_);
  fd_ = create();
  checkInterface();
  if (options_.firstRingBytes == 0 || !openTwo()) open();
  inPlace_ = rings_->inPlace();
  slots_ = rings_->slots();
  monitor_ = std::make_unique<LinkMonitor>(interfaceIndex_);
}

UniqueFd PacketSocket::create() {
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd) return fd;
  throw SystemError(errno, "socket", "socket(AF_PACKET, " + options_.interface + ")", errno == EPERM ? CAPABILITY_CURE : "");
}

void PacketSocket::open() {
  const int fd = fd_.get();
  const bool alone = options_.fanout.count <= 1;
  configure(fd);
  alone ? setFilter(fd) : attachNothingFilter(fd);  // until it shares with the others: a frame must not come to two of them
  rings_ = std::make_unique<ReceiveRings>(std::make_unique<PacketRing>(
      fd, memory_, options_.ringPtr, options_.ringBytes - options_.overflowBytes, options_.slotBytes, options_.inPlace));
  bindToInterface(fd);
  if (alone) return;
  fanoutGroup_ = joinFanout(fd, options_.fanout);
  setFilter(fd);
}

/// Two sockets that share what comes in. Where they cannot, all is undone: one has to do.
bool PacketSocket::openTwo() {
  try {
    UniqueFd second = create();
    const uint32_t firstBytes = options_.firstRingBytes;
    const auto prepare = [this](int fd, uint32_t from, uint32_t bytes, uint32_t blockBytes) {
      configure(fd);
      attachNothingFilter(fd);  // a frame must not come to both
      return std::make_unique<PacketRing>(fd, memory_, options_.ringPtr + from, bytes, options_.slotBytes, true, blockBytes);
    };
    auto firstRing = prepare(fd_.get(), 0, firstBytes, PacketRing::BLOCK_BYTES);
    auto secondRing = prepare(second.get(), firstBytes, options_.ringBytes - firstBytes, PacketRing::BIG_BLOCK_BYTES);
    if (!firstRing->inPlace() || !secondRing->inPlace()) throw SystemError(EOPNOTSUPP, "mmap", "mmap(PACKET_RX_RING)");
    bindToInterface(fd_.get());
    bindToInterface(second.get());
    const uint32_t group = joinRollover(fd_.get(), true, 0);
    joinRollover(second.get(), false, group);
    setFilter(second.get());
    setFilter(fd_.get());
    rings_ = std::make_unique<ReceiveRings>(std::move(firstRing), std::move(secondRing), second.get());
    secondFd_ = std::move(second);
    return true;
  } catch (const SystemError&) {
    fd_ = create();
    return false;
  }
}

/// Finds the interface and makes sure that its frames are Ethernet.
void PacketSocket::checkInterface() {
  const std::string call = "bind(AF_PACKET, " + options_.interface + ")";
  interfaceIndex_ = static_cast<int>(wasmtcp::interfaceIndex(options_.interface));
  if (interfaceIndex_ == 0) throw SystemError(ENODEV, "bind", call, "`ip link` lists the interfaces of this network namespace");
  ifreq request{};
  options_.interface.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(fd_.get(), SIOCGIFHWADDR, &request) != 0) throw SystemError(errno, "ioctl", "ioctl(SIOCGIFHWADDR, " + options_.interface + ")");
  const auto type = request.ifr_hwaddr.sa_family;
  if (type != ARPHRD_ETHER && type != ARPHRD_LOOPBACK) {
    throw SystemError(EOPNOTSUPP, "bind", call, "its frames are not Ethernet (hardware type " + std::to_string(type) + ")");
  }
  const auto* mac = reinterpret_cast<const uint8_t*>(request.ifr_hwaddr.sa_data);
  const uint32_t low = uint32_t{mac[2]} << 24 | uint32_t{mac[3]} << 16 | uint32_t{mac[4]} << 8 | mac[5];
  ownMac_ = (mac[0] << 8 | mac[1]) == options_.macHigh16 && low == options_.macLow32;
}

void PacketSocket::configure(int fd) {
  setOption(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2, "PACKET_VERSION, TPACKET_V2");
  setOption(fd, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
  if (options_.slotBytes < PacketRing::SLOT_BYTES) setOption(fd, SOL_PACKET, PACKET_COPY_THRESH, 1, "PACKET_COPY_THRESH");
  // Before Linux 4.20 there is no such option; the filter drops outgoing frames as well, only later.
  const int on = 1;
  setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options_.receiveBufferBytes);
  setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options_.sendBufferBytes);
}

void PacketSocket::setFilter(int fd) {
  if (options_.everyFrame) {
    attachIncomingFilter(fd);
  } else {
    attachFilter(fd, options_.macHigh16, options_.macLow32);
  }
}

void PacketSocket::bindToInterface(int fd) {
  if (options_.everyFrame || !ownMac_) {  // a NIC filters by its own address: frames to ours pass only if it is told to pass everything
    packet_mreq membership{};
    membership.mr_ifindex = interfaceIndex_;
    membership.mr_type = PACKET_MR_PROMISC;
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) != 0) {
      throw SystemError(errno, "setsockopt", "setsockopt(PACKET_MR_PROMISC, " + options_.interface + ")");
    }
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = interfaceIndex_;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw SystemError(errno, "bind", "bind(AF_PACKET, " + options_.interface + ")");
  }
  collectError();  // an interface that is down leaves ENETDOWN behind: takeError() reports it
}

uint32_t PacketSocket::receive(uint32_t maxFrames, double nowUs) {
  if (closed()) return 0;
  rings_->giveBack();
  const uint32_t limit = std::min(maxFrames, layout::RX_DESCRIPTOR_CAPACITY);
  const double realtimeOffsetUs = nowUs > 0 ? nowUs - clockUs(CLOCK_REALTIME) : 0;
  uint32_t count = 0;
  uint32_t used = 0;        // bytes of the region filled by copies in this call
  uint32_t overflowed = 0;  // bytes behind the ring filled by frames that were longer than a slot
  bool losing = false;
  RingFrame frame;
  while (count < limit && hasRoom(used, overflowed)) {
    const int found = rings_->next(frame);
    if (found == 0) break;
    if (found < 0) {
      statistics_.malformed++;
      continue;
    }
    losing = losing || (frame.status & TP_STATUS_LOSING) != 0;
    const bool isWhole = (frame.status & TP_STATUS_COPY) == 0 || fetch(frame, overflowed);
    if (!isWhole || !admit(frame)) continue;
    const uint32_t descriptor = options_.rxDescriptorsPtr + count * layout::RX_DESCRIPTOR_BYTES;
    describe(descriptor, place(frame, used), frame, realtimeOffsetUs);
    count++;
    if (!inPlace_) rings_->giveBack();
  }
  statistics_.received += count;
  if (losing) addDrops();
  return count;
}

/// A frame is taken only if a copy of it would fit; the regions are empty again at the next call.
bool PacketSocket::hasRoom(uint32_t used, uint32_t overflowed) const {
  const uint32_t ringBytes = options_.ringBytes - options_.overflowBytes;
  if (!inPlace_ && ringBytes - used < PacketRing::SLOT_BYTES) return false;
  return options_.overflowBytes == 0 || options_.overflowBytes - overflowed >= PacketRing::SLOT_BYTES;
}

/// A frame longer than its slot waits whole in the socket's queue (PACKET_COPY_THRESH), in the order of the slots: puts it behind the
/// ring. The copy in the slot has what the queue does not: status, arrival, tag.
bool PacketSocket::fetch(RingFrame& frame, uint32_t& overflowed) {
  constexpr uint32_t HEADROOM = 64;  // for putTagBack(), as a slot has
  uint8_t* target = memory_.at(options_.ringPtr + options_.ringBytes - options_.overflowBytes + overflowed) + HEADROOM;
  iovec pieces[] = {{&frame.offload, sizeof frame.offload}, {target, layout::FRAME_MAX_BYTES}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  const auto length = recvmsg(fd_.get(), &message, MSG_DONTWAIT);
  if (length < static_cast<ssize_t>(sizeof frame.offload) || (message.msg_flags & MSG_TRUNC) != 0) {
    statistics_.truncated++;
    memory_.count(options_.interfacePtr + layout::INTERFACE_LINK_DROPS, 1);
    return false;
  }
  frame.data = target;
  frame.length = static_cast<uint32_t>(length) - sizeof frame.offload;
  frame.wireLength = frame.length;
  overflowed += (HEADROOM + frame.length + layout::CACHE_LINE - 1) & ~(layout::CACHE_LINE - 1);
  return true;
}

/// Whether the frame is one for us; what is not is counted.
bool PacketSocket::admit(RingFrame& frame) {
  if (frame.status & TP_STATUS_VLAN_VALID) {  // the kernel took a tag off: it belongs to another network
    statistics_.tagged++;
    if (!options_.everyFrame) return false;
    putTagBack(frame);
  }
  if (frame.length < frame.wireLength) {
    statistics_.truncated++;
    memory_.count(options_.interfacePtr + layout::INTERFACE_LINK_DROPS, 1);
    return false;
  }
  const uint8_t gsoType = frame.offload.gsoType & ~GSO_ECN;
  const bool known = options_.everyFrame || gsoType == GSO_NONE || gsoType == GSO_TCPV4 || gsoType == GSO_TCPV6;
  if (known && frame.length >= ETH_HLEN) return true;
  statistics_.malformed++;
  memory_.count(options_.interfacePtr + layout::INTERFACE_LINK_DROPS, 1);
  return false;
}

/// Where the core finds the frame: in its slot, or in the region after the copies before it.
uint32_t PacketSocket::place(const RingFrame& frame, uint32_t& used) {
  if (inPlace_) return static_cast<uint32_t>(frame.data - memory_.at(0));
  const uint32_t ptr = options_.ringPtr + used;
  std::memcpy(memory_.at(ptr), frame.data, frame.length);
  used += (frame.length + layout::CACHE_LINE - 1) & ~(layout::CACHE_LINE - 1);
  return ptr;
}

void PacketSocket::describe(uint32_t descriptor, uint32_t framePtr, const RingFrame& frame, double realtimeOffsetUs) {
  uint16_t flags = 0;
  if ((frame.offload.flags & OFFLOAD_NEEDS_CSUM) || (frame.status & TP_STATUS_CSUMNOTREADY)) {
    flags = layout::FRAME_CSUM_PARTIAL;
  } else if ((frame.offload.flags & OFFLOAD_DATA_VALID) || (frame.status & TP_STATUS_CSUM_VALID)) {
    flags = layout::FRAME_CSUM_VALID;
  }
  const uint16_t gsoSize = frame.offload.gsoType == GSO_NONE ? 0 : frame.offload.gsoSize;
  const double arrivalUs = static_cast<double>(frame.seconds) * 1e6 + static_cast<double>(frame.nanoseconds) / 1e3;
  memory_.store(descriptor + layout::RX_FRAME_PTR, framePtr);
  memory_.store(descriptor + layout::RX_FRAME_LENGTH, frame.length);
  memory_.store(descriptor + layout::RX_FLAGS, flags);
  memory_.store(descriptor + layout::RX_GSO_SIZE, gsoSize);
  memory_.store(descriptor + layout::RX_CSUM_START, frame.offload.csumStart);
  memory_.store(descriptor + layout::RX_CSUM_OFFSET, frame.offload.csumOffset);
  memory_.store(descriptor + layout::RX_GSO_TYPE, static_cast<uint16_t>(frame.offload.gsoType));
  memory_.store(descriptor + layout::RX_HEADER_BYTES, frame.offload.headerBytes);
  // The kernel stamps with the wall clock, which may be set at any time: an impossible result means unknown.
  const double timeUs = realtimeOffsetUs == 0 ? 0 : arrivalUs + realtimeOffsetUs;
  memory_.store(descriptor + layout::RX_TIME_US, std::max(timeUs, 0.0));
}

uint32_t PacketSocket::transmit(uint32_t maxFrames) { return closed() ? 0 : sender_.send(fd_.get(), maxFrames); }

void PacketSocket::releaseFrames() {
  if (!closed()) rings_->giveBack();
}

/// PACKET_STATISTICS is cleared by reading it, so what it says is added up here.
void PacketSocket::addDrops() {
  addDropsOf(fd_.get());
  if (secondFd_) addDropsOf(secondFd_.get());
}

void PacketSocket::addDropsOf(int fd) {
  tpacket_stats kernel{};
  socklen_t length = sizeof kernel;
  if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &kernel, &length) != 0) return;
  statistics_.dropped += kernel.tp_drops;
  memory_.count(options_.interfacePtr + layout::INTERFACE_LINK_DROPS, kernel.tp_drops);
}

PacketStatistics PacketSocket::statistics() {
  if (!closed()) addDrops();
  statistics_.sent = sender_.frames();
  statistics_.sendErrors = sender_.errors();
  return statistics_;
}

int PacketSocket::takeError() {
  const int number = socketError_ != 0 ? socketError_ : sender_.linkError();
  socketError_ = 0;
  sender_.clearLinkError();
  return number;
}

void PacketSocket::collectError() {
  for (const int fd : {fd_.get(), secondFd_.get()}) {
    int number = 0;
    socklen_t length = sizeof number;
    if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length) == 0 && number != 0) socketError_ = number;
  }
}

bool PacketSocket::noticeLink() {
  if (!monitor_ || !monitor_->update()) return false;
  linkChanged_ = true;
  memory_.store<uint32_t>(options_.interfacePtr + layout::INTERFACE_LINK_NEWS, 1);
  return true;
}

std::optional<LinkStatus> PacketSocket::takeLink() {
  noticeLink();
  if (!monitor_ || !linkChanged_) return std::nullopt;
  linkChanged_ = false;
  memory_.store<uint32_t>(options_.interfacePtr + layout::INTERFACE_LINK_NEWS, 0);
  return monitor_->status();
}

void PacketSocket::close() {
  if (closed()) return;
  addDrops();
  monitor_.reset();
  rings_.reset();
  secondFd_.reset();
  fd_.reset();
}

}  // namespace wasmtcp
