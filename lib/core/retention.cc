#include "core/retention.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt {

namespace {

std::string AgeText(Duration age) {
  return age % kDay == Duration::zero() ? fmt::format("{} days", age / kDay) : FormatDuration(age);
}

}  // namespace

std::string RunSieve::Take(const EndedRun& run) {
  const int64_t newer = taken_++;
  const bool newest = newer == 0 || (run.succeeded && !succeeded_);
  succeeded_ |= run.succeeded;
  if (newest) return {};
  std::string why = WhyNot(run, newer);
  if (why.empty() || now_ - run.finished >= kKeptAtLeast) return why;
  waits_ = true;
  return {};
}

// Not counting that it may be too early.
std::string RunSieve::WhyNot(const EndedRun& run, int64_t newer) const {
  const int factor = run.succeeded ? 1 : kFailedFactor;
  const char* which = run.succeeded ? "" : " that did not succeed";
  if (runs_ > 0 && newer >= factor * runs_)
    return fmt::format("runs{} are kept as long as they are among the newest {} of their project", which,
                       factor * runs_);
  if (age_ > Duration::zero() && now_ - run.finished > factor * age_)
    return fmt::format("runs{} are kept for {}", which, AgeText(factor * age_));
  return {};
}

std::vector<RunOutput> OutputToRemove(std::vector<RunOutput> all, int64_t most) {
  int64_t total = 0;
  for (const RunOutput& output : all) total += output.bytes;
  if (most <= 0 || total <= most) return {};
  std::erase_if(all, [](const RunOutput& output) { return !output.finished; });
  std::ranges::sort(all, [](const RunOutput& a, const RunOutput& b) {
    return a.finished != b.finished ? a.finished < b.finished : a.run < b.run;
  });
  size_t count = 0;
  for (; count < all.size() && total > most - most / 20; ++count) total -= all[count].bytes;
  all.resize(count);
  return all;
}

}  // namespace cromt
