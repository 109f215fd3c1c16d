// What the kernel knows about a network interface of this namespace. Read netdevice(7) first.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wasmtcp {

struct InterfaceAddress {
  std::string address;  // dotted quad
  uint32_t prefixLength;
};

struct InterfaceInfo {
  uint32_t index;
  uint32_t mtu;  // bytes of IP packet
  std::array<uint8_t, 6> mac;
  uint32_t gsoMaxBytes;  // longest IPv4 packet that crosses the interface as one super-segment
  bool superFrames;  // it merges what comes in (GRO, LRO) or sends super-segments itself (TSO), as its peer then may: frames up to 64 KiB
  bool ethernet;  // its frames are Ethernet (the loopback's are)
  bool up;        // IFF_UP: switched on
  bool running;   // IFF_RUNNING: and has a carrier
  std::vector<InterfaceAddress> addresses;  // IPv4
};

/// The kernel's number of the interface, 0 when there is none of this name.
uint32_t interfaceIndex(const std::string& name);

/// Nothing when there is no interface of this name. Throws SystemError.
std::optional<InterfaceInfo> interfaceInfo(const std::string& name);

}  // namespace wasmtcp
