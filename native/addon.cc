// The Node-API surface: checks arguments (arguments.h), converts, calls. Only these two know napi.h. Usable from any number of
// worker threads at once: no state outside the objects but the process's wake fds.
#include <napi.h>
#include <uv.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "interface-info.h"
#include "layout.h"
#include "loop-watcher.h"
#include "packet-socket.h"
#include "system-error.h"
#include "thread-affinity.h"
#include "waiter.h"
#include "wake.h"

namespace {

using wasmtcp::descriptor;
using wasmtcp::integer;
using wasmtcp::memoryOf;
using wasmtcp::PacketSocket;
using wasmtcp::SystemError;

/// A SystemError as a JavaScript Error with `code` (ENODEV), `errno` (-19) and `syscall`, like Node's own.
Napi::Error toError(Napi::Env env, const SystemError& error) {
  Napi::Error result = Napi::Error::New(env, error.what());
  result.Set("code", Napi::String::New(env, uv_err_name(-error.number())));
  result.Set("errno", Napi::Number::New(env, -error.number()));
  result.Set("syscall", Napi::String::New(env, error.syscall()));
  return result;
}

/// Runs `body`, turning what it throws into something JavaScript can catch.
template <typename Body>
auto guarded(Napi::Env env, Body body) {
  try {
    return body();
  } catch (const SystemError& error) {
    throw toError(env, error);
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(env, "out of memory");
  }
}

/// PacketSocket for JavaScript. Holds the memory so that it cannot be collected under the ring, and closes with its
/// thread: when a worker is terminated no finaliser is sure to run before its memory goes, a cleanup hook is.
class PacketSocketObject : public Napi::ObjectWrap<PacketSocketObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "PacketSocket",
                       {
                           InstanceMethod<&PacketSocketObject::receive>("receive"),
                           InstanceMethod<&PacketSocketObject::transmit>("transmit"),
                           InstanceMethod<&PacketSocketObject::releaseFrames>("releaseFrames"),
                           InstanceMethod<&PacketSocketObject::statistics>("statistics"),
                           InstanceMethod<&PacketSocketObject::takeError>("takeError"),
                           InstanceMethod<&PacketSocketObject::takeLink>("takeLink"),
                           InstanceMethod<&PacketSocketObject::close>("close"),
                           InstanceAccessor<&PacketSocketObject::blocked>("blocked"),
                           InstanceAccessor<&PacketSocketObject::inPlace>("inPlace"),
                           InstanceAccessor<&PacketSocketObject::slots>("slots"),
                           InstanceAccessor<&PacketSocketObject::fanoutGroup>("fanoutGroup"),
                       });
  }

  explicit PacketSocketObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PacketSocketObject>(info), env_(info.Env()) {
    const auto memory = memoryOf(info.Env(), info[0]);
    const auto options = wasmtcp::socketOptions(info.Env(), info[1]);
    socket_ = guarded(info.Env(), [&] { return std::make_shared<PacketSocket>(memory, options); });
    memory_ = Napi::Persistent(info[0].As<Napi::Object>());
    hooked_ = napi_add_env_cleanup_hook(env_, onThreadEnd, this) == napi_ok;
  }

  ~PacketSocketObject() override { end(); }

  std::shared_ptr<PacketSocket> socket() const { return socket_; }

 private:
  static void onThreadEnd(void* self) {
    auto* object = static_cast<PacketSocketObject*>(self);
    object->hooked_ = false;
    object->socket_->close();
  }

  void end() {
    if (hooked_) napi_remove_env_cleanup_hook(env_, onThreadEnd, this);
    hooked_ = false;
    if (socket_) socket_->close();
  }

  Napi::Value receive(const Napi::CallbackInfo& info) {
    const uint32_t maxFrames = integer(info.Env(), info[0], "maxFrames");
    const double nowUs = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0;
    return Napi::Number::New(info.Env(), socket_->receive(maxFrames, nowUs));
  }

  Napi::Value transmit(const Napi::CallbackInfo& info) {
    const uint32_t maxFrames = info[0].IsUndefined() ? layout::TX_CAPACITY : integer(info.Env(), info[0], "maxFrames");
    return Napi::Number::New(info.Env(), socket_->transmit(maxFrames));
  }

  void releaseFrames(const Napi::CallbackInfo&) { socket_->releaseFrames(); }

  Napi::Value statistics(const Napi::CallbackInfo& info) {
    const auto counts = socket_->statistics();
    auto result = Napi::Object::New(info.Env());
    result.Set("received", static_cast<double>(counts.received));
    result.Set("dropped", static_cast<double>(counts.dropped));
    result.Set("truncated", static_cast<double>(counts.truncated));
    result.Set("tagged", static_cast<double>(counts.tagged));
    result.Set("malformed", static_cast<double>(counts.malformed));
    result.Set("sent", static_cast<double>(counts.sent));
    result.Set("sendErrors", static_cast<double>(counts.sendErrors));
    return result;
  }

  Napi::Value takeLink(const Napi::CallbackInfo& info) {
    const auto link = socket_->takeLink();
    if (!link) return info.Env().Null();
    auto result = Napi::Object::New(info.Env());
    result.Set("up", link->up);
    result.Set("gone", link->gone);
    result.Set("mtu", link->mtu);
    result.Set("gsoMaxBytes", link->gsoMaxBytes);
    return result;
  }

  Napi::Value takeError(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), socket_->takeError()); }

  void close(const Napi::CallbackInfo&) {
    end();
    memory_.Reset();
  }

  Napi::Value blocked(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), socket_->blocked() != wasmtcp::Blocked::no);
  }
  Napi::Value inPlace(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), socket_->inPlace()); }
  Napi::Value slots(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), socket_->slots()); }
  Napi::Value fanoutGroup(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), socket_->fanoutGroup()); }

  napi_env env_;
  bool hooked_ = false;
  std::shared_ptr<PacketSocket> socket_;
  Napi::ObjectReference memory_;
};

/// What one thread's copy of the addon needs to remember.
struct ThreadState {
  Napi::FunctionReference packetSocket;
};

/// The socket behind a JavaScript object, or a TypeError.
std::shared_ptr<PacketSocket> packetSocketOf(Napi::Env env, const Napi::Value& value) {
  const auto* state = env.GetInstanceData<ThreadState>();
  if (!value.IsObject() || !value.As<Napi::Object>().InstanceOf(state->packetSocket.Value())) {
    throw Napi::TypeError::New(env, "Expected `socket` to be a PacketSocket");
  }
  return PacketSocketObject::Unwrap(value.As<Napi::Object>())->socket();
}

class WaiterObject : public Napi::ObjectWrap<WaiterObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Waiter", {InstanceMethod<&WaiterObject::add>("add"), InstanceMethod<&WaiterObject::wait>("wait")});
  }

  explicit WaiterObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<WaiterObject>(info) {
    const int fd = descriptor(info);
    waiter_ = guarded(info.Env(), [&] { return std::make_unique<wasmtcp::Waiter>(fd); });
  }

 private:
  Napi::Value add(const Napi::CallbackInfo& info) {
    auto socket = packetSocketOf(info.Env(), info[0]);
    return Napi::Number::New(info.Env(), guarded(info.Env(), [&] { return waiter_->add(std::move(socket)); }));
  }

  Napi::Value wait(const Napi::CallbackInfo& info) {
    if (!info[0].IsNumber()) throw Napi::TypeError::New(info.Env(), "Expected `timeoutUs` to be a number");
    const double timeoutUs = info[0].As<Napi::Number>().DoubleValue();
    const uint32_t wantWritable = info[1].IsUndefined() ? 0 : integer(info.Env(), info[1], "wantWritable");
    return Napi::Number::New(info.Env(), guarded(info.Env(), [&] { return waiter_->wait(timeoutUs, wantWritable); }));
  }

  std::unique_ptr<wasmtcp::Waiter> waiter_;
};

/// LoopWatcher for JavaScript. Closes with its thread, which waits until libuv has let go of the handles.
class LoopWatcherObject : public Napi::ObjectWrap<LoopWatcherObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "LoopWatcher",
                       {
                           InstanceMethod<&LoopWatcherObject::add>("add"),
                           InstanceMethod<&LoopWatcherObject::arm>("arm"),
                           InstanceMethod<&LoopWatcherObject::ref>("ref"),
                           InstanceMethod<&LoopWatcherObject::unref>("unref"),
                           InstanceMethod<&LoopWatcherObject::close>("close"),
                       });
  }

  explicit LoopWatcherObject(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<LoopWatcherObject>(info), env_(info.Env()), context_(info.Env(), "wasmtcp") {
    const int fd = descriptor(info);
    if (!info[1].IsFunction()) throw Napi::TypeError::New(env_, "Expected `onWake` to be a function");
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(env_, &loop) != napi_ok) throw Napi::Error::New(env_, "this thread has no event loop");
    watcher_ = guarded(env_, [&] { return std::make_unique<wasmtcp::LoopWatcher>(loop, fd, [this] { onWake(); }); });
    onWake_ = Napi::Persistent(info[1].As<Napi::Function>());
    napi_add_async_cleanup_hook(env_, onThreadEnd, this, &hook_);
  }

  ~LoopWatcherObject() override { end(); }

 private:
  static void onThreadEnd(napi_async_cleanup_hook_handle, void* self) { static_cast<LoopWatcherObject*>(self)->end(); }

  void end() {
    const auto hook = std::exchange(hook_, nullptr);
    if (!watcher_) return;
    watcher_->close([hook] {
      if (hook != nullptr) napi_remove_async_cleanup_hook(hook);
    });
    watcher_.reset();
  }

  void onWake() {
    const Napi::HandleScope scope(env_);
    try {
      onWake_.MakeCallback(env_.Global(), {}, context_);
    } catch (const Napi::Error& error) {
      napi_fatal_exception(env_, error.Value());
    }
  }

  void add(const Napi::CallbackInfo& info) {
    auto socket = packetSocketOf(env_, info[0]);
    guarded(env_, [&] { opened().add(std::move(socket)); });
  }

  void arm(const Napi::CallbackInfo& info) {
    if (!info[0].IsNumber()) throw Napi::TypeError::New(env_, "Expected `timeoutUs` to be a number");
    const uint32_t wantWritable = info[1].IsUndefined() ? 0 : integer(env_, info[1], "wantWritable");
    opened().arm(info[0].As<Napi::Number>().DoubleValue(), wantWritable);
  }

  void ref(const Napi::CallbackInfo&) { opened().hold(true); }
  void unref(const Napi::CallbackInfo&) { opened().hold(false); }

  void close(const Napi::CallbackInfo&) {
    end();
    onWake_.Reset();
  }

  wasmtcp::LoopWatcher& opened() {
    if (!watcher_) throw Napi::Error::New(env_, "the LoopWatcher is closed");
    return *watcher_;
  }

  Napi::Env env_;
  Napi::AsyncContext context_;
  Napi::FunctionReference onWake_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  std::unique_ptr<wasmtcp::LoopWatcher> watcher_;
};

Napi::Value copyBytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto target = memoryOf(env, info[0], "target");
  const auto source = memoryOf(env, info[2], "source");
  const uint32_t to = integer(env, info[1], "to"), from = integer(env, info[3], "from"), count = integer(env, info[4], "count");
  if (!target.contains(to, count) || !source.contains(from, count)) throw Napi::RangeError::New(env, "copyBytes: beyond an array's end");
  std::memmove(target.at(to), source.at(from), count);
  return env.Undefined();
}

Napi::Value createWakeFd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), guarded(info.Env(), [] { return wasmtcp::createWakeFd(); }));
}

Napi::Value wake(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), wasmtcp::ringWakeFd(descriptor(info))); }

Napi::Value closeWakeFd(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), wasmtcp::closeWakeFd(descriptor(info)));
}

Napi::Value threadAffinity(const Napi::CallbackInfo& info) {
  const auto cpus = guarded(info.Env(), [] { return wasmtcp::threadAffinity(); });
  auto result = Napi::Array::New(info.Env(), cpus.size());
  for (uint32_t i = 0; i < cpus.size(); i++) result.Set(i, cpus[i]);
  return result;
}

Napi::Value setThreadAffinity(const Napi::CallbackInfo& info) {
  const auto cpus = wasmtcp::processors(info.Env(), info[0]);
  guarded(info.Env(), [&] { wasmtcp::setThreadAffinity(cpus); });
  return info.Env().Undefined();
}

std::string macText(const std::array<uint8_t, 6>& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  return text;
}

Napi::Value interfaceInfo(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) throw Napi::TypeError::New(env, "Expected `name` to be a string");
  const auto found = guarded(env, [&] { return wasmtcp::interfaceInfo(info[0].As<Napi::String>().Utf8Value()); });
  if (!found) return env.Null();
  auto result = Napi::Object::New(env);
  result.Set("index", found->index);
  result.Set("mtu", found->mtu);
  result.Set("mac", macText(found->mac));
  result.Set("gsoMaxBytes", found->gsoMaxBytes);
  result.Set("superFrames", found->superFrames);
  result.Set("ethernet", found->ethernet);
  result.Set("up", found->up);
  result.Set("running", found->running);
  auto addresses = Napi::Array::New(env, found->addresses.size());
  for (uint32_t i = 0; i < found->addresses.size(); i++) {
    auto entry = Napi::Object::New(env);
    entry.Set("address", found->addresses[i].address);
    entry.Set("prefixLength", found->addresses[i].prefixLength);
    addresses.Set(i, entry);
  }
  result.Set("addresses", addresses);
  return result;
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  auto state = std::make_unique<ThreadState>();
  const Napi::Function packetSocket = PacketSocketObject::define(env);
  state->packetSocket = Napi::Persistent(packetSocket);
  env.SetInstanceData(state.release());
  exports.Set("layoutVersion", layout::LAYOUT_VERSION);
  exports.Set("sources", WASMTCP_SOURCES);
  exports.Set("PacketSocket", packetSocket);
  exports.Set("Waiter", WaiterObject::define(env));
  exports.Set("LoopWatcher", LoopWatcherObject::define(env));
  exports.Set("createWakeFd", Napi::Function::New<createWakeFd>(env, "createWakeFd"));
  exports.Set("copyBytes", Napi::Function::New<copyBytes>(env, "copyBytes"));
  exports.Set("wake", Napi::Function::New<wake>(env, "wake"));
  exports.Set("closeWakeFd", Napi::Function::New<closeWakeFd>(env, "closeWakeFd"));
  exports.Set("threadAffinity", Napi::Function::New<threadAffinity>(env, "threadAffinity"));
  exports.Set("setThreadAffinity", Napi::Function::New<setThreadAffinity>(env, "setThreadAffinity"));
  exports.Set("interfaceInfo", Napi::Function::New<interfaceInfo>(env, "interfaceInfo"));
  return exports;
}

}  // namespace

NODE_API_MODULE(wasmtcp, initialise)
