#include "cli/describe.h"

#include <fmt/format.h>
#include <string.h>
#include <time.h>

#include <algorithm>

#include "cli/clean_text.h"

namespace cromt::cli {

std::string TaskLabel(const TaskView& task) {
  return Clean(task.name) + " on " + Clean(task.host);
}

std::string Standing(const TaskStatus& status) {
  std::string text(status.outcome ? ToString(*status.outcome) : ToString(status.state));
  return status.ignored ? text + " (ignored)" : text;
}

std::string_view Standing(const RunStatus& status) {
  return status.outcome ? ToString(*status.outcome) : ToString(status.state);
}

std::string WhyEnded(const TaskStatus& status) {
  if (!status.reason.empty()) return Clean(status.reason);
  if (!status.exit || status.outcome == TaskOutcome::kSucceeded) return "";
  if (const auto* exited = std::get_if<Exited>(&*status.exit)) return fmt::format("exit code {}", exited->code);
  const int number = std::get<Signaled>(*status.exit).signal;
  const char* name = ::sigabbrev_np(number);
  return fmt::format("killed by signal {}{}", number, name ? fmt::format(" ({})", name) : "");
}

std::string Took(std::optional<Wall> started, std::optional<Wall> finished, Wall now) {
  if (!started) return "";
  const Duration took = finished.value_or(now) - *started;
  return FormatDuration(std::max(took, Duration(0)));  // wall clocks jump
}

std::string LocalTime(std::optional<Wall> at) {
  if (!at) return "";
  const time_t seconds = Micros(*at) / 1'000'000;
  struct tm local {};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                     local.tm_hour, local.tm_min, local.tm_sec);
}

std::string Count(size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace cromt::cli
