// The words RUN and TASK of a command line, checked before they are sent. Pure.
#pragma once

#include <string>

#include "base/result.h"
#include "core/control.h"

namespace cromt::cli {

// An id, a prefix of one, or "last".
Status CheckRunWord(const std::string& run);

// The task of `run` that `word` means: an id counted from 1, or a unique name. kInvalid saying which there are.
Result<TaskIndex> FindTask(const RunView& run, const std::string& word);

}  // namespace cromt::cli
