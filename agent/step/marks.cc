#include "agent/step/marks.h"

#include <fmt/format.h>
#include <string.h>

#include <charconv>

#include "base/name.h"

namespace cromt::step {
namespace {

constexpr std::string_view kBegin = "task-begin ";
constexpr std::string_view kSection = "section ";
constexpr std::string_view kLine = "line ";
constexpr std::string_view kQuiet = "quiet ";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr size_t kMaxOwnLineBytes = kMaxMarkBytes - kLine.size() - 1;

std::string Shown(std::string_view text, size_t max_bytes) {
  std::string shown;
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    std::string_view piece = text.substr(0, length);
    if (length == 0 || !IsTitle(piece)) piece = kReplacement;
    if (shown.size() + piece.size() > max_bytes) break;
    shown += piece;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return shown;
}

std::string_view What(bool is_hook) {
  return is_hook ? "hook" : "task";
}

std::string Line(const TaskBegan& mark) {
  return fmt::format("{}{}{}\n", mark.quiet ? kQuiet : "", kBegin, TitleFrom(mark.title));
}

std::string Line(const TaskEnded& mark) {
  const bool by_signal = mark.signal != 0;
  return fmt::format("{}-end {} {} {}\n", What(mark.is_hook), by_signal ? "signal" : "exit",
                     by_signal ? mark.signal : mark.exit_code, TitleFrom(mark.name));
}

std::string Line(const SectionBegan& mark) {
  return fmt::format("{}{}{}\n", mark.quiet ? kQuiet : "", kSection, TitleFrom(mark.title));
}

std::string Line(const OwnLine& mark) {
  return fmt::format("{}{}\n", kLine, Shown(mark.text, kMaxOwnLineBytes));
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
  if (Take(line, kLine)) return OwnLine{Shown(line, kMaxOwnLineBytes)};
  const bool quiet = Take(line, kQuiet);
  const bool is_task = Take(line, kBegin);
  if (is_task || Take(line, kSection)) {
    if (!IsTitle(line)) return std::nullopt;
    return is_task ? Mark(TaskBegan{std::string(line), quiet}) : Mark(SectionBegan{std::string(line), quiet});
  }
  if (quiet) return std::nullopt;
  TaskEnded ended{.is_hook = line.starts_with(What(true))};
  if (!Take(line, What(ended.is_hook))) return std::nullopt;
  const bool by_signal = line.starts_with("-end signal ");
  if (!Take(line, by_signal ? "-end signal " : "-end exit ")) return std::nullopt;
  const auto number = TakeNumber(line);
  if (!number || (by_signal && *number == 0) || !IsTitle(line)) return std::nullopt;
  ended.name = line;
  (by_signal ? ended.signal : ended.exit_code) = *number;
  return ended;
}

std::string TitleFrom(std::string_view text) {
  std::string title = Shown(text, kMaxTitleBytes);
  return title.empty() ? "?" : title;
}

std::string Heading(const TaskBegan& mark) {
  return fmt::format("[task run: {}]", mark.title);
}

std::string Heading(const SectionBegan& mark) {
  return fmt::format("[{}]", mark.title);
}

std::vector<std::string> FailureLines(const TaskEnded& mark) {
  if (mark.signal == 0 && mark.exit_code == 0) return {};
  std::vector<std::string> lines;
  const std::string_view what = What(mark.is_hook);
  if (mark.signal != 0) lines.push_back(fmt::format("{} killed by signal {}", what, SignalName(mark.signal)));
  lines.push_back(fmt::format("{} exit status: {}", what, mark.signal != 0 ? 128 + mark.signal : mark.exit_code));
  lines.push_back(fmt::format("{} {} FAILED", what, mark.name));
  return lines;
}

}  // namespace cromt::step
