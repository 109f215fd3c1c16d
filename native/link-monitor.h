// How the link of one interface is, and when that changes: a rtnetlink(7) socket in the group RTMGRP_LINK. The interface is followed by its
// index, so a new name does not matter.
#pragma once
#include <sys/types.h>

#include <cstdint>

#include "unique-fd.h"

namespace wasmtcp {

struct LinkStatus {
  bool up = false;           // switched on and with a carrier (IFF_UP and IFF_RUNNING)
  bool gone = false;         // deleted, or moved to another network namespace; nothing else counts then
  uint32_t mtu = 0;          // bytes of IP packet
  uint32_t gsoMaxBytes = 0;  // longest IPv4 packet that crosses the interface as one super-segment

  bool operator==(const LinkStatus&) const = default;
};

class LinkMonitor {
 public:
  /// Starts to listen, then asks how things are: no change is missed. Throws SystemError.
  explicit LinkMonitor(int interfaceIndex);

  /// Takes all news in; returns whether anything of status() changed.
  bool update();

  const LinkStatus& status() const { return status_; }
  int fd() const { return fd_.get(); }

 private:
  bool ask();
  void take(const char* messages, ssize_t length);
  void takeLink(const void* message);

  int interfaceIndex_;
  LinkStatus status_;
  bool lost_ = false;  // news were lost and the question how things are has not left yet
  UniqueFd fd_;
};

}  // namespace wasmtcp
