#include "tests/unit/core/plan_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace cromt::plan_model {
namespace {

constexpr size_t kMostNodes = 400;  // one reading of a file may double another: what is larger is left alone

std::string NameOf(size_t project) {
  return "p" + std::to_string(project);
}

// `narrow` goes over `wide`.
Said Over(Said wide, const Said& narrow) {
  if (!narrow.url.empty()) wide.url = narrow.url;
  if (!narrow.title.empty()) wide.title = narrow.title;
  if (!narrow.action.empty()) wide.action = narrow.action;
  if (!narrow.lane.empty()) {
    wide.lane = narrow.lane;
    wide.lane_of_agent = narrow.lane_of_agent;
  }
  if (narrow.retries) wide.retries = narrow.retries;
  for (const auto& [name, value] : narrow.vars) wide.vars[name] = value;
  return wide;
}

// All of it, so that two are the same if and only if their texts are.
std::string Words(const Said& said) {
  std::string text = fmt::format("url {} title {} action {} lane {} {} retries {} vars", said.url, said.title,
                                 said.action, said.lane, said.lane_of_agent, said.retries.value_or(-1));
  for (const auto& [name, value] : said.vars) text += " " + name + "=" + value;
  return text;
}

struct Node {
  size_t project = 0;
  const Entry* entry = nullptr;  // that led here; null for the started one
  std::string place;             // where tasks without a url run
  std::vector<size_t> needs, after;
  When when = When::kSuccess;
  bool is_after = false;
  std::vector<size_t> below;  // the nodes that it comes after, directly or not, the outermost first
};

class Reader {
 public:
  Reader(const File& file, std::string action, std::map<std::string, std::string> vars) : file_(file) {
    start_.action = std::move(action);
    start_.vars = std::move(vars);
  }

  Answer Read() {
    Visit(0, nullptr, "", false);
    if (nodes_.size() > kMostNodes) return {.plan = {}, .refusal = {}, .too_large = true};
    GateWhatIsNeeded();
    std::string text, refusal;
    for (size_t i = 0; i < nodes_.size(); ++i) text += Describe(i);
    for (const auto& [name, inputs] : Inputs(refusal)) text += name + inputs + "\n";
    if (!refusal.empty()) return {.plan = {}, .refusal = refusal};
    return {.plan = text, .refusal = {}};
  }

 private:
  const std::vector<Host>& HostsOf(size_t project, const Entry* entry) const {
    return entry && !entry->hosts.empty() ? entry->hosts : file_.projects[project].hosts;
  }

  // ---- Which nodes there are ------------------------------------------------------------------

  // What comes before is in the plan first, then the node itself, then what comes after it.
  size_t Visit(size_t project, const Entry* entry, const std::string& place, bool is_after) {
    if (nodes_.size() > kMostNodes) return 0;
    const Project& mine = file_.projects[project];
    const std::string key = KeyOf(project, entry, place);
    if (entry && !is_after)
      if (auto known = shared_.find(key); known != shared_.end()) return known->second;
    const std::string children_at = mine.said.url.empty() ? place : mine.said.url;
    std::set<size_t> needs;
    for (const Entry& before : mine.before) needs.insert(Visit(before.target, &before, children_at, false));
    const size_t self = nodes_.size();
    nodes_.push_back({.project = project, .entry = entry, .place = place});
    nodes_[self].needs.assign(needs.begin(), needs.end());
    nodes_[self].is_after = is_after;
    if (is_after) nodes_[self].when = entry->when;
    if (entry && !is_after) shared_[key] = self;
    for (const Entry& after : mine.after) {
      const size_t child = Visit(after.target, &after, children_at, true);
      nodes_[self].after.push_back(child);
    }
    return self;
  }

  // Whether it makes a difference to what is reached through here where its parent points.
  bool CaresForPlace(size_t project, const Entry* entry) const {
    const Project& mine = file_.projects[project];
    if (!mine.said.url.empty()) return false;
    const auto& hosts = HostsOf(project, entry);
    const bool all_have =
        !hosts.empty() && std::ranges::all_of(hosts, [](const Host& host) { return !host.said.url.empty(); });
    if (entry->said.url.empty() && !all_have) return true;
    for (const auto* list : {&mine.before, &mine.after})
      for (const Entry& child : *list)
        if (CaresForPlace(child.target, &child)) return true;
    return false;
  }

  std::string KeyOf(size_t project, const Entry* entry, const std::string& place) const {
    if (!entry) return "";
    std::string key = NameOf(project) + " " + Words(Over(file_.projects[project].said, entry->said));
    for (const Host& host : HostsOf(project, entry)) key += " host " + host.id + " " + Words(host.said);
    return CaresForPlace(project, entry) ? key + " at " + place : key;
  }

  // ---- What waits for what --------------------------------------------------------------------

  // A node starts with the run, or, where all who need it come after something, after that: then it runs as those do.
  void GateWhatIsNeeded() {
    std::vector<size_t> order;  // who lists a node before it
    std::set<size_t> done;
    while (order.size() < nodes_.size())
      for (size_t i = 0; i < nodes_.size(); ++i)
        if (!done.contains(i) && std::ranges::all_of(ListersOf(i), [&](size_t l) { return done.contains(l); })) {
          order.push_back(i);
          done.insert(i);
        }
    for (size_t i : order) {
      bool first = true;
      for (size_t lister : ListersOf(i)) {
        std::vector<size_t> below = nodes_[lister].below;
        if (nodes_[i].is_after) below.push_back(lister);
        nodes_[i].below = first ? below : Common(nodes_[i].below, below);
        first = false;
      }
    }
    std::map<size_t, std::vector<size_t>> gated;
    for (size_t i : order) {
      if (nodes_[i].is_after || nodes_[i].below.empty()) continue;
      std::set<When> whens;
      for (size_t lister : ListersOf(i)) {
        std::vector<size_t> way = nodes_[lister].below;
        way.push_back(lister);
        whens.insert(nodes_[way[nodes_[i].below.size()]].when);
      }
      nodes_[i].when = whens.size() == 1 ? *whens.begin() : When::kAlways;
      gated[nodes_[i].below.back()].push_back(i);
    }
    for (auto& [parent, children] : gated) {
      std::ranges::sort(children);
      nodes_[parent].after.insert(nodes_[parent].after.end(), children.begin(), children.end());
    }
  }

  std::vector<size_t> ListersOf(size_t node) const {
    std::vector<size_t> listers;
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (std::ranges::count(nodes_[i].needs, node) > 0 ||
          (nodes_[node].is_after && std::ranges::count(nodes_[i].after, node) > 0))
        listers.push_back(i);
    return listers;
  }

  static std::vector<size_t> Common(const std::vector<size_t>& a, const std::vector<size_t>& b) {
    std::vector<size_t> common;
    for (size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i) common.push_back(a[i]);
    return common;
  }

  // ---- What its tasks are ---------------------------------------------------------------------

  std::string Describe(size_t index) const {
    const Node& node = nodes_[index];
    const Project& mine = file_.projects[node.project];
    const Said base = node.entry ? Over(mine.said, node.entry->said) : mine.said;
    std::vector<Host> hosts = HostsOf(node.project, node.entry);
    const bool alone = hosts.empty();
    if (alone) hosts.push_back({});
    const size_t count = hosts.size();
    int allowed = mine.percent ? mine.max_failures * static_cast<int>(count) / 100 : mine.max_failures;
    std::string text = fmt::format("{} {} needs [{}] after [{}] on {}{} allows {}\n", index, NameOf(node.project),
                                   fmt::join(node.needs, " "), fmt::join(node.after, " "), ToString(node.when),
                                   mine.ignore_failure ? " ignored" : "", allowed);
    std::set<std::string> taken;
    for (const Host& host : hosts)
      if (!host.id.empty()) taken.insert(host.id);
    for (const Host& host : hosts) {
      Said said = Over(base, host.said);
      if (!node.entry) said = Over(said, start_);
      const std::string where = said.url.empty() ? node.place : said.url;
      std::string id = host.id;
      if (id.empty()) {
        const std::string wished = where.empty() ? "local" : where;
        id = wished;
        for (int n = 2; !taken.insert(id).second; ++n) id = fmt::format("{}-{}", wished, n);
      }
      text += TaskWords(said, node.project, id, where.empty() ? "" : where + ":4000", count);
    }
    return text;
  }

  std::string TaskWords(const Said& said, size_t project, const std::string& id, const std::string& address,
                        size_t hosts) const {
    const int parallel = file_.projects[project].parallel;
    std::string groups;
    if (!said.lane.empty())
      groups += " lane " + said.lane + (said.lane_of_agent ? " at " + (address.empty() ? "local" : address) : "");
    if (parallel > 0 && static_cast<size_t>(parallel) < hosts) groups += fmt::format(" limit {}", parallel);
    std::string vars;
    for (const auto& [name, value] : said.vars) vars += " " + name + "=" + value;
    return fmt::format("  {} at {} ({}) does {} retries {}{}{}\n", said.title.empty() ? NameOf(project) : said.title,
                       id, address, said.action.empty() ? "default" : said.action, said.retries.value_or(0), vars,
                       groups);
  }

  // ---- Artifacts ------------------------------------------------------------------------------

  // Whether the tasks of `a` have ended when `b` starts.
  bool IsBefore(size_t a, size_t b) const {
    std::set<size_t> seen;
    return StartWaits(b, a, seen);
  }
  bool StartWaits(size_t node, size_t wanted, std::set<size_t>& seen) const {
    if (!seen.insert(node).second) return false;
    for (size_t need : nodes_[node].needs)
      if (DoneWaits(need, wanted, seen)) return true;
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (std::ranges::count(nodes_[i].after, node) > 0 && (i == wanted || StartWaits(i, wanted, seen))) return true;
    return false;
  }
  // It is done when its tasks and all that comes after it are.
  bool DoneWaits(size_t node, size_t wanted, std::set<size_t>& seen) const {
    if (node == wanted || StartWaits(node, wanted, seen)) return true;
    return std::ranges::any_of(nodes_[node].after, [&](size_t child) { return DoneWaits(child, wanted, seen); });
  }

  // Of each node that wants something: from whom it gets it.
  std::map<std::string, std::string> Inputs(std::string& refusal) const {
    std::map<std::string, std::vector<size_t>> producers, consumers;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      for (const std::string& name : file_.projects[nodes_[i].project].publishes) producers[name].push_back(i);
      for (const std::string& name : file_.projects[nodes_[i].project].wants) consumers[name].push_back(i);
    }
    std::map<std::string, std::string> inputs;
    for (const auto& [name, all] : producers)
      for (size_t a : all)
        for (size_t b : all)
          if (a != b && !IsBefore(a, b) && !IsBefore(b, a)) refusal = "two in no order publish " + name;
    for (const auto& [name, all] : consumers)
      for (size_t i : all) {
        std::optional<size_t> last;
        for (size_t a : producers[name])
          if (IsBefore(a, i) && (!last || IsBefore(*last, a))) last = a;
        if (!last) refusal = fmt::format("nobody before {} publishes {}", i, name);
        if (last) inputs[fmt::format("{:03} takes {} of ", i, name)] = std::to_string(*last);
      }
    return inputs;
  }

  const File& file_;
  Said start_;
  std::vector<Node> nodes_;
  std::map<std::string, size_t> shared_;
};

// ---- Text -------------------------------------------------------------------------------------

std::vector<std::string> Keys(const Said& said) {
  std::vector<std::string> keys;
  if (!said.url.empty()) keys.push_back("url: 'http://" + said.url + "'");
  if (!said.title.empty()) keys.push_back("title: " + said.title);
  if (!said.action.empty()) keys.push_back("action: " + said.action);
  if (!said.lane.empty())
    keys.push_back("queue-id: " + (said.lane_of_agent ? "{name: " + said.lane + ", scope: agent}" : said.lane));
  if (said.retries) keys.push_back(fmt::format("retries: {}", *said.retries));
  std::string vars;
  for (const auto& [name, value] : said.vars) vars += fmt::format("{}{}: '{}'", vars.empty() ? "" : ", ", name, value);
  if (!vars.empty()) keys.push_back("vars: {" + vars + "}");
  return keys;
}

std::string Map(const std::vector<std::string>& keys) {
  return fmt::format("{{{}}}", fmt::join(keys, ", "));
}

std::string HostsText(const std::vector<Host>& hosts) {
  std::vector<std::string> texts;
  for (const Host& host : hosts) {
    std::vector<std::string> keys = Keys(host.said);
    if (!host.id.empty()) keys.push_back("id: " + host.id);
    texts.push_back(Map(keys));
  }
  return fmt::format("hosts: [{}]", fmt::join(texts, ", "));
}

std::string EntriesText(const char* key, const std::vector<Entry>& entries, bool with_when) {
  std::vector<std::string> texts;
  for (const Entry& entry : entries) {
    std::vector<std::string> keys = Keys(entry.said);
    keys.insert(keys.begin(), "name: " + NameOf(entry.target));
    if (!entry.hosts.empty()) keys.push_back(HostsText(entry.hosts));
    if (with_when && entry.when != When::kSuccess) keys.push_back(fmt::format("when: {}", ToString(entry.when)));
    texts.push_back(Map(keys));
  }
  return fmt::format("{}: [{}]", key, fmt::join(texts, ", "));
}

}  // namespace

std::string TextOf(const File& file) {
  std::string text = "projects:\n";
  for (size_t i = 0; i < file.projects.size(); ++i) {
    const Project& project = file.projects[i];
    std::vector<std::string> keys = Keys(project.said);
    keys.insert(keys.begin(), "path: /x");
    if (!project.hosts.empty()) keys.push_back(HostsText(project.hosts));
    if (!project.before.empty()) keys.push_back(EntriesText("before", project.before, false));
    if (!project.after.empty()) keys.push_back(EntriesText("after", project.after, true));
    if (project.parallel > 0) keys.push_back(fmt::format("parallel: {}", project.parallel));
    if (project.ignore_failure) keys.push_back("on_failure: ignore");
    if (project.max_failures > 0)
      keys.push_back(fmt::format("max_failures: {}{}", project.max_failures, project.percent ? "%" : ""));
    std::vector<std::string> out;
    for (const std::string& name : project.publishes) out.push_back(fmt::format("{{file: {}, path: o}}", name));
    if (!out.empty() || !project.wants.empty())
      keys.push_back(
          fmt::format("artifacts: {{in: [{}], out: [{}]}}", fmt::join(project.wants, ", "), fmt::join(out, ", ")));
    text += fmt::format("  {}: {}\n", NameOf(i), Map(keys));
  }
  return text;
}

Answer PlanOf(const File& file, const std::string& action, const std::map<std::string, std::string>& vars) {
  return Reader(file, action, vars).Read();
}

std::string Describe(const Plan& plan) {
  std::string text, inputs;
  for (size_t i = 0; i < plan.instances.size(); ++i) {
    const PlannedInstance& instance = plan.instances[i];
    text += fmt::format("{} {} needs [{}] after [{}] on {}{} allows {}\n", i, instance.project,
                        fmt::join(instance.needs, " "), fmt::join(instance.after, " "), ToString(instance.when),
                        instance.ignore_failure ? " ignored" : "", instance.max_failures);
    for (TaskIndex t = instance.first_task; t < instance.first_task + instance.task_count; ++t) {
      const TaskSpec& spec = plan.spec(t);
      std::string groups;
      for (uint32_t g : plan.tasks[t].groups) {
        const PlannedGroup& group = plan.groups[g];
        if (group.mesh_wide && group.depth == 1) groups = " lane " + group.name + groups;
        if (!group.mesh_wide) groups += fmt::format(" limit {}", group.depth);
      }
      std::map<std::string, std::string> vars(spec.variables.begin(), spec.variables.end());
      std::string words;
      for (const auto& [name, value] : vars) words += " " + name + "=" + value;
      text += fmt::format("  {} at {} ({}) does {} retries {}{}{}\n", spec.name, plan.host(t).id, plan.host(t).address,
                          fmt::join(std::get<Actions>(spec.work).names, " "), spec.retry.retries, words, groups);
    }
    std::map<std::string, std::string> own;
    for (const PlannedInput& input : instance.inputs)
      own[fmt::format("{:03} takes {} of ", i, input.name)] = std::to_string(input.producer);
    for (const auto& [name, producer] : own) inputs += name + producer + "\n";
  }
  return text + inputs;
}

}  // namespace cromt::plan_model
