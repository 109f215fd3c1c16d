// A message lost for want of room (ENOBUFS) is made good by asking: what counts is how the link is, not how it came to be so.
#include "link-monitor.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "link-request.h"
#include "system-error.h"

namespace wasmtcp {

namespace {

// Not in older kernel headers; the number is part of the kernel's interface.
constexpr unsigned short GSO_IPV4_MAX_SIZE = 63;
constexpr uint32_t GSO_MAX_DEFAULT = 65536;
constexpr size_t MESSAGES_BYTES = 32768;  // a datagram of the kernel's is a few KB
constexpr uint32_t DATAGRAMS_MAX = 256;   // in one update(): others than we have work to do

uint32_t wordIn(const rtattr* attribute) {
  uint32_t value = 0;
  std::memcpy(&value, RTA_DATA(attribute), std::min<size_t>(sizeof value, RTA_PAYLOAD(attribute)));
  return value;
}

}  // namespace

LinkMonitor::LinkMonitor(int interfaceIndex) : interfaceIndex_(interfaceIndex) {
  fd_.reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd_) throw SystemError(errno, "socket", "socket(AF_NETLINK)");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw SystemError(errno, "bind", "bind(AF_NETLINK, RTMGRP_LINK)");
  }
  if (!ask()) throw SystemError(errno, "send", "send(RTM_GETLINK)");
  update();
}

/// The answer comes among the news.
bool LinkMonitor::ask() {
  return requestLink(fd_.get(), interfaceIndex_);
}

bool LinkMonitor::update() {
  const LinkStatus before = status_;
  alignas(nlmsghdr) char messages[MESSAGES_BYTES];
  for (uint32_t i = 0; i < DATAGRAMS_MAX; i++) {
    sockaddr_nl sender{};
    socklen_t senderLength = sizeof sender;
    const auto length =
        recvfrom(fd_.get(), messages, sizeof messages, 0, reinterpret_cast<sockaddr*>(&sender), &senderLength);
    if (length >= 0) {
      if (sender.nl_pid == 0) take(messages, length);  // else not from the kernel
    } else if (errno == ENOBUFS) {
      lost_ = true;
    } else if (errno != EINTR) {
      if (!lost_ || !ask()) break;  // if it cannot be asked now, it is asked at the next look
      lost_ = false;
    }
  }
  return !(status_ == before);
}

void LinkMonitor::take(const char* messages, ssize_t length) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(messages);
  for (; NLMSG_OK(message, length); message = NLMSG_NEXT(message, length)) {
    if (message->nlmsg_type == NLMSG_ERROR) {
      const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(message));
      if (error->error == -ENODEV) status_.gone = true;  // asked for what is not there any more
      continue;
    }
    const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
    // A bridge tells of its ports with the same messages, in its own family: leaving a bridge is no end
    if (status_.gone || link->ifi_family != AF_UNSPEC || link->ifi_index != interfaceIndex_) continue;
    if (message->nlmsg_type == RTM_DELLINK) {
      status_.gone = true;
      status_.up = false;
    } else if (message->nlmsg_type == RTM_NEWLINK) {
      takeLink(message);
    }
  }
}

void LinkMonitor::takeLink(const void* message) {
  const auto* header = static_cast<const nlmsghdr*>(message);
  const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(header));
  status_.up = (link->ifi_flags & IFF_UP) != 0 && (link->ifi_flags & IFF_RUNNING) != 0;
  uint32_t gsoMax = GSO_MAX_DEFAULT;
  auto left = static_cast<int>(IFLA_PAYLOAD(header));
  for (const auto* attribute = IFLA_RTA(link); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == IFLA_MTU) status_.mtu = wordIn(attribute);
    if (attribute->rta_type == IFLA_GSO_MAX_SIZE || attribute->rta_type == GSO_IPV4_MAX_SIZE) {
      gsoMax = std::min(gsoMax, wordIn(attribute));
    }
  }
  // The kernel takes a frame as it is while its length, Ethernet header included, is below the limit (netif_skb_features).
  status_.gsoMaxBytes = std::max<uint32_t>(gsoMax, 1 + ETH_HLEN) - 1 - ETH_HLEN;
}

}  // namespace wasmtcp
