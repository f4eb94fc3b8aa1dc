#include "core/entry_keys.h"

#include <algorithm>

namespace cromt {
namespace {

// Fields with a tag and their length in front, so that different contents never give the same text.
void Put(std::string& out, char tag, std::string_view text) {
  out += tag;
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

void PutAction(std::string& out, const std::vector<std::string>& words) {
  for (const std::string& word : words) Put(out, 'a', word);
}

void PutVars(std::string& out, std::vector<std::pair<std::string_view, std::string_view>> vars) {
  std::sort(vars.begin(), vars.end());
  for (const auto& [name, value] : vars) {
    Put(out, 'v', name);
    Put(out, '=', value);
  }
}

void PutSecrets(std::string& out, const Overrides& set) {
  if (!set.secrets) return;
  Put(out, 's', "");  // an empty list is not the same as none
  for (const SecretUse& use : *set.secrets) {
    Put(out, 's', use.name);
    if (!use.env.empty()) Put(out, 'e', use.env);
    if (!use.file.empty()) Put(out, 'f', use.file);
    if (!use.registry.empty()) Put(out, 'i', use.registry);
  }
}

void PutScheduling(std::string& out, const Overrides& set) {
  if (set.lane) Put(out, set.lane->per_agent ? 'Q' : 'q', set.lane->name);
  if (set.timeout) Put(out, 'T', std::to_string(set.timeout->count()));
  if (set.grace) Put(out, 'g', std::to_string(set.grace->count()));
  if (set.retries) Put(out, 'r', std::to_string(*set.retries));
  if (set.retry_delay) Put(out, 'd', std::to_string(set.retry_delay->count()));
  if (set.retry_backoff_permille) Put(out, 'b', std::to_string(*set.retry_backoff_permille));
  if (set.container) Put(out, 'c', Describe(*set.container));
}

// What `set` says anew, beside what holds anyway.
Overrides NewIn(const Overrides& set, const Overrides& own) {
  Overrides out;
  if (set.lane != own.lane) out.lane = set.lane;
  if (set.timeout != own.timeout) out.timeout = set.timeout;
  if (set.grace != own.grace) out.grace = set.grace;
  if (set.retries != own.retries) out.retries = set.retries;
  if (set.retry_delay != own.retry_delay) out.retry_delay = set.retry_delay;
  if (set.retry_backoff_permille != own.retry_backoff_permille) out.retry_backoff_permille = set.retry_backoff_permille;
  if (set.container && !(own.container && *set.container == *own.container)) out.container = set.container;
  return out;
}

const Variables& Vars(const Overrides& set) {
  return Entries(set.vars);
}

std::string DescribeHosts(const std::vector<HostEntry>& hosts) {
  std::string out;
  for (const HostEntry& host : hosts) {
    Put(out, 'i', host.id);
    PutAction(out, host.set.action);
    if (!host.set.options.empty()) Put(out, 'o', host.set.options);
    if (!host.set.title.empty()) Put(out, 't', host.set.title);
    if (host.set.url) Put(out, 'u', ToString(*host.set.url));
    if (!host.set.url_template.empty()) Put(out, 'U', host.set.url_template);
    PutScheduling(out, host.set);
    PutVars(out, {Vars(host.set).begin(), Vars(host.set).end()});
    PutSecrets(out, host.set);
  }
  return out;
}

}  // namespace

EntryKeys::EntryKeys(const JobFile& file) : file_(file), dependencies_need_url_(file.projects.size()) {
  for (uint32_t index : file.order) {
    const Project& project = file.projects[index];
    if (project.set.has_url()) continue;
    for (const DependencyList& list : {project.before, project.after})
      for (const DependencyEntry& entry : Entries(list))
        if (NeedsParentUrl(entry)) dependencies_need_url_[index] = true;
  }
}

const HostList& EntryKeys::HostsOf(const DependencyEntry& entry) const {
  return entry.hosts ? entry.hosts : file_.projects[entry.target].hosts;
}

bool EntryKeys::NeedsParentUrl(const DependencyEntry& entry) {
  if (file_.projects[entry.target].set.has_url()) return false;
  const bool pooled = file_.projects[entry.target].pool && !entry.hosts;
  bool tasks_need_it = !pooled && !entry.set.has_url() && !FactsOf(HostsOf(entry)).all_have_url;
  return tasks_need_it || dependencies_need_url_[entry.target];
}

const EntryKeys::HostsFacts& EntryKeys::FactsOf(const HostList& hosts) {
  auto [known, is_new] = facts_of_hosts_.try_emplace(hosts.get());
  if (!is_new || Entries(hosts).empty()) return known->second;
  auto key = static_cast<uint32_t>(hosts_keys_.size() + 1);
  known->second.key = hosts_keys_.try_emplace(DescribeHosts(*hosts), key).first->second;
  known->second.all_have_url = std::all_of(hosts->begin(), hosts->end(), [](const auto& h) { return h.set.has_url(); });
  return known->second;
}

const std::unordered_map<std::string_view, std::string_view>& EntryKeys::VarsOf(uint32_t project) {
  auto [known, is_new] = vars_of_project_.try_emplace(project);
  if (is_new)
    for (const auto& [name, value] : Vars(file_.projects[project].set)) known->second.emplace(name, value);
  return known->second;
}

std::string EntryKeys::Describe(const DependencyEntry& entry) {
  const Overrides& own = file_.projects[entry.target].set;
  const Overrides& set = entry.set;
  std::string out = std::to_string(entry.target);
  if (set.action != own.action) PutAction(out, set.action);
  if (!set.options.empty() && set.options != own.options) Put(out, 'o', set.options);
  if (!set.title.empty() && set.title != own.title) Put(out, 't', set.title);
  if (set.url && set.url != own.url) Put(out, 'u', ToString(*set.url));
  if (!set.url_template.empty() && set.url_template != own.url_template) Put(out, 'U', set.url_template);
  PutScheduling(out, NewIn(set, own));
  uint32_t hosts = FactsOf(HostsOf(entry)).key;
  if (hosts != FactsOf(file_.projects[entry.target].hosts).key) Put(out, 'h', std::to_string(hosts));
  std::vector<std::pair<std::string_view, std::string_view>> changed;
  for (const auto& [name, value] : Vars(set)) {
    const auto& own_vars = VarsOf(entry.target);
    auto found = own_vars.find(name);
    if (found == own_vars.end() || found->second != value) changed.emplace_back(name, value);
  }
  PutVars(out, std::move(changed));
  return out;
}

uint32_t EntryKeys::KeyOf(const DependencyEntry& entry) {
  auto [known, is_new] = key_of_entry_.try_emplace(&entry, 0);
  if (is_new) known->second = keys_.try_emplace(Describe(entry), static_cast<uint32_t>(keys_.size())).first->second;
  return known->second;
}

}  // namespace cromt
