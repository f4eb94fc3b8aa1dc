// What a task's programs get as environment, and files that they left.
#pragma once

#include <string>
#include <vector>

#include "agent/step/task/library.h"
#include "base/result.h"

namespace cromt::step {

// Our own environment, with the names that Sparrow exports (os, cache_dir, cache_root_dir) and with the task's lib/ and
// bin/ in front of each language's search path.
std::vector<std::string> EnvironmentFor(const Places& places);

// A regular file that a program of the job wrote; links are not followed. kNotFound; kInvalid for anything else of that
// name; kExhausted above `max_bytes`.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace cromt::step
