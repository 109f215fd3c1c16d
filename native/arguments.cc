// Read addon.d.ts for what the options mean; what is left out there has its default in packet-socket.h.
#include "arguments.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "layout.h"
#include "thread-affinity.h"

namespace wasmtcp {

uint32_t integer(Napi::Env env, const Napi::Value& value, const char* name, double max) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (number >= 0 && number <= max && std::floor(number) == number) return static_cast<uint32_t>(number);
  const std::string limit = std::to_string(static_cast<uint64_t>(max));
  throw Napi::TypeError::New(env, std::string("Expected `") + name + "` to be an integer in 0.." + limit + ", got `" +
                                      value.ToString().Utf8Value() + "`");
}

int descriptor(const Napi::CallbackInfo& info) {
  return static_cast<int>(integer(info.Env(), info[0], "fd", 2147483647.0));
}

SharedMemory memoryOf(Napi::Env env, const Napi::Value& value, const char* name) {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  if (!value.IsTypedArray() || napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array || data == nullptr) {
    throw Napi::TypeError::New(env, std::string("Expected `") + name + "` to be a Uint8Array");
  }
  return {static_cast<uint8_t*>(data), length};
}

std::vector<uint32_t> processors(Napi::Env env, const Napi::Value& value) {
  if (!value.IsArray()) throw Napi::TypeError::New(env, "Expected `cpus` to be an array");
  const auto given = value.As<Napi::Array>();
  std::vector<uint32_t> cpus;
  for (uint32_t i = 0; i < given.Length() && i <= HIGHEST_CPU; i++) cpus.push_back(integer(env, given.Get(i), "cpus", HIGHEST_CPU));
  const bool ascending = std::adjacent_find(cpus.begin(), cpus.end(), std::greater_equal()) == cpus.end();
  if (cpus.size() == given.Length() && !cpus.empty() && ascending) return cpus;
  throw Napi::TypeError::New(env, "Expected `cpus` to be processors in ascending order, at least one");
}

namespace {

uint32_t integerOf(const Napi::Object& from, const char* name, double max = 4294967295.0) {
  return integer(from.Env(), from.Get(name), name, max);
}

uint32_t integerOr(const Napi::Object& from, const char* name, uint32_t fallback) {
  return from.Get(name).IsUndefined() ? fallback : integerOf(from, name);
}

}  // namespace

PacketSocketOptions socketOptions(Napi::Env env, const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(env, "Expected `options` to be an object");
  const auto from = value.As<Napi::Object>();
  PacketSocketOptions options;
  if (!from.Get("interface").IsString()) throw Napi::TypeError::New(env, "Expected `interface` to be a string");
  options.interface = from.Get("interface").As<Napi::String>().Utf8Value();
  options.ringPtr = integerOf(from, "ringPtr");
  options.ringBytes = integerOr(from, "ringBytes", options.ringBytes);
  options.slotBytes = integerOr(from, "slotBytes", options.slotBytes);
  options.overflowBytes = integerOr(from, "overflowBytes", options.overflowBytes);
  options.firstRingBytes = integerOr(from, "firstRingBytes", options.firstRingBytes);
  const auto fanout = from.Get("fanout");
  if (fanout.IsObject()) {
    const auto given = fanout.As<Napi::Object>();
    options.fanout.count = integerOf(given, "count", layout::SHARDS_MAX);
    options.fanout.index = integerOf(given, "index", layout::SHARDS_MAX - 1);
    options.fanout.salt = integerOf(given, "salt");
    options.fanout.group = integerOf(given, "group", 65535);
  }
  options.everyFrame = from.Get("everyFrame").ToBoolean();
  options.inPlace = from.Get("inPlace").IsUndefined() || from.Get("inPlace").ToBoolean();
  options.rxDescriptorsPtr = integerOf(from, "rxDescriptorsPtr");
  options.txRingPtr = integerOf(from, "txRingPtr");
  options.interfacePtr = integerOf(from, "interfacePtr");
  options.macHigh16 = static_cast<uint16_t>(integerOf(from, "macHigh16", 65535));
  options.macLow32 = integerOf(from, "macLow32");
  options.receiveBufferBytes = integerOr(from, "receiveBufferBytes", options.receiveBufferBytes);
  options.sendBufferBytes = integerOr(from, "sendBufferBytes", options.sendBufferBytes);
  return options;
}

}  // namespace wasmtcp
