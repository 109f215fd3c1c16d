// The kernel quietly leaves out what a thread may not use (cpuset, offline); here that is an error, so that nobody is on other processors than
// were asked for.
#include "thread-affinity.h"

#include <errno.h>
#include <sched.h>

#include <memory>
#include <new>
#include <string>

#include "system-error.h"

namespace wasmtcp {

namespace {

constexpr size_t SET_BYTES = CPU_ALLOC_SIZE(HIGHEST_CPU + 1);

struct FreeSet {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

/// An empty set with room for any processor.
std::unique_ptr<cpu_set_t, FreeSet> emptySet() {
  std::unique_ptr<cpu_set_t, FreeSet> set(CPU_ALLOC(HIGHEST_CPU + 1));
  if (!set) throw std::bad_alloc();
  CPU_ZERO_S(SET_BYTES, set.get());
  return set;
}

std::string textOf(const std::vector<uint32_t>& cpus) {
  std::string text;
  for (const uint32_t cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
  return text;
}

/// 0 or errno. 0 as the first argument: the calling thread.
int trySet(const std::vector<uint32_t>& cpus) {
  const auto set = emptySet();
  for (const uint32_t cpu : cpus) CPU_SET_S(cpu, SET_BYTES, set.get());
  return sched_setaffinity(0, SET_BYTES, set.get()) == 0 ? 0 : errno;
}

}  // namespace

std::vector<uint32_t> threadAffinity() {
  const auto set = emptySet();
  if (sched_getaffinity(0, SET_BYTES, set.get()) != 0) throw SystemError(errno, "sched_getaffinity", "sched_getaffinity()");
  std::vector<uint32_t> cpus;
  for (uint32_t cpu = 0; cpu <= HIGHEST_CPU; cpu++) {
    if (CPU_ISSET_S(cpu, SET_BYTES, set.get())) cpus.push_back(cpu);
  }
  return cpus;
}

void setThreadAffinity(const std::vector<uint32_t>& cpus) {
  const auto before = threadAffinity();
  int error = trySet(cpus);
  if (error == 0 && threadAffinity() != cpus) {
    trySet(before);
    error = EINVAL;
  }
  if (error == 0) return;
  const std::string cure = error == EINVAL ? "the process may not use all of these processors; it is on " + textOf(before) : "";
  throw SystemError(error, "sched_setaffinity", "sched_setaffinity(" + textOf(cpus) + ")", cure);
}

}  // namespace wasmtcp
