// What a hook asks of its runner, by the lines that it prints. Sparrow looks for these words anywhere in a line:
//
//   task: NAME                     run the subtask NAME, with the variables said before it
//   task_var_bash: KEY VALUE       a variable of the next subtask
//   task_var_json_begin … _end     a JSON object of them; may go over several lines
//   ignore_error:                  the next task may fail (also ignore_task_error:)
//   ignore_task_check_error:       the next check may fail
//
// Everything else is dropped. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/step/value.h"
#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxHookRequests = 10'000;  // of one hook

struct IgnoreError {};
struct IgnoreCheckError {};
struct RunSubtask {
  std::string name;
  Map variables;
};
using HookRequest = std::variant<IgnoreError, IgnoreCheckError, RunSubtask>;

// kInvalid for variables that are no JSON object; kExhausted above kMaxHookRequests.
Result<std::vector<HookRequest>> ReadHookOutput(std::string_view text);

}  // namespace cromt::step
