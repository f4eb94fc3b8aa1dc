#include "agent/launcher/roster.h"

#include <algorithm>
#include <utility>

namespace cromt::launcher {
namespace {

bool HasNul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}
bool IsAbsolute(const std::string& path) {
  return path.starts_with('/') && !HasNul(path);
}

}  // namespace

bool IsValid(const Start& start) {
  return !start.argv.empty() && IsAbsolute(start.cwd) && !HasNul(start.mark) &&
         std::none_of(start.argv.begin(), start.argv.end(), HasNul) &&
         std::all_of(start.writable.begin(), start.writable.end(), IsAbsolute) &&
         std::all_of(start.readable.begin(), start.readable.end(), IsAbsolute) &&
         std::none_of(start.env.begin(), start.env.end(), HasNul);
}

Known NotSpawned(const Start& start, int error, std::string reason, Wall now, LogPosition log_end) {
  Started started{.log_id = start.log_id, .wall_us = Micros(now), .log_begin = log_end};
  Ended ended{.log_id = start.log_id,
              .cause = Ended::Cause::kNotSpawned,
              .spawn_errno = error,
              .started_wall_us = started.wall_us,
              .ended_wall_us = started.wall_us,
              .log_begin = log_end,
              .log_end = log_end,
              .reason = std::move(reason)};
  return {started, std::move(ended)};
}

Roster::Verdict Roster::Judge(const Start& start) const {
  if (known_.contains(start.log_id)) return Verdict::kKnown;
  if (leaves_) return Verdict::kLeaving;
  if (known_.size() >= kMaxAttempts) return Verdict::kFull;
  return IsValid(start) ? Verdict::kBegin : Verdict::kInvalid;
}

void Roster::Keep(const Known& ended) {
  auto [known, is_new] = known_.try_emplace(ended.started.log_id);
  if (is_new || !known->second.ended) ++results_;
  known->second = ended;
}

void Roster::Forget(uint64_t log_id) {
  const auto known = known_.find(log_id);
  if (known == known_.end() || !known->second.ended) return;
  known_.erase(known);
  --results_;
}

void Roster::Greet(Hello own, const std::function<void(const FromLauncher&)>& send) const {
  own.level = kLevel;
  send(own);
  for (const auto& [log_id, known] : known_) send(known);
  send(Ready{});
}

}  // namespace cromt::launcher
