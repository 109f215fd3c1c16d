// Wake-ups between threads: eventfds that any thread of the process may ring. A number from JavaScript is followed only if
// it is one of ours.
#pragma once

namespace wasmtcp {

/// A new eventfd. Throws SystemError.
int createWakeFd();
/// Makes `fd` readable. @returns false when it is not an open wake fd
bool ringWakeFd(int fd);
/// @returns false when it is not an open wake fd
bool closeWakeFd(int fd);
/// A descriptor of the caller's own for the same eventfd, or -1 when `fd` is not an open wake fd. Throws SystemError.
int duplicateWakeFd(int fd);

}  // namespace wasmtcp
