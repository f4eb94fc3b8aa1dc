#include "tests/sim/live_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "coordinator/why.h"
#include "tests/sim/coordinator.h"

namespace cromt::sim {
namespace {

// Reading costs more than a step.
constexpr uint64_t kReadEach = 100, kAskEach = 8;
// What can't be sent for longer ends its link: within 10 s by an agent that hears nothing, or, if that hangs by then,
// 10 s later by the coordinator.
constexpr Duration kSendTakes = seconds(25);

std::string Differs(const StoredRun& live, const StoredRun& read) {
  if (live.header.request != read.header.request || live.header.project != read.header.project ||
      live.header.created_at != read.header.created_at || live.header.trigger != read.header.trigger)
    return "its head";
  if (live.status != read.status) return fmt::format("its state, {}", ToString(read.status.state));
  if (!(*live.plan == *read.plan)) return "its plan";
  if (live.tasks.size() != read.tasks.size()) return "the number of its tasks";
  for (TaskIndex task = 0; task < live.tasks.size(); ++task)
    if (live.tasks[task] != read.tasks[task])
      return fmt::format("task {}, {} at attempt {}", task + 1, ToString(read.tasks[task].state),
                         read.tasks[task].attempt);
  return live.artifacts.size() == read.artifacts.size() ? "" : "the number of its artifacts";
}

}  // namespace

LiveCheck::LiveCheck(World& world, const FileSystem& disk, std::string path)
    : world_(world), disk_(disk), path_(std::move(path)), commits_(world.timeline, world.ledger) {}

void LiveCheck::Violation(const std::string& what) {
  constexpr int kEnough = 3;
  if (++told_ <= kEnough) world_.ledger.Violation(what);
}

void LiveCheck::Takes(const std::vector<EngineInput>& inputs) {
  for (const EngineInput& input : inputs) {
    if (const auto* closed = std::get_if<engine_input::LinkClosed>(&input)) Closes(closed->link);
    if (const auto* ask = std::get_if<engine_input::Ask>(&input);
        ask && std::holds_alternative<ForgetAgent>(ask->event))
      std::erase_if(reached_, [this](const auto& at) {  // those that are not up may be forgotten
        return std::ranges::none_of(links_,
                                    [&](const auto& one) { return one.second.live && one.second.agent == at.second; });
      });
    const auto* said = std::get_if<engine_input::LinkMessage>(&input);
    if (!said) continue;
    if (const auto& hello = said->message.hello; hello && links_.contains(said->link)) {
      links_[said->link].agent = hello->agent;
      slots_[hello->agent] = hello->slots;
      labels_[hello->agent] = hello->labels;
      commits_.Greeted(said->link, *hello);
    }
    if (const auto& refuses = said->message.refuses) Refuses(said->link, *refuses);
    // Before its inventory is there, what it has may be called lost.
    if (auto link = links_.find(said->link); link != links_.end() && link->second.live) commits_.Heard(said->link);
  }
}

// Counts from when its session is live; each begins without.
void LiveCheck::Refuses(LinkId id, const std::string& why) {
  if (auto link = links_.find(id); link != links_.end()) link->second.refuses = why;
}

void LiveCheck::IsLive(LinkId id) {
  Link& link = links_.at(id);
  last_at_[link.address] = reached_[link.address] = link.agent;
  if (link.closed) return;  // in the same step
  link.live = true;
  link.since = world_.timeline.now();
  commits_.Heard(id);
}

void LiveCheck::Closes(LinkId id) {
  const auto link = links_.find(id);
  if (link == links_.end()) return;
  link->second.closed = true;
  link->second.live = false;
}

// Each agent once, none that is out of service or has other labels; whoever is up before whoever is not. Who is at an
// address that this coordinator has not reached yet nobody can know; labels are remembered by that where it was last.
void LiveCheck::CheckPool(const Pool& pool, const std::vector<std::string>& addresses, const Result<Plan>& plan) {
  std::set<AgentId> out, may_be_out, live, up;
  for (const std::string& address : addresses) {
    if (!commits_.drained().contains(address)) continue;
    if (const auto agent = reached_.find(address); agent != reached_.end()) out.insert(agent->second);
    if (const auto last = last_at_.find(address); last != last_at_.end()) may_be_out.insert(last->second);
  }
  auto fits = [&](const AgentId& agent) { return std::ranges::includes(labels_[agent], pool.labels); };
  for (const auto& [id, link] : links_)
    if (link.live && fits(link.agent)) live.insert(link.agent);
  std::ranges::set_difference(live, may_be_out, std::inserter(up, up.end()));
  if (!plan) {
    if (up.size() >= pool.count.value_or(1)) Violation("a pool gets nobody: " + plan.error().message);
    return world_.situations.Saw("pool", "too few agents fit");
  }
  std::set<AgentId> chosen;
  size_t chosen_up = 0, unreached = 0;
  for (const PlannedHost& host : plan->hosts) {
    auto wrong = [&](std::string_view why) { Violation(fmt::format("a pool gets {}, {}", host.address, why)); };
    if (commits_.drained().contains(host.address)) wrong("which is out of service");
    if (const auto last = last_at_.find(host.address); last != last_at_.end() && !fits(last->second))
      wrong("which has other labels");
    const auto agent = reached_.find(host.address);
    unreached += agent == reached_.end();  // the store may say who it is by what he has
    if (agent == reached_.end()) continue;
    if (out.contains(agent->second)) wrong("which is out of service by another address");
    if (!chosen.insert(agent->second).second) wrong("which is there by another address");
    chosen_up += live.contains(agent->second);
  }
  if (pool.count && plan->hosts.size() != *pool.count)
    Violation(fmt::format("a pool gets {} agents and not {}", plan->hosts.size(), *pool.count));
  if (chosen_up + unreached < std::min<size_t>(up.size(), pool.count.value_or(up.size())))
    Violation(fmt::format("a pool gets {} agents that are up, and {} are", chosen_up, up.size()));
  world_.situations.Saw("pool", chosen_up == plan->hosts.size() ? "agents that are up" : "agents that are down");
}

// A stop that is committed is sent to who has the task, if he is there.
void LiveCheck::CheckStops() {
  for (const auto& [id, at] : commits_.unsent_stops()) {
    const AgentId& agent = commits_.Find(id.run)->tasks[id.task].status.agent;
    for (const auto& [key, link] : links_)
      if (link.live && link.agent == agent &&
          world_.timeline.now() > std::max({at, link.since, calm_since_}) + kSendTakes)
        Violation(ToString(id) + " is to be stopped, and its agent, which is there, is not told");
  }
}

void LiveCheck::Stepped(const Engine& engine, bool committed, Now now) {
  std::erase_if(links_, [](const auto& one) { return one.second.closed; });
  if (!engine.held().empty()) return;
  if (std::string left = engine.scheduler().Leftover(); !left.empty()) Violation("no run is left, and " + left);
  if (!commits_.went_back().empty()) Violation("the coordinator is not held, and " + commits_.went_back());
  CheckStops();
  if (committed && ++commits_seen_ % kReadEach == 0) CheckRead(engine);
  if (++steps_ % kAskEach == 0) CheckWhy(engine, now);
}

Result<StoreReader*> LiveCheck::Reader() {
  if (!reader_) {
    CROMT_ASSIGN(reader_, StoreReader::Open(path_, disk_));
  }
  return &*reader_;
}

// What it believes, what was committed and what is read are one.
void LiveCheck::CheckRead(const Engine& engine) {
  const std::vector<StoredRun> live = engine.scheduler().Unfinished();
  auto opened = Reader();
  if (!opened) return Violation("the store can't be read: " + opened.error().message);
  StoreReader* const reader = *opened;
  auto listed = reader->Unfinished(1'000'000);
  if (!listed) return Violation("the store can't be read: " + listed.error().message);
  if (listed->size() != live.size())
    return Violation(fmt::format("{} runs have not finished, and {} are read", live.size(), listed->size()));
  for (const StoredRun& run : live) {
    auto read = reader->Stored(run.header.id);
    const std::string differs = read ? Differs(run, *read) : read.error().message;
    if (!differs.empty())
      return Violation(
          fmt::format("what is read of run {} is not what the coordinator has: {}", run.header.id.text(), differs));
    const CommitCheck::RunOf* told = commits_.Find(run.header.id);
    for (TaskIndex task = 0; told && task < run.tasks.size(); ++task)
      if (told->tasks[task].status != run.tasks[task])
        return Violation(fmt::format("{}/{} has changed without a commit", run.header.id.text(), task + 1));
  }
}

// One task after another is asked for, in no order in particular.
void LiveCheck::CheckWhy(const Engine& engine, Now now) {
  WhyFacts facts{.answers = {},
                 .last_at = last_at_,
                 .slots = slots_,
                 .refusals = {},
                 .committed = &commits_,
                 .ledger = &world_.ledger,
                 .now = now};
  for (const auto& [id, link] : links_) {
    if (!link.live) continue;
    facts.answers[link.address] = link.agent;
    facts.refusals.emplace(link.agent, link.refuses);
  }
  if (!commits_.kept_lanes().empty()) CheckWhoWaitsForLanes(engine, facts);
  for (int tries = 0; tries < 3; ++tries) {
    const auto& runs = commits_.runs();
    if (runs.empty()) return;
    asked_ = asked_ * 6364136223846793005u + 1442695040888963407u;
    auto run = std::next(runs.begin(), static_cast<int64_t>((asked_ >> 33) % runs.size()));
    if (run->second.status.state == RunState::kFinished || run->second.tasks.empty()) continue;
    const auto task = static_cast<TaskIndex>((asked_ >> 20) % run->second.tasks.size());
    CheckWhy(engine, run->first, task, facts);
    return CheckProgress(engine, run->first, facts);
  }
}

// It is rare, so all of them.
void LiveCheck::CheckWhoWaitsForLanes(const Engine& engine, const WhyFacts& facts) {
  for (const auto& [id, run] : commits_.runs())
    for (TaskIndex task = 0; task < run.tasks.size(); ++task)
      if (run.tasks[task].status.state == TaskState::kReady) CheckWhy(engine, id, task, facts);
}

void LiveCheck::CheckWhy(const Engine& engine, const RunId& run, TaskIndex task, const WhyFacts& facts) {
  auto lines = engine.scheduler().Why(run, task, facts.now);
  if (!lines) return Violation("why is not told of what has not finished: " + lines.error().message);
  if (!lines->empty()) world_.situations.Saw("why", ToString(lines->front().kind));
  if (std::string wrong = WhyUntrue(*lines, run, task, facts); !wrong.empty()) Violation("why is not true: " + wrong);
  if (commits_.Find(run)->tasks[task].status.state == TaskState::kRunning) CheckHowItGoes(run, task, facts.now);
}

// What one that runs took when it succeeded before is what some earlier run of its project and job file took.
void LiveCheck::CheckHowItGoes(const RunId& id, TaskIndex task, Now now) {
  auto reader = Reader();
  if (!reader) return;
  const auto took = (*reader)->TookBefore(id, task);
  if (!took && took.error().message.ends_with(kDiskFails)) return;
  if (!took) return Violation("how long a task took before can't be read: " + took.error().message);
  const WhyLine line = HowItGoes(std::nullopt, "", *took, now.wall);
  world_.situations.Saw("why", ToString(line.kind));
  if (line.text.find("it ran") != std::string::npos)
    world_.situations.Saw("why", "output, and how long it took before");
  if (world_.ledger.went_back() || commits_.ever_in_doubt()) return;
  const RunHeader& header = commits_.Find(id)->header;
  for (const Duration one : *took) {
    const bool known = std::ranges::any_of(commits_.runs(), [&](const auto& other) {
      const auto& [header_of, status, plan, tasks] = other.second;
      if (header_of.project != header.project || header_of.revision != header.revision || task >= tasks.size())
        return false;
      const TaskStatus& before = tasks[task].status;
      return before.outcome == TaskOutcome::kSucceeded && before.started_at && before.finished_at &&
             *before.finished_at - *before.started_at == one;
    });
    if (!known)
      Violation(fmt::format("why is not true: no earlier run of {} has taken {} for its task {}", header.project,
                            FormatDuration(one), task + 1));
  }
}

void LiveCheck::CheckProgress(const Engine& engine, const RunId& id, const WhyFacts& facts) {
  const auto lines = engine.scheduler().Why(id, std::nullopt, facts.now);
  if (!lines) return Violation("why is not told of a run that has not finished: " + lines.error().message);
  world_.situations.Saw("why", ToString(WhyKind::kProgress));
  if (std::string wrong = WhyUntrue(*lines, id, facts); !wrong.empty()) Violation("why is not true: " + wrong);
}

void LiveCheck::CheckFinal(const std::vector<RunView>& runs) {
  if (world_.ledger.went_back()) return;  // what was recovered went by another way
  for (const RunView& run : runs) {
    if (commits_.IsUnsure(run.header.id)) continue;
    const CommitCheck::RunOf* told = commits_.Find(run.header.id);
    if (!told || told->status != run.status || told->tasks.size() != run.tasks.size()) {
      Violation("what is read of run " + run.header.id.text() + " is not what was committed");
      continue;
    }
    for (const TaskView& task : run.tasks)
      if (told->tasks[task.index].status != task.status)
        Violation(fmt::format("what is read of {}/{} is not what was committed", run.header.id.text(), task.index + 1));
  }
}

}  // namespace cromt::sim
