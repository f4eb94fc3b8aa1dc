// A day of pushes to repositories that come and go, through the engine, with crashes before, between and after its
// commits: each commit starts at most one run of a project, the ledger and the runs agree, and the newest is never
// lost.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/coordinator/starts_env.h"

namespace cromt {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Wall kBegin = Wall(seconds(1'577'836'800));  // 2020-01-01 00:00 UTC
constexpr int kProjects = 120, kRepositories = 40;

class Pushes : public testing::Test {
 protected:
  void SetUp() override {
    auto file = std::make_shared<JobFile>();
    for (int i = 0; i < kProjects; ++i) {
      PushTrigger trigger{.poll = i % 3 != 0, .interval = seconds(30 + i % 7 * 20), .hook_secret = i % 2 ? "" : "s"};
      if (!trigger.poll) trigger.hook_secret = "s";
      Project project{.name = fmt::format("p{}", i)};
      project.source.repository = Url(i % kRepositories);
      project.push = std::make_shared<const PushTrigger>(std::move(trigger));
      file->by_name.emplace(project.name, i);
      file->projects.push_back(std::move(project));
    }
    file_ = std::move(file);
    for (int i = 0; i < kRepositories; ++i) Push(i);
  }
  static std::string Url(int repository) { return fmt::format("https://forge{}.example/r.git", repository); }
  static Now At(Wall wall) { return {Mono(wall - kBegin), wall}; }

  // The newest of those that are there from the beginning: the first sight of them starts nothing.
  static std::string Initial() { return Commit(kRepositories); }
  static std::string Commit(uint64_t number) { return fmt::format("{:012x}{}", number, std::string(28, '0')); }
  // Commits are numbered in the order in which they were pushed.
  void Push(int repository) { heads_[Url(repository)] = Commit(++pushed_); }
  void Boot(Wall now) {
    edges_ = {};
    seen_.clear();
    engine_ = std::make_unique<Engine>(store_, edges_, random_, Engine::Options{.limits = {}, .agents = {}});
    auto parse = [this](const std::string&, const std::string&) -> Result<std::shared_ptr<const JobFile>> {
      return file_;
    };
    ASSERT_TRUE(engine_->Start(parse, At(now)));
  }
  void Hook(int project, std::vector<EngineInput>& inputs) {
    inputs.push_back(engine_input::HookCame{fmt::format("p{}", project), [](const Result<RunId>&) {}});
  }
  // Looks and plans of the step before are answered; a run without tasks ends as it starts.
  bool Step(Wall now, std::vector<EngineInput> inputs = {}) {
    for (engine_input::RefLooked& seen : std::exchange(seen_, {})) inputs.push_back(std::move(seen));
    for (DuePush& push : std::exchange(edges_.pushes, {})) {
      if (random_.Below(20) == 0) {
        inputs.push_back(engine_input::PushPlanned{push, Fail(ErrorCode::kExhausted, "the disk is full")});
        continue;
      }
      StartRun start{RunId(RandomName(random_)), RequestId(RandomName(random_)), push.project};
      start.plan = std::make_shared<const Plan>();
      planned_[start.run] = push.commit;
      inputs.push_back(engine_input::PushPlanned{std::move(push), std::move(start)});
    }
    if (!engine_->Step(std::move(inputs), At(now))) return false;
    for (WatchedRef& ref : std::exchange(edges_.looks, {})) {  // what is pushed before the answer comes it does not see
      Result<std::string> commit = heads_.at(ref.repository);
      if (away_.contains(ref.repository)) commit = Fail(ErrorCode::kTimeout, "nobody answers");
      seen_.push_back({std::move(ref), std::move(commit)});
    }
    return true;
  }
  // The same, a little later. False if it has crashed, and there is another one now.
  bool Later(std::vector<EngineInput> inputs) {
    now_ += seconds(5);
    if (Step(now_, std::move(inputs))) return true;
    ++crashes_;
    store_.fail_next = false;
    Boot(now_);
    return false;
  }
  void Storm();
  void Check();

  SeededRandom random_{11};
  MemoryStore store_;
  Planner edges_;
  std::shared_ptr<const JobFile> file_;
  std::unique_ptr<Engine> engine_;
  uint64_t pushed_ = 0;
  std::map<std::string, std::string> heads_;
  std::set<std::string> away_;
  std::vector<engine_input::RefLooked> seen_;  // is answered in the next step
  std::map<RunId, std::string> planned_;       // the commit of each run
  Wall now_ = kBegin;
  int crashes_ = 0;
};

void Pushes::Check() {
  std::map<std::string, std::string> last;  // commit that each project has run
  for (const RunHeader& run : store_.runs) {
    const std::string& commit = planned_.at(run.id);
    EXPECT_LT(last[run.project], commit) << run.project << " ran it twice, or an older one";
    last[run.project] = commit;
  }
  std::map<RunId, int> told;
  for (const TickSettled& line : store_.ledger) {
    if (line.outcome != TickOutcome::kStarted) continue;
    ++told[line.run];
    EXPECT_NE(line.why.find(planned_.at(line.run).substr(0, 12)), std::string::npos) << line.why;
  }
  EXPECT_EQ(told.size(), store_.runs.size());
  for (const RunHeader& run : store_.runs) EXPECT_EQ(told[run.id], 1) << run.id.text();
  for (const Project& project : file_->projects) {
    const std::string& head = heads_.at(project.source.repository);
    EXPECT_TRUE(last[project.name] == head || head <= Initial()) << project.name << " has lost " << head;
    EXPECT_EQ(store_.triggers.at(project.name).waiting, "");
    EXPECT_FALSE(store_.triggers.at(project.name).hooked);
  }
}

// For an hour repositories come and go, and so do coordinators.
void Pushes::Storm() {
  for (const Wall end = now_ + hours(1); now_ < end;) {
    std::vector<EngineInput> inputs;
    std::vector<int> hooked;
    if (random_.Below(10) == 0) {
      const int repository = static_cast<int>(random_.Below(kRepositories));
      Push(repository);
      for (int project = repository; project < kProjects; project += kRepositories)
        if (!file_->projects[project].push->hook_secret.empty()) hooked.push_back(project);
    }
    if (random_.Below(50) == 0) Hook(static_cast<int>(random_.Below(kProjects)), inputs);  // played again, or a lie
    for (int project : hooked) Hook(project, inputs);
    if (random_.Below(100) == 0) away_.insert(Url(static_cast<int>(random_.Below(kRepositories))));
    if (random_.Below(50) == 0 && !away_.empty()) away_.erase(away_.begin());
    if (random_.Below(100) == 0) store_.fail_next = true;
    if (Later(std::move(inputs)) && random_.Below(100) != 0) continue;
    if (random_.Below(2) == 0) Boot(now_);
    // A forge repeats what nobody has taken.
    for (std::vector<EngineInput> again;; again.clear()) {
      for (int project : hooked) Hook(project, again);
      if (Later(std::move(again))) break;
    }
  }
}

TEST_F(Pushes, WithCrashesTheNewestIsRunOnce) {
  Boot(now_);
  std::vector<EngineInput> first;
  first.push_back(engine_input::Apply{{.path = "/jobs.yaml", .text = "t"}, file_, [](const Result<ApplyAnswer>&) {}});
  ASSERT_TRUE(Later(std::move(first)));
  for (int hour = 0; hour < 24; ++hour) {
    Storm();
    if (hour % 2) Boot(now_);
    away_.clear();
    store_.fail_next = false;
    for (const Wall end = now_ + minutes(40); now_ < end;)
      ASSERT_TRUE(Later({}));  // the longest back-off, and two looks
    Check();
    if (HasFailure()) break;
  }
  EXPECT_GT(crashes_, 50);
  EXPECT_GT(store_.runs.size(), 2'000u);
}

}  // namespace
}  // namespace cromt
