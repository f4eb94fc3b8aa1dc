#include "core/task_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/name.h"
#include "core/task_spec.h"
#include "core/variables.h"

namespace cromt {
namespace {

constexpr size_t kMaxSpecBytes = 1 << 30;

std::string Lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

// `narrow` on top of `wide`.
Overrides Fold(Overrides wide, const Overrides* narrow) {
  if (!narrow) return wide;
  if (!narrow->action.empty()) wide.action = narrow->action;
  if (!narrow->options.empty()) wide.options = narrow->options;
  if (!narrow->title.empty()) wide.title = narrow->title;
  if (narrow->has_url()) {
    wide.url = narrow->url;
    wide.url_template = narrow->url_template;
  }
  if (narrow->lane) wide.lane = narrow->lane;
  if (narrow->timeout) wide.timeout = narrow->timeout;
  if (narrow->grace) wide.grace = narrow->grace;
  if (narrow->retries) wide.retries = narrow->retries;
  if (narrow->retry_delay) wide.retry_delay = narrow->retry_delay;
  if (narrow->retry_backoff_permille) wide.retry_backoff_permille = narrow->retry_backoff_permille;
  if (narrow->secrets) wide.secrets = narrow->secrets;
  if (narrow->container)
    wide.container = wide.container ? std::make_shared<const ContainerKeys>(Merge(*wide.container, *narrow->container))
                                    : narrow->container;
  if (narrow->vars && wide.vars)
    wide.vars = std::make_shared<const Variables>(Merge(*wide.vars, *narrow->vars));
  else if (narrow->vars)
    wide.vars = narrow->vars;
  return wide;
}

// True if `set` changes what a task does, not only where.
bool ChangesTask(const Overrides& set) {
  return !set.action.empty() || !set.options.empty() || !set.title.empty() || (set.vars && !set.vars->empty()) ||
         set.timeout || set.grace || set.retries || set.retry_delay || set.retry_backoff_permille || set.container ||
         set.secrets;
}

size_t HashOf(const TaskSpec& spec) {
  std::hash<std::string> hash;
  size_t seed = HashCombine(hash(spec.project), hash(spec.name));
  for (const auto& [name, value] : spec.variables) seed = HashCombine(HashCombine(seed, hash(name)), hash(value));
  if (const auto* actions = std::get_if<Actions>(&spec.work))
    for (const auto* words : {&actions->names, &actions->options})
      for (const std::string& word : *words) seed = HashCombine(seed, hash(word));
  return seed;
}

// Gives out ids that differ: a repeated one gets "-2", "-3", …
class UniqueIds {
 public:
  std::string Take(const std::string& wished) {
    if (used_.insert(wished).second) return wished;
    uint32_t& last = last_number_.try_emplace(wished, 1).first->second;
    for (;;) {
      std::string suffix = fmt::format("-{}", ++last);
      std::string id = wished.substr(0, kMaxNameBytes - suffix.size()) + suffix;
      if (used_.insert(id).second) return id;
    }
  }

 private:
  std::unordered_set<std::string> used_;
  std::unordered_map<std::string, uint32_t> last_number_;
};

}  // namespace

Status TaskTable::Configure(const PlannerOptions& options) {
  places_.push_back({"local", options.local_address});
  if (options.pool_agents) pools_.emplace(*options.pool_agents);
  for (const auto& [name, text] : options.agents) {
    auto address = ParseAgentAddress(text);
    if (!address) return Fail(fmt::format("agents: {}", name), address.error());
    aliases_.emplace(Lower(name), ToString(*address));
  }
  return {};
}

PlaceIndex TaskTable::PlaceOf(const AgentAddress& url) {
  std::string address = ToString(url);
  auto [known, is_new] = place_of_url_.try_emplace(address, static_cast<PlaceIndex>(places_.size()));
  if (!is_new) return known->second;
  auto alias = aliases_.find(Lower(address));
  if (alias == aliases_.end()) alias = aliases_.find(Lower(url.host));
  places_.push_back({HostId(url), alias == aliases_.end() ? address : alias->second});
  return known->second;
}

Result<PlaceIndex> TaskTable::PlaceOf(const Project& project, const Overrides& set) {
  if (set.url) return PlaceOf(*set.url);
  CROMT_ASSIGN(const AgentAddress url, FillUrl(file_, project, set));
  return PlaceOf(url);
}

Status TaskTable::Reserve(size_t tasks) const {
  if (tasks <= kMaxTasks - plan_.tasks.size()) return {};
  return Fail(ErrorCode::kExhausted, fmt::format("the plan has more than {} tasks", kMaxTasks));
}

Status TaskTable::Expand(const Expansion& expansion, InstanceIndex instance) {
  const auto& hosts = Entries(expansion.hosts);
  CROMT_TRY(Reserve(std::max<size_t>(hosts.size(), 1)));
  const Project& project = *expansion.project;
  Overrides base = Fold(project.set, expansion.entry);
  if (expansion.pool) return ExpandPool(expansion, base, instance);
  std::optional<uint32_t> base_spec;  // of hosts that change nothing; made when there is one
  auto spec_of = [&](const Overrides* host) -> Result<uint32_t> {
    bool is_base = !host || !ChangesTask(*host);
    if (is_base && base_spec) return *base_spec;
    CROMT_ASSIGN(TaskSpec spec, MakeSpec(file_, project, Fold(is_base ? base : Fold(base, host), expansion.start)));
    CROMT_ASSIGN(const uint32_t index, Intern(std::move(spec)));
    if (is_base) base_spec = index;
    return index;
  };
  auto place_of = [&](const Overrides* host) -> Result<PlaceIndex> {
    const Overrides& from = host && host->has_url() ? *host : base;
    if (!from.has_url()) return expansion.inherited;
    if (from.url) return PlaceOf(*from.url);
    return PlaceOf(project, Fold(Fold(base, host), expansion.start));
  };
  const std::optional<uint32_t> limit = LimitOf(project, hosts.size());
  if (hosts.empty()) {
    CROMT_ASSIGN(uint32_t spec, spec_of(nullptr));
    CROMT_ASSIGN(const PlaceIndex where, place_of(nullptr));
    const Place& place = places_[where];
    Append(instance, spec, HostOf(place.id, place.address), GroupsOf(base.lane, place.address, limit));
    return {};
  }
  UniqueIds ids;
  std::vector<std::string> written(hosts.size());
  for (size_t i = 0; i < hosts.size(); ++i)
    if (!hosts[i].id.empty()) written[i] = ids.Take(hosts[i].id);  // first, so that none is taken by a derived one
  for (size_t i = 0; i < hosts.size(); ++i) {
    const Overrides& set = hosts[i].set;
    CROMT_ASSIGN(uint32_t spec, spec_of(&set));
    CROMT_ASSIGN(const PlaceIndex where, place_of(&set));
    const Place& place = places_[where];
    const auto& lane = set.lane ? set.lane : base.lane;
    Append(instance, spec, HostOf(hosts[i].id.empty() ? ids.Take(place.id) : written[i], place.address),
           GroupsOf(lane, place.address, limit));
  }
  return {};
}

// A group of its own for the instance, if `parallel` bounds it.
std::optional<uint32_t> TaskTable::LimitOf(const Project& project, size_t hosts) {
  if (!project.parallel || *project.parallel == 0 || *project.parallel >= hosts) return std::nullopt;
  return NewGroup({fmt::format("{} of '{}' at a time", *project.parallel, project.name), *project.parallel, false});
}

Status TaskTable::ExpandPool(const Expansion& expansion, const Overrides& base, InstanceIndex instance) {
  const Project& project = *expansion.project;
  std::vector<const PoolAgent*> agents;
  const PoolAgent unknown{.host = "pool"};
  if (!pools_) {
    const uint32_t count = expansion.pool->count.value_or(1);
    CROMT_TRY(Reserve(count));
    agents.assign(count, &unknown);
  } else if (auto chosen = pools_->Choose(*expansion.pool)) {
    agents = std::move(*chosen);
  } else {
    const std::string text = fmt::format("project '{}': {}", project.name, chosen.error().message);
    return Fail(chosen.error().code, ToString(Diagnostic{Severity::kError, file_, expansion.pool->at, text}));
  }
  CROMT_TRY(Reserve(agents.size()));
  CROMT_ASSIGN(TaskSpec made, MakeSpec(file_, project, Fold(base, expansion.start)));
  CROMT_ASSIGN(const uint32_t spec, Intern(std::move(made)));
  const std::optional<uint32_t> limit = LimitOf(project, agents.size());
  UniqueIds ids;
  for (const PoolAgent* agent : agents)
    Append(instance, spec, HostOf(ids.Take(agent->host), agent->address), GroupsOf(base.lane, agent->address, limit));
  return {};
}

Status TaskTable::Repeat(InstanceIndex earlier, InstanceIndex instance) {
  const auto [first, count] = std::pair(plan_.instances[earlier].first_task, plan_.instances[earlier].task_count);
  CROMT_TRY(Reserve(count));
  // Lanes are the same; a limit of its own hosts is each instance's own.
  std::unordered_map<uint32_t, uint32_t> renewed;
  for (uint32_t i = first; i < first + count; ++i) {
    const PlannedTask task = plan_.tasks[i];
    std::vector<uint32_t> groups;
    for (uint32_t group : task.groups) {
      if (plan_.groups[group].mesh_wide) {
        groups.push_back(group);
        continue;
      }
      auto [known, is_new] = renewed.try_emplace(group, 0);
      if (is_new) known->second = NewGroup(PlannedGroup(plan_.groups[group]));
      groups.push_back(known->second);
    }
    std::sort(groups.begin(), groups.end());
    Append(instance, task.spec, task.host, std::move(groups));
  }
  return {};
}

void TaskTable::Append(InstanceIndex instance, uint32_t spec, uint32_t host, std::vector<uint32_t> groups) {
  plan_.tasks.push_back({instance, spec, host, std::move(groups)});
  ++plan_.instances[instance].task_count;
}

uint32_t TaskTable::NewGroup(PlannedGroup group) {
  plan_.groups.push_back(std::move(group));
  return static_cast<uint32_t>(plan_.groups.size() - 1);
}

std::vector<uint32_t> TaskTable::GroupsOf(const std::optional<LaneChoice>& lane, const std::string& address,
                                          std::optional<uint32_t> limit) {
  std::vector<uint32_t> groups;
  if (lane) {
    // No name of a lane holds a blank, so no two lanes are mixed up.
    std::string name =
        lane->per_agent ? fmt::format("{} at {}", lane->name, address.empty() ? "local" : address) : lane->name;
    auto [known, is_new] = lanes_.try_emplace(name, 0);
    if (is_new) known->second = NewGroup({name, 1, true});
    groups.push_back(known->second);
  }
  if (limit) groups.push_back(*limit);
  std::sort(groups.begin(), groups.end());
  return groups;
}

Result<uint32_t> TaskTable::Intern(TaskSpec spec) {
  built_bytes_ += BytesOf(spec);
  if (built_bytes_ > kMaxSpecBytes)
    return Fail(ErrorCode::kExhausted, "the tasks of the plan need more than 1 GiB of description");
  size_t hash = HashOf(spec);
  auto [same, end] = spec_index_.equal_range(hash);
  for (; same != end; ++same)
    if (plan_.specs[same->second] == spec) return same->second;
  auto index = static_cast<uint32_t>(plan_.specs.size());
  plan_.specs.push_back(std::move(spec));
  spec_index_.emplace(hash, index);
  return index;
}

uint32_t TaskTable::HostOf(const std::string& id, const std::string& address) {
  auto [known, is_new] = host_index_.try_emplace(id + '\0' + address, static_cast<uint32_t>(plan_.hosts.size()));
  if (is_new) plan_.hosts.push_back({id, address});
  return known->second;
}

}  // namespace cromt
