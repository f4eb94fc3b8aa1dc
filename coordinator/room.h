// Whether the coordinator's disk can take something: a run, which is refused before a commit would be too large, and
// output, which waits before it keeps commits from being made.
#pragma once

#include <string>

#include "base/result.h"
#include "core/plan.h"
#include "io/file/file_system.h"

namespace cromt {

// kExhausted says what is needed and what is there. Blocks no longer than a look at the file system of `dir` does.
Status RoomFor(const Plan& plan, const std::string& dir);

// The same for `bytes` of output. It leaves a quarter of its disk free, 64 MiB at most: a job that prints without end
// can then still be canceled.
Status RoomForOutput(uint64_t bytes, const std::string& dir, FileSystem& files);

}  // namespace cromt
