#include "tests/sim/past_check.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "coordinator/why.h"

namespace cromt::sim {
namespace {

// Which attempt it tells of; 0 = none.
uint32_t AttemptIn(std::string_view text) {
  constexpr std::string_view kBefore = "attempt ";
  uint32_t attempt = 0;
  if (!text.starts_with(kBefore)) return 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + kBefore.size(), end, attempt);
  return error == std::errc() && rest != end && *rest == ':' ? attempt : 0;
}

// Each attempt before the last that had a process is told of, and none that never was.
std::string WhatIsWrong(const Ledger& ledger, const RunId& run, const TaskView& task, const WhyLines& lines) {
  std::set<uint32_t> told;
  for (const WhyLine& line : lines) {
    if (line.kind == WhyKind::kWaited) continue;
    const uint32_t attempt = AttemptIn(line.text);
    if (line.kind != WhyKind::kEarlier || attempt == 0 || attempt > task.status.attempt)
      return fmt::format("'{}' ({}) is no earlier attempt", line.text, ToString(line.kind));
    told.insert(attempt);
  }
  for (uint32_t attempt = 1; attempt < task.status.attempt && lines.size() < kMostEarlier; ++attempt)
    if (ledger.HasStarted({run, task.index, attempt}) && !ledger.IsLeasedBySecond({run, task.index, attempt}) &&
        !told.contains(attempt))
      return fmt::format("attempt {} is not told of", attempt);
  return "";
}

}  // namespace

void CheckPast(World& world, StoreReader& reader, const std::vector<RunView>& runs) {
  for (const RunView& run : runs)
    for (const TaskView& task : run.tasks) {
      const auto history = reader.History(run.header.id, task.index);
      if (!history) return world.ledger.Violation("reading the store: " + history.error().message);
      const WhyLines lines = WhatCameBefore(task, *history);
      for (const WhyLine& line : lines) world.situations.Saw("why", ToString(line.kind));
      const std::string wrong = WhatIsWrong(world.ledger, run.header.id, task, lines);
      // What happened in the part of a store that is gone is not known.
      if (!wrong.empty() && !world.ledger.went_back())
        world.ledger.Violation(
            fmt::format("what came before is not true: {}/{}: {}", run.header.id.text(), task.index + 1, wrong));
    }
}

}  // namespace cromt::sim
