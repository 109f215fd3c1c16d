// ppoll(2): a timeout in nanoseconds, and a timer slack of a microsecond on this thread (prctl(2); the default is 50).
#include "waiter.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cmath>

#include "clock.h"
#include "system-error.h"
#include "wake.h"

namespace wasmtcp {

namespace {

constexpr unsigned long TIMER_SLACK_NS = 1000;

void sharpenTimers() {
  thread_local bool done = false;
  if (!done) prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
  done = true;
}

/// ppoll with the time that is left after signals.
int pollUntil(std::vector<pollfd>& fds, double timeoutUs) {
  const double deadlineUs = clockUs(CLOCK_MONOTONIC) + timeoutUs;
  for (double leftUs = timeoutUs;; leftUs = std::max(0.0, deadlineUs - clockUs(CLOCK_MONOTONIC))) {
    timespec left{};
    left.tv_sec = static_cast<time_t>(leftUs / 1e6);
    left.tv_nsec = static_cast<long>(std::fmod(leftUs, 1e6) * 1e3);
    const int ready = ppoll(fds.data(), fds.size(), &left, nullptr);
    if (ready >= 0) return ready;
    if (errno != EINTR) throw SystemError(errno, "ppoll", "ppoll()");
  }
}

}  // namespace

Waiter::Waiter(int wakeFd) : wakeFd_(duplicateWakeFd(wakeFd)) {
  if (!wakeFd_) throw SystemError(EBADF, "Waiter", "Waiter(" + std::to_string(wakeFd) + ")", "expected a descriptor of createWakeFd()");
  polled_.push_back({wakeFd_.get(), POLLIN, 0});
}

uint32_t Waiter::add(std::shared_ptr<PacketSocket> socket) {
  if (sockets_.size() == SOCKETS_MAX) throw SystemError(ENOSPC, "Waiter.add", "Waiter.add()", "15 sockets at most");
  sockets_.push_back(std::move(socket));
  polled_.resize(1 + PER_SOCKET * sockets_.size(), {-1, 0, 0});
  return static_cast<uint32_t>(sockets_.size() - 1);
}

uint32_t Waiter::wait(double timeoutUs, uint32_t wantWritable) {
  sharpenTimers();
  double sleepUs = timeoutUs >= 0 ? std::min(timeoutUs, SLEEP_MAX_US) : SLEEP_MAX_US;
  for (uint32_t i = 0; i < sockets_.size(); i++) {
    PacketSocket& socket = *sockets_[i];
    socket.releaseFrames();
    const bool wanted = (wantWritable >> i & 1) != 0 && !socket.closed();
    if (wanted && socket.blocked() == Blocked::queueFull) sleepUs = std::min(sleepUs, QUEUE_RETRY_US);
    const bool pollOut = wanted && socket.blocked() != Blocked::queueFull;
    pollfd* polled = &polled_[1 + PER_SOCKET * i];
    polled[0] = {socket.fd(), static_cast<short>(pollOut ? POLLIN | POLLOUT : POLLIN), 0};  // ppoll skips an fd of -1
    polled[1] = {socket.secondFd(), POLLIN, 0};
    polled[2] = {socket.linkFd(), POLLIN, 0};
  }
  // What is told of other links, or of ours without changing it, wakes nobody
  const double deadlineUs = clockUs(CLOCK_MONOTONIC) + sleepUs;
  for (;;) {
    const int ready = pollUntil(polled_, std::max(0.0, deadlineUs - clockUs(CLOCK_MONOTONIC)));
    const uint32_t result = sort(wantWritable);
    if (result != 0 || ready == 0) return result;
  }
}

/// Turns what ppoll found into the mask.
uint32_t Waiter::sort(uint32_t wantWritable) {
  uint32_t result = 0;
  if (polled_[0].revents != 0) {
    eventfd_t rings = 0;
    eventfd_read(wakeFd_.get(), &rings);
    result = WOKEN;
  }
  for (uint32_t i = 0; i < sockets_.size(); i++) {
    PacketSocket& socket = *sockets_[i];
    const pollfd* polled = &polled_[1 + PER_SOCKET * i];
    const short found = static_cast<short>(polled[0].revents | polled[1].revents);
    const bool isLinkNews = polled[2].revents != 0 && socket.noticeLink();
    if (found & (POLLERR | POLLHUP)) socket.collectError();
    if (isLinkNews || (found & (POLLIN | POLLERR | POLLHUP))) result |= 1u << (i + READABLE_SHIFT);
    const bool retry = (wantWritable >> i & 1) != 0 && socket.blocked() == Blocked::queueFull;
    if ((found & POLLOUT) || retry) result |= 1u << (i + WRITABLE_SHIFT);
  }
  return result;
}

}  // namespace wasmtcp
