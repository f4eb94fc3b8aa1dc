// Goal: each checker finds the bug that it is there for. Method: a bug is planted from outside (a store, a plan, a
// network or a launcher that is not what it seems), and within a few seeds the checker that is named must speak.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/sim/simulate.h"

namespace cromt::sim {
namespace {

constexpr uint64_t kSeeds = 40;

// The first violation of a kind, "" if there is none within so many seeds.
std::string Find(const PlantedBugs& bugs, const std::string& kind, SimOptions options = {}, uint64_t seeds = kSeeds) {
  options.bugs = bugs;
  for (options.seed = 1; options.seed <= seeds; ++options.seed)
    for (const std::string& violation : Simulate(options).violations)
      if (violation.find(kind) != std::string::npos) return violation;
  return "";
}

// Says that records are on disk which it still holds in memory.
class LazyStore final : public Store {
 public:
  explicit LazyStore(std::unique_ptr<Store> real) : real_(std::move(real)) {}
  Result<StoredState> Load() override {
    auto state = real_->Load();
    if (state) commit_ = state->commit;
    return state;
  }
  Result<uint64_t> Commit(std::span<const Record> records) override {
    held_.insert(held_.end(), records.begin(), records.end());
    if (++commit_ % 8 == 0) CROMT_TRY(real_->Commit(std::exchange(held_, {})));
    return commit_;
  }
  Result<RunId> FindRequest(const RequestId& request) override { return real_->FindRequest(request); }

 private:
  std::unique_ptr<Store> real_;
  std::vector<Record> held_;
  uint64_t commit_ = 0;
};

TEST(PlantedBugs, StoreThatAcknowledgesWithoutCommitting) {
  PlantedBugs bugs;
  bugs.store = [](std::unique_ptr<Store> real) { return std::make_unique<LazyStore>(std::move(real)); };
  EXPECT_NE(Find(bugs, "was acknowledged and is not in the store"), "");
}

// What is there when the machine crashes is an older state, or none, and nobody has lied about a sync.
TEST(PlantedBugs, StoreThatIsNeverSynced) {
  EXPECT_NE(Find({.unsynced_store = true}, "the coordinator does not start"), "");
}

// Knows the requests of its own lifetime only: of a repeated one it makes a second run.
class ForgetfulStore final : public Store {
 public:
  explicit ForgetfulStore(std::unique_ptr<Store> real) : real_(std::move(real)) {}
  Result<StoredState> Load() override { return real_->Load(); }
  Result<uint64_t> Commit(std::span<const Record> records) override {
    std::vector<Record> renamed(records.begin(), records.end());
    for (Record& record : renamed)
      if (auto* created = std::get_if<RunCreated>(&record)) {
        const RequestId& request = created->header.request;
        if (!known_.insert(request).second) created->header.request = RequestId(request.text() + "-again");
      }
    return real_->Commit(renamed);
  }
  Result<RunId> FindRequest(const RequestId&) override { return RunId(); }

 private:
  std::unique_ptr<Store> real_;
  std::set<RequestId> known_;
};

TEST(PlantedBugs, StoreThatForgetsRequests) {
  PlantedBugs bugs;
  bugs.store = [](std::unique_ptr<Store> real) { return std::make_unique<ForgetfulStore>(std::move(real)); };
  EXPECT_NE(Find(bugs, "was answered with run"), "");
}

TEST(PlantedBugs, LauncherThatStartsATicketTwice) {
  EXPECT_NE(Find({.forgetful_launcher = true}, "invariant 2", {.faults = false}), "");
  EXPECT_NE(Find({.forgetful_launcher = true}, "ended with its host, which was there all the time", {.faults = false}),
            "");
}

// A lease of an attempt that was returned arrives once more, after the next attempt was leased.
TEST(PlantedBugs, NetworkThatReplaysALeaseOfAnOlderAttempt) {
  PlantedBugs bugs;
  std::map<std::pair<RunId, TaskIndex>, Lease> first;
  bugs.to_agent = [&](ToAgent& message) {
    std::vector<Lease> replayed;
    for (const Lease& lease : message.leases) {
      auto [known, is_new] = first.emplace(std::pair(lease.id.run, lease.id.task), lease);
      if (known->second.id.attempt < lease.id.attempt) replayed.push_back(known->second);
    }
    message.leases.insert(message.leases.end(), replayed.begin(), replayed.end());
  };
  EXPECT_NE(Find(bugs, "invariant 2"), "");
}

TEST(PlantedBugs, VerdictThatStopsWhatIsToGoOn) {
  PlantedBugs bugs;
  bugs.to_agent = [](ToAgent& message) {
    for (Verdict& verdict : message.verdicts) verdict.kind = Verdict::Kind::kStop;
  };
  EXPECT_NE(Find(bugs, "was stopped, which nobody wished"), "");
}

TEST(PlantedBugs, LeaseWithATimeLimitThatTheTaskHasNot) {
  PlantedBugs bugs;
  bugs.to_agent = [](ToAgent& message) {
    for (Lease& lease : message.leases) {
      auto spec = std::make_shared<TaskSpec>(*lease.spec);
      spec->timeout = milliseconds(1);
      lease.spec = std::move(spec);
    }
  };
  EXPECT_NE(Find(bugs, "was ended for its time limit, and has none", {.faults = false}), "");
}

TEST(PlantedBugs, ReportThatTellsAnotherExitStatus) {
  PlantedBugs bugs;
  bugs.from_agent = [](FromAgent& message) {
    for (Report& report : message.reports)
      if (auto* result = std::get_if<AttemptResult>(&report.fact))
        if (result->kind == AttemptResult::Kind::kExited && result->status == ExitStatus(Exited{7}))
          result->status = Exited{0};
  };
  EXPECT_NE(Find(bugs, "invariant 2", {.faults = false}), "");
}

// What a superseded or foreign attempt says is taken for what the current one says.
TEST(PlantedBugs, ReportUnderAnotherTasksName) {
  PlantedBugs bugs;
  bugs.from_agent = [](FromAgent& message) {
    for (size_t i = 1; i < message.reports.size(); ++i) std::swap(message.reports[i - 1].id, message.reports[i].id);
  };
  EXPECT_NE(Find(bugs, "invariant 2", {.faults = false}, 200), "");
}

TEST(PlantedBugs, PlanWithoutItsEdges) {
  PlantedBugs bugs;
  bugs.plan = [](const std::shared_ptr<const Plan>& wished) {
    auto plan = std::make_shared<Plan>(*wished);
    if (!plan->instances.empty()) plan->instances.back().needs.clear();
    return plan;
  };
  EXPECT_NE(Find(bugs, "invariant 3", {.faults = false}), "");
}

TEST(PlantedBugs, AfterInstanceThatDoesNotWait) {
  PlantedBugs bugs;
  bugs.plan = [](const std::shared_ptr<const Plan>& wished) {
    auto plan = std::make_shared<Plan>(*wished);
    for (PlannedInstance& instance : plan->instances) instance.after.clear();
    return plan;
  };
  EXPECT_NE(Find(bugs, "invariant 3", {.faults = false}), "");
}

TEST(PlantedBugs, HandlerOfFailuresThatRunsOnSuccess) {
  PlantedBugs bugs;
  bugs.plan = [](const std::shared_ptr<const Plan>& wished) {
    auto plan = std::make_shared<Plan>(*wished);
    for (PlannedInstance& instance : plan->instances)
      if (instance.when == When::kFailure) instance.when = When::kAlways;
    return plan;
  };
  EXPECT_NE(Find(bugs, "invariant 3", {.faults = false}), "");
}

TEST(PlantedBugs, CleanUpThatIsSkipped) {
  PlantedBugs bugs;
  bugs.plan = [](const std::shared_ptr<const Plan>& wished) {
    auto plan = std::make_shared<Plan>(*wished);
    for (PlannedInstance& instance : plan->instances) instance.when = When::kSuccess;
    return plan;
  };
  EXPECT_NE(Find(bugs, "nothing kept it from cleaning up", {.faults = false}), "");
}

TEST(PlantedBugs, FailureThatIsNotIgnored) {
  PlantedBugs bugs;
  bugs.plan = [](const std::shared_ptr<const Plan>& wished) {
    auto plan = std::make_shared<Plan>(*wished);
    for (PlannedInstance& instance : plan->instances) instance.ignore_failure = false;
    return plan;
  };
  EXPECT_NE(Find(bugs, "which is not ignored", {.faults = false}), "");
}

TEST(PlantedBugs, LaneThatIsTooWide) {
  PlantedBugs bugs;
  bugs.plan = [](const std::shared_ptr<const Plan>& wished) {
    auto plan = std::make_shared<Plan>(*wished);
    for (PlannedGroup& group : plan->groups) ++group.depth;
    return plan;
  };
  EXPECT_NE(Find(bugs, "invariant 5", {.faults = false}), "");
}

TEST(PlantedBugs, RetryThatIsOneTooMany) {
  PlantedBugs bugs;
  bugs.plan = [](const std::shared_ptr<const Plan>& wished) {
    auto plan = std::make_shared<Plan>(*wished);
    for (TaskSpec& spec : plan->specs) ++spec.retry.retries;
    return plan;
  };
  EXPECT_NE(Find(bugs, "it had been 1 times", {.faults = false}), "");
}

TEST(PlantedBugs, LostTaskThatIsTriedAgainThoughNobodyAskedForIt) {
  PlantedBugs bugs;
  bugs.plan = [](const std::shared_ptr<const Plan>& wished) {
    auto plan = std::make_shared<Plan>(*wished);
    for (TaskSpec& spec : plan->specs) spec.silence.retry_lost = true;
    return plan;
  };
  EXPECT_NE(Find(bugs, "invariant 2"), "");
}

TEST(PlantedBugs, FailureThatIsForgivenBeyondMaxFailures) {
  PlantedBugs bugs;
  bugs.plan = [](const std::shared_ptr<const Plan>& wished) {
    auto plan = std::make_shared<Plan>(*wished);
    for (PlannedInstance& instance : plan->instances) ++instance.max_failures;
    return plan;
  };
  EXPECT_NE(Find(bugs, "which is ignored", {.faults = false}), "");
}

// As if the coordinator no longer knew what it has just leased.
TEST(PlantedBugs, FilesThatAreRefusedToWhoHasTheTask) {
  PlantedBugs bugs;
  bugs.to_agent = [trees = std::make_shared<std::vector<Digest>>()](ToAgent& message) {
    if (message.hello || message.verdicts_done || !message.verdicts.empty()) return;
    for (Digest& tree : std::exchange(*trees, {})) message.blob_failures.push_back({std::move(tree), "not yours"});
    for (const Lease& lease : message.leases)
      if (!lease.spec->source.tree.empty()) trees->push_back(lease.spec->source.tree);
  };
  EXPECT_NE(Find(bugs, "its agent had it"), "");
}

// ---- A store that goes back ---------------------------------------------------------------------

// No agent says what it has seen, so nobody proves it.
TEST(PlantedBugs, StoreThatGoesBackAndIsNotHeld) {
  PlantedBugs bugs;
  bugs.from_agent = [](FromAgent& message) {
    if (auto& hello = message.hello) hello->seen_epoch = hello->seen_commit = hello->acked_sequence = 0;
  };
  EXPECT_NE(Find(bugs, "was stopped, which nobody wished", {.goes_back = true}, 200), "");
}

TEST(PlantedBugs, RecoveryThatDoesNotRaiseTheEpoch) {
  PlantedBugs bugs;
  bugs.recovery = [](Recovery& recovery) { recovery.epoch = 0; };
  EXPECT_NE(Find(bugs, "invariant 4", {.goes_back = true}), "");
}

TEST(PlantedBugs, RecoveryThatKeepsAndAdoptsNothing) {
  PlantedBugs bugs;
  bugs.recovery = [](Recovery& recovery) {
    recovery.kept.clear();
    std::erase_if(recovery.records, [](const Record& record) {
      const auto* task = std::get_if<TaskChanged>(&record);
      return task && task->status.state != TaskState::kFinished;
    });
  };
  EXPECT_NE(Find(bugs, "was stopped, which nobody wished", {.goes_back = true}, 200), "");
}

// ---- Two coordinators ---------------------------------------------------------------------------

// To agents all have one epoch, and no agent says what it has seen.
TEST(PlantedBugs, AgentsThatObeyAnOlderCoordinator) {
  PlantedBugs bugs;
  bugs.to_agent = [](ToAgent& message) {
    if (message.hello) message.hello->epoch = 1;
  };
  bugs.from_agent = [](FromAgent& message) {
    if (auto& hello = message.hello) hello->seen_epoch = hello->seen_commit = hello->acked_sequence = 0;
  };
  EXPECT_NE(Find(bugs, "a coordinator that is older than one that was obeyed", {.two = true}), "");
}

// Ends that never arrive: the run would wait for ever.
TEST(PlantedBugs, ReportsThatVanish) {
  PlantedBugs bugs;
  bugs.from_agent = [](FromAgent& message) {
    std::erase_if(message.reports, [](const Report& r) { return std::holds_alternative<AttemptResult>(r.fact); });
  };
  // A few starts, since all wait for an hour; of the first seed in which they run something.
  Part few{.starts = std::set<uint64_t>{1, 2, 3}, .faults = {}, .self_starts = false};
  SimReport report;
  for (uint64_t seed = 1; report.processes == 0 && seed < 100; ++seed)
    report = Simulate({.seed = seed, .part = few, .faults = false, .bugs = bugs, .story = {}});
  EXPECT_THAT(report.violations, testing::Contains(testing::HasSubstr("invariant 4")));
}

}  // namespace
}  // namespace cromt::sim
