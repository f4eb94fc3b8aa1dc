#include "cli/start_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/name.h"
#include "core/action.h"

namespace cromt::cli {

void StartFlags::Declare(Arguments& arguments) {
  arguments.Option("--action", "A", action, "run these actions instead of the project's: --action 'build test'");
  arguments.Repeated("--var", "K=V", vars, "set a variable of the project's tasks; may be repeated");
}

Status StartFlags::CheckAction() const {
  if (!action) return {};
  auto words = ParseAction(*action);
  if (!words) return Fail("--action", std::move(words).error());
  if (words->empty()) return Fail(ErrorCode::kInvalid, "--action: names no action");
  return {};
}

Result<Variables> StartFlags::ReadVars() const {
  Variables variables;
  for (const std::string& var : vars) {
    const size_t equals = var.find('=');
    const std::string name = var.substr(0, equals);
    if (equals == std::string::npos || !IsVariableName(name))
      return Fail(ErrorCode::kInvalid,
                  fmt::format("--var {}: write NAME=VALUE, NAME of letters, digits and _", Quote(var)));
    std::string value = var.substr(equals + 1);
    if (!IsUtf8(value)) return Fail(ErrorCode::kInvalid, fmt::format("--var {}: the value is not UTF-8", name));
    const auto known =
        std::find_if(variables.begin(), variables.end(), [&](const auto& one) { return one.first == name; });
    if (known != variables.end())
      known->second = std::move(value);
    else
      variables.emplace_back(name, std::move(value));
  }
  return variables;
}

Result<std::optional<Duration>> ReadDuration(std::string_view option, const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  auto duration = ParseDuration(*text);
  if (!duration) return Fail(option, std::move(duration).error());
  return *duration;
}

Result<std::optional<uint64_t>> ReadNumber(std::string_view option, const std::optional<std::string>& text,
                                           uint64_t most) {
  if (!text) return std::nullopt;
  uint64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [last, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || last != end || number > most)
    return Fail(ErrorCode::kInvalid,
                most == UINT64_MAX ? fmt::format("{}: {} is not a whole number", option, Quote(*text))
                                   : fmt::format("{}: {} is not a whole number up to {}", option, Quote(*text), most));
  return number;
}

}  // namespace cromt::cli
