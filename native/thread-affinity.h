// On which processors the calling thread runs. Read sched_setaffinity(2) first.
#pragma once
#include <cstdint>
#include <vector>

namespace wasmtcp {

/// The highest number a processor can have: Linux is built for 8192 at most (CONFIG_NR_CPUS).
constexpr uint32_t HIGHEST_CPU = 8191;

/// Those it may run on, ascending. Throws SystemError.
std::vector<uint32_t> threadAffinity();

/// From now on it runs on these, all of them and no others; `cpus` is ascending, each at most HIGHEST_CPU. Threads that it makes inherit
/// it. Throws SystemError, and leaves things as they were: EINVAL when there are some that it may not use.
void setThreadAffinity(const std::vector<uint32_t>& cpus);

}  // namespace wasmtcp
