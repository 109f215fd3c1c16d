// The exception every failed system call of the addon becomes: errno, the call's name and a sentence that says what to do.
// addon.cc turns it into a JavaScript Error with `code`, `errno` and `syscall`.
#pragma once
#include <stdexcept>
#include <string>
#include <system_error>

namespace wasmtcp {

class SystemError : public std::runtime_error {
 public:
  /// `call` is the text before the colon, as `bind(AF_PACKET, eth0)`; `cure` follows in brackets when not empty.
  SystemError(int number, const std::string& syscall, const std::string& call, const std::string& cure = "")
      : std::runtime_error(call + ": " + std::generic_category().message(number) + (cure.empty() ? "" : " (" + cure + ")")),
        number_(number),
        syscall_(syscall) {}

  int number() const { return number_; }
  const std::string& syscall() const { return syscall_; }

 private:
  int number_;
  std::string syscall_;
};

}  // namespace wasmtcp
