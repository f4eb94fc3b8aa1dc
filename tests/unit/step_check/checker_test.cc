// Rules applied to lines: what the user reads, as Sparrow prints it, and what code blocks are given. Reports and states
// were compared with those of Sparrow6's own checker under rakudo 2022.12.
#include "agent/step/check/checker.h"

#include <gtest/gtest.h>

#include "tests/unit/step_check/check_run.h"

namespace cromt::step {
namespace {

void ExpectReport(std::string_view rules, const std::string& text, std::string_view report, bool passed) {
  const CheckRun run(rules, text);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.report, report) << rules;
  EXPECT_EQ(run.passed, passed) << rules;
}

TEST(Checker, ReportsEachRuleAndAppliesAll) {
  ExpectReport("I am OK\nI am ok\nregexp: \\d\\d # two\nam", "I am OK\n42\n",
               "stdout match <I am OK> True\n"
               "stdout match <I am ok> False\n"
               "stdout match <\\d\\d> True\n"
               "stdout match <am> True",
               false);
  ExpectReport("", "x", "", true);
  ExpectReport("x", "", "stdout match <x> False", false);
}

TEST(Checker, FindsLinesByNumberAndAnyLine) {
  ExpectReport(":any:\n:1:\n:2:\n:99999999999999999999:", "a\nb\n",
               "stdout match <:any:> True\nstdout match <:1:> True\nstdout match <:2:> False\n"
               "stdout match <:99999999999999999999:> False",
               false);
  ExpectReport(":any:", "", "stdout match <:any:> False", false);
  ExpectReport("regexp: ^^ $$", "\n", "stdout match <^^ $$> True", true);  // an empty line is one
}

TEST(Checker, FailsANegationThatMatches) {
  ExpectReport("!regexp: Ok\n!regexp: OK", "OK", "stdout match <!Ok> True\nstdout match <!OK> False", false);
  ExpectReport("!regexp: x", "", "stdout match <!x> True", true);
}

TEST(Checker, NeverFailsASoftRule) {
  ExpectReport("~regexp: x\n~regexp: y", "y", "stdout match <x> False (soft)\nstdout match <y> True (soft)", true);
}

TEST(Checker, ShowsNotesAndAssertions) {
  ExpectReport("note: rules of c\nassert: 1 this is true\nassert: False this is not", "",
               "rules of c\n<this is true> True\n<this is not> False", false);
}

TEST(Checker, TakesLinesAsTheyAre) {
  ExpectReport("regexp: ^ a $\nregexp: ^ '\xEF\xBF\xBD' b '\xEF\xBF\xBD' $",
               "a\r\n\xFF"
               "b\xEF\xB7\x90",
               "stdout match <^ a $> True\nstdout match <^ '\xEF\xBF\xBD' b '\xEF\xBF\xBD' $> True", true);
}

TEST(Checker, GivesCodeWhatTheLastRuleFound) {
  const CheckRun run("regexp: (\\d+) '-' (\\w+)\ncode: state", "1-one\n2-\"two\"\n3-three\n");
  EXPECT_EQ(run.host.matched, "1-one\n3-three");
  EXPECT_EQ(run.host.captures,
            R"([{"data":["1","one"],"index":0,"stream-id":null},{"data":["3","three"],"index":2,"stream-id":null}])");
  EXPECT_EQ(run.host.capture, R"(["1","one"])");
  EXPECT_EQ(run.host.streams, "{}");
  EXPECT_EQ(run.host.streams_array, "[]");

  const CheckRun plain("two\ncode: state", "1\n2-\"two\"\t\n");
  EXPECT_EQ(plain.host.captures, R"([{"data":["2-\"two\"\u0009"],"index":1,"stream-id":null}])");

  const CheckRun negated("1\n!regexp: x\ncode: state", "1");
  EXPECT_EQ(negated.host.captures, "[]");
  EXPECT_EQ(negated.host.capture, "null");
  EXPECT_EQ(negated.host.matched, "");

  const CheckRun none("code: state", "1");
  EXPECT_EQ(none.host.captures + none.host.capture + none.host.streams + none.host.streams_array, "[]null{}[]");
}

TEST(Checker, ShowsWhatCodePrintsAsNotes) {
  FakeCheckHost host;
  host.printed["hi"] = "hi there!\n\nregexp: x";
  const CheckRun run("Hello\ncode: hi\nHello", "Hello", host);
  EXPECT_EQ(run.report, "stdout match <Hello> True\nhi there!\n\nregexp: x\nstdout match <Hello> True");
  EXPECT_TRUE(run.passed);
}

TEST(Checker, AppliesWhatAGeneratorPrints) {
  FakeCheckHost host;
  host.printed["rules"] = "# comment\nH\nregexp: Hello || Again\nassert: 0 generated\ngenerator: more";
  host.printed["more"] = "note: more\n~regexp: x\n";
  const CheckRun run("generator: rules\nO", "HELLO", host);
  EXPECT_EQ(run.report,
            "stdout match <H> True\nstdout match <Hello || Again> False\n<generated> False\nmore\n"
            "stdout match <x> False (soft)\nstdout match <O> True");
  EXPECT_FALSE(run.passed);
}

TEST(Checker, ChecksTheSourceInsteadOfTheOutput) {
  FakeCheckHost host;
  host.files["a.txt"] = "A1\nB1\n";
  const CheckRun run("OK\nbegin:\nOK\nsource: a.txt\nregexp: ^^ A1 $$\nOK\n:1:\ncode: state", "OK\n", host);
  EXPECT_EQ(run.report,
            "stdout match <OK> True\nstdout match (s) <OK> True\nstdout match <^^ A1 $$> True\n"
            "stdout match <OK> False\nstdout match <:1:> True");
  EXPECT_EQ(run.host.matched, "B1");
  EXPECT_EQ(CheckRun("a\nsource: none", "a").error, "task.check:2: none: No such file or directory");
}

TEST(Checker, StopsWithThePlaceAndKeepsTheReport) {
  FakeCheckHost host;
  host.printed["bad"] = "ok\nregexp: a-b\n";
  host.printed["nested"] = "begin:\n";
  host.printed["latin"] = "\xE9";
  const CheckRun bad("ok\ngenerator: bad\nok", "ok", host);
  EXPECT_EQ(bad.error, "task.check:2: generated:2: regex, column 2: '-' must be quoted to match it: '-'");
  EXPECT_EQ(bad.report, "stdout match <ok> True");
  EXPECT_EQ(CheckRun("ok\n\ncode: fails", "ok", host).error, "task.check:3: exit status: 3");
  EXPECT_EQ(CheckRun("generator: latin", "ok", host).error, "task.check:1: generated: not UTF-8 text");
  EXPECT_EQ(CheckRun("within: ok\ngenerator: nested", "ok", host).error,
            "task.check:2: generated:1: begin:, between: or within: inside of another of them, which ends with 'end:'");
}

TEST(Checker, BoundsGeneratorsAndTheReport) {
  FakeCheckHost host;
  host.printed["again"] = "generator: again\n";
  const std::string endless = CheckRun("generator: again", "", host).error;
  EXPECT_TRUE(endless.ends_with("generated:1: generators of generators, 16 at most")) << endless;
  EXPECT_LT(endless.size(), 400u);

  std::string rules;
  for (int i = 0; i < 9'999; ++i) rules += "note: x\n";
  host.printed["many"] = rules + "generator: many\n";
  const CheckRun many("generator: many", "", host);
  EXPECT_TRUE(many.error.ends_with("too many lines in the report of a check, 100000 at most") ||
              many.error.ends_with("too many rules, 100000 at most"))
      << many.error;

  host.printed["lines"] = std::string(kMaxReportLines + 1, '\n');
  const CheckRun lines("code: lines", "", host);
  EXPECT_EQ(lines.error, "task.check:1: too many lines in the report of a check, 100000 at most");
  EXPECT_EQ(lines.lines, kMaxReportLines);
}

TEST(Checker, BoundsTheText) {
  EXPECT_EQ(CheckRun("a", std::string(kMaxCheckedTextBytes + 1, '\n')).error, "more than 64 MiB of text to check");
  EXPECT_EQ(CheckRun("a", std::string(kMaxCheckedLines + 1, '\n')).error, "more than 1000000 lines to check");
  EXPECT_EQ(CheckRun("a", std::string((16 << 20) + 1, 'a')).error, "a line of more than 16 MiB to check");
  const CheckRun full("regexp: b\nregexp: ^^ $$\n:999999:", std::string(kMaxCheckedLines, '\n'));
  EXPECT_EQ(full.report, "stdout match <b> False\nstdout match <^^ $$> True\nstdout match <:999999:> True");
}

TEST(Checker, BoundsWhatIsCaptured) {
  std::string line, text;
  for (int i = 0; i < 1'000; ++i) line += "a,";
  for (int i = 0; i < 5'000; ++i) text += line + "\n";
  EXPECT_EQ(CheckRun("regexp: (a)", text).error, "task.check:1: too many captures, 4000000 at most");
}

}  // namespace
}  // namespace cromt::step
