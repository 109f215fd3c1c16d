// The SIOCGIF* calls of netdevice(7) for the link, getifaddrs(3) for the addresses.
#include "interface-info.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <bit>
#include <cstring>

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

}  // namespace

std::optional<InterfaceInfo> interfaceInfo(const std::string& name) {
  InterfaceInfo info{};
  info.index = name.size() < IFNAMSIZ ? if_nametoindex(name.c_str()) : 0;
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
  info.addresses = addressesOf(name);
  return info;
}

}  // namespace wasmtcp
