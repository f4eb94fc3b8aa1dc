// What programs get as environment, and files that they left.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/step/task/library.h"
#include "base/result.h"

namespace cromt::step {

using EnvironmentVariables = std::vector<std::pair<std::string_view, std::string>>;

// Our own environment with `added` in place of what has these names.
std::vector<std::string> EnvironmentWith(const EnvironmentVariables& added);

// A folder in front of a variable that lists folders.
struct SearchPath {
  std::string_view name;
  std::string value;
  char separator = ':';
};

// Of a task's program: our own, with the names that Sparrow exports (os, cache_dir, cache_root_dir), with the task's
// lib/ and bin/ in front of each language's search path, `modules` behind them, and `added`.
std::vector<std::string> EnvironmentFor(const Places& places, const std::vector<SearchPath>& modules,
                                        const EnvironmentVariables& added);

// A regular file that a program of the job wrote; links are not followed. kNotFound; kInvalid for anything else of that
// name; kExhausted above `max_bytes`.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace cromt::step
