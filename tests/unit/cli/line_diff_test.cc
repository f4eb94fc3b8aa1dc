// Diffs of texts by lines.
#include "cli/line_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace cromt::cli {
namespace {

using ::testing::ElementsAre;

// The old text with the changes made.
std::string Applied(std::string_view before, std::string_view after, const std::vector<LineChange>& changes) {
  const auto old_lines = SplitLines(before), new_lines = SplitLines(after);
  std::string out;
  size_t at = 0;
  for (const LineChange& change : changes) {
    for (; at < change.old_begin; ++at) out += old_lines[at];
    for (size_t i = 0; i < change.new_count; ++i) out += new_lines[change.new_begin + i];
    at += change.old_count;
  }
  for (; at < old_lines.size(); ++at) out += old_lines[at];
  return out;
}

size_t SizeOf(const std::vector<LineChange>& changes) {
  size_t size = 0;
  for (const LineChange& change : changes) size += change.old_count + change.new_count;
  return size;
}

// By the table of all pairs of lines: how many are taken out and put in at least.
size_t LeastSize(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t corner = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = a[i - 1] == b[j - 1] ? corner : std::min(above, row[j - 1]) + 1;
      corner = above;
    }
  }
  return row[b.size()];
}

// Lines of few kinds, the last maybe without its end.
std::string RandomText(Random& random, size_t most_lines, uint64_t kinds) {
  std::string text;
  for (uint64_t lines = random.Below(most_lines + 1); lines > 0; --lines)
    text += std::string(1, static_cast<char>('a' + random.Below(kinds))) + "\n";
  if (random.Below(3) == 0) text += "end";
  return text;
}

// What `patch` makes of the old text: the test's own reading of a unified diff whose lines all have ends.
std::string Patched(std::string_view before, std::string_view diff) {
  const auto old_lines = SplitLines(before);
  std::string out;
  size_t at = 0;
  for (std::string_view line : SplitLines(diff)) {
    if (line.starts_with("@@")) {
      size_t begin = 0, count = 1;
      for (size_t i = line.find('-') + 1; line[i] >= '0' && line[i] <= '9'; ++i) begin = begin * 10 + (line[i] - '0');
      if (const size_t comma = line.find(','); comma < line.find(" +")) {
        count = 0;
        for (size_t i = comma + 1; line[i] >= '0' && line[i] <= '9'; ++i) count = count * 10 + (line[i] - '0');
      }
      for (const size_t first = count == 0 ? begin : begin - 1; at < first; ++at) out += old_lines[at];
    } else if (line.starts_with('-')) {
      ++at;
    } else {
      if (line.starts_with(' ')) ++at;
      out += line.substr(1);
    }
  }
  for (; at < old_lines.size(); ++at) out += old_lines[at];
  return out;
}

TEST(LineDiffTest, SaysWhatIsTakenOutAndPutIn) {
  EXPECT_EQ(UnifiedDiff("a\nb\nc\n", "a\nx\nc\nd\n"),
            "@@ -1,3 +1,4 @@\n"
            " a\n"
            "-b\n"
            "+x\n"
            " c\n"
            "+d\n");
  EXPECT_EQ(UnifiedDiff("same\n", "same\n"), "");
  EXPECT_EQ(UnifiedDiff("", ""), "");
}

TEST(LineDiffTest, OfNothingAndToNothing) {
  EXPECT_EQ(UnifiedDiff("", "a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b\n");
  EXPECT_EQ(UnifiedDiff("a\n", ""), "@@ -1 +0,0 @@\n-a\n");
}

TEST(LineDiffTest, ALastLineWithoutAnEndIsSaidToHaveNone) {
  EXPECT_EQ(UnifiedDiff("a\nb", "a\nb\n"), "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
}

TEST(LineDiffTest, ChangesFarApartHaveHunksOfTheirOwn) {
  std::string before, after;
  for (int i = 0; i < 30; ++i) before += std::to_string(i) + "\n";
  for (int i = 0; i < 30; ++i) after += (i == 5 || i == 12 || i == 25 ? "x" : std::to_string(i)) + "\n";
  const std::string diff = UnifiedDiff(before, after);
  EXPECT_THAT(diff, ::testing::HasSubstr("@@ -3,14 +3,14 @@\n"));
  EXPECT_THAT(diff, ::testing::HasSubstr("@@ -23,7 +23,7 @@\n"));
  EXPECT_EQ(Patched(before, diff), after);
}

TEST(LineDiffTest, TheOldTextWithItsDiffIsTheNewOneAndTheDiffIsTheShortest) {
  SeededRandom random(11);
  for (int round = 0; round < 3000; ++round) {
    const std::string before = RandomText(random, 24, 1 + random.Below(5));
    const std::string after = RandomText(random, 24, 1 + random.Below(5));
    const auto old_lines = SplitLines(before), new_lines = SplitLines(after);
    const auto changes = DiffLines(old_lines, new_lines);
    ASSERT_EQ(Applied(before, after, changes), after) << before << "---\n" << after;
    ASSERT_EQ(SizeOf(changes), LeastSize(old_lines, new_lines)) << before << "---\n" << after;
    for (size_t i = 1; i < changes.size(); ++i)
      ASSERT_GT(changes[i].old_begin, changes[i - 1].old_begin + changes[i - 1].old_count)
          << "one change, or two apart";
    if (before.ends_with("\n") && after.ends_with("\n")) {
      ASSERT_EQ(Patched(before, UnifiedDiff(before, after)), after);
    }
  }
}

TEST(LineDiffTest, WhatWouldCostTooMuchIsOneChange) {
  SeededRandom random(5);
  for (size_t most : {size_t{0}, size_t{10}, size_t{200}, size_t{2000}}) {
    for (int round = 0; round < 50; ++round) {
      const std::string before = RandomText(random, 200, 26), after = RandomText(random, 200, 26);
      const auto changes = DiffLines(SplitLines(before), SplitLines(after), most);
      ASSERT_EQ(Applied(before, after, changes), after);
    }
  }
  EXPECT_THAT(DiffLines(SplitLines("a\nb\nc\nd\n"), SplitLines("a\nc\nb\nd\n"), 0),
              ElementsAre(LineChange{1, 2, 1, 2}));
}

TEST(LineDiffTest, MegabytesOfOtherLinesTakeNoTime) {
  std::string before, after;
  for (int i = 0; i < 300'000; ++i) {
    before += "b" + std::to_string(i) + "\n";
    after += "a" + std::to_string(i) + "\n";
  }
  const auto changes = DiffLines(SplitLines(before), SplitLines(after));
  EXPECT_EQ(Applied(before, after, changes), after);
}

}  // namespace
}  // namespace cromt::cli
