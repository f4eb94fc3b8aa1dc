#include "core/polls.h"

#include <algorithm>
#include <utility>

namespace cromt {
namespace {

constexpr Duration kRetry = seconds(5);  // of what has no interval

}  // namespace

void Polls::Line(const WatchedRef& ref, Entry& entry, std::optional<Mono> due) {
  if (entry.due) line_.erase({*entry.due, ref});
  entry.due = due;
  if (due) line_.emplace(*due, ref);
}

void Polls::Watch(const WatchedRef& ref, const std::string& server, std::optional<Duration> interval, Mono now) {
  auto [found, added] = entries_.try_emplace(ref);
  Entry& entry = found->second;
  const bool back = std::exchange(entry.forgotten, false);
  if (!entry.under_way) entry.server = server;  // else the count of its server would go wrong
  if (!added && !back && entry.interval == interval) return;
  entry.interval = interval;
  entry.blocked = false;  // it lines up anew
  if (entry.under_way)
    entry.again |= interval.has_value();
  else
    Line(ref, entry, interval ? std::optional(now) : std::nullopt);
}

void Polls::Forget(const WatchedRef& ref) {
  auto found = entries_.find(ref);
  if (found == entries_.end()) return;
  Line(ref, found->second, std::nullopt);
  found->second.blocked = false;
  if (found->second.under_way) {
    found->second.forgotten = true;
    found->second.again = false;
    return;
  }
  const std::string server = found->second.server;
  entries_.erase(found);
  // Whether it fails is found out anew, should others need it.
  if (auto known = servers_.find(server); known != servers_.end() && known->second.under_way == 0) {
    known->second.failing = false;
    Tidy(server);
  }
}

void Polls::Look(const WatchedRef& ref, Mono now) {
  Entry& entry = entries_.at(ref);
  if (entry.under_way)
    entry.again = true;
  else if (!entry.blocked)
    Line(ref, entry, now);
}

std::vector<WatchedRef> Polls::Begin(Mono now) {
  std::vector<WatchedRef> begun;
  while (under_way_ < kAtOnce && !line_.empty() && line_.begin()->first <= now) {
    const WatchedRef ref = line_.begin()->second;
    Entry& entry = entries_.at(ref);
    Line(ref, entry, std::nullopt);
    Server& server = servers_[entry.server];
    if (server.under_way >= kOfAServer || (server.failing && failing_under_way_ >= kOfFailing)) {
      Block(ref, entry, server);
      continue;
    }
    entry.under_way = true;
    ++server.under_way;
    ++under_way_;
    failing_under_way_ += server.failing;
    begun.push_back(ref);
  }
  return begun;
}

std::optional<Mono> Polls::NextDue() const {
  if (under_way_ >= kAtOnce || line_.empty()) return std::nullopt;
  return line_.begin()->first;
}

// It comes back when a look of its server ends, or, if that is failing, one of any that is.
void Polls::Block(const WatchedRef& ref, Entry& entry, Server& server) {
  entry.blocked = true;
  server.blocked.push_back(ref);
  if (server.failing && !std::exchange(server.in_line, true)) failing_line_.push_back(entry.server);
}

void Polls::Release(Server& server, size_t count, Mono now) {
  while (count > 0 && !server.blocked.empty()) {
    const WatchedRef ref = std::move(server.blocked.front());
    server.blocked.pop_front();
    const auto found = entries_.find(ref);
    if (found == entries_.end() || !std::exchange(found->second.blocked, false)) continue;
    Line(ref, found->second, now);
    --count;
  }
}

// One each, so that none of them has all.
void Polls::ReleaseFailing(Mono now) {
  const size_t most = failing_line_.size();
  for (size_t i = 0, free = kOfFailing - std::min(failing_under_way_, kOfFailing); i < most && free > 0; ++i, --free) {
    const std::string name = std::move(failing_line_.front());
    failing_line_.pop_front();
    const auto found = servers_.find(name);
    if (found == servers_.end()) continue;
    found->second.in_line = false;
    Release(found->second, 1, now);
    if (found->second.blocked.empty()) continue;
    found->second.in_line = true;
    failing_line_.push_back(name);
  }
}

void Polls::Tidy(const std::string& server) {
  auto found = servers_.find(server);
  const Server& known = found->second;
  if (known.under_way == 0 && !known.failing && !known.in_line && known.blocked.empty()) servers_.erase(found);
}

bool Polls::Ended(const WatchedRef& ref, End end, Mono now) {
  auto found = entries_.find(ref);
  if (found == entries_.end() || !found->second.under_way) return true;
  Entry& entry = found->second;
  entry.under_way = false;
  --under_way_;
  const std::string name = entry.server;
  Server& server = servers_.at(name);
  // What is still under way to its server counts as that now does.
  failing_under_way_ -= server.failing ? server.under_way : 0;
  --server.under_way;
  server.failing = end == End::kSilent;
  failing_under_way_ += server.failing ? server.under_way : 0;
  Release(server, server.failing ? 1 : kOfAServer - std::min(server.under_way, kOfAServer), now);
  ReleaseFailing(now);
  Tidy(name);
  if (entry.forgotten) {
    entries_.erase(found);
    return true;
  }
  entry.failures = end == End::kGood ? 0 : entry.failures + 1;
  const bool again = std::exchange(entry.again, false);
  Line(ref, entry, NextLook(entry, again, now));
  return !again;
}

std::optional<Mono> Polls::NextLook(const Entry& entry, bool again, Mono now) {
  if (entry.failures == 0 && again) return now;
  if (entry.failures == 0 && !entry.interval) return std::nullopt;
  const Duration interval = entry.interval.value_or(kRetry);
  Duration wait = interval;
  for (uint32_t i = 1; i < entry.failures && wait < kLongestBackoff; ++i) wait *= 2;
  return now + std::max(interval, std::min(wait, kLongestBackoff));
}

}  // namespace cromt
