#include "tests/sim/why_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/lease.h"

namespace cromt::sim {
namespace {

using RunOf = CommitCheck::RunOf;

// What stands in the text between the two; nothing if they do not stand there in this order.
std::optional<std::string_view> Between(std::string_view text, std::string_view before, std::string_view after) {
  const size_t begin = text.find(before);
  if (begin == text.npos) return std::nullopt;
  const size_t from = begin + before.size();
  const size_t end = text.find(after, from);
  return end == text.npos ? std::nullopt : std::optional(text.substr(from, end - from));
}

std::optional<uint64_t> Number(std::optional<std::string_view> text) {
  uint64_t number = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() && end != text->data() ? std::optional(number) : std::nullopt;
}

// As FormatDuration writes it, rounded down.
std::optional<Duration> Time(std::optional<std::string_view> text) {
  if (!text || text->empty()) return std::nullopt;
  Duration sum{0};
  for (std::string_view rest = *text; !rest.empty();) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc()) return std::nullopt;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    if (rest.starts_with('.')) rest.remove_prefix(2);  // tenths
    const bool is_ms = rest.starts_with("ms");
    const Duration unit = is_ms                   ? Duration(milliseconds(1))
                          : rest.starts_with('s') ? Duration(seconds(1))
                          : rest.starts_with('m') ? Duration(std::chrono::minutes(1))
                                                  : Duration(std::chrono::hours(1));
    if (rest.empty()) return std::nullopt;
    rest.remove_prefix(is_ms ? 2 : 1);
    sum += static_cast<int64_t>(number) * unit;
  }
  return sum;
}

// Answers for one task of one run.
class Judge {
 public:
  Judge(const RunOf& run, TaskIndex task, const WhyFacts& facts)
      : run_(run),
        task_(task),
        facts_(facts),
        status_(run.tasks[task].status),
        address_(run.plan->host(task).address) {}

  std::string WhyUntrue(const WhyLine& line) const {
    const std::string wrong = IsOfState(line.kind) ? WhyWrong(line) : "that is no answer for a task that stands so";
    if (wrong.empty()) return "";
    return fmt::format("{}/{}, which is {}: '{}' ({}): {}", run_.header.id.text(), task_ + 1, ToString(status_.state),
                       line.text, ToString(line.kind), wrong);
  }

 private:
  bool IsOfState(WhyKind kind) const {
    using K = WhyKind;
    auto is = [&](std::initializer_list<K> kinds) { return std::ranges::count(kinds, kind) > 0; };
    switch (status_.state) {
      case TaskState::kWaiting: return is({K::kSources, K::kNeeds, K::kAfter});
      case TaskState::kReady:
        return is(
            {K::kLane, K::kLaneLost, K::kParallel, K::kBehind, K::kSlots, K::kPaused, K::kRefuses, K::kUnreachable});
      case TaskState::kRetryWait: return kind == K::kRetry;
      case TaskState::kFinished: return kind == K::kEnded;
      case TaskState::kRunning: return is({K::kRunning, K::kSilent, K::kRefuses});
      case TaskState::kStopping: return is({K::kStopping, K::kSilent, K::kRefuses});
      default: return is({K::kLeased, K::kSilent, K::kRefuses, K::kStopping});
    }
  }

  std::string WhyWrong(const WhyLine& line) const {
    const std::string& text = line.text;
    switch (line.kind) {
      case WhyKind::kSources: return run_.status.state == RunState::kQueued ? "" : "the run has begun";
      case WhyKind::kNeeds: return WrongNeeds(text);
      case WhyKind::kAfter: return WrongAfter(text);
      case WhyKind::kLane: return WrongLane(text, "the queue '", "' is taken by ");
      case WhyKind::kLaneLost: return WrongLane(text, "the queue '", "' is kept for ");
      case WhyKind::kParallel: return WrongParallel(text);
      case WhyKind::kBehind: return WrongBehind(text);
      case WhyKind::kSlots: return WrongSlots(text);
      case WhyKind::kPaused: return WrongPause(text);
      case WhyKind::kRefuses: return WrongRefusal(text);
      case WhyKind::kUnreachable: return WrongUnreachable(text);
      case WhyKind::kRetry: return WrongRetry(text);
      case WhyKind::kLeased: return IsThere(status_.agent) ? "" : "nobody reaches that agent";
      case WhyKind::kRunning:
        // A recovery takes for running what has ended without a process and was not told yet.
        if (!facts_.ledger->went_back() && !facts_.ledger->HasStarted({run_.header.id, task_, status_.attempt}))
          return "no process of it runs";
        return IsThere(status_.agent) ? "" : "nobody reaches that agent";
      case WhyKind::kStopping:
        if (!status_.stop_wanted) return "nobody wished that";
        return IsThere(status_.agent) ? "" : "nobody reaches that agent";
      case WhyKind::kSilent: return IsThere(status_.agent) ? "that agent has a session" : "";
      case WhyKind::kEnded: return WrongEnd(text);
      default: return "";
    }
  }

  bool IsThere(const AgentId& agent) const {
    return std::ranges::any_of(facts_.answers, [&](const auto& one) { return one.second == agent; });
  }

  bool Done(InstanceIndex instance, bool with_after) const {
    const PlannedInstance& planned = run_.plan->instances[instance];
    for (TaskIndex t = planned.first_task; t < planned.first_task + planned.task_count; ++t)
      if (run_.tasks[t].status.state != TaskState::kFinished) return false;
    return !with_after || std::ranges::all_of(planned.after, [&](InstanceIndex i) { return Done(i, true); });
  }
  // A gate has no tasks of its own: it is done with what it waits for, and so is who was canceled before it could
  // begin.
  bool MayWaitFor(InstanceIndex instance) const {
    const PlannedInstance& planned = run_.plan->instances[instance];
    return planned.task_count == 0 || !Done(instance, true) ||
           std::ranges::any_of(planned.after, [this](InstanceIndex i) { return MayWaitFor(i) || Waits(i); });
  }

  // Its tasks may all have been canceled, but it can't have begun.
  bool Waits(InstanceIndex instance) const {
    for (InstanceIndex i = 0; i < run_.plan->instances.size(); ++i)
      if (std::ranges::count(run_.plan->instances[i].after, instance) > 0 && (!Done(i, false) || Waits(i))) return true;
    return std::ranges::any_of(run_.plan->instances[instance].needs,
                               [this](InstanceIndex need) { return MayWaitFor(need) || Waits(need); });
  }

  std::string WrongCount(std::string_view text, InstanceIndex instance) const {
    const PlannedInstance& planned = run_.plan->instances[instance];
    uint64_t left = 0;
    for (TaskIndex t = planned.first_task; t < planned.first_task + planned.task_count; ++t)
      left += run_.tasks[t].status.state != TaskState::kFinished;
    const auto all = Number(Between(text, "of whose ", " tasks")), said = Number(Between(text, " tasks ", " ha"));
    if (all && (*all != planned.task_count || said != left))
      return fmt::format("of {} tasks {} have not ended", planned.task_count, left);
    return "";
  }

  std::string WrongNeeds(const std::string& text) const {
    const InstanceIndex mine = run_.plan->tasks[task_].instance;
    for (InstanceIndex need : run_.plan->instances[mine].needs)
      if (text.find(fmt::format("waits for '{}',", run_.plan->instances[need].project)) != text.npos)
        return MayWaitFor(need) || (text.ends_with("which waits itself") && Waits(need)) ? WrongCount(text, need)
                                                                                         : "that has ended";
    return "it does not need that";
  }

  std::string WrongAfter(const std::string& text) const {
    const InstanceIndex mine = run_.plan->tasks[task_].instance;
    for (InstanceIndex i = 0; i < run_.plan->instances.size(); ++i)
      if (const PlannedInstance& parent = run_.plan->instances[i]; std::ranges::count(parent.after, mine) > 0) {
        if (text.find(fmt::format("comes after '{}',", parent.project)) == text.npos) return "it is another one";
        const bool waits = text.ends_with("which waits itself") && Waits(i);
        return parent.task_count == 0 || !Done(i, false) || waits ? WrongCount(text, i) : "that has ended";
      }
    return "it comes after nothing";
  }

  // Of other tasks, those of this group for which `is` holds; of the mesh, or of this run.
  template <class F>
  uint64_t OthersIn(const PlannedGroup& group, F is) const {
    uint64_t count = 0;
    for (const auto& known : facts_.committed->runs()) {
      const CommitCheck::RunOf& other = known.second;
      for (TaskIndex t = 0; t < other.tasks.size(); ++t) {
        if (&other == &run_ && t == task_) continue;
        const bool of_it = std::ranges::any_of(other.plan->tasks[t].groups, [&](uint32_t g) {
          const PlannedGroup& its = other.plan->groups[g];
          return its.name == group.name && its.mesh_wide == group.mesh_wide && (group.mesh_wide || &other == &run_);
        });
        if (of_it && is(other.tasks[t].status)) ++count;
      }
    }
    return count;
  }

  const PlannedGroup* GroupNamed(std::string_view name) const {
    for (uint32_t g : run_.plan->tasks[task_].groups)
      if (run_.plan->groups[g].name == name) return &run_.plan->groups[g];
    return nullptr;
  }

  static bool MayHold(const TaskStatus& status) { return InFlight(status.state) || status.state == TaskState::kReady; }

  // By an attempt that was lost in silence. Of a run that is not known any more it may be.
  bool IsKept(const PlannedGroup& lane) const {
    return std::ranges::any_of(facts_.committed->kept_lanes(), [&](const AttemptId& id) {
      const RunOf* run = facts_.committed->Find(id.run);
      return !run || std::ranges::any_of(run->plan->tasks[id.task].groups, [&](uint32_t g) {
        return run->plan->groups[g].mesh_wide && run->plan->groups[g].name == lane.name;
      });
    });
  }

  std::string WrongLane(const std::string& text, std::string_view before, std::string_view after) const {
    const auto name = Between(text, before, after);
    const PlannedGroup* group = name ? GroupNamed(*name) : nullptr;
    if (!group || !group->mesh_wide) return "it is in no such lane";
    if (text.find("is kept for") != text.npos) return IsKept(*group) ? "" : "nobody keeps it";
    return OthersIn(*group, MayHold) > 0 ? "" : "nobody can have it";
  }

  std::string WrongParallel(const std::string& text) const {
    const auto said = Number(Between(text, "", " of its project run"));
    for (uint32_t g : run_.plan->tasks[task_].groups) {
      const PlannedGroup& group = run_.plan->groups[g];
      if (!group.mesh_wide && said && *said >= group.depth && OthersIn(group, MayHold) >= *said) return "";
    }
    return "not as many can run";
  }

  std::string WrongBehind(const std::string& text) const {
    const auto said = Number(Between(text, "", " task"));
    const auto lane = Between(text, "in the queue '", "'");
    uint64_t most = 0;
    for (uint32_t g : run_.plan->tasks[task_].groups) {
      const PlannedGroup& group = run_.plan->groups[g];
      if (lane ? group.name != *lane : group.mesh_wide) continue;
      most = std::max(most, OthersIn(group, [this](const TaskStatus& other) {
                        return other.state == TaskState::kReady && other.queued_at < status_.queued_at;
                      }));
    }
    return said && *said > 0 && *said <= most ? "" : fmt::format("at most {} are", most);
  }

  uint64_t HasTasks(const AgentId& agent) const {
    uint64_t count = 0;
    for (const auto& [id, other] : facts_.committed->runs())
      for (const auto& task : other.tasks) count += InFlight(task.status.state) && task.status.agent == agent;
    return count;
  }

  std::string WrongSlots(const std::string& text) const {
    const auto here = facts_.answers.find(address_);
    const auto said = Number(Between(text, " has ", " task")), slots = Number(Between(text, " for its ", " slots"));
    const auto more = Number(Between(text, "and ", " more wait for it"));
    if (!said || !slots || !more) return "it has another form";
    uint64_t ready = 0;
    for (const auto& [id, other] : facts_.committed->runs())
      for (TaskIndex t = 0; t < other.tasks.size(); ++t)
        ready += other.tasks[t].status.state == TaskState::kReady && other.plan->host(t).address == address_;
    if (*more == 0 || *more > ready) return fmt::format("{} are ready there", ready);
    if (*said == 0) return "it has nothing to do";
    if (here == facts_.answers.end()) return facts_.answers.empty() ? "nobody is reached" : "";  // by another address
    if (*said != HasTasks(here->second)) return fmt::format("it has {}", HasTasks(here->second));
    if (auto known = facts_.slots.find(here->second); known != facts_.slots.end() && known->second != *slots)
      return fmt::format("it has {} slots", known->second);
    return "";
  }

  std::string WrongPause(const std::string& text) const {
    const auto left = Time(Between(text, "gets another in ", ":"));
    if (!left || *left > kReturnPause) return "no pause is as long";
    return facts_.answers.empty() ? "nobody is reached" : "";
  }

  std::string WrongRefusal(const std::string& text) const {
    // Who was there before this coordinator came up it knows from its store.
    const auto here = facts_.last_at.find(address_);
    for (const auto& [agent, says] : facts_.refusals)
      if ((here == facts_.last_at.end() || agent == here->second || agent == status_.agent) && !says.empty() &&
          text.ends_with(": " + says))
        return "";
    for (const auto& [address, drained] : facts_.committed->drained())
      if (text.find("out of service by " + drained.author) != text.npos) return "";
    return "nobody has said that";
  }

  std::string WrongUnreachable(const std::string& text) const {
    if (facts_.answers.contains(address_)) return "somebody is there";
    const SilencePolicy& silence = run_.plan->spec(task_).silence;
    const auto left = Time(Between(text, silence.skip_unreachable ? "it is skipped in " : "it is failed in ", "\n"));
    const auto end = text.rfind(" in ");
    const auto said = left ? left : Time(std::string_view(text).substr(end + 4));
    if (text.find(silence.skip_unreachable ? "it is skipped" : "it is failed") == text.npos)
      return "its rule is another";
    return said && *said <= silence.unreachable + seconds(1) ? "" : "nobody waits as long";
  }

  std::string WrongEnd(std::string_view text) const {
    std::string outcome(status_.outcome ? ToString(*status_.outcome) : "");
    std::ranges::replace(outcome, '_', ' ');
    if (outcome.empty() || !text.starts_with(outcome)) return "it has ended as " + outcome;
    const bool counts = text.find("which counts as succeeded") != text.npos;
    return counts == status_.ignored ? "" : "it counts otherwise";
  }

  std::string WrongRetry(const std::string& text) const {
    const auto left = Time(Between(text, "its next try is due in ", ":"));
    if (!left) return "it has another form";
    return *left <= Duration(kMaxRetryDelay) && status_.tries + status_.losses > 0 ? "" : "nothing is tried again";
  }

  const RunOf& run_;
  const TaskIndex task_;
  const WhyFacts& facts_;
  const TaskStatus& status_;
  const std::string& address_;
};

}  // namespace

std::string WhyUntrue(const WhyLines& lines, const RunId& run, TaskIndex task, const WhyFacts& facts) {
  const RunOf* found = facts.committed->Find(run);
  if (!found || task >= found->tasks.size()) return "an answer about " + run.text() + ", which is not committed";
  if (lines.empty())
    return fmt::format("{}/{}, which is {}: no answer", run.text(), task + 1,
                       ToString(found->tasks[task].status.state));
  return Judge(*found, task, facts).WhyUntrue(lines[0]);
}

}  // namespace cromt::sim
