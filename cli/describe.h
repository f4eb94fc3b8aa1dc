// Runs and tasks in words, the same in lists and in messages. All is clean (clean_text.h). Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "core/control.h"

namespace cromt::cli {

// "hello on hostA".
std::string TaskLabel(const TaskView& task);

// Its outcome, else its state.
std::string Standing(const TaskStatus& status);
std::string_view Standing(const RunStatus& status);

// Why it ended so: its reason, else "exit code 7" or "killed by signal 9 (KILL)". Empty for a success.
std::string WhyEnded(const TaskStatus& status);

// From start to end, or to `now` while it runs; empty if it never started.
std::string Took(std::optional<Wall> started, std::optional<Wall> finished, Wall now);

// "2026-11-22 18:34:31" in the viewer's time zone; "" if there is none.
std::string LocalTime(std::optional<Wall> at);

// "1 task", "3 tasks".
std::string Count(size_t number, std::string_view noun);

}  // namespace cromt::cli
