#include "coordinator/pool_agents.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "core/agent_address.h"

namespace cromt {
namespace {

PoolAgent AgentOf(std::string host, std::string address, const AgentView* view) {
  PoolAgent agent{.host = std::move(host), .address = std::move(address)};
  if (!view) return agent;
  agent.labels = view->labels;
  agent.up = view->up;
  agent.slots = view->slots;
  agent.tasks = view->attempts + view->ready;
  return agent;
}

}  // namespace

bool HasPool(const JobFile& file) {
  return std::any_of(file.projects.begin(), file.projects.end(),
                     [](const Project& project) { return project.pool != nullptr; });
}

std::vector<PoolAgent> PoolAgents(const std::vector<AgentView>& views, const std::map<std::string, std::string>& named,
                                  const std::string& local_address) {
  std::unordered_map<std::string_view, const AgentView*> by_address;
  for (const AgentView& view : views) by_address.emplace(view.address, &view);
  auto view_of = [&](const std::string& address) {
    auto found = by_address.find(address);
    return found == by_address.end() ? nullptr : found->second;
  };
  auto out_of_service = [](const AgentView* view) { return view && !view->drained.empty(); };
  if (named.empty() && out_of_service(view_of(local_address))) return {};
  if (named.empty()) return {AgentOf("local", local_address, view_of(local_address))};

  std::vector<PoolAgent> agents;
  std::vector<const AgentView*> seen_as;
  for (const auto& [name, text] : named) {
    const auto host = ParseAgentAddress(name), address = ParseAgentAddress(text);
    if (!host || !address) continue;  // the planner refuses them
    const AgentView* view = view_of(ToString(*address));
    if (out_of_service(view)) continue;
    seen_as.push_back(view);
    agents.push_back(AgentOf(HostId(*host), ToString(*address), view));
  }
  // One agent may be named twice, or be reached by another of its addresses: the one it is up at goes first.
  std::vector<size_t> order(agents.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return agents[a].up && !agents[b].up; });
  std::set<std::string> addresses, hosts;
  std::set<AgentId> ids;
  std::vector<PoolAgent> once;
  for (size_t i : order) {
    const bool is_known = seen_as[i] && !seen_as[i]->agent.empty() && !ids.insert(seen_as[i]->agent).second;
    if (is_known || !addresses.insert(agents[i].address).second || !hosts.insert(agents[i].host).second) continue;
    once.push_back(std::move(agents[i]));
  }
  return once;
}

}  // namespace cromt
