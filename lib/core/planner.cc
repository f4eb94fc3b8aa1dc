#include "core/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "core/action.h"
#include "core/artifact_plan.h"
#include "core/entry_keys.h"
#include "core/task_table.h"
#include "core/template.h"
#include "core/variables.h"

namespace cromt {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kMaxEdges = 3 * static_cast<size_t>(kMaxTasks);

// Finds out below which `after` each instance belongs, and gates it there.
//
// The scope of an instance is the instance whose tasks must have ended before it starts, or none for what starts with
// the run. An `after` child has its parent as scope; what is reached through `before` has the innermost scope that all
// who need it lie in. Scopes form a tree; the innermost common one of two is found in logarithmic time by links that
// jump up it.
class AfterScopes {
 public:
  explicit AfterScopes(std::vector<PlannedInstance>& instances)
      : instances_(instances),
        scope_(instances.size(), kUnknown),
        depth_(instances.size(), 0),
        jump_(instances.size(), kNone) {}

  // `order`: who lists an instance comes before it. The first is the started project.
  void Apply(const std::vector<InstanceIndex>& order) {
    scope_[order[0]] = kNone;
    for (InstanceIndex i : order) {
      Enter(i);
      for (InstanceIndex need : instances_[i].needs)
        scope_[need] = scope_[need] == kUnknown ? scope_[i] : Common(scope_[need], scope_[i]);
      for (InstanceIndex child : instances_[i].after) scope_[child] = i;
    }
    std::vector<bool> gated(instances_.size());
    std::vector<InstanceIndex> needed;
    for (InstanceIndex i : order) {
      for (InstanceIndex need : instances_[i].needs) {
        if (scope_[need] == kNone) continue;
        const When when = instances_[Below(scope_[need], i)].when;
        PlannedInstance& instance = instances_[need];
        instance.when = !gated[need] || instance.when == when ? when : When::kAlways;
        if (!gated[need]) needed.push_back(need);
        gated[need] = true;
      }
    }
    std::sort(needed.begin(), needed.end());
    for (InstanceIndex i : needed) instances_[scope_[i]].after.push_back(i);
  }

 private:
  static constexpr uint32_t kUnknown = UINT32_MAX - 1;

  uint32_t DepthOf(uint32_t scope) const { return scope == kNone ? 0 : depth_[scope]; }
  uint32_t JumpOf(uint32_t scope) const { return scope == kNone ? kNone : jump_[scope]; }

  // Makes `i` a scope itself, below its own.
  void Enter(InstanceIndex i) {
    uint32_t up = scope_[i];
    depth_[i] = DepthOf(up) + 1;
    uint32_t far = JumpOf(up);
    bool even = DepthOf(up) - DepthOf(far) == DepthOf(far) - DepthOf(JumpOf(far));
    jump_[i] = even ? JumpOf(far) : up;
  }

  // The instance that leads from `scope`, in which `i` lies, to `i`: itself, or what comes after `scope` directly.
  InstanceIndex Below(uint32_t scope, InstanceIndex i) const {
    const uint32_t depth = DepthOf(scope) + 1;
    while (depth_[i] > depth) i = DepthOf(jump_[i]) >= depth ? jump_[i] : scope_[i];
    return i;
  }

  uint32_t Common(uint32_t a, uint32_t b) const {
    if (DepthOf(a) < DepthOf(b)) std::swap(a, b);
    while (DepthOf(a) > DepthOf(b)) a = DepthOf(jump_[a]) >= DepthOf(b) ? jump_[a] : scope_[a];
    while (a != b) {
      bool jump = jump_[a] != jump_[b];
      a = jump ? jump_[a] : scope_[a];
      b = jump ? jump_[b] : scope_[b];
    }
    return a;
  }

  std::vector<PlannedInstance>& instances_;
  std::vector<uint32_t> scope_;  // the instance whose `after` it belongs to, or kNone
  std::vector<uint32_t> depth_;  // as a scope; 1 for those below none
  std::vector<uint32_t> jump_;
};

// Walks the projects depth first: what comes before, the project itself, what comes after. So instances are
// numbered in the order in which a single-handed worker would do them.
class Planner {
 public:
  Planner(const JobFile& file, const StartOverrides& overrides) : file_(file), keys_(file), tasks_(file.file, plan_) {
    start_.action = overrides.action;
    Variables vars = overrides.vars;
    for (auto& [name, value] : vars) value = EscapeTemplates(value);  // they come from no file
    start_.vars = std::make_shared<const Variables>(std::move(vars));
  }

  Result<Plan> Run(uint32_t root, const PlannerOptions& options) {
    CROMT_TRY(tasks_.Configure(options));
    stack_.push_back({.project = &file_.projects[root], .hosts = file_.projects[root].hosts});
    while (!stack_.empty()) CROMT_TRY(Step());
    std::reverse(left_.begin(), left_.end());
    AfterScopes(plan_.instances).Apply(left_);
    CROMT_TRY(ResolveArtifacts(file_, plan_));
    plan_.run_timeout = file_.projects[root].run_timeout;
    return std::move(plan_);
  }

 private:
  struct Frame {
    const Project* project = nullptr;
    const DependencyEntry* entry = nullptr;  // that led here; null for the started project
    HostList hosts;
    bool is_after = false;
    uint64_t key = 0;  // of entry and inherited place
    PlaceIndex inherited = TaskTable::kLocal;
    std::optional<PlaceIndex> place;  // of the project itself, once it is known
    size_t next_before = 0;
    size_t next_after = 0;
    std::vector<InstanceIndex> needs;
    InstanceIndex self = kNone;  // once it is in the plan
  };

  Status Step() {
    Frame& top = stack_.back();
    const auto& before = Entries(top.project->before);
    const auto& after = Entries(top.project->after);
    if (top.next_before < before.size()) return Reach(before[top.next_before++], false);
    if (top.self == kNone) return Emit(top);
    if (top.next_after < after.size()) return Reach(after[top.next_after++], true);
    return Leave();
  }

  Status Reach(const DependencyEntry& entry, bool is_after) {
    if (++edges_ > kMaxEdges)
      return Fail(ErrorCode::kExhausted, fmt::format("the plan has more than {} dependencies", kMaxEdges));
    Frame& top = stack_.back();
    PlaceIndex inherited = TaskTable::kLocal;
    if (keys_.NeedsParentUrl(entry)) {
      CROMT_ASSIGN(inherited, PlaceOf(top));
    }
    uint64_t key = static_cast<uint64_t>(keys_.KeyOf(entry)) << 32 | inherited;
    if (auto known = shared_.find(key); !is_after && known != shared_.end()) {
      top.needs.push_back(known->second);
      return {};
    }
    stack_.push_back({.project = &file_.projects[entry.target],
                      .entry = &entry,
                      .hosts = keys_.HostsOf(entry),
                      .is_after = is_after,
                      .key = key,
                      .inherited = inherited});
    return {};
  }

  // Where the project of `frame` points: there run those that it lists and that have no url of their own.
  Result<PlaceIndex> PlaceOf(Frame& frame) {
    if (!frame.place) {
      frame.place = frame.inherited;
      if (frame.project->set.has_url()) {
        CROMT_ASSIGN(frame.place, tasks_.PlaceOf(*frame.project, frame.project->set));
      }
    }
    return *frame.place;
  }

  // Everything before it is in the plan: now it.
  Status Emit(Frame& frame) {
    frame.self = static_cast<InstanceIndex>(plan_.instances.size());
    std::sort(frame.needs.begin(), frame.needs.end());
    frame.needs.erase(std::unique(frame.needs.begin(), frame.needs.end()), frame.needs.end());
    plan_.instances.push_back({.project = frame.project->name,
                               .first_task = static_cast<uint32_t>(plan_.tasks.size()),
                               .needs = std::move(frame.needs),
                               .when = frame.is_after ? frame.entry->when : When::kSuccess,
                               .ignore_failure = frame.project->ignore_failure});
    CROMT_TRY(ExpandTasks(frame));
    const FailureShare& share = frame.project->max_failures;
    PlannedInstance& instance = plan_.instances[frame.self];
    instance.max_failures =
        share.percent ? static_cast<uint32_t>(uint64_t{share.count} * instance.task_count / 100) : share.count;
    return {};
  }

  Status ExpandTasks(const Frame& frame) {
    if (!frame.entry)
      return tasks_.Expand({frame.project, nullptr, &start_, frame.hosts, frame.project->pool.get(), frame.inherited},
                           frame.self);
    if (!frame.is_after) shared_.emplace(frame.key, frame.self);
    auto [earlier, is_new] = alike_.try_emplace(frame.key, frame.self);
    if (!is_new) return tasks_.Repeat(earlier->second, frame.self);
    const Pool* pool = frame.entry->hosts || frame.entry->set.has_url() ? nullptr : frame.project->pool.get();
    return tasks_.Expand({frame.project, &frame.entry->set, nullptr, frame.hosts, pool, frame.inherited}, frame.self);
  }

  Status Leave() {
    InstanceIndex self = stack_.back().self;
    bool is_after = stack_.back().is_after;
    left_.push_back(self);
    stack_.pop_back();
    if (stack_.empty()) return {};
    if (is_after)
      plan_.instances[stack_.back().self].after.push_back(self);
    else
      stack_.back().needs.push_back(self);
    return {};
  }

  const JobFile& file_;
  Plan plan_;
  EntryKeys keys_;
  TaskTable tasks_;
  Overrides start_;
  std::vector<Frame> stack_;
  std::unordered_map<uint64_t, InstanceIndex> shared_;  // reached through before: one instance a key
  std::unordered_map<uint64_t, InstanceIndex> alike_;   // the first instance of a key, whose tasks the others repeat
  std::vector<InstanceIndex> left_;                     // in the order in which their subtrees were complete
  size_t edges_ = 0;
};

Status CheckOverrides(const Project& project, const StartOverrides& overrides) {
  for (const auto& [name, value] : overrides.vars) {
    CROMT_TRY(CheckVariableName(name));
    CROMT_TRY(CheckVariableValue(name, value));
  }
  for (const std::string& word : overrides.action) CROMT_TRY(ParseAction(word));
  if (!overrides.action.empty() && project.run)
    return Fail(ErrorCode::kInvalid, fmt::format("project '{}' has 'run'; it takes no action", project.name));
  return {};
}

}  // namespace

Result<Plan> PlanRun(const JobFile& file, const std::string& project, const StartOverrides& overrides,
                     const PlannerOptions& options) {
  CROMT_ASSIGN(uint32_t root, file.Choose(project));
  CROMT_TRY(CheckOverrides(file.projects[root], overrides));
  return Planner(file, overrides).Run(root, options);
}

}  // namespace cromt
