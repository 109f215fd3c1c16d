// The instructions of classic BPF by name (kernel: Documentation/networking/filter.rst). Loads are big-endian; jumps count the
// instructions to pass over. A is the accumulator, X the index register.
#pragma once
#include <linux/filter.h>

#include <cstdint>

namespace wasmtcp::bpf {

constexpr sock_filter make(uint32_t code, uint32_t k, uint8_t ifTrue = 0, uint8_t ifFalse = 0) {
  return {static_cast<uint16_t>(code), ifTrue, ifFalse, k};
}

/// A = what lies at `offset`; `size`: BPF_B, BPF_H or BPF_W.
constexpr sock_filter load(uint16_t size, uint32_t offset) { return make(BPF_LD | size | BPF_ABS, offset); }
/// A = what lies at X + `offset`.
constexpr sock_filter loadX(uint16_t size, uint32_t offset) { return make(BPF_LD | size | BPF_IND, offset); }
/// X = length of the IPv4 header at `offset`.
constexpr sock_filter headerLengthToX(uint32_t offset) { return make(BPF_LDX | BPF_B | BPF_MSH, offset); }
/// Scratch word `at` = A.
constexpr sock_filter store(uint32_t at) { return make(BPF_ST, at); }
/// X = scratch word `at`.
constexpr sock_filter fetchX(uint32_t at) { return make(BPF_LDX | BPF_W | BPF_MEM, at); }
constexpr sock_filter aToX() { return make(BPF_MISC | BPF_TAX, 0); }
/// A = A `operation` `value`.
constexpr sock_filter compute(uint16_t operation, uint32_t value) { return make(BPF_ALU | operation | BPF_K, value); }
/// A = A `operation` X.
constexpr sock_filter computeX(uint16_t operation) { return make(BPF_ALU | operation | BPF_X, 0); }
constexpr sock_filter jump(uint16_t test, uint32_t value, uint8_t ifTrue, uint8_t ifFalse) {
  return make(BPF_JMP | test | BPF_K, value, ifTrue, ifFalse);
}
constexpr sock_filter always(uint32_t instructions) { return make(BPF_JMP | BPF_JA, instructions); }
constexpr sock_filter answer(uint32_t value) { return make(BPF_RET | BPF_K, value); }
constexpr sock_filter answerA() { return make(BPF_RET | BPF_A, 0); }

}  // namespace wasmtcp::bpf
