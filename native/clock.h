// The kernel's clocks in µs.
#pragma once
#include <time.h>

namespace wasmtcp {

/// @param clock CLOCK_MONOTONIC, CLOCK_REALTIME, ...
inline double clockUs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace wasmtcp
