#include "agent/step/task/hook_output.h"

#include <fmt/format.h>

#include "agent/step/json_value.h"
#include "agent/step/task/lines.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr std::string_view kBlanks = " \t\r";

// What follows `word` in `line` and at least one blank, without the blanks; false if there is nothing like that.
bool After(std::string_view line, std::string_view word, std::string_view& rest) {
  const size_t at = line.find(word);
  if (at == std::string_view::npos) return false;
  rest = line.substr(at + word.size());
  const size_t begin = rest.find_first_not_of(kBlanks);
  if (begin == 0 || begin == std::string_view::npos) return false;
  rest.remove_prefix(begin);
  return true;
}

std::string_view FirstWord(std::string_view text) {
  return text.substr(0, text.find_first_of(kBlanks));
}

class Reader {
 public:
  Status Line(std::string_view line) {
    if (Has(line, "ignore_task_error:") || Has(line, "ignore_error:")) CROMT_TRY(Add(IgnoreError{}));
    if (Has(line, "ignore_task_check_error:")) CROMT_TRY(Add(IgnoreCheckError{}));
    if (in_json_ || Has(line, kBegin)) return JsonLine(line);
    std::string_view rest;
    if (After(line, "task_var_bash:", rest)) return Variable(rest);
    if (After(line, "task:", rest)) return Subtask(FirstWord(rest));
    return {};
  }

  std::vector<HookRequest> Take() { return std::move(requests_); }

 private:
  static constexpr std::string_view kBegin = "task_var_json_begin";
  static constexpr std::string_view kEnd = "task_var_json_end";

  static bool Has(std::string_view line, std::string_view word) { return line.find(word) != std::string_view::npos; }

  Status Add(HookRequest request) {
    if (requests_.size() == kMaxHookRequests)
      return Fail(ErrorCode::kExhausted, fmt::format("a hook asks for more than {} things", kMaxHookRequests));
    requests_.push_back(std::move(request));
    return {};
  }

  // Begin, text and end may stand in one line.
  Status JsonLine(std::string_view line) {
    if (const size_t begin = line.find(kBegin); !in_json_ && begin != std::string_view::npos) {
      in_json_ = true;
      line.remove_prefix(begin + kBegin.size());
    }
    const size_t end = line.find(kEnd);
    json_ += line.substr(0, end);
    if (end == std::string_view::npos) {
      json_ += '\n';
    } else {
      in_json_ = false;
    }
    return {};
  }

  Status Variable(std::string_view rest) {
    const std::string_view key = FirstWord(rest);
    rest.remove_prefix(key.size());
    const size_t begin = rest.find_first_not_of(kBlanks);
    if (begin != std::string_view::npos) rest.remove_prefix(begin);
    if (variables_.size() == kMaxHookRequests)
      return Fail(ErrorCode::kExhausted, fmt::format("a hook sets more than {} variables", kMaxHookRequests));
    Set(variables_, std::string(key), Value{std::string(rest)});
    return {};
  }

  Status Subtask(std::string_view name) {
    RunSubtask run{std::string(name), std::move(variables_)};
    if (run.variables.empty() && json_.find_first_not_of(" \t\r\n") != std::string::npos) {
      auto value = ParseJson(json_);
      const Map* map = value ? std::get_if<Map>(&value->form) : nullptr;
      if (!value) return Fail("the variables for task " + Quote(name), value.error());
      if (!map && !std::holds_alternative<List>(value->form))  // an empty list is PHP's empty map
        return Fail(ErrorCode::kInvalid, fmt::format("the variables for task {} are no JSON object", Quote(name)));
      if (map) run.variables = *map;
    }
    variables_.clear();
    json_.clear();
    return Add(std::move(run));
  }

  std::vector<HookRequest> requests_;
  Map variables_;
  std::string json_;
  bool in_json_ = false;
};

}  // namespace

Result<std::vector<HookRequest>> ReadHookOutput(std::string_view text) {
  Reader reader;
  for (std::string_view line : Lines(text)) CROMT_TRY(reader.Line(line));
  return reader.Take();
}

}  // namespace cromt::step
