// Where text goes: standard output and standard error, or a string in a test.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"

namespace cromt::cli {

// Not thread-safe, but two writers may be used by two threads.
class Writer {
 public:
  virtual ~Writer() = default;
  // Writes all of `text`, in one go where the system allows it. After a failure it does nothing.
  virtual void Write(std::string_view text) = 0;
  // Why a write failed, if one did. kCanceled: the reader has closed its end, which is nobody's mistake.
  virtual std::optional<Error> failure() const { return std::nullopt; }
};

// Unbuffered, to a descriptor that it does not own. REQUIRES: SIGPIPE does not end the process.
class FdWriter final : public Writer {
 public:
  FdWriter(int fd, std::string_view name) : fd_(fd), name_(name) {}
  void Write(std::string_view text) override;
  std::optional<Error> failure() const override { return failure_; }

 private:
  const int fd_;
  const std::string_view name_;  // for messages; outlives the writer
  std::optional<Error> failure_;
};

}  // namespace cromt::cli
