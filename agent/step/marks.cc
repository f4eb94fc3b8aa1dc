#include "agent/step/marks.h"

#include <fmt/format.h>
#include <string.h>

#include <charconv>

#include "base/name.h"

namespace cromt::step {
namespace {

constexpr std::string_view kBegin = "task-begin ";
constexpr std::string_view kEndExit = "task-end exit ";
constexpr std::string_view kEndSignal = "task-end signal ";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string Line(const TaskBegan& mark) {
  return fmt::format("{}{}\n", kBegin, TitleFrom(mark.title));
}

std::string Line(const TaskEnded& mark) {
  return fmt::format("{}{} {}\n", mark.signal != 0 ? kEndSignal : kEndExit,
                     mark.signal != 0 ? mark.signal : mark.exit_code, TitleFrom(mark.name));
}

bool Take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Takes "NUMBER " off the front; nullopt if it isn't there or is no exit code or signal.
std::optional<int> TakeNumber(std::string_view& text) {
  int number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return std::nullopt;
  if (number < 0 || number > 255) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return number;
}

std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? fmt::format("{} (SIG{})", signal, name) : std::to_string(signal);
}

}  // namespace

std::string Encode(const Mark& mark) {
  return std::visit([](const auto& m) { return Line(m); }, mark);
}

std::optional<Mark> DecodeMark(std::string_view line) {
  if (line.size() > kMaxMarkBytes) return std::nullopt;
  if (Take(line, kBegin)) return IsTitle(line) ? std::optional<Mark>(TaskBegan{std::string(line)}) : std::nullopt;
  const bool by_signal = line.starts_with(kEndSignal);
  if (!Take(line, kEndExit) && !Take(line, kEndSignal)) return std::nullopt;
  auto number = TakeNumber(line);
  if (!number || (by_signal && *number == 0) || !IsTitle(line)) return std::nullopt;
  TaskEnded ended{.name = std::string(line)};
  (by_signal ? ended.signal : ended.exit_code) = *number;
  return ended;
}

std::string TitleFrom(std::string_view text) {
  std::string title;
  while (!text.empty()) {
    size_t length = Utf8SequenceLength(text);
    std::string_view shown = text.substr(0, length);
    if (length == 0 || !IsTitle(shown)) shown = kReplacement;
    if (title.size() + shown.size() > kMaxTitleBytes) break;
    title += shown;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return title.empty() ? "?" : title;
}

std::string Heading(const TaskBegan& mark) {
  return fmt::format("[task run: {}]", mark.title);
}

std::vector<std::string> FailureLines(const TaskEnded& mark) {
  if (mark.signal == 0 && mark.exit_code == 0) return {};
  std::vector<std::string> lines;
  if (mark.signal != 0) lines.push_back("task killed by signal " + SignalName(mark.signal));
  lines.push_back(fmt::format("task exit status: {}", mark.signal != 0 ? 128 + mark.signal : mark.exit_code));
  lines.push_back(fmt::format("task {} FAILED", mark.name));
  return lines;
}

}  // namespace cromt::step
