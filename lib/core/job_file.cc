#include "core/job_file.h"

#include <fmt/format.h>

#include <set>
#include <tuple>
#include <unordered_set>

#include "base/name.h"

namespace cromt {
namespace {

// Position in the dependency entries of a project: first before, then after.
const DependencyEntry* EntryAt(const Project& project, size_t i) {
  const auto& before = Entries(project.before);
  const auto& after = Entries(project.after);
  if (i < before.size()) return &before[i];
  i -= before.size();
  return i < after.size() ? &after[i] : nullptr;
}

// Depth first through before and after, with a stack of its own: the file decides how deep it goes.
class CycleSearch {
 public:
  CycleSearch(JobFile& file, Diagnostics& diagnostics)
      : file_(file), diagnostics_(diagnostics), state_(file.projects.size(), kNew) {}

  void Run() {
    file_.order.clear();
    file_.order.reserve(file_.projects.size());
    for (uint32_t i = 0; i < file_.projects.size(); ++i)
      if (state_[i] == kNew) Visit(i);
  }

 private:
  enum State : uint8_t { kNew, kOpen, kDone };
  struct Frame {
    uint32_t project;
    size_t next = 0;  // entry to look at; the one before it is the way to the frame above
  };

  void Visit(uint32_t root) {
    Push(root);
    while (!stack_.empty()) {
      Frame& top = stack_.back();
      const DependencyEntry* entry = EntryAt(file_.projects[top.project], top.next++);
      if (!entry)
        Pop();
      else if (state_[entry->target] == kNew)
        Push(entry->target);
      else if (state_[entry->target] == kOpen)
        Report(entry->target);
    }
  }

  void Push(uint32_t project) {
    state_[project] = kOpen;
    stack_.push_back({project});
  }

  void Pop() {
    uint32_t project = stack_.back().project;
    state_[project] = kDone;
    file_.order.push_back(project);
    stack_.pop_back();
  }

  // The top of the stack names `target`, which lies deeper in it.
  void Report(uint32_t target) {
    constexpr size_t kMaxShown = 10;
    const Frame& top = stack_.back();
    Position at = EntryAt(file_.projects[top.project], top.next - 1)->at;
    if (diagnostics_.full()) return diagnostics_.Error(at, "cycle");
    size_t first = stack_.size() - 1;
    while (stack_[first].project != target) --first;
    std::string path = file_.projects[target].name;
    for (size_t i = first; i < stack_.size(); ++i) {
      if (i == first + kMaxShown && stack_.size() - i > 1) {
        path += fmt::format(" → … ({} more)", stack_.size() - i - 1);
        i = stack_.size() - 1;
      }
      path += " → " + Step(stack_[i]);
    }
    diagnostics_.Error(at, "cycle: " + path);
  }

  // "b (before, 4:9)": whom the frame's current entry names, and where.
  std::string Step(const Frame& frame) const {
    const Project& project = file_.projects[frame.project];
    const DependencyEntry& entry = *EntryAt(project, frame.next - 1);
    std::string_view key = frame.next <= Entries(project.before).size() ? "before" : "after";
    return fmt::format("{} ({}, {}:{})", file_.projects[entry.target].name, key, entry.at.line, entry.at.col);
  }

  JobFile& file_;
  Diagnostics& diagnostics_;
  std::vector<State> state_;
  std::vector<Frame> stack_;
};

void RefuseAction(const Overrides& set, Position at, const Project& project, Diagnostics& diagnostics) {
  if (set.action.empty() || !project.run) return;
  diagnostics.Error(at,
                    fmt::format("'action' for project '{}', which has 'run'; it can have one of them", project.name));
}

// `action` over a project with `run`, from its hosts or from who depends on it (within one project, the reader sees
// it).
void CheckRunAndAction(const JobFile& file, const Project& project, Diagnostics& diagnostics) {
  if (project.run)
    for (const HostEntry& host : Entries(project.hosts)) RefuseAction(host.set, host.at, project, diagnostics);
  for (size_t i = 0; const DependencyEntry* entry = EntryAt(project, i); ++i) {
    const Project& target = file.projects[entry->target];
    if (!target.run) continue;
    RefuseAction(entry->set, entry->at, target, diagnostics);
    for (const HostEntry& host : Entries(entry->hosts)) RefuseAction(host.set, host.at, target, diagnostics);
  }
}

// Gathers the unbuilt keys of projects and of the lists they share, each list once.
class Refusals {
 public:
  Refusals(const JobFile& file, uint32_t start) : file_(file), start_(start), diagnostics_(file.file) {}

  std::vector<Diagnostic> Run() {
    std::vector<bool> reached(file_.projects.size());
    std::vector<uint32_t> todo = {start_};
    reached[start_] = true;
    while (!todo.empty()) {
      const Project& project = file_.projects[todo.back()];
      todo.pop_back();
      Add(project.unbuilt, project);
      AddHosts(project.hosts, project);
      for (const DependencyList& list : {project.before, project.after}) {
        if (!seen_.insert(list.get()).second) continue;
        for (const DependencyEntry& entry : Entries(list)) {
          Add(entry.unbuilt, project);
          AddHosts(entry.hosts, project);
          if (!reached[entry.target]) todo.push_back(entry.target);
          reached[entry.target] = true;
        }
      }
    }
    return diagnostics_.Take();
  }

 private:
  void AddHosts(const HostList& hosts, const Project& project) {
    if (!seen_.insert(hosts.get()).second) return;
    for (const HostEntry& host : Entries(hosts)) Add(host.unbuilt, project);
  }

  void Add(const std::vector<Unbuilt>& keys, const Project& project) {
    for (const Unbuilt& unbuilt : keys) {
      // An alias may put one place into many entries.
      if (!said_.emplace(unbuilt.at, unbuilt.key, &project).second) continue;
      diagnostics_.Error(unbuilt.at, fmt::format("'{}' of project '{}' is not built yet, so '{}' can't be started",
                                                 unbuilt.key, project.name, file_.projects[start_].name));
    }
  }

  const JobFile& file_;
  uint32_t start_;
  Diagnostics diagnostics_;
  std::unordered_set<const void*> seen_ = {nullptr};
  std::set<std::tuple<Position, std::string, const Project*>> said_;
};

}  // namespace

const Project* JobFile::Find(const std::string& project) const {
  auto found = by_name.find(project);
  return found == by_name.end() ? nullptr : &projects[found->second];
}

Result<uint32_t> JobFile::Choose(const std::string& project) const {
  if (auto found = by_name.find(project); found != by_name.end()) return found->second;
  if (project.empty() && projects.size() == 1) return 0;
  if (project.empty())
    return Fail(ErrorCode::kInvalid, fmt::format("{} has {} projects; say which", file, projects.size()));
  std::vector<std::string_view> names;
  for (const Project& known : projects) names.push_back(known.name);
  return Fail(ErrorCode::kNotFound,
              fmt::format("{} has no project {}{}", file, Quote(project), DidYouMean(project, names)));
}

void CheckJobFile(JobFile& file, Diagnostics& diagnostics) {
  CycleSearch(file, diagnostics).Run();
  for (const Project& project : file.projects) CheckRunAndAction(file, project, diagnostics);
}

std::vector<Diagnostic> StartRefusals(const JobFile& file, uint32_t project) {
  return Refusals(file, project).Run();
}

}  // namespace cromt
