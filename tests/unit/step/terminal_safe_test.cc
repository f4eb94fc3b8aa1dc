// What reaches a terminal can colour it, and nothing else.
#include "cli/terminal_safe.h"

#include <gtest/gtest.h>

namespace cromt::cli {
namespace {

std::string Safe(std::string_view text) {
  std::string colours, out;
  AppendTerminalSafe(text, colours, out);
  return out;
}

TEST(TerminalSafe, PlainTextAndTabsPass) {
  EXPECT_EQ(Safe("a\tb ünï… 漢 🦀"), "a\tb ünï… 漢 🦀");
}

TEST(TerminalSafe, ColoursPassAndEndWithTheirPart) {
  EXPECT_EQ(Safe("\x1B[1;31mred\x1B[0m plain"), "\x1B[1;31mred\x1B[0m plain");
  EXPECT_EQ(Safe("\x1B[38:5:1mred"), "\x1B[38:5:1mred\x1B[0m");
}

TEST(TerminalSafe, OtherControlsAreShown) {
  EXPECT_EQ(Safe("\x1B]52;c;aGk=\x07"), "^[]52;c;aGk=^G");                  // clipboard
  EXPECT_EQ(Safe("\x1B]8;;http://x\x1B\\text"), "^[]8;;http://x^[\\text");  // link
  EXPECT_EQ(Safe("\x1B[2J\x1B[1;1H\x1B[?25l\x1B"
                 "c"),
            "^[[2J^[[1;1H^[[?25l^[c");                    // screen, cursor, reset
  EXPECT_EQ(Safe("good\rbad\x08\x7F"), "good^Mbad^H^?");  // overwriting
  EXPECT_EQ(Safe("\x1B[31;mm"), "\x1B[31;mm\x1B[0m");
  EXPECT_EQ(Safe("\x1B[>4;2m"), "^[[>4;2m");  // not a colour, though it ends like one
  EXPECT_EQ(Safe("\x1B"), "^[");
  EXPECT_EQ(Safe("\x1B[1"), "^[[1");
  EXPECT_EQ(Safe(std::string(1, '\0')), "^@");
}

TEST(TerminalSafe, C1AndBrokenUtf8BecomeReplacements) {
  EXPECT_EQ(Safe("\xC2\x9B"
                 "31m \xC2\x9D"),
            "\uFFFD31m \uFFFD");
  EXPECT_EQ(Safe("\x9B"
                 "31m"),
            "\uFFFD31m");
  EXPECT_EQ(Safe("a\xFF\xC3(\xED\xA0\x80"), "a\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFD");
}

TEST(TerminalSafe, AColourGoesOnInTheNextPartOfItsStream) {
  std::string colours, out;
  AppendTerminalSafe("\x1B[31ma", colours, out);
  out += "|";
  AppendTerminalSafe("b\x1B[m", colours, out);
  out += "|";
  AppendTerminalSafe("c", colours, out);
  EXPECT_EQ(out, "\x1B[31ma\x1B[0m|\x1B[31mb\x1B[m|c");
}

TEST(TerminalSafe, ColoursInForceAreBounded) {
  std::string colours, out;
  for (int i = 0; i < 10'000; ++i) AppendTerminalSafe("\x1B[31m", colours, out);
  EXPECT_LE(colours.size(), 256u);
  EXPECT_EQ(Safe("\x1B[" + std::string(100, '1') + "m"), "^[[" + std::string(100, '1') + "m");
}

TEST(TerminalSafe, NoSequenceIsCutInTwo) {
  EXPECT_EQ(WholeSequences("abc"), 3u);
  EXPECT_EQ(WholeSequences("ab\xC3"), 2u);
  EXPECT_EQ(WholeSequences("ab\xF0\x9F\xA6"), 2u);
  EXPECT_EQ(WholeSequences("ab\xC3\xBC"), 4u);
  EXPECT_EQ(WholeSequences("ab\x1B"), 2u);
  EXPECT_EQ(WholeSequences("ab\x1B[1;3"), 2u);
  EXPECT_EQ(WholeSequences("ab\x1B[1;3m"), 8u);
  EXPECT_EQ(WholeSequences("ab\x1B]8"), 5u);
  EXPECT_EQ(WholeSequences("\x80\x80\x80\x80"), 4u);
  EXPECT_EQ(WholeSequences(""), 0u);
}

}  // namespace
}  // namespace cromt::cli
