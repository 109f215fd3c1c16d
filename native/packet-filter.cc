// Classic BPF (kernel: Documentation/networking/filter.rst). Loads are big-endian, offsets count from the Ethernet header.
#include "packet-filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <iterator>

#include "bpf.h"
#include "system-error.h"

namespace wasmtcp {

namespace {

using bpf::answer;
using bpf::jump;
using bpf::load;

constexpr uint32_t WHOLE_FRAME = 0x40000;  // more than any frame: nothing is cut by the filter
constexpr uint32_t PACKET_TYPE = static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE);

void attach(int fd, sock_filter* program, size_t length) {
  const sock_fprog filter{static_cast<unsigned short>(length), program};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) {
    throw SystemError(errno, "setsockopt", "setsockopt(SO_ATTACH_FILTER)");
  }
}

}  // namespace

void attachNothingFilter(int fd) {
  sock_filter program[] = {answer(0)};
  attach(fd, program, std::size(program));
}

void attachIncomingFilter(int fd) {
  sock_filter program[] = {
      load(BPF_W, PACKET_TYPE),
      jump(BPF_JEQ, PACKET_OUTGOING, 0, 1),
      answer(0),
      answer(WHOLE_FRAME),
  };
  attach(fd, program, std::size(program));
}

void attachFilter(int fd, uint16_t macHigh16, uint32_t macLow32) {
  // Jumps count the instructions to pass over; number 13 accepts, number 12 rejects.
  sock_filter program[] = {
      /*  0 */ load(BPF_W, PACKET_TYPE),
      /*  1 */ jump(BPF_JEQ, PACKET_OUTGOING, 10, 0),
      /*  2 */ load(BPF_H, 12),
      /*  3 */ jump(BPF_JEQ, ETH_P_IP, 2, 0),
      /*  4 */ jump(BPF_JEQ, ETH_P_ARP, 1, 0),
      /*  5 */ jump(BPF_JEQ, ETH_P_IPV6, 0, 6),
      /*  6 */ load(BPF_B, 0),
      /*  7 */ jump(BPF_JSET, 1, 5, 0),  // the group bit: broadcast is a multicast too
      /*  8 */ load(BPF_H, 0),
      /*  9 */ jump(BPF_JEQ, macHigh16, 0, 2),
      /* 10 */ load(BPF_W, 2),
      /* 11 */ jump(BPF_JEQ, macLow32, 1, 0),
      /* 12 */ answer(0),
      /* 13 */ answer(WHOLE_FRAME),
  };
  attach(fd, program, std::size(program));
}

}  // namespace wasmtcp
