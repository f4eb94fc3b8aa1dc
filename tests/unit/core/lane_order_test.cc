// Goal: who gets a free place is who should, in lanes, limits and at agents. Method: histories from seeds, and after
// each step a model that works out from scratch, from what the tasks' states and their turns are, who has a place.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/unit/core/scheduler_env.h"
#include "tests/unit/core/seeds.h"

namespace cromt {
namespace {

constexpr size_t kWindow = 64;  // leases that an agent of few slots holds
constexpr SilencePolicy kPatient = {.unreachable = std::chrono::hours(100), .lost = std::chrono::hours(100)};

// A task of a run, as people name it: "r1/2".
struct Known {
  std::string run;
  TaskIndex task = 0;  // from 1
  std::shared_ptr<const Plan> plan;

  const TaskSpec& spec() const { return plan->spec(task - 1); }
  std::string address() const { return plan->host(task - 1).address; }
  // The groups that it is in; a limit is its run's own.
  std::vector<std::pair<std::string, uint32_t>> groups() const {
    std::vector<std::pair<std::string, uint32_t>> groups;
    for (uint32_t g : plan->tasks[task - 1].groups) {
      const PlannedGroup& group = plan->groups[g];
      groups.emplace_back(group.mesh_wide ? group.name : run + " " + group.name, group.depth);
    }
    return groups;
  }
};

class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {
    for (const char* name : {"a", "b"}) Connect(name);
  }

  void Step() {
    const uint64_t what = Below(100);
    if (tasks_.size() < most_tasks && what < 20) return Start();
    if (what < 70) return EndOne();
    if (what < 75) return CancelOne();
    if (what < 78) return CancelRun();
    if (what < 80 && restarts) return Restart();
    if (what < 90 && restarts) return Reconnect();
    env.Pass(milliseconds(Below(3000)));
  }

  uint64_t Below(uint64_t bound) { return random_() % bound; }
  std::vector<const Known*> All() const {
    std::vector<const Known*> all;
    for (const auto& [name, known] : tasks_) all.push_back(&known);
    return all;
  }
  const TaskStatus& Status(const Known& known) const { return env.Task(known.run, known.task); }
  bool IsUp(const std::string& address) const { return up_.contains(address.substr(0, address.find(':'))); }

  SchedulerEnv env;
  size_t most_tasks = 50;
  bool lanes = true;
  bool restarts = true;
  bool restarted = false;  // since it was asked last

 private:
  void Connect(const std::string& name) {
    env.Connect(name, 4);
    up_.insert(name);
  }

  void Start() {
    PlanBuilder plan;
    const std::vector<std::string> names = {"lane1", "lane2", "limit1", "limit2"};
    if (lanes) plan.Lane("lane1").Lane("lane2").Limit("limit1", 1).Limit("limit2", 2 + static_cast<uint32_t>(Below(2)));
    const uint64_t count = 1 + Below(4);
    for (InstanceIndex i = 0; i < count; ++i) {
      InstanceOptions options{.hosts = {}, .silence = kPatient};
      for (uint64_t n = 1 + Below(lanes ? 3 : 12); n > 0; --n)
        options.hosts.push_back(fmt::format("h{}@{}", n, Below(2) == 0 ? "a" : "b"));
      if (i > 0 && Below(3) == 0) options.needs = {static_cast<InstanceIndex>(Below(i))};
      for (const std::string& name : names)
        if (lanes && Below(3) == 0) options.groups.push_back(name);
      options.priority = static_cast<int32_t>(Below(3)) - 1;
      if (Below(3) == 0) options.retry = {.retries = 2, .delay = seconds(Below(2) * 2)};
      plan.Add(fmt::format("p{}", i), options);
    }
    auto built = plan.Build();
    const std::string run = env.Start(built).text();
    runs_.push_back(run);
    for (TaskIndex t = 1; t <= built->tasks.size(); ++t) tasks_[fmt::format("{}/{}", run, t)] = {run, t, built};
  }

  // One that an agent has, if its agent is there.
  void EndOne() {
    std::vector<const Known*> held;
    for (const Known* known : All())
      if (InFlight(Status(*known).state) && IsUp(known->address())) held.push_back(known);
    if (held.empty()) return env.Pass(seconds(1));
    const Known& known = *held[Below(held.size())];
    const TaskStatus status = Status(known);
    const std::string agent = known.address().substr(0, 1);
    const std::string attempt = fmt::format("{}/{}/{}", known.run, known.task, status.attempt);
    if (status.stop_wanted)
      return env.Ends(agent, attempt, {.kind = AttemptResult::Kind::kStopped, .status = Signaled{15}});
    if (Below(4) == 0 && !status.started_at) return env.Begins(agent, attempt);
    env.Ends(agent, attempt, Below(3) == 0 ? 1 : 0);
  }

  void CancelOne() {
    std::vector<const Known*> all = All();
    if (all.empty()) return;
    const Known& known = *all[Below(all.size())];
    env.CancelOne(known.run, known.task);
  }

  void CancelRun() {
    if (!runs_.empty()) env.Cancel(runs_[Below(runs_.size())]);
  }

  void Restart() {
    env.Restart();
    restarted = true;
    up_.clear();
  }

  void Reconnect() {
    const std::string name = Below(2) == 0 ? "a" : "b";
    if (!up_.contains(name)) return Connect(name);
    if (Below(3) > 0) return;
    up_.erase(name);
    env.Disconnect(name);
  }

  std::mt19937_64 random_;
  std::map<std::string, Known> tasks_;
  std::vector<std::string> runs_;
  std::set<std::string> up_;
};

// ---- Lanes and limits -----------------------------------------------------------------------------

// Who is past the lines of its groups. A place is kept until the task has ended, or has to line up again; for the rest,
// whoever is first in each of its lines passes, as long as there is room in each.
class Places {
 public:
  explicit Places(History& history) : history_(history) {}

  // What is wrong after a step; empty if nothing is.
  std::string Work() {
    const bool restarted = std::exchange(history_.restarted, false);
    std::map<const Known*, Wall> passed;
    std::map<std::string, uint32_t> running;
    auto take = [&](const Known* known) {
      passed[known] = *history_.Status(*known).queued_at;
      for (const auto& [group, depth] : known->groups()) ++running[group];
    };
    std::vector<const Known*> line;
    for (const Known* known : history_.All()) {
      const TaskStatus& status = history_.Status(*known);
      const bool flies = InFlight(status.state);
      if (!flies && status.state != TaskState::kReady) continue;
      auto before = passed_.find(known);
      // What an agent has keeps its place over a restart; who was not leased lines up again.
      const bool keeps = before != passed_.end() && before->second == status.queued_at && (flies || !restarted);
      if (keeps)
        take(known);
      else
        line.push_back(known);
    }
    std::ranges::sort(line, [&](const Known* a, const Known* b) { return Turn(*a) < Turn(*b); });
    for (size_t i = 0; i < line.size();) {
      if (!MayPass(line, i, running)) {
        ++i;
        continue;
      }
      take(line[i]);
      line.erase(line.begin() + static_cast<ptrdiff_t>(i));
      i = 0;
    }
    passed_ = passed;
    for (const Known* known : history_.All()) {
      const TaskStatus& status = history_.Status(*known);
      if (InFlight(status.state) && !passed.contains(known))
        return fmt::format("{}/{} was leased, and it was not its turn", known->run, known->task);
      if (status.state == TaskState::kReady && passed.contains(known) && history_.IsUp(known->address()))
        return fmt::format("{}/{} was not leased, and it is its turn", known->run, known->task);
    }
    waited += line.size();
    return "";
  }

  size_t waited = 0;

 private:
  Wall Turn(const Known& known) const { return *history_.Status(known).queued_at; }

  static bool MayPass(const std::vector<const Known*>& line, size_t place, std::map<std::string, uint32_t>& running) {
    for (const auto& [group, depth] : line[place]->groups()) {
      if (running[group] >= depth) return false;
      for (size_t before = 0; before < place; ++before)
        for (const auto& [other, its] : line[before]->groups())
          if (other == group) return false;
    }
    return true;
  }

  History& history_;
  std::map<const Known*, Wall> passed_;
};

class LaneOrder : public ::testing::TestWithParam<uint64_t> {};

TEST_P(LaneOrder, WhoPassesIsWhoseTurnItIs) {
  for (uint64_t i = 0; i < 20; ++i) {
    const uint64_t seed = GetParam() * 1000 + i;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    History history(seed);
    Places places(history);
    for (int step = 0; step < 150; ++step) {
      history.Step();
      ASSERT_EQ(places.Work(), "") << "seed " << seed << ", step " << step;
    }
    EXPECT_GT(places.waited, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LaneOrder, Seeds(20));

// ---- Agents -----------------------------------------------------------------------------------

class AgentOrder : public ::testing::TestWithParam<uint64_t> {};

// An agent gets as many as it may hold: those of the highest priority, and of these who is ready for longest, though it
// was tried before.
TEST_P(AgentOrder, WhoIsLeasedIsWhoseTurnItIs) {
  for (uint64_t i = 0; i < 4; ++i) {
    const uint64_t seed = GetParam() * 1000 + i;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    History history(seed);
    history.lanes = false;
    history.restarts = false;
    history.most_tasks = 400;
    std::set<std::pair<std::string, TaskIndex>> had;
    size_t waited = 0;
    for (int step = 0; step < 300; ++step) {
      history.Step();
      for (const char* address : {"a:4000", "b:4000"}) {
        std::vector<const Known*> line;
        size_t held = 0;
        for (const Known* known : history.All()) {
          if (known->address() != address) continue;
          const TaskStatus& status = history.Status(*known);
          const bool is_new = InFlight(status.state) && !had.contains({known->run, known->task});
          held += InFlight(status.state) && !is_new;
          if (is_new || status.state == TaskState::kReady) line.push_back(known);
        }
        auto turn = [&](const Known* known) {
          return std::pair(-known->spec().priority, *history.Status(*known).queued_at);
        };
        std::ranges::sort(line, [&](const Known* a, const Known* b) { return turn(a) < turn(b); });
        for (const Known* known : line) {
          const bool gets = held < kWindow;
          held += gets;
          waited += !gets;
          ASSERT_EQ(InFlight(history.Status(*known).state), gets)
              << "seed " << seed << ", step " << step << ": " << known->run << "/" << known->task;
        }
      }
      had.clear();
      for (const Known* known : history.All())
        if (InFlight(history.Status(*known).state)) had.insert({known->run, known->task});
    }
    EXPECT_GT(waited, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AgentOrder, Seeds(10));

}  // namespace
}  // namespace cromt
