#include "coordinator/wait_reasons.h"

#include <fmt/format.h>

#include <set>

#include "core/why.h"

namespace cromt {
namespace {

constexpr Duration kPatience = seconds(1);

// What keeps the agent at which address from taking tasks. One that is reached by another address is not down.
std::map<std::string_view, std::string> ClosedAddresses(const std::vector<AgentView>& agents) {
  std::map<std::string_view, const AgentView*> up;
  for (const AgentView& agent : agents)
    if (agent.up) up[agent.agent.text()] = &agent;
  std::map<std::string_view, std::string> closed;
  for (const AgentView& agent : agents) {
    const auto reached = up.find(agent.agent.text());
    if (reached == up.end())
      closed[agent.address] = "can't be reached: " + agent.reason;
    else if (!reached->second->reason.empty())
      closed[agent.address] = "takes nothing new: " + reached->second->reason;
  }
  return closed;
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
  const auto closed = ClosedAddresses(agents);
  std::vector<TaskView> changed;
  if (closed.empty() && told_.empty()) return changed;  // the usual case, however many wait
  for (auto& [index, task] : ready_) {
    if (task.status.queued_at && now - *task.status.queued_at < kPatience) continue;
    const auto found = closed.find(task.address);
    const auto own = told_.find(index);
    if (found == closed.end()) {
      if (own == told_.end()) continue;
      task.status.reason = std::move(own->second);
      told_.erase(own);
    } else {
      std::string reason = HostText({task.host, task.address}) + " " + found->second;
      if (reason == task.status.reason) continue;
      if (own == told_.end()) told_.emplace(index, std::move(task.status.reason));
      task.status.reason = std::move(reason);
    }
    changed.push_back(task);
  }
  return changed;
}

}  // namespace cromt
