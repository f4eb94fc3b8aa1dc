#include "tests/sim/why_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/lease.h"
#include "tests/sim/why_names.h"

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

// As an answer says it of who began; empty if it says nothing.
std::string ForHowLong(const TaskStatus& status, Now now) {
  if (!status.started_at || *status.started_at >= now.wall) return "";
  return FormatDuration(std::chrono::floor<seconds>(now.wall - *status.started_at));
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

  // Why a line of this kind can't say this of the task; empty if it can.
  std::string WhyUntrue(WhyKind kind, const std::string& text) const {
    const std::string wrong = IsOfState(kind) ? WhyWrong(kind, text) : "that is no answer for a task that stands so";
    if (wrong.empty()) return "";
    return fmt::format("{}/{}, which is {}: '{}' ({}): {}", run_.header.id.text(), task_ + 1, ToString(status_.state),
                       text, ToString(kind), wrong);
  }

  // Of a project of the same run by which another one waits.
  std::string WrongLink(WhyKind kind, InstanceIndex of, const std::string& text) const {
    return kind == WhyKind::kNeeds ? WrongNeeds(of, text) : WrongAfter(of, text);
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

  std::string WhyWrong(WhyKind kind, const std::string& text) const {
    const InstanceIndex mine = run_.plan->tasks[task_].instance;
    switch (kind) {
      case WhyKind::kSources: return run_.status.state == RunState::kQueued ? "" : "the run has begun";
      case WhyKind::kNeeds:
      case WhyKind::kAfter: return WrongLink(kind, mine, text);
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
        return IsThere(status_.agent) ? WrongRunning(text) : "nobody reaches that agent";
      case WhyKind::kStopping:
        if (!status_.stop_wanted) return "nobody wished that";
        return IsThere(status_.agent) ? "" : "nobody reaches that agent";
      case WhyKind::kSilent: return IsThere(status_.agent) ? "that agent has a session" : WrongSilence(text);
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

  std::string WrongNeeds(InstanceIndex mine, const std::string& text) const {
    for (InstanceIndex need : run_.plan->instances[mine].needs)
      if (text.find(fmt::format("waits for '{}',", run_.plan->instances[need].project)) != text.npos)
        return MayWaitFor(need) || (text.ends_with("which waits itself") && Waits(need)) ? WrongCount(text, need)
                                                                                         : "that has ended";
    return "it does not need that";
  }

  std::string WrongAfter(InstanceIndex mine, const std::string& text) const {
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

  std::string WrongRunning(const std::string& text) const {
    const auto& limit = run_.plan->spec(task_).timeout;
    const std::string end = limit ? "; its timeout is " + FormatDuration(*limit) : "; it has no timeout";
    if (!text.ends_with(end)) return "it has another timeout";
    const auto since = Between(text, " for ", ";");
    return !since || *since == ForHowLong(status_, facts_.now) ? "" : "it began at another time";
  }

  std::string WrongSilence(const std::string& text) const {
    const SilencePolicy& silence = run_.plan->spec(task_).silence;
    const bool again = silence.retry_lost && !status_.stop_wanted && status_.losses < kLostRetries;
    const std::string end = again ? "it is tried again in " : "it is lost in ";
    const size_t at = text.rfind(end);
    if (at == text.npos) return "its rule is another";
    if (status_.started_at.has_value() != (text.find("may be running") != text.npos)) return "it began, or did not";
    if (status_.stop_wanted != (text.find("though it is to stop") != text.npos)) return "it is to stop, or is not";
    const auto left = Time(std::string_view(text).substr(at + end.size()));
    return left && *left <= std::max(silence.lost, kShortestLost) + seconds(1) ? "" : "nobody waits as long";
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

// One answer: its lines are about the task that was asked for, or about whom they name, or about somebody whom a line
// before has named.
class Answer {
 public:
  Answer(const RunOf& asked, const WhyFacts& facts) : asked_(asked), facts_(facts) {}

  void Is(TaskIndex task) { subjects_.emplace_back(&asked_, task); }

  // So many tasks of the run have been told of.
  uint64_t told() const { return told_; }

  // Whom the line names stands as it says.
  std::string WrongNames(const WhyLine& line) const {
    if (line.text.ends_with("…")) return "";
    auto wrong = [&](const TaskName& name) {
      return fmt::format("'{}' ({}): '{}' does not stand so", line.text, ToString(line.kind), name.project);
    };
    for (const Standing& standing : StandingsIn(line.text))
      if (!Stands(standing)) return wrong(standing.name);
    const size_t first = line.text.rfind(", first ");
    if (line.kind != WhyKind::kBehind || first == line.text.npos) return "";
    std::string_view rest = std::string_view(line.text).substr(first + 8);
    const auto name = TakeName(rest);
    const bool waits = name && std::ranges::any_of(Find(*name), [](const auto& one) {
                         return one.first->tasks[one.second].status.state == TaskState::kReady;
                       });
    return waits ? "" : wrong(name.value_or(TaskName()));
  }

  // One of the lines after the first.
  std::string WhyUntrue(const WhyLine& line) {
    if (line.text.ends_with("…") || line.text == "and so on") return "";
    if (std::string wrong = WrongNames(line); !wrong.empty()) return wrong;
    std::string_view rest = line.text;
    if (const auto told = TakeTold(rest)) return OfNamed(*told, line.kind, std::string(rest));
    if (const auto link = OfLink(line)) return *link;
    return OfAny(subjects_, line.kind, line.text);
  }

 private:
  using Subjects = std::vector<std::pair<const RunOf*, TaskIndex>>;

  const RunOf* RunOfName(const TaskName& name) const {
    return name.run.empty() ? &asked_ : facts_.committed->Find(RunId(name.run));
  }

  // Who may be meant.
  Subjects Find(const TaskName& name) const {
    Subjects found;
    const RunOf* run = RunOfName(name);
    for (TaskIndex t = 0; run && t < run->tasks.size(); ++t)
      if (run->plan->spec(t).project == name.project && run->plan->host(t).id == name.host) found.emplace_back(run, t);
    return found;
  }

  bool Stands(const Standing& standing) const {
    return std::ranges::any_of(Find(standing.name), [&](const auto& one) {
      const TaskStatus& status = one.first->tasks[one.second].status;
      return ToString(status.state) == standing.state && ForHowLong(status, facts_.now) == standing.since;
    });
  }

  std::string OfNamed(const Told& told, WhyKind kind, const std::string& text) {
    Subjects all;
    for (const TaskName& name : told.names) {
      const Subjects found = Find(name);
      if (found.empty()) return fmt::format("'{}' is told of '{}', who is not there", text, name.project);
      all.insert(all.end(), found.begin(), found.end());
    }
    if (told.names.front().run.empty()) told_ += told.count;
    subjects_.insert(subjects_.end(), all.begin(), all.end());
    return OfAny(all, kind, text);
  }

  // Whom somebody waits for waits for another project. Nothing if the line says something else.
  std::optional<std::string> OfLink(const WhyLine& line) const {
    if (line.kind != WhyKind::kNeeds && line.kind != WhyKind::kAfter) return std::nullopt;
    std::string_view rest = line.text;
    const auto name = TakeName(rest);
    std::string wrong = "nobody is named so";
    for (const auto& [run, task] : subjects_)
      for (InstanceIndex i = 0; name && i < run->plan->instances.size(); ++i)
        if (run->plan->instances[i].project == name->project) {
          wrong = Judge(*run, task, facts_).WrongLink(line.kind, i, line.text);
          if (wrong.empty()) return "";
        }
    return fmt::format("'{}' ({}): {}", line.text, ToString(line.kind), wrong);
  }

  std::string OfAny(const Subjects& subjects, WhyKind kind, const std::string& text) const {
    std::string wrong = fmt::format("'{}' ({}) is told of nobody", text, ToString(kind));
    for (const auto& [run, task] : subjects) {
      wrong = Judge(*run, task, facts_).WhyUntrue(kind, text);
      if (wrong.empty()) return "";
    }
    return wrong;
  }

  const RunOf& asked_;
  const WhyFacts& facts_;
  Subjects subjects_;
  uint64_t told_ = 0;
};

std::string WrongProgress(const RunOf& run, const std::string& text) {
  std::map<TaskState, size_t> counts;
  for (const auto& task : run.tasks) ++counts[task.status.state];
  for (const auto& [state, count] : counts)
    if (text.find(fmt::format(" {} {}", count, ToString(state))) == text.npos)
      return fmt::format("of run {}, of which {} are {}: '{}'", run.header.id.text(), count, ToString(state), text);
  return "";
}

}  // namespace

std::string WhyUntrue(const WhyLines& lines, const RunId& run, TaskIndex task, const WhyFacts& facts) {
  const RunOf* found = facts.committed->Find(run);
  if (!found || task >= found->tasks.size()) return "an answer about " + run.text() + ", which is not committed";
  if (lines.empty())
    return fmt::format("{}/{}, which is {}: no answer", run.text(), task + 1,
                       ToString(found->tasks[task].status.state));
  const Judge judge(*found, task, facts);
  if (std::string wrong = judge.WhyUntrue(lines[0].kind, lines[0].text); !wrong.empty()) return wrong;
  Answer answer(*found, facts);
  if (std::string wrong = answer.WrongNames(lines[0]); !wrong.empty()) return wrong;
  answer.Is(task);
  for (size_t i = 1; i < lines.size(); ++i)
    if (std::string wrong = answer.WhyUntrue(lines[i]); !wrong.empty()) return wrong;
  return "";
}

std::string WhyUntrue(const WhyLines& lines, const RunId& run, const WhyFacts& facts) {
  const RunOf* found = facts.committed->Find(run);
  if (!found || lines.empty() || lines[0].kind != WhyKind::kProgress) return "nothing is told of " + run.text();
  if (std::string wrong = WrongProgress(*found, lines[0].text); !wrong.empty()) return wrong;
  if (found->status.state == RunState::kQueued)
    return lines.size() == 2 && lines[1].kind == WhyKind::kSources ? "" : "its sources are not told of";
  Answer answer(*found, facts);
  bool all = true;
  for (size_t i = 1; i < lines.size(); ++i)
    if (lines[i].kind == WhyKind::kProgress)
      all = false;  // there are too many
    else if (std::string wrong = answer.WhyUntrue(lines[i]); !wrong.empty())
      return wrong;
  const auto to_tell = std::ranges::count_if(found->tasks, [](const auto& task) {
    const auto& outcome = task.status.outcome;
    return !outcome || *outcome == TaskOutcome::kFailed || *outcome == TaskOutcome::kTimedOut ||
           *outcome == TaskOutcome::kLost;
  });
  if (all && answer.told() < static_cast<uint64_t>(to_tell))
    return fmt::format("of run {} {} of {} tasks are told of", run.text(), answer.told(), to_tell);
  return "";
}

}  // namespace cromt::sim
