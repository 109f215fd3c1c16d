// The classic BPF program in front of the receive ring: only frames that can be for us take a slot.
#pragma once
#include <cstdint>

namespace wasmtcp {

/// Attaches the filter to socket `fd`: destination is our MAC, broadcast or multicast; EtherType is IPv4, ARP or IPv6; not
/// sent by this host. Throws SystemError.
/// @param macHigh16 first two bytes of our MAC, most significant first; @param macLow32 its last four
void attachFilter(int fd, uint16_t macHigh16, uint32_t macLow32);

/// Attaches a filter that nothing passes. Throws SystemError.
void attachNothingFilter(int fd);

/// Attaches the filter of a wire: everything that comes in, nothing that this host sends. Throws SystemError.
void attachIncomingFilter(int fd);

}  // namespace wasmtcp
