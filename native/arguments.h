// What JavaScript gives the addon, checked and converted: each function throws a TypeError that names the argument. Knows no object of ours
// but the options it fills in.
#pragma once
#include <napi.h>

#include <cstdint>
#include <vector>

#include "packet-socket.h"
#include "shared-memory.h"

namespace wasmtcp {

/// An integer in 0..max.
uint32_t integer(Napi::Env env, const Napi::Value& value, const char* name, double max = 4294967295.0);

/// A file descriptor, the first argument.
int descriptor(const Napi::CallbackInfo& info);

/// The bytes behind a Uint8Array, over a shared WebAssembly.Memory too; napi_get_arraybuffer_info would refuse it on Node 20.
SharedMemory memoryOf(Napi::Env env, const Napi::Value& value, const char* name = "memory");

/// An array of processors (thread-affinity.h), at least one, in ascending order.
std::vector<uint32_t> processors(Napi::Env env, const Napi::Value& value);

/// PacketSocketOptions of addon.d.ts.
PacketSocketOptions socketOptions(Napi::Env env, const Napi::Value& value);

}  // namespace wasmtcp
