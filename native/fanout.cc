// Classic BPF (kernel: Documentation/networking/filter.rst). A fanout program sees the frame from its network header on.
#include "fanout.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <array>

#include "bpf.h"
#include "layout.h"
#include "system-error.h"

namespace wasmtcp {

namespace {

constexpr uint32_t ETHER_TYPE = static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL);
constexpr uint32_t FRAGMENT_OFFSET = 0x1fff;  // not the first fragment
constexpr uint32_t IS_FRAGMENT = 0x2000 | FRAGMENT_OFFSET;  // more fragments, or an offset
constexpr uint32_t ICMP_HEADER = sizeof(icmphdr);

#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

// Scratch words of the program
constexpr uint32_t REMOTE_ADDRESS = 0, REMOTE_PORT = 1;

/// The choice: TCP by the peer's address and both ports, ICMP errors by those that they quote, all else to shard 0. Loads beyond the end
/// of a frame end the program with 0.
auto steeringProgram(const FanoutOptions& options) {
  using namespace bpf;
  return std::to_array<sock_filter>({
      /*  0 */ load(BPF_W, ETHER_TYPE),
      /*  1 */ jump(BPF_JEQ, ETH_P_IP, 0, 47),
      /*  2 */ load(BPF_H, 6),
      /*  3 */ jump(BPF_JSET, IS_FRAGMENT, 45, 0),
      /*  4 */ headerLengthToX(0),
      /*  5 */ load(BPF_B, 9),
      /*  6 */ jump(BPF_JEQ, IPPROTO_TCP, 23, 0),
      /*  7 */ jump(BPF_JEQ, IPPROTO_ICMP, 0, 41),
      // An ICMP error quotes a packet of ours: what is remote is its destination
      /*  8 */ loadX(BPF_B, 0),
      /*  9 */ jump(BPF_JEQ, ICMP_DEST_UNREACH, 2, 0),
      /* 10 */ jump(BPF_JEQ, ICMP_TIME_EXCEEDED, 1, 0),
      /* 11 */ jump(BPF_JEQ, ICMP_PARAMETERPROB, 0, 37),
      /* 12 */ loadX(BPF_H, ICMP_HEADER + 6),
      /* 13 */ jump(BPF_JSET, FRAGMENT_OFFSET, 35, 0),
      /* 14 */ loadX(BPF_B, ICMP_HEADER + 9),
      /* 15 */ jump(BPF_JEQ, IPPROTO_TCP, 0, 33),
      /* 16 */ loadX(BPF_W, ICMP_HEADER + 16),
      /* 17 */ store(REMOTE_ADDRESS),
      /* 18 */ loadX(BPF_B, ICMP_HEADER),
      /* 19 */ compute(BPF_AND, 0x0f),
      /* 20 */ compute(BPF_LSH, 2),
      /* 21 */ computeX(BPF_ADD),
      /* 22 */ aToX(),
      /* 23 */ loadX(BPF_H, ICMP_HEADER + 2),
      /* 24 */ compute(BPF_LSH, 16),
      /* 25 */ store(REMOTE_PORT),
      /* 26 */ loadX(BPF_H, ICMP_HEADER),
      /* 27 */ fetchX(REMOTE_PORT),
      /* 28 */ computeX(BPF_OR),
      /* 29 */ always(3),
      // A segment of the peer's
      /* 30 */ load(BPF_W, 12),
      /* 31 */ store(REMOTE_ADDRESS),
      /* 32 */ loadX(BPF_W, 0),
      // The hash: A = remote port, local port
      /* 33 */ compute(BPF_XOR, options.salt),
      /* 34 */ compute(BPF_MUL, layout::SHARD_HASH_MULTIPLIER_1),
      /* 35 */ fetchX(REMOTE_ADDRESS),
      /* 36 */ computeX(BPF_XOR),
      /* 37 */ aToX(),
      /* 38 */ compute(BPF_RSH, layout::SHARD_HASH_SHIFT_1),
      /* 39 */ computeX(BPF_XOR),
      /* 40 */ compute(BPF_MUL, layout::SHARD_HASH_MULTIPLIER_2),
      /* 41 */ aToX(),
      /* 42 */ compute(BPF_RSH, layout::SHARD_HASH_SHIFT_2),
      /* 43 */ computeX(BPF_XOR),
      /* 44 */ compute(BPF_MUL, layout::SHARD_HASH_MULTIPLIER_3),
      /* 45 */ compute(BPF_RSH, 16),
      /* 46 */ compute(BPF_MUL, options.count),
      /* 47 */ compute(BPF_RSH, 16),
      /* 48 */ answerA(),
      /* 49 */ answer(0),
  });
}

/// Puts the choice in front of the group.
void attachProgram(int fd, const FanoutOptions& options) {
  auto program = steeringProgram(options);
  const sock_fprog given{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &given, sizeof given) != 0) {
    throw SystemError(errno, "setsockopt", "setsockopt(PACKET_FANOUT_DATA)");
  }
}

/// Makes a group with the next free number, or joins one.
void join(int fd, uint32_t mode, bool isFirst, uint32_t group) {
  if (isFirst) mode |= PACKET_FANOUT_FLAG_UNIQUEID;
  int value = static_cast<int>((isFirst ? 0 : group) | (mode | PACKET_FANOUT_FLAG_IGNORE_OUTGOING) << 16);
  int result = setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, sizeof value);
  if (result != 0 && errno == EINVAL) {  // before Linux 5.16 there is no such flag; the sockets' filters drop outgoing frames too
    value = static_cast<int>((isFirst ? 0 : group) | mode << 16);
    result = setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, sizeof value);
  }
  if (result == 0) return;
  const char* cure = errno == EINVAL ? "before Linux 6.13 the interface must be up when a stack with several shards starts" : "";
  throw SystemError(errno, "setsockopt", "setsockopt(PACKET_FANOUT)", cure);
}

uint32_t groupOf(int fd) {
  int value = 0;
  socklen_t length = sizeof value;
  if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, &length) != 0) {
    throw SystemError(errno, "getsockopt", "getsockopt(PACKET_FANOUT)");
  }
  return static_cast<uint32_t>(value) & 0xffff;
}

}  // namespace

uint32_t joinRollover(int fd, bool isFirst, uint32_t group) {
  join(fd, PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_ROLLOVER, isFirst, group);  // a group without a program chooses its first socket
  return isFirst ? groupOf(fd) : group;
}

uint32_t joinFanout(int fd, const FanoutOptions& options) {
  const bool isFirst = options.index == 0;
  join(fd, PACKET_FANOUT_CBPF, isFirst, options.group);
  if (!isFirst) return options.group;
  attachProgram(fd, options);
  return groupOf(fd);
}

}  // namespace wasmtcp
