// Goal: a task gets the artifacts that docs/jobs-yaml.md says, whatever was tried again, failed or was taken over from
// an earlier run. Method: runs from seeds whose tasks publish at random, and a list of who has published what last,
// kept by the test.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "core/rerun.h"
#include "core/scheduler.h"
#include "tests/unit/core/plan_builder.h"
#include "tests/unit/core/seeds.h"
#include "tests/unit/core/stored_runs.h"

namespace cromt {
namespace {

class Mesh {
 public:
  explicit Mesh(uint64_t seed) : random_(seed) {
    for (const char* name : {"a", "b", "c"}) Up(name);
  }

  void Run() {
    plan_ = DrawPlan();
    Start(RunId("r1"), {}, {});
    for (int again = 2; again < 4; ++again) {
      const StoredRun earlier = store_.Run(run_);
      TakenOver taken = TakeOver(earlier, RunId(fmt::format("r{}", again)));
      if (taken.again == 0) return;
      // What runs again has published nothing yet; what is taken over is as it was.
      std::erase_if(published_, [&](const auto& one) { return taken.tasks[one.first].state != TaskState::kFinished; });
      Start(RunId(fmt::format("r{}", again)), taken.tasks, taken.artifacts);
    }
  }

  uint64_t seen = 0;  // leases that had inputs

 private:
  struct Bytes {
    std::string digest, holder, host;
  };

  uint64_t Below(uint64_t bound) { return random_() % bound; }

  // Each instance may want what some before it publish, from a producer that it waits for.
  std::shared_ptr<const Plan> DrawPlan() {
    PlanBuilder plan;
    const auto count = static_cast<InstanceIndex>(3 + Below(5));
    for (InstanceIndex i = 0; i < count; ++i) {
      InstanceOptions options{.hosts = {}};
      for (const char* host : {"a", "b", "c", "d@a"})
        if (Below(2) == 0) options.hosts.push_back(host);
      if (options.hosts.empty()) options.hosts = {"b"};
      for (InstanceIndex need = 0; need < i; ++need)
        if (Below(2) == 0) options.needs.push_back(need);
      for (InstanceIndex need : options.needs)
        if (Below(2) == 0) options.inputs.push_back({Below(2) == 0 ? "x" : "y", need, Below(3) == 0});
      if (Below(2) == 0) options.retry = {.retries = static_cast<uint32_t>(Below(3))};
      options.ignore_failure = Below(2) == 0;
      plan.Add(fmt::format("p{}", i), options);
    }
    return plan.Build();
  }

  void Up(const std::string& name) {
    AgentHello hello{.agent = AgentId("agent-" + name), .journal = JournalId("j" + name), .slots = 8};
    Apply(AgentUp{name + ":4000", hello, {}, 0});
  }

  void Start(RunId run, const std::vector<TaskStatus>& tasks, const std::vector<ArtifactsPublished>& artifacts) {
    run_ = std::move(run);
    StartRun start{.run = run_, .request = RequestId(run_.text()), .project = "p", .plan = plan_};
    start.tasks = tasks;
    start.artifacts = artifacts;
    Apply(start);
    while (!leased_.empty()) EndOne();
    ASSERT_EQ(store_.Run(run_).status.state, RunState::kFinished);
  }

  // It publishes all, some or nothing of what it may, or fails.
  void EndOne() {
    auto it = std::next(leased_.begin(), static_cast<int64_t>(Below(leased_.size())));
    const auto [id, address] = *it;
    leased_.erase(it);
    AttemptResult result{.kind = AttemptResult::Kind::kExited, .status = Exited{Below(4) == 0 ? 1 : 0}};
    const std::string name = address.substr(0, 1);
    const bool fails = result.status == ExitStatus(Exited{1});
    for (const char* artifact : {"x", "y"}) {
      if (fails || Below(8) == 0) continue;
      const std::string digest = fmt::format("{:064x}", ++bytes_);
      result.published.push_back({artifact, {digest, 1}, false, "grant"});
      published_[id.task][artifact] = {digest, "agent-" + name, plan_->host(id.task).id};
    }
    if (!fails && Below(6) == 0) {  // it could not be published after all
      result = {.kind = AttemptResult::Kind::kNotPublished, .status = Exited{0}, .reason = "no room"};
      published_.erase(id.task);
    }
    Apply(AgentReported{address, {{++sequences_[address], id, result}}});
    now_.mono += seconds(1);
    now_.wall += seconds(1);
  }

  void Apply(const Event& event) {
    Decision decision = scheduler_.Apply(event, now_);
    for (const Record& record : decision.records) store_.Write(record);
    for (const Effect& effect : decision.effects)
      if (const auto* lease = std::get_if<SendLease>(&effect)) {
        leased_[lease->lease.id] = lease->address;
        Compare(lease->lease);
      }
    for (TaskIndex t = 0; plan_ && t < plan_->tasks.size() && !store_.Ids().empty(); ++t) CompareRefused(t);
  }

  // What it must find, by path; nothing if it can't have what it wants.
  std::optional<std::map<std::string, std::string>> Wanted(TaskIndex task) const {
    std::map<std::string, std::string> wanted;
    for (const PlannedInput& input : plan_->instances[plan_->tasks[task].instance].inputs) {
      std::vector<Bytes> all;
      const PlannedInstance& producer = plan_->instances[input.producer];
      for (TaskIndex t = producer.first_task; t < producer.first_task + producer.task_count; ++t)
        if (auto by = published_.find(t); by != published_.end())
          if (auto bytes = by->second.find(input.name); bytes != by->second.end()) all.push_back(bytes->second);
      if (all.empty()) return std::nullopt;
      if (!input.all_hosts) wanted[input.name] = all.back().digest + " " + all.back().holder;
      for (const Bytes& bytes : all)
        if (input.all_hosts) wanted[bytes.host + "/" + input.name] = bytes.digest + " " + bytes.holder;
    }
    return wanted;
  }

  void Compare(const Lease& lease) {
    std::map<std::string, std::string> got;
    if (lease.inputs)
      for (const LeaseInput& input : *lease.inputs)
        got[input.path] = input.artifact.digest.sha256 + " " + input.holder.text();
    const auto wanted = Wanted(lease.id.task);
    ASSERT_TRUE(wanted) << ToString(lease.id) << " is leased without what it wants";
    EXPECT_EQ(got, *wanted) << ToString(lease.id);
    seen += !got.empty();
  }

  void CompareRefused(TaskIndex task) {
    const TaskStatus& status = store_.Run(store_.Ids().back()).tasks[task];
    const bool refused = status.outcome == TaskOutcome::kFailed && status.attempt == 0 &&
                         status.reason.find("was not published by") != std::string::npos;
    if (refused) {
      EXPECT_FALSE(Wanted(task)) << "task " << task << " is refused what is there: " << status.reason;
    }
  }

  std::mt19937_64 random_;
  Scheduler scheduler_;
  StoredRuns store_;
  Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
  std::shared_ptr<const Plan> plan_;
  RunId run_;
  std::map<AttemptId, std::string> leased_;  // and at which address
  std::map<std::string, uint64_t> sequences_;
  std::map<TaskIndex, std::map<std::string, Bytes>> published_;  // what was published last
  uint64_t bytes_ = 0;
};

class ArtifactModel : public ::testing::TestWithParam<uint64_t> {};

TEST_P(ArtifactModel, WhoWantsOneGetsTheOneThatIsMeant) {
  uint64_t seen = 0;
  for (uint64_t i = 0; i < 300; ++i) {
    const uint64_t seed = GetParam() * 1000 + i;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Mesh mesh(seed);
    mesh.Run();
    if (HasFailure()) return;
    seen += mesh.seen;
  }
  EXPECT_GT(seen, 300u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ArtifactModel, Seeds(8));

}  // namespace
}  // namespace cromt
