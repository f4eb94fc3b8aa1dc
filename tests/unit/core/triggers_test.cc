// Pushes: which start runs, when, and that each commit has one line.
#include "core/triggers.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace cromt {
namespace {

using Lines = std::vector<std::string>;

const WatchedRef kMain{"https://host/r.git", "main"};
constexpr Now At(int64_t s) {
  return {Mono(std::chrono::hours(1) + seconds(s)), Wall(seconds(1'592'179'200 + s))};
}
std::string Commit(char digit) {
  return std::string(40, digit);
}

class TriggersTest : public testing::Test {
 protected:
  void Set(const std::string& project, PushTrigger trigger, const WatchedRef& ref = kMain) {
    triggers_.Set(project, 1, std::make_shared<const PushTrigger>(std::move(trigger)), ref, "host", At(0));
    Fold();
  }
  static PushTrigger Polled(Overlap overlap = Overlap::kQueue) {
    return {.poll = true, .hook_secret = "s", .overlap = overlap};
  }
  static PushTrigger Hooked() { return {.hook_secret = "s"}; }

  // A new process that finds what was stored.
  void Restart() {
    std::vector<TriggerSet> rows;
    for (const auto& [project, row] : rows_) rows.push_back(row);
    triggers_ = Triggers();
    triggers_.Restore(rows);
  }
  // What is due is looked at and found to be this.
  Lines Look(char digit, int64_t s) {
    Lines lines;
    for (const WatchedRef& ref : triggers_.Looks(At(s))) triggers_.Looked(ref, Commit(digit), At(s));
    return Advance(s);
  }
  Lines Advance(int64_t s) {
    due_ = triggers_.Advance(paused_, unfinished_, At(s));
    Lines lines = Fold();
    for (const DuePush& push : due_)
      lines.push_back(fmt::format("plan {} {} {}", push.project, push.commit[0], ToString(push.trigger)));
    return lines;
  }
  Lines Started(const std::string& run, int64_t s) {
    EXPECT_TRUE(triggers_.Expects(due_.at(0)));
    triggers_.Started(due_.at(0), RunId(run), At(s));
    return Fold();
  }
  Lines Fold() {
    Lines lines;
    for (Record& record : triggers_.TakeRecords()) {
      if (auto* row = std::get_if<TriggerSet>(&record)) rows_[row->project] = *row;
      if (auto* dropped = std::get_if<TriggerDropped>(&record)) rows_.erase(dropped->project);
      auto* tick = std::get_if<TickSettled>(&record);
      if (!tick) continue;
      lines.push_back(fmt::format("{} {} {}", ToString(tick->outcome), tick->why, tick->run.text()));
    }
    return lines;
  }
  void Busy(const std::string& run) {
    unfinished_ = [run](const std::string&) { return run.empty() ? std::nullopt : std::optional(RunId(run)); };
  }
  void Paused(bool paused) {
    paused_ = [paused](const std::string&) { return paused ? "paused by ann" : ""; };
  }

  Triggers triggers_;
  std::vector<DuePush> due_;
  std::map<std::string, TriggerSet> rows_;
  Triggers::Unfinished unfinished_ = [](const std::string&) { return std::optional<RunId>(); };
  Triggers::WhyPaused paused_ = [](const std::string&) { return ""; };
};

TEST_F(TriggersTest, TheFirstSightStartsNothingAndAPushDoes) {
  Set("p", Polled());
  EXPECT_EQ(Look('a', 0), Lines{});
  EXPECT_EQ(Look('a', 60), Lines{});
  EXPECT_EQ(Look('b', 120), Lines{"plan p b scm"});
  EXPECT_EQ(Started("r1", 121), Lines{"started commit bbbbbbbbbbbb of main r1"});
  EXPECT_EQ(Look('b', 180), Lines{});
  EXPECT_EQ(Look('a', 240), Lines{"plan p a scm"});  // the branch was put back
}

TEST_F(TriggersTest, WhatWasSeenBeforeARestartIsKnown) {
  Set("p", Polled());
  Look('a', 0);
  Restart();
  Set("p", Polled());
  EXPECT_EQ(Look('b', 1), Lines{"plan p b scm"});
  Restart();                       // before it was started
  EXPECT_EQ(Advance(2), Lines{});  // no file was read for it yet
  Set("p", Polled());
  EXPECT_EQ(Advance(2), Lines{"plan p b scm"});
  EXPECT_EQ(Started("r1", 2).size(), 1u);
  Restart();
  Set("p", Polled());
  EXPECT_EQ(Look('b', 3), Lines{});
}

TEST_F(TriggersTest, SeveralPushesStartOneRunOfTheNewest) {
  Set("p", Polled());
  Look('a', 0);
  Busy("r0");
  EXPECT_EQ(Look('b', 60), Lines{});
  EXPECT_EQ(Look('c', 120),
            Lines{"skipped commit bbbbbbbbbbbb of main: commit cccccccccccc of main came before it could "
                  "start "});
  Busy("");
  EXPECT_EQ(Advance(130), Lines{"plan p c scm"});
}

TEST_F(TriggersTest, ANewerOneThatComesWhileOneIsPlannedTakesItsPlace) {
  Set("p", Polled());
  Look('a', 0);
  Look('b', 60);
  const DuePush old = due_.at(0);
  Look('c', 120);
  EXPECT_FALSE(triggers_.Expects(old));
  EXPECT_TRUE(triggers_.Expects(due_.at(0)));
}

TEST_F(TriggersTest, OverlapSkipPassesItOverAndAllowStartsIt) {
  Set("p", Polled(Overlap::kSkip));
  Look('a', 0);
  Busy("r0");
  EXPECT_EQ(Look('b', 60), Lines{"skipped commit bbbbbbbbbbbb of main: run r0 has not finished "});
  Set("p", Polled(Overlap::kAllow));
  EXPECT_EQ(Look('c', 120), Lines{"plan p c scm"});
}

TEST_F(TriggersTest, APauseKeepsTheNewestForItsEnd) {
  Set("p", Polled());
  Look('a', 0);
  Look('b', 60);
  Paused(true);
  EXPECT_TRUE(triggers_.Wait(due_.at(0), paused_, unfinished_, At(61)));  // it was paused while it was planned
  EXPECT_EQ(Advance(62), Lines{});
  EXPECT_EQ(Look('c', 120).size(), 1u);
  EXPECT_TRUE(triggers_.waits());
  Paused(false);
  EXPECT_EQ(Advance(130), Lines{"plan p c scm"});
  triggers_.Lapsed(due_.at(0));
  EXPECT_EQ(Advance(131), Lines{"plan p c scm"});
  triggers_.Skipped(due_.at(0), "no secret", At(131));
  EXPECT_EQ(Fold(), Lines{"skipped commit cccccccccccc of main: no secret "});
  EXPECT_FALSE(triggers_.waits());
}

TEST_F(TriggersTest, WhatMayPassIsTriedAgainAfterAWhile) {
  Set("p", Polled());
  Look('a', 0);
  Look('b', 60);
  triggers_.Postponed(due_.at(0), "the disk is nearly full", At(60));
  EXPECT_EQ(Advance(61), Lines{});
  EXPECT_TRUE(triggers_.waits());
  EXPECT_EQ(triggers_.States().at("p").trouble, "the disk is nearly full");
  EXPECT_EQ(Advance(90), Lines{"plan p b scm"});
  Started("r1", 91);
  EXPECT_EQ(triggers_.States().at("p").trouble, "");
}

TEST_F(TriggersTest, AHookStartsWhatIsThereEvenAtFirstSightAndOnce) {
  Set("p", Hooked());
  EXPECT_EQ(Look('a', 0), Lines{});
  ASSERT_TRUE(triggers_.Hooked("p", At(1)));
  EXPECT_EQ(Look('a', 1), Lines{"plan p a hook"});
  Started("r1", 2);
  ASSERT_TRUE(triggers_.Hooked("p", At(3)));  // said again
  EXPECT_EQ(Look('a', 3), Lines{});
  ASSERT_TRUE(triggers_.Hooked("p", At(4)));
  EXPECT_EQ(Look('b', 4), Lines{"plan p b hook"});
}

TEST_F(TriggersTest, AHookThatComesWhileSomebodyLooksIsNotLost) {
  Set("p", Hooked());
  ASSERT_TRUE(triggers_.Hooked("p", At(1)));
  Look('a', 1);
  Started("r1", 1);
  ASSERT_TRUE(triggers_.Hooked("p", At(2)));
  ASSERT_EQ(triggers_.Looks(At(2)).size(), 1u);
  ASSERT_TRUE(triggers_.Hooked("p", At(3)));  // of a push that the look may not have seen
  triggers_.Looked(kMain, Commit('a'), At(3));
  EXPECT_EQ(Look('b', 4), Lines{"plan p b hook"});
}

TEST_F(TriggersTest, AHookOutlivesARestart) {
  Set("p", Hooked());
  ASSERT_TRUE(triggers_.Hooked("p", At(1)));
  Fold();
  Restart();
  Set("p", Hooked());
  EXPECT_EQ(Look('a', 2), Lines{"plan p a hook"});
}

TEST_F(TriggersTest, WhoOnlyHasHooksIsNotStartedByWhatOthersLookFor) {
  Set("p", Polled());
  Set("q", Hooked());
  Look('a', 0);
  EXPECT_EQ(Look('b', 60), Lines{"plan p b scm"});
  ASSERT_TRUE(triggers_.Hooked("q", At(61)));
  EXPECT_EQ(Look('b', 61), Lines{"plan q b hook"});
}

TEST_F(TriggersTest, WhatIsNotKnownIsSaidAndLookedAtAgain) {
  Set("p", Polled());
  for (const WatchedRef& ref : triggers_.Looks(At(0)))
    triggers_.Looked(ref, Fail(ErrorCode::kNotFound, "there is no branch main"), At(0));
  EXPECT_EQ(triggers_.States().at("p").trouble, "there is no branch main");
  Look('a', 60);
  EXPECT_EQ(triggers_.States().at("p").trouble, "");
  EXPECT_EQ(triggers_.States().at("p").seen, Commit('a'));
}

TEST_F(TriggersTest, AnotherRefBeginsAnew) {
  Set("p", Polled());
  Look('a', 0);
  Look('b', 60);
  triggers_.Set("p", 2, std::make_shared<const PushTrigger>(Polled()), {"https://host/r.git", "dev"}, "host", At(61));
  EXPECT_EQ(Fold(), Lines{"skipped commit bbbbbbbbbbbb of main: the project watches another ref now "});
  EXPECT_EQ(Look('c', 62), Lines{});
  EXPECT_EQ(Look('d', 122), Lines{"plan p d scm"});
  triggers_.Drop("p", At(123));
  EXPECT_EQ(Fold(), Lines{"skipped commit dddddddddddd of dev: the project watches nothing any more "});
  EXPECT_TRUE(rows_.empty());
  EXPECT_EQ(triggers_.NextLook(), std::nullopt);
  EXPECT_FALSE(triggers_.Hooked("p", At(124)));
}

TEST_F(TriggersTest, TheMostImpatientProjectSaysHowOften) {
  PushTrigger slow = Polled(), fast = Polled();
  slow.interval = seconds(600);
  fast.interval = seconds(30);
  Set("slow", slow);
  Set("fast", fast);
  Look('a', 0);
  EXPECT_EQ(triggers_.NextLook(), At(30).mono);
  triggers_.Drop("fast", At(1));
  Look('a', 1);
  EXPECT_EQ(triggers_.NextLook(), At(601).mono);
}

}  // namespace
}  // namespace cromt
