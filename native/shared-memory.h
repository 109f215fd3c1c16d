// The WASM linear memory as the addon sees it: a base pointer and a length that never change (the memory does not grow).
// Everything the core wrote is untrusted: callers ask contains() before they follow an address.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wasmtcp {

class SharedMemory {
 public:
  SharedMemory(uint8_t* base, size_t length) : base_(base), length_(length) {}

  size_t length() const { return length_; }
  uint8_t* at(uint32_t ptr) const { return base_ + ptr; }
  bool contains(uint32_t ptr, uint64_t length) const { return ptr + length <= length_; }

  /// Plain accesses (any alignment): both ends of what they touch run on this thread.
  template <typename T>
  T load(uint32_t ptr) const {
    T value;
    std::memcpy(&value, base_ + ptr, sizeof value);
    return value;
  }
  template <typename T>
  void store(uint32_t ptr, T value) const {
    std::memcpy(base_ + ptr, &value, sizeof value);
  }

  /// Adds to a u64 counter that other threads read; this thread is its only writer. `ptr` is a multiple of 8.
  void count(uint32_t ptr, uint64_t amount) const {
    std::atomic_ref<uint64_t> counter(*reinterpret_cast<uint64_t*>(base_ + ptr));
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

 private:
  uint8_t* base_;
  size_t length_;
};

}  // namespace wasmtcp
