// `--follow`, `--wait` and `--timeout`: what a command that starts a run does once it has.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "cli/session.h"
#include "core/control.h"

namespace cromt::cli {

class WaitFlags {
 public:
  void Declare(Arguments& arguments);
  // kInvalid for flags that exclude each other.
  Status Check() const;
  // Prints the run's id, unless it is followed, and waits as the flags say. REQUIRES: Check() has succeeded.
  Result<ExitCode> AfterStart(Session& session, Control& control, const RunId& run) const;

 private:
  bool follow_ = false;
  bool wait_ = false;
  std::optional<std::string> timeout_;
};

}  // namespace cromt::cli
