// The SIOCGIF* calls of netdevice(7) for the link, rtnetlink(7) for what they do not tell, getifaddrs(3) for the addresses.
#include "interface-info.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "link-request.h"
#include "system-error.h"
#include "unique-fd.h"

namespace wasmtcp {

namespace {

/// One SIOCGIF* call; false when the interface has gone.
bool ask(int fd, unsigned long request, const char* label, const std::string& name, ifreq& answer) {
  answer = {};
  name.copy(answer.ifr_name, IFNAMSIZ - 1);
  if (ioctl(fd, request, &answer) == 0) return true;
  if (errno == ENODEV) return false;
  throw SystemError(errno, "ioctl", std::string("ioctl(") + label + ", " + name + ")");
}

/// Whether a feature of ethtool(8) is on; `fallback` for a driver that does not say.
bool featureOf(int fd, const std::string& name, uint32_t command, bool fallback, uint32_t bits = ~0u) {
  ethtool_value value{command, 0};
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  return ioctl(fd, SIOCETHTOOL, &request) == 0 ? (value.data & bits) != 0 : fallback;
}

bool hasSuperFrames(int fd, const std::string& name) {
  return featureOf(fd, name, ETHTOOL_GTSO, true) || featureOf(fd, name, ETHTOOL_GGRO, true) ||
         featureOf(fd, name, ETHTOOL_GFLAGS, true, ETH_FLAG_LRO);
}

std::vector<InterfaceAddress> addressesOf(const std::string& name) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) throw SystemError(errno, "getifaddrs", "getifaddrs()");
  std::vector<InterfaceAddress> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET || name != entry->ifa_name) continue;
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr, text, sizeof text);
    uint32_t prefixLength = 32;
    if (entry->ifa_netmask != nullptr) {
      prefixLength = static_cast<uint32_t>(std::popcount(reinterpret_cast<const sockaddr_in*>(entry->ifa_netmask)->sin_addr.s_addr));
    }
    found.push_back({text, prefixLength});
  }
  freeifaddrs(list);
  return found;
}

// Not in older kernel headers; the number is part of the kernel's interface.
constexpr unsigned short GSO_IPV4_MAX_SIZE = 63;

/// The link's attributes after a RTM_NEWLINK answer: the smaller of the two limits for super-segments, or `fallback`.
uint32_t gsoMaxSizeIn(const nlmsghdr* answer, uint32_t fallback) {
  uint32_t found = fallback;
  auto left = static_cast<int>(IFLA_PAYLOAD(answer));
  const auto* attribute = IFLA_RTA(static_cast<const ifinfomsg*>(NLMSG_DATA(answer)));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type != IFLA_GSO_MAX_SIZE && attribute->rta_type != GSO_IPV4_MAX_SIZE) continue;
    uint32_t size = 0;
    std::memcpy(&size, RTA_DATA(attribute), sizeof size);
    found = std::min(found, size);
  }
  return found;
}

/// gso_max_size of the interface; above it the kernel segments by software. The default, 65536, when it does not say.
uint32_t gsoMaxSize(uint32_t index) {
  constexpr uint32_t DEFAULT = 65536;
  const UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd) return DEFAULT;
  if (!requestLink(fd.get(), static_cast<int>(index))) return DEFAULT;
  alignas(nlmsghdr) char buffer[32768];  // an answer is one datagram of a few KB
  const auto length = recv(fd.get(), buffer, sizeof buffer, 0);
  const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer);
  if (!NLMSG_OK(answer, length) || answer->nlmsg_type != RTM_NEWLINK) return DEFAULT;
  return gsoMaxSizeIn(answer, DEFAULT);
}

}  // namespace

uint32_t interfaceIndex(const std::string& name) {
  // A name from JavaScript may hold a NUL, which would end it early: no interface has one.
  if (name.size() >= IFNAMSIZ || name.find('\0') != std::string::npos) return 0;
  return if_nametoindex(name.c_str());
}

std::optional<InterfaceInfo> interfaceInfo(const std::string& name) {
  InterfaceInfo info{};
  info.index = interfaceIndex(name);
  if (info.index == 0) return std::nullopt;
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) throw SystemError(errno, "socket", "socket(AF_INET)");
  ifreq answer{};
  if (!ask(fd.get(), SIOCGIFFLAGS, "SIOCGIFFLAGS", name, answer)) return std::nullopt;
  info.up = (answer.ifr_flags & IFF_UP) != 0;
  info.running = (answer.ifr_flags & IFF_RUNNING) != 0;
  if (!ask(fd.get(), SIOCGIFMTU, "SIOCGIFMTU", name, answer)) return std::nullopt;
  info.mtu = static_cast<uint32_t>(answer.ifr_mtu);
  if (!ask(fd.get(), SIOCGIFHWADDR, "SIOCGIFHWADDR", name, answer)) return std::nullopt;
  info.ethernet = answer.ifr_hwaddr.sa_family == ARPHRD_ETHER || answer.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
  std::memcpy(info.mac.data(), answer.ifr_hwaddr.sa_data, info.mac.size());
  // The kernel takes a frame as it is while its length, Ethernet header included, is below the limit (netif_skb_features).
  info.gsoMaxBytes = std::max<uint32_t>(gsoMaxSize(info.index), 1 + ETH_HLEN) - 1 - ETH_HLEN;
  info.superFrames = hasSuperFrames(fd.get(), name);
  info.addresses = addressesOf(name);
  return info;
}

}  // namespace wasmtcp
