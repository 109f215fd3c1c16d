// The question of rtnetlink(7) how one interface is.
#pragma once
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace wasmtcp {

/// Sends RTM_GETLINK over a NETLINK_ROUTE socket; the answer is a RTM_NEWLINK or an NLMSG_ERROR. False with errno when it cannot be sent.
inline bool requestLink(int fd, int interfaceIndex) {
  struct {
    nlmsghdr header;
    ifinfomsg link;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.link.ifi_index = interfaceIndex;
  return send(fd, &request, sizeof request, 0) >= 0;
}

}  // namespace wasmtcp
