// eventfd(2). The set of open ones belongs to the process, as descriptors do, and outlives the threads that made them.
#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <mutex>
#include <set>
#include <shared_mutex>

#include "system-error.h"

namespace wasmtcp {

namespace {

struct OpenWakeFds {
  std::shared_mutex mutex;  // held while a descriptor is used: a closed number may belong to another file at once
  std::set<int> fds;
};

OpenWakeFds& open() {
  static OpenWakeFds* all = new OpenWakeFds;  // never destroyed: a worker may ring while the process exits
  return *all;
}

}  // namespace

int createWakeFd() {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw SystemError(errno, "eventfd", "eventfd()");
  std::unique_lock lock(open().mutex);
  open().fds.insert(fd);
  return fd;
}

bool ringWakeFd(int fd) {
  std::shared_lock lock(open().mutex);
  if (!open().fds.contains(fd)) return false;
  // The only failure, EAGAIN at 2^64 - 2 rings, leaves it readable: that is what is wanted.
  eventfd_write(fd, 1);
  return true;
}

bool closeWakeFd(int fd) {
  std::unique_lock lock(open().mutex);
  if (open().fds.erase(fd) == 0) return false;
  ::close(fd);
  return true;
}

int duplicateWakeFd(int fd) {
  std::shared_lock lock(open().mutex);
  if (!open().fds.contains(fd)) return -1;
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw SystemError(errno, "fcntl", "fcntl(F_DUPFD_CLOEXEC)");
  return copy;
}

}  // namespace wasmtcp
