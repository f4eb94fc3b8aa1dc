#include "coordinator/wait_reasons.h"

#include <fmt/format.h>

#include <set>

namespace cromt {
namespace {

constexpr Duration kPatience = seconds(1);

// What is wrong at which address. An agent that is reached by another address is not down.
std::map<std::string_view, std::string_view> DownAddresses(const std::vector<AgentView>& agents) {
  std::set<std::string_view> up;
  for (const AgentView& agent : agents)
    if (agent.up) up.insert(agent.agent.text());
  std::map<std::string_view, std::string_view> down;
  for (const AgentView& agent : agents)
    if (!agent.up && !up.contains(agent.agent.text())) down[agent.address] = agent.reason;
  return down;
}

}  // namespace

void WaitReasons::Learn(const std::vector<TaskView>& tasks) {
  for (const TaskView& task : tasks) {
    told_.erase(task.index);
    if (task.status.state == TaskState::kReady)
      ready_[task.index] = task;
    else
      ready_.erase(task.index);
  }
}

std::vector<TaskView> WaitReasons::Changes(const std::vector<AgentView>& agents, Wall now) {
  const auto down = DownAddresses(agents);
  std::vector<TaskView> changed;
  if (down.empty() && told_.empty()) return changed;  // the usual case, however many wait
  for (auto& [index, task] : ready_) {
    if (task.status.queued_at && now - *task.status.queued_at < kPatience) continue;
    const auto found = down.find(task.address);
    const auto own = told_.find(index);
    if (found == down.end()) {
      if (own == told_.end()) continue;
      task.status.reason = std::move(own->second);
      told_.erase(own);
    } else {
      std::string reason = fmt::format("{} can't be reached: {}", task.host, found->second);
      if (reason == task.status.reason) continue;
      if (own == told_.end()) told_.emplace(index, std::move(task.status.reason));
      task.status.reason = std::move(reason);
    }
    changed.push_back(task);
  }
  return changed;
}

}  // namespace cromt
