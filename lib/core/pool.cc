#include "core/pool.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt {
namespace {

bool Has(const PoolAgent& agent, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    auto found = agent.labels.find(label.first);
    return found != agent.labels.end() && found->second == label.second;
  });
}

int64_t FreeSlots(const PoolAgent& agent) {
  return int64_t{agent.slots} - agent.tasks;
}

std::string Describe(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
  return text;
}

std::string Refusal(const Pool& pool, size_t fitting, size_t all) {
  const std::string with = pool.labels.empty() ? "" : " with " + Describe(pool.labels);
  const std::string hint = all == 0 ? "; the coordinator's `agents` name none, and none has joined"
                                    : fmt::format("; of {} known to the coordinator", all);
  if (!pool.count) return fmt::format("pool wants all agents{}, and there is none{}", with, hint);
  return fmt::format("pool wants {} agent{}{}, and there {} {}{}", *pool.count, *pool.count == 1 ? "" : "s", with,
                     fitting == 1 ? "is" : "are", fitting == 0 ? "none" : std::to_string(fitting), hint);
}

}  // namespace

PoolChooser::PoolChooser(std::vector<PoolAgent> agents) : agents_(std::move(agents)) {
  std::sort(agents_.begin(), agents_.end(), [](const auto& a, const auto& b) { return a.host < b.host; });
}

Result<std::vector<const PoolAgent*>> PoolChooser::Choose(const Pool& pool) {
  std::vector<size_t> fitting;
  for (size_t i = 0; i < agents_.size(); ++i)
    if (Has(agents_[i], pool.labels)) fitting.push_back(i);
  if (fitting.empty() || (pool.count && fitting.size() < *pool.count))
    return Fail(ErrorCode::kInvalid, Refusal(pool, fitting.size(), agents_.size()));
  if (pool.count) {
    std::stable_sort(fitting.begin(), fitting.end(), [&](size_t a, size_t b) {
      if (agents_[a].up != agents_[b].up) return agents_[a].up;
      return FreeSlots(agents_[a]) > FreeSlots(agents_[b]);
    });
    fitting.resize(*pool.count);
    std::sort(fitting.begin(), fitting.end());
  }
  std::vector<const PoolAgent*> chosen;
  for (size_t i : fitting) {
    ++agents_[i].tasks;
    chosen.push_back(&agents_[i]);
  }
  return chosen;
}

}  // namespace cromt
