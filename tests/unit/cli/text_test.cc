// Clean text, tables, messages.
#include "cli/clean_text.h"
#include "cli/describe.h"
#include "cli/messages.h"
#include "cli/table.h"
#include "cli_test.h"

namespace cromt::cli {
namespace {

TEST(CleanTest, NothingReachesTheTerminalButCharacters) {
  EXPECT_EQ(Clean("grüße, 世界"), "grüße, 世界");
  EXPECT_EQ(Clean("a\nb\tc\rd"), "a b c d");
  EXPECT_EQ(Clean("\x1b[31mred\x7f"), "^[[31mred^?");
  EXPECT_EQ(Clean("\xc2\x9b"
                  "31m"),
            "\uFFFD31m");
  EXPECT_EQ(Clean("\xff\xc3"), "\uFFFD\uFFFD");
}

TEST(CleanTest, ShortenedTextEndsInADot) {
  EXPECT_EQ(Shorten("short", 5), "short");
  EXPECT_EQ(Shorten("längere", 4), "län…");
  EXPECT_EQ(Shorten("ab", 1), "…");
  EXPECT_EQ(Width("län…"), 4u);
}

TEST(TableTest, EmptyColumnsAreLeftOutAndTheWidestAreCut) {
  Table table({"A", "B", "C"});
  table.Row({"one", "", "a long text that will not fit"});
  table.Row({"three", "", "b"});
  EXPECT_EQ(table.Text(std::nullopt, Palette(false)), "A      C\none    a long text that will not fit\nthree  b\n");
  EXPECT_EQ(table.Text(20, Palette(false)), "A      C\none    a long text …\nthree  b\n");
  EXPECT_EQ(table.Text(1, Palette(false)), "A      C\none    a long …\nthree  b\n") << "not below what can be read";
}

TEST(MessagesTest, LinesOfAFileStayAndOthersArePrefixed) {
  StringWriter writer;
  Messages messages(writer, true, Palette(false));
  messages.Complain("jobs.yaml:3:5: error: bad\n/a b/jobs.yaml:3:5: note: x\nelse: 3:4\x1b");
  messages.Complain("jobs.yaml: error: too large");
  EXPECT_EQ(
      writer.text,
      "jobs.yaml:3:5: error: bad\n/a b/jobs.yaml:3:5: note: x\ncromt: else: 3:4^[\njobs.yaml: error: too large\n");
}

TEST(MessagesTest, QuietStillComplains) {
  StringWriter writer;
  Messages messages(writer, false, Palette(false));
  messages.Say("news");
  messages.Warn("careful");
  messages.Complain("broken");
  EXPECT_EQ(writer.text, "cromt: broken\n");
}

TEST(DescribeTest, WhyATaskEnded) {
  TaskStatus status;
  EXPECT_EQ(WhyEnded(status), "");
  status.outcome = TaskOutcome::kFailed;
  status.exit = Exited{7};
  EXPECT_EQ(WhyEnded(status), "exit code 7");
  status.exit = Signaled{9};
  EXPECT_EQ(WhyEnded(status), "killed by signal 9 (KILL)");
  status.reason = "the agent said so";
  EXPECT_EQ(WhyEnded(status), "the agent said so");
}

TEST(DescribeTest, AWallClockThatJumpedBackGivesNoNegativeTime) {
  EXPECT_EQ(Took(At(1000), At(0), At(0)), "0ms");
  EXPECT_EQ(Took(At(0), std::nullopt, At(1500)), "1.5s");
  EXPECT_EQ(Took(std::nullopt, std::nullopt, At(1500)), "");
}

}  // namespace
}  // namespace cromt::cli
