// What `cromt` says to whoever called it. docs/cli.md lists them for users.
#pragma once

#include "base/result.h"

namespace cromt::cli {

enum class ExitCode {
  kDone = 0,
  kNotSucceeded = 1,  // the run ended in anything but succeeded
  kBadInput = 2,      // usage or input; nothing was done
  kRefused = 3,       // coordinator or agent can't be reached, or refused; following broke off for good
  kTimedOut = 4,      // the CLI's own --timeout of waiting passed
  kInterrupted = 130,
};

inline ExitCode ExitCodeFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
    case ErrorCode::kNotFound:
    case ErrorCode::kConflict: return ExitCode::kBadInput;
    default: return ExitCode::kRefused;
  }
}

}  // namespace cromt::cli
