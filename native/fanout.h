// Several packet sockets that share what comes in (packet(7), PACKET_FANOUT): a program chooses the socket of each frame, so that all of a
// TCP connection, and what ICMP says of it, meets one socket. The same choice is made by assembly/tcp/shard.ts and src/shards/shard-of.ts.
#pragma once
#include <cstdint>

namespace wasmtcp {

struct FanoutOptions {
  uint32_t count = 1;  // sockets there will be; 1: no fanout
  uint32_t index = 0;  // of this one: they join in this order, the kernel counts them
  uint32_t salt = 0;   // of the hash
  uint32_t group = 0;  // number of the group to join; socket 0 makes a new one
};

/// Makes a group of which the first socket gets every frame that its ring has room for, and the second what is left
/// (PACKET_FANOUT_FLAG_ROLLOVER), or joins it as the second: with bound sockets. Throws SystemError: as joinFanout.
/// @param group of the first socket; 0: make one @returns the group's number, which may be 0 as well
uint32_t joinRollover(int fd, bool isFirst, uint32_t group);

/// Makes a group, or joins one, with a bound socket. Throws SystemError: EINVAL when the interface is down (before Linux 6.13), ENOSPC
/// when the group is full. @returns the group's number
uint32_t joinFanout(int fd, const FanoutOptions& options);

}  // namespace wasmtcp
