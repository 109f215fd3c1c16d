// uv_poll(3) on each descriptor, and timerfd(2), because libuv's own timers count milliseconds. libuv frees nothing before its close
// callbacks have run, so all handles live in one block that goes with the last of them.
#include "loop-watcher.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "clock.h"
#include "system-error.h"
#include "unique-fd.h"
#include "wake.h"

namespace wasmtcp {

namespace {

constexpr double NEVER = std::numeric_limits<double>::infinity();

}  // namespace

struct LoopWatcher::Handles {
  enum class Role { input, secondInput, link };  // the socket itself, its second one, what tells of its link

  struct Watched {
    uv_poll_t poll{};
    Handles* all = nullptr;
    std::shared_ptr<PacketSocket> socket;  // none: an eventfd or timerfd, to be read when it is readable
    Role role = Role::input;
    size_t number = 0;                     // of the socket, in the order of add()
    int fd = -1;
    int events = 0;
  };

  uv_loop_t* loop = nullptr;
  std::function<void()> onWake;
  std::function<void()> onClosed;
  UniqueFd wakeFd;
  UniqueFd timerFd;
  double timerUs = NEVER;  // when the timer expires
  std::vector<std::unique_ptr<Watched>> watched;
  size_t sockets = 0;
  size_t open = 0;
  bool closing = false;

  void watch(int fd, std::shared_ptr<PacketSocket> socket, Role role = Role::input) {
    auto one = std::make_unique<Watched>();
    one->all = this;
    one->socket = std::move(socket);
    one->role = role;
    one->number = sockets;
    one->fd = fd;
    one->poll.data = one.get();
    const int failure = uv_poll_init(loop, &one->poll, fd);
    if (failure != 0) throw SystemError(-failure, "uv_poll_init", "uv_poll_init()");
    uv_unref(reinterpret_cast<uv_handle_t*>(&one->poll));
    watched.push_back(std::move(one));
    open++;
    await(*watched.back(), UV_READABLE);
  }

  void await(Watched& one, int events) {
    if (one.events == events) return;
    one.events = events;
    uv_poll_start(&one.poll, events, onPoll);
  }

  void setTimer(double timeoutUs) {
    const double now = clockUs(CLOCK_MONOTONIC);
    const double wanted = now + std::max(timeoutUs, 0.0);
    if (timeoutUs == NEVER || (timerUs > now && timerUs <= wanted)) return;
    itimerspec spec{};
    spec.it_value.tv_sec = static_cast<time_t>(wanted / 1e6);
    spec.it_value.tv_nsec = static_cast<long>(std::fmod(wanted, 1e6) * 1e3);
    timerfd_settime(timerFd.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
    timerUs = wanted;
  }

  static void onPoll(uv_poll_t* handle, int status, int) {
    auto& one = *static_cast<Watched*>(handle->data);
    if (one.socket == nullptr) {
      eventfd_t ignored = 0;
      eventfd_read(one.fd, &ignored);  // a timerfd is read in the same way
    } else if (one.role == Role::link) {
      one.socket->noticeLink();
    } else if (status < 0) {
      one.socket->collectError();
    }
    if (status < 0) {  // POLLERR (of netlink: news were lost): libuv has stopped the handle
      const int events = one.events;
      one.events = 0;
      one.all->await(one, events);
    }
    if (!one.all->closing) one.all->onWake();
  }

  static void onHandleClosed(uv_handle_t* handle) {
    Handles* all = static_cast<Watched*>(handle->data)->all;
    if (--all->open > 0) return;
    if (all->onClosed) all->onClosed();
    delete all;
  }
};

LoopWatcher::LoopWatcher(uv_loop_t* loop, int wakeFd, std::function<void()> onWake) : handles_(nullptr) {
  auto handles = std::make_unique<Handles>();
  handles->loop = loop;
  handles->onWake = std::move(onWake);
  handles->wakeFd.reset(duplicateWakeFd(wakeFd));
  const std::string call = "LoopWatcher(" + std::to_string(wakeFd) + ")";
  if (!handles->wakeFd) throw SystemError(EBADF, "LoopWatcher", call, "expected a descriptor of createWakeFd()");
  handles->timerFd.reset(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!handles->timerFd) throw SystemError(errno, "timerfd_create", call);
  handles->watch(handles->wakeFd.get(), nullptr);
  handles_ = handles.release();  // from here on there is a handle, which only close() gets rid of
  try {
    handles_->watch(handles_->timerFd.get(), nullptr);
  } catch (...) {
    close();
    throw;
  }
}

void LoopWatcher::add(std::shared_ptr<PacketSocket> socket) {
  if (handles_ == nullptr || handles_->sockets == SOCKETS_MAX) {
    throw SystemError(ENOSPC, "LoopWatcher.add", "LoopWatcher.add()", "15 sockets at most, and none after close()");
  }
  const int fd = socket->fd();
  const int secondFd = socket->secondFd();
  const int linkFd = socket->linkFd();
  handles_->watch(fd, socket);
  if (secondFd >= 0) handles_->watch(secondFd, socket, Handles::Role::secondInput);
  handles_->watch(linkFd, std::move(socket), Handles::Role::link);
  handles_->sockets++;
}

void LoopWatcher::arm(double timeoutUs, uint32_t wantWritable) {
  if (handles_ == nullptr) return;
  for (size_t i = 2; i < handles_->watched.size(); i++) {
    auto& one = *handles_->watched[i];
    if (one.role != Handles::Role::input || one.socket->closed()) continue;
    one.socket->releaseFrames();
    const bool wanted = (wantWritable >> one.number & 1) != 0;
    if (wanted && one.socket->blocked() == Blocked::queueFull) timeoutUs = std::min(timeoutUs, QUEUE_RETRY_US);
    handles_->await(one, wanted && one.socket->blocked() == Blocked::socketFull ? UV_READABLE | UV_WRITABLE : UV_READABLE);
  }
  handles_->setTimer(timeoutUs);
}

void LoopWatcher::hold(bool held) {
  if (handles_ == nullptr) return;
  auto* handle = reinterpret_cast<uv_handle_t*>(&handles_->watched[0]->poll);
  held ? uv_ref(handle) : uv_unref(handle);
}

void LoopWatcher::close(std::function<void()> onClosed) {
  if (handles_ == nullptr) {
    if (onClosed) onClosed();
    return;
  }
  Handles* handles = handles_;
  handles_ = nullptr;
  handles->closing = true;
  handles->onClosed = std::move(onClosed);
  for (auto& one : handles->watched) uv_close(reinterpret_cast<uv_handle_t*>(&one->poll), Handles::onHandleClosed);
}

}  // namespace wasmtcp
