// Marks survive the journey, and nothing else passes for one.
#include "agent/step/marks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/name.h"

namespace cromt::step {
namespace {

using ::testing::ElementsAre;

std::optional<Mark> ThereAndBack(const Mark& mark) {
  std::string line = Encode(mark);
  EXPECT_EQ(line.back(), '\n');
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_LE(line.size(), kMaxMarkBytes);
  line.pop_back();
  return DecodeMark(line);
}

TEST(Marks, SurviveTheJourney) {
  for (const Mark& mark : {Mark(TaskBegan{"task.bash - tasks/hello"}), Mark(TaskEnded{.name = "tasks/a b ü"}),
                           Mark(TaskEnded{.name = "x", .exit_code = 255}), Mark(TaskEnded{.name = "7 x", .signal = 9}),
                           Mark(TaskEnded{.name = "x", .exit_code = 3, .is_hook = true}),
                           Mark(TaskEnded{.name = "x", .signal = 3, .is_hook = true}),
                           Mark(SectionBegan{"hook stdout"}), Mark(TaskBegan{"quiet x", true}),
                           Mark(SectionBegan{"x", true}), Mark(OwnLine{"stdout match <a b> True"}), Mark(OwnLine{""})})
    EXPECT_EQ(ThereAndBack(mark), mark);
}

TEST(Marks, HostileNamesStayOneBoundedLine) {
  auto mark = ThereAndBack(TaskBegan{"a\ntask-end exit 0 x\x1B[2J\xFF"});
  ASSERT_TRUE(mark);
  EXPECT_EQ(std::get<TaskBegan>(*mark).title, "a\uFFFDtask-end exit 0 x\uFFFD[2J\uFFFD");
  std::string long_name;
  while (long_name.size() < 100'000) long_name += "ü";
  auto cut = ThereAndBack(TaskEnded{.name = long_name, .exit_code = 1});
  ASSERT_TRUE(cut);
  EXPECT_EQ(std::get<TaskEnded>(*cut).name.size(), kMaxTitleBytes);
  cut = ThereAndBack(OwnLine{long_name});
  ASSERT_TRUE(cut);
  EXPECT_GT(std::get<OwnLine>(*cut).text.size(), kMaxMarkBytes - 10);
}

TEST(Marks, UnknownAndBrokenLinesAreNone) {
  for (std::string_view line : {"", "task-begin", "task-begin ", "task-begin a\x1B", "task-end", "task-end exit x y",
                                "task-end exit 7", "task-end exit 7 ", "task-end exit -1 x", "task-end exit 256 x",
                                "task-end signal 0 x", "task-end exit 99999999999999999999 x", "hook-begin x",
                                "hook-end exit 1", "section ", "lines x", "quiet line x", "quiet task-end exit 0 x"})
    EXPECT_FALSE(DecodeMark(line)) << line;
}

TEST(Marks, FailuresAreSaidAsTheOriginalSaysThem) {
  EXPECT_THAT(FailureLines({.name = "a"}), ElementsAre());
  EXPECT_THAT(FailureLines({.name = "a", .exit_code = 7}), ElementsAre("task exit status: 7", "task a FAILED"));
  EXPECT_THAT(FailureLines({.name = "a", .signal = 9}),
              ElementsAre("task killed by signal 9 (SIGKILL)", "task exit status: 137", "task a FAILED"));
  EXPECT_THAT(FailureLines({.name = "a", .exit_code = 7, .is_hook = true}),
              ElementsAre("hook exit status: 7", "hook a FAILED"));
}

}  // namespace
}  // namespace cromt::step
