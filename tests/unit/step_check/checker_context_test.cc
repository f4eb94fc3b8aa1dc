// begin:, between: and within:: where rules look, what they narrow, and what gathers in streams. Reports and states
// were compared with those of Sparrow6's own checker under rakudo 2022.12.
#include <gtest/gtest.h>

#include "tests/unit/step_check/check_run.h"

namespace cromt::step {
namespace {

struct Row {
  std::string_view rules;
  std::string_view text;
  std::string_view report;
};

void ExpectAll(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const CheckRun run(row.rules, std::string(row.text));
    EXPECT_EQ(run.error, "");
    EXPECT_EQ(run.report, row.report) << row.rules;
    EXPECT_EQ(run.passed, row.report.find("False") == std::string_view::npos) << row.rules;
  }
}

constexpr std::string_view kMixed = "foo\na\nfoo\nb\nbar\nx\nfoo\nc\nbar foo\nd\nbar\nfoo\ne\n";

TEST(CheckSequence, WantsLinesThatFollowEachOther) {
  ExpectAll({
      {"begin:\nthis\nthat\nregexp: with \\s+ ( this || that )\nend:\nthis", "this\nthat\nwith that\n",
       "stdout match (s) <this> True\nstdout match (s) <that> True\n"
       "stdout match (s) <with \\s+ ( this || that )> True\nstdout match <this> True"},
      {"begin:\nA\nC\nB\nend:\nB", "A\nB\nC\n",
       "stdout match (s) <A> True\nstdout match (s) <C> False\nstdout match (s) <B> False\nstdout match <B> True"},
      {"begin:\naaa\nregexp: ^^ $$\nccc\nend:", "aaa\n\nccc\n",
       "stdout match (s) <aaa> True\nstdout match (s) <^^ $$> True\nstdout match (s) <ccc> True"},
      {"begin:\nc\n:any:", "a\nb\nc\n", "stdout match (s) <c> True\nstdout match (s) <:any:> False"},
      {"begin:\nfoo\n!regexp: zz\n:2:", "foo\na\nb\n",
       "stdout match (s) <foo> True\nstdout match (s) <!zz> True\nstdout match (s) <:2:> True"},
      {"begin:\nzzz\nfoo\n!regexp: foo\n:any:", kMixed,
       "stdout match (s) <zzz> False\nstdout match (s) <foo> False\nstdout match (s) <!foo> True\n"
       "stdout match (s) <:any:> False"},
      {"begin:\nfoo\n~regexp: zz\nfoo", kMixed,
       "stdout match (s) <foo> True\nstdout match (s) <zz> False (soft)\nstdout match (s) <foo> False"},
      {"begin:\n!regexp: foo\nend:", kMixed, "stdout match (s) <!foo> False"},  // Sparrow itself dies
  });
}

TEST(CheckSequence, GathersAStreamForEachPlaceItHolds) {
  const CheckRun run("begin:\nregexp: (f) (oo)\nregexp: \\S+\nregexp: (bar)\ncode: state\nend:",
                     "foo\na\nbar\nfoo\n1\nbar\nfoo\nx\n");
  EXPECT_EQ(run.host.streams_array, R"([[["f","oo"],["a"],["bar"]],[["f","oo"],["1"],["bar"]]])");
  EXPECT_EQ(run.host.captures,
            R"([{"data":["bar"],"index":2,"stream-id":1},{"data":["bar"],"index":5,"stream-id":2}])");
  EXPECT_EQ(run.host.streams, R"({"1":[{"captures":["f","oo"],"data":"foo","index":0,"next":1,"stream-id":1},)"
                              R"({"captures":["a"],"data":"a","index":1,"next":2,"stream-id":1},)"
                              R"({"captures":["bar"],"data":"bar","index":2,"next":3,"stream-id":1}],)"
                              R"("2":[{"captures":["f","oo"],"data":"foo","index":3,"next":4,"stream-id":2},)"
                              R"({"captures":["1"],"data":"1","index":4,"next":5,"stream-id":2},)"
                              R"({"captures":["bar"],"data":"bar","index":5,"next":6,"stream-id":2}]})");
}

TEST(CheckRange, LooksBetweenTwoLines) {
  ExpectAll({
      {"between: {foo} {bar}\nhello\nend:\nhello", "hello\nfoo\nbar\n",
       "stdout match (r) <hello> False\nstdout match <hello> True"},
      {"between: {foo} {bar}\nregexp: (\\d)\nc\nend:", "foo\nc\n1\nbar\n",
       "stdout match (r) <(\\d)> True\nstdout match (r) <c> True"},
      {"between: {foo} {nowhere}\n:any:\nend:", kMixed, "stdout match (r) <:any:> False"},
      {"between: { :1: } { :3: }\nhello\nend:", "hello\na\nb\nc\n", "stdout match (r) <hello> False"},
      {"between: { :1: } { c }\nb\nd\nend:", "a\nb\nc\nd\n", "stdout match (r) <b> True\nstdout match (r) <d> False"},
      {"between: { b } { :2: }\na\nc\nd\nend:", "a\nb\nc\nd\n",
       "stdout match (r) <a> False\nstdout match (r) <c> True\nstdout match (r) <d> False"},
      // A rule narrows to the ranges in which it holds.
      {"between: {A} {DONE}\nB\nDD\nC\nend:", "A\nB\nC\nDONE\nA\nB\nDD\nDONE\n",
       "stdout match (r) <B> True\nstdout match (r) <DD> True\nstdout match (r) <C> False"},
  });
}

TEST(CheckRange, NegationFailsWhenAllRangesMatch) {
  ExpectAll({
      {"between: {foo} {bar}\nregexp: <[a..d]>\n!regexp: a\n:any:\n!regexp: x", kMixed,
       "stdout match (r) <<[a..d]>> True\nstdout match (r) <!a> False\nstdout match (r) <:any:> True\n"
       "stdout match (r) <!x> True"},
      {"between: {OK} {done}\n!regexp: HELLO\nHello\nend:", "OK\nHello\ndone\n",
       "stdout match (r) <!HELLO> True\nstdout match (r) <Hello> True"},
      {"between: { :1: } { :3: }\n!regexp: foo\n!regexp: a\nzzz\n:any:\n!regexp: b", kMixed,
       "stdout match (r) <!foo> False\nstdout match (r) <!a> True\nstdout match (r) <zzz> False\n"
       "stdout match (r) <:any:> True\nstdout match (r) <!b> True"},
      {"between: {foo} {bar}\n!regexp: foo\n!regexp: bar\n!regexp: a", kMixed,
       "stdout match (r) <!foo> True\nstdout match (r) <!bar> False\nstdout match (r) <!a> True"},
  });
}

TEST(CheckRange, BeginsAnewOnASecondStartAndGathersStreams) {
  const CheckRun run("between: {foo} {bar}\n:any:\ncode: state\nend:", std::string(kMixed));
  EXPECT_EQ(run.host.matched, "foo\nb\nbar\nbar foo");
  EXPECT_EQ(run.host.streams_array, R"([[["foo"],["b"],["bar"]],[["bar foo"]]])");
  EXPECT_EQ(run.host.streams, R"({"2":[{"captures":["foo"],"data":"foo","index":2,"next":2,"stream-id":2},)"
                              R"({"captures":["b"],"data":"b","index":3,"next":3,"stream-id":2},)"
                              R"({"captures":["bar"],"data":"bar","index":4,"next":4,"stream-id":2}],)"
                              R"("4":[{"captures":["bar foo"],"data":"bar foo","index":8,"next":8,"stream-id":4}]})");

  const CheckRun same("between: {foo} {foo}\n:any:\ncode: state", std::string(kMixed));
  EXPECT_EQ(same.host.streams_array, R"([[["foo"]],[["foo"]],[["foo"]],[["bar foo"]],[["foo"]]])");

  const CheckRun narrowed("between: {foo} {bar}\nregexp: (\\d+)\ncode: state",
                          "foo\n 2\n 4\nbar\nfoo\nbar\nfoo\n1\nbar");
  EXPECT_EQ(narrowed.host.streams_array, R"([[["2"],["4"]],[["1"]]])");

  const CheckRun failed("between: {foo} {bar}\n:any:\nregexp: zzz\ncode: state", std::string(kMixed));
  EXPECT_EQ(failed.host.streams + failed.host.captures, "{}[]");
}

TEST(CheckRange, KeepsTheStateOfTheLastRuleBehindItsEnd) {
  const CheckRun run("between: {foo} {bar}\nregexp: (b)\nend:\ncode: state", std::string(kMixed));
  EXPECT_EQ(run.host.captures, R"([{"data":["b"],"index":3,"stream-id":2},{"data":["b"],"index":4,"stream-id":2},)"
                               R"({"data":["b"],"index":8,"stream-id":4}])");
  EXPECT_EQ(run.host.streams_array, R"([[["b"],["b"]],[["b"]]])");
}

TEST(CheckWithin, LooksAtLinesThatMatch) {
  ExpectAll({
      {"within: color\\: \\s+ [ red || green ]\nRE2\nGR1\nend:", "color: red RE2\ncolor: green GR1\nGR1\n",
       "stdout match (w) <color\\: \\s+ [ red || green ]> True\nstdout match (w) <RE2> True\n"
       "stdout match (w) <GR1> False"},
      {"within: \\d+ '-' \\d+\nregexp: ^^ '20'\n01\nend:", "x\n20-01\n",
       "stdout match (w) <\\d+ '-' \\d+> True\nstdout match (w) <^^ '20'> True\nstdout match (w) <01> True"},
      {"within: nowhere\n:any:\n!regexp: x\n~regexp: y\nend:", kMixed,
       "stdout match (w) <nowhere> False\nstdout match (w) <:any:> False\nstdout match (w) <!x> True\n"
       "stdout match (w) <y> False (soft)"},
      {"within: :3:\nb\nregexp: (b)\nregexp: b\n!regexp: b\nend:", kMixed,
       "stdout match (w) <b> True\nstdout match (w) <(b)> True\nstdout match (w) <b> True\nstdout match (w) <!b> "
       "False"},
      {"within: :33:\nb\nend:", kMixed, "stdout match (w) <b> False"},
      {"within: foo\n!regexp: bar\n:any:\na\n!regexp: x\nend:", kMixed,
       "stdout match (w) <foo> True\nstdout match (w) <!bar> True\nstdout match (w) <:any:> True\n"
       "stdout match (w) <a> False\nstdout match (w) <!x> True"},
  });
}

TEST(CheckWithin, ZoomsIntoWhatWasCaptured) {
  ExpectAll({
      {"within: ^^ A (\\S+) A $$\nregexp: ^^ B (\\S+) B $$\nregexp: ^^ C (\\S+) C $$\nregexp: ^^ D $$\nend:",
       "ABCDCBA\n",
       "stdout match (w) <^^ A (\\S+) A $$> True\nstdout match (w) <^^ B (\\S+) B $$> True\n"
       "stdout match (w) <^^ C (\\S+) C $$> True\nstdout match (w) <^^ D $$> True"},
      {"within: hello \\s+ (\\d+)\nregexp: hello\nend:", "hello 1\n",
       "stdout match (w) <hello \\s+ (\\d+)> True\nstdout match (w) <hello> False"},
      {"within: hello \\s+ (\\d+)\nhello\nregexp: hello\nend:", "hello 1\n",  // a text looks at whole lines
       "stdout match (w) <hello \\s+ (\\d+)> True\nstdout match (w) <hello> True\nstdout match (w) <hello> True"},
  });
  const CheckRun run("within: (f)(o)(o)|bar\nregexp: ^ f $\nregexp: (f) || (o)\ncode: state", "foo\nbar foo\nbar\n");
  EXPECT_EQ(run.host.streams_array,
            R"([[["f","o","o"],["foo"],["f","o","o"]],[["f","o","o"],["bar foo"],["f","o","o"]]])");
}

}  // namespace
}  // namespace cromt::step
