// A year of 1,000 projects through the engine, with crashes before, between and after its commits: afterwards the
// ledger and the runs agree exactly, and each tick has its one line.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/ticks.h"
#include "tests/unit/coordinator/starts_env.h"

namespace cromt {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Wall kBegin = Wall(seconds(1'577'836'800));  // 2020-01-01 00:00 UTC
constexpr int kProjects = 1000;

class Year : public testing::Test {
 protected:
  void SetUp() override {
    auto file = std::make_shared<JobFile>();
    for (int i = 0; i < kProjects; ++i) {
      Schedule schedule{.crontab = fmt::format("{} {} * * *", i % 60, i % 24)};
      schedule.cron = *ParseCron(schedule.crontab);
      schedule.catch_up = i % 3 == 0 ? CatchUp::kNone : CatchUp::kLast;
      schedule.splay = i % 5 == 0 ? Duration(minutes(7)) : Duration(0);
      Project project{.name = fmt::format("p{}", i)};
      project.schedule = std::make_shared<const Schedule>(std::move(schedule));
      file->by_name.emplace(project.name, i);
      file->projects.push_back(std::move(project));
    }
    file_ = std::move(file);
  }
  void Boot(Wall now) {
    edges_.due.clear();
    engine_ = std::make_unique<Engine>(store_, edges_, random_, Engine::Options{.limits = {}, .agents = {}});
    auto parse = [this](const std::string&, const std::string&) -> Result<std::shared_ptr<const JobFile>> {
      return file_;
    };
    ASSERT_TRUE(engine_->Start(parse, At(now)));
  }
  static Now At(Wall wall) { return {Mono(wall - kBegin), wall}; }
  // What was planned is answered at the next step; a run without tasks ends as it starts.
  bool Step(Wall now) {
    std::vector<EngineInput> inputs;
    for (DueTick& tick : std::exchange(edges_.due, {})) {
      if (random_.Below(500) == 0) {
        inputs.push_back(engine_input::TickPlanned{tick, Fail(ErrorCode::kInvalid, "a secret is missing")});
        continue;
      }
      StartRun start{RunId(RandomName(random_)), {}, tick.project};
      start.plan = std::make_shared<const Plan>();
      inputs.push_back(engine_input::TickPlanned{std::move(tick), std::move(start)});
    }
    return engine_->Step(std::move(inputs), At(now)).has_value();
  }
  void Check(Wall end);

  SeededRandom random_{7};
  MemoryStore store_;
  Planner edges_;
  std::shared_ptr<const JobFile> file_;
  std::unique_ptr<Engine> engine_;
};

void Year::Check(Wall end) {
  std::map<std::string, std::vector<const TickSettled*>> lines;
  std::map<RunId, int> told;
  for (const TickSettled& line : store_.ledger) {
    lines[line.project].push_back(&line);
    if (line.outcome == TickOutcome::kStarted) ++told[line.run];
    EXPECT_EQ(line.run.empty(), line.outcome != TickOutcome::kStarted);
    EXPECT_EQ(line.why.empty(), line.outcome == TickOutcome::kStarted);
  }
  EXPECT_EQ(told.size(), store_.runs.size());
  for (const RunHeader& run : store_.runs) {
    EXPECT_EQ(told[run.id], 1) << run.id.text();
    EXPECT_EQ(run.trigger, Trigger::kCron);
  }
  for (const Project& project : file_->projects) {
    const Zone utc = Zone::Utc();
    Wall handled = kBegin;
    for (const TickSettled* line : lines[project.name]) {
      // The lines follow each other without a gap: each begins with the tick after the one before.
      ASSERT_EQ(line->first, *NextTick(project.schedule->cron, utc, handled)) << project.name;
      ASSERT_EQ(line->count, TicksWithin(project.schedule->cron, utc, handled, line->last).count) << project.name;
      handled = line->last;
    }
    EXPECT_EQ(TicksWithin(project.schedule->cron, utc, handled, end - minutes(10)).count, 0u) << project.name;
  }
}

TEST_F(Year, WithCrashesLedgerAndRunsAgree) {
  Boot(kBegin);
  ApplyRequest apply{.path = "/jobs.yaml", .text = "the same"};
  bool applied = false;
  std::vector<EngineInput> first;
  first.push_back(engine_input::Apply{apply, file_, [&](const Result<ApplyAnswer>& answer) { applied = !!answer; }});
  ASSERT_TRUE(engine_->Step(std::move(first), At(kBegin)));
  ASSERT_TRUE(applied);
  int crashes = 0;
  Wall now = kBegin;
  for (const Wall end = kBegin + hours(24 * 365); now < end; now += minutes(1)) {
    if (random_.Below(3000) == 0) store_.fail_next = true;
    if (Step(now) && random_.Below(3000) != 0) continue;  // else it ends here, whatever is planned
    ++crashes;
    if (random_.Below(2) == 0) now += hours(random_.Below(72));
    store_.fail_next = false;
    Boot(now);
  }
  store_.fail_next = false;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Step(now));
  EXPECT_GT(crashes, 150);
  EXPECT_GT(store_.runs.size(), 50'000u);
  Check(now);
}

TEST_F(Year, AClockThatJumpsStartsEachProjectOnceAtMost) {
  Boot(kBegin);
  std::vector<EngineInput> first;
  first.push_back(engine_input::Apply{{.path = "/jobs.yaml", .text = "t"}, file_, [](const Result<ApplyAnswer>&) {}});
  ASSERT_TRUE(engine_->Step(std::move(first), At(kBegin)));
  for (const Duration to : {Duration(hours(24 * 3653)), Duration(hours(1)), Duration(hours(2))}) {
    const size_t before = store_.runs.size();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(Step(kBegin + to));
    EXPECT_LE(store_.runs.size() - before, size_t{kProjects});
    EXPECT_LE(store_.ledger.size(), size_t{6 * kProjects});
  }
}

}  // namespace
}  // namespace cromt
