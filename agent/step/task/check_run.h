// Applies a task's check to what the task printed. Not thread-safe.
#pragma once

#include <functional>
#include <string>

#include "agent/step/check/check_file.h"
#include "agent/step/check/check_state.h"
#include "agent/step/output.h"
#include "agent/step/task/languages.h"
#include "base/result.h"

namespace cromt::step {

// What a check asks of its runner.
struct CheckServices {
  // Runs a code block, which may ask for `state`; what it printed to stdout.
  std::function<Result<std::string>(Language language, std::string_view code, const CheckState& state)> run_code;
  std::function<Result<std::string>(const std::string& path)> read_source;
};

// Shows the check's lines, below a heading where there are any. How many rules don't hold; an error as Checker's.
Result<size_t> RunCheck(const CheckFile& file, std::string stdout_text, const CheckServices& services, Output& output);

}  // namespace cromt::step
