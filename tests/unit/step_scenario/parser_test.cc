// Scenarios as people write them, what is refused and where, and that no input breaks the reader.
#include "agent/step/scenario/parser.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace cromt::step {
namespace {

std::string ErrorOf(std::string_view text) {
  auto scenario = ParseScenario(".tom/x.raku", text);
  if (scenario) return "accepted";
  EXPECT_EQ(IsOutside(scenario.error()), scenario.error().message.ends_with("outside what cromt reads itself yet"));
  return scenario.error().message;
}

std::string OutsideAt(std::string_view place, std::string_view construct) {
  return ".tom/x.raku:" + std::string(place) + ": " + std::string(construct) +
         " is outside what cromt reads itself yet";
}

TEST(Parser, ReadsTheArticlesScenario) {
  auto scenario =
      ParseScenario(".tom/hello.raku", "#!raku\ntask-run \"tasks/hello\", %(\n  worker => %*ENV<WORKER>\n);\n");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(scenario->file, ".tom/hello.raku");
  ASSERT_EQ(scenario->calls.size(), 1u);
  const Call& call = scenario->calls[0];
  EXPECT_EQ(call.function, "task-run");
  EXPECT_EQ(call.at, (Position{2, 1}));
  ASSERT_EQ(call.arguments.size(), 2u);
  EXPECT_EQ(std::get<StringLiteral>(call.arguments[0].form).text, "tasks/hello");
  EXPECT_EQ(call.arguments[1].at, (Position{2, 25}));
  const auto& entries = std::get<MapLiteral>(call.arguments[1].form).entries;
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].key, "worker");
  EXPECT_EQ(entries[0].value.at, (Position{3, 13}));
  EXPECT_EQ(std::get<EnvironmentVariable>(entries[0].value.form).name, "WORKER");
}

TEST(Parser, AcceptsCommentsTrailingCommasAndSpareSemicolons) {
  for (std::string_view text :
       {"", "\n\n", "# only words", "#!raku\n", ";;", "say 'a'", "say 'a';", "say 'a';;say 'b';", "say\n'a'\n;",
        "task-run 'a', %();", "task-run 'a', %( x => 1, );", "task-run 'a', %( x => [], y => [1,], z => %() ) # end",
        "task-run 'a', %( 'quoted key' => 1, bare-key => -2, k => 1_000 );", "say 1, 'two', %*ENV<THREE>;",
        "task-run %*ENV<TASK>;", "say 'a'; # b\n# c\nsay 'd'", "say 'a'\r\n;\r\n"}) {
    EXPECT_EQ(ErrorOf(text), "accepted") << text;
  }
}

std::string TextOf(std::string_view literal) {
  auto scenario = ParseScenario("f", "say " + std::string(literal));
  if (!scenario) return scenario.error().message;
  return std::get<StringLiteral>(scenario->calls[0].arguments[0].form).text;
}

TEST(Parser, ResolvesEscapesAsRakuDoes) {
  EXPECT_EQ(TextOf(R"('a\'b\\c\n')"), "a'b\\c\\n");  // between ' only \' and \\ are escapes
  EXPECT_EQ(TextOf(R"('$x @y[0] {z}')"), "$x @y[0] {z}");
  EXPECT_EQ(TextOf(R"("a\"b\\c\n\t\r\e")"), "a\"b\\c\n\t\r\x1B");
  EXPECT_EQ(TextOf(R"("\$x \@y \%z \{w\}")"), "$x @y %z {w}");
  EXPECT_EQ(TextOf(R"("me@example.com 100% a & b 5 $ ")"), "me@example.com 100% a & b 5 $ ");
  EXPECT_EQ(TextOf("\"two\nlines ünï\""), "two\nlines ünï");
}

TEST(Parser, KeepsTheLastOfTwoEqualKeys) {
  auto scenario = ParseScenario("f", "task-run 'a', %( x => 1, y => 2, x => 3 )");
  ASSERT_TRUE(scenario);
  const auto& entries = std::get<MapLiteral>(scenario->calls[0].arguments[1].form).entries;
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].key, "x");
  EXPECT_EQ(std::get<IntegerLiteral>(entries[1].value.form).value, 3);
}

TEST(Parser, NamesEveryConstructItDoesNotReadWithItsPlace) {
  const std::map<std::string, std::string> outside = {
      {"my $x = 1;", OutsideAt("1:1", "'my'")},
      {"say 'a';\n  bash 'ls';", OutsideAt("2:3", "'bash'")},
      {"say $x;", OutsideAt("1:5", "a variable ($x)")},
      {"say $*CWD;", OutsideAt("1:5", "a variable ($*CWD)")},
      {"say @*ARGS;", OutsideAt("1:5", "a variable (@*ARGS)")},
      {"say %*ENV{'X'};", OutsideAt("1:5", "a variable (%*ENV)")},
      {"say %*ENV<A B>;", OutsideAt("1:5", "%*ENV<> with 'A B'")},
      {"say %*ENV<X> // 'd';", OutsideAt("1:14", "'/'")},
      {"say config()<a>;", OutsideAt("1:5", "'config'")},
      {"say 'a' ~ 'b';", OutsideAt("1:9", "'~'")},
      {"say 'ü' ~ 'b';", OutsideAt("1:9", "'~'")},  // columns count characters
      {"say('a');", OutsideAt("1:4", "say with parentheses")},
      {"task-run('a');", OutsideAt("1:9", "task-run with parentheses")},
      {"task-run 'a' if %*ENV<X>;", OutsideAt("1:14", "'if'")},
      {"task-run 'text', 'plugin';", OutsideAt("1:18", "task-run with a plugin")},
      {"task-run 'text', 'plugin', %();", OutsideAt("1:18", "task-run with a plugin")},
      {"task-run %( task => 'a' );", OutsideAt("1:10", "task-run with a map instead of a path")},
      {"task-run 'a', %(), 1;", OutsideAt("1:20", "a third argument of task-run")},
      {"task-run 'a', %( x => True );", OutsideAt("1:23", "'True'")},
      {"task-run 'a', %( :x );", OutsideAt("1:18", "':'")},
      {"task-run 'a', %( x );", OutsideAt("1:18", "'x' as an entry of a map")},
      {"task-run 'a', %( |%h );", OutsideAt("1:18", "'|'")},
      {"task-run 'a', %( x => { y => 1 } );", OutsideAt("1:23", "'{'")},
      {"task-run 'a', %( x => (1, 2) );", OutsideAt("1:23", "'('")},
      {"task-run 'a', %( x => <a b> );", OutsideAt("1:23", "'<'")},
      {"task-run 'a', %( x => 1.5 );", OutsideAt("1:23", "a number that isn't a plain decimal integer")},
      {"task-run 'a', %( x => 0x1F );", OutsideAt("1:23", "a number that isn't a plain decimal integer")},
      {"task-run 'a', %( x => 007 );", OutsideAt("1:23", "a number that isn't a plain decimal integer")},
      {"task-run 'a', %( x => 99999999999999999999 );", OutsideAt("1:23", "an integer of more than 64 bits")},
      {"task-run 'a', %( x => [%( y => 1 )] );",
       OutsideAt("1:23", "a list of one list or map, which Raku flattens (write a comma after it to keep it)")},
      {"say \"a $x\";", OutsideAt("1:8", "a variable inside a string ($…; write \\$ for a plain $)")},
      {"say \"%*ENV<X>\";", OutsideAt("1:6", "a variable inside a string (%…; write \\% for a plain %)")},
      {"say \"@a[0]\";", OutsideAt("1:6", "a variable inside a string (@…; write \\@ for a plain @)")},
      {"say \"&f(1)\";", OutsideAt("1:6", "a variable inside a string (&…; write \\& for a plain &)")},
      {"say \"{ 1 + 1 }\";", OutsideAt("1:6", "a block inside a string ({…}; write \\{ for a plain brace)")},
      {"say \"\\x41\";", OutsideAt("1:6", "the escape '\\x'")},
      {"say \xE2\x80\x9C"
       "a\xE2\x80\x9D;",
       OutsideAt("1:5", "'\xE2\x80\x9C'")},
      {"#`( hidden )\nsay 'a';", OutsideAt("1:1", "an embedded comment (#`…)")},
      {"say 'a';\n=begin pod\n", OutsideAt("2:1", "a Pod block")},
      {"'a';", OutsideAt("1:1", "a string here")},
      {"42;", OutsideAt("1:1", "a number here")},
  };
  for (const auto& [text, message] : outside) EXPECT_EQ(ErrorOf(text), message) << text;
}

TEST(Parser, SaysWhatIsWrongWithBrokenText) {
  const std::map<std::string, std::string> broken = {
      {"say 'a", ".tom/x.raku:1:5: a string has no closing '"},
      {"say \"a\n", ".tom/x.raku:1:5: a string has no closing \""},
      {"say", ".tom/x.raku:1:4: the file ends where more was expected"},
      {"say 'a' say 'b'", ".tom/x.raku:1:9: a ';' is missing before 'say'"},
      {"say %*ENV<X", ".tom/x.raku:1:5: %*ENV< has no closing >"},
      {"task-run 'a', %( x => 1", ".tom/x.raku:1:24: ')' is missing"},
      {"task-run 'a', %( x => [1", ".tom/x.raku:1:25: ']' is missing"},
      {"task-run 'a', %( 'x' 1 )", ".tom/x.raku:1:22: '=>' is missing after the key of a map"},
      {"task-run 'a', [1];", ".tom/x.raku:1:15: task-run wants a map %( … )"},
      {"task-run 1;", ".tom/x.raku:1:10: task-run wants the path of a task directory"},
      {std::string("say '\0';", 8), ".tom/x.raku: holds a NUL character"},
      {"say '\xC3';", ".tom/x.raku: not UTF-8 text"},
  };
  for (const auto& [text, message] : broken) EXPECT_EQ(ErrorOf(text), message) << text;
}

std::string Nested(int depth) {
  std::string text = "task-run 'a', %( x => ";
  for (int i = 0; i < depth - 1; ++i) text += "[ ";
  text += "1";
  for (int i = 0; i < depth - 1; ++i) text += " , ]";
  return text + " )";
}

TEST(Parser, BoundsNestingCallsAndSize) {
  EXPECT_EQ(ErrorOf(Nested(kMaxNesting)), "accepted");
  EXPECT_NE(ErrorOf(Nested(kMaxNesting + 1)).find("nested more than 32 deep"), std::string::npos);
  EXPECT_NE(ErrorOf(Nested(20'000)).find("nested more than 32 deep"), std::string::npos);
  std::string calls;
  for (size_t i = 0; i < kMaxCalls; ++i) calls += "say 1;\n";
  EXPECT_EQ(ErrorOf(calls), "accepted");
  EXPECT_NE(ErrorOf(calls + "say 1;").find("more than 4096 calls"), std::string::npos);
  EXPECT_NE(ErrorOf(std::string(kMaxScenarioBytes + 1, ' ')).find("larger than 256 KiB"), std::string::npos);
}

// Cuts, doubles and exchanges pieces of a scenario that has everything in it: each result is read or refused with a
// place, under the sanitizers without a finding.
TEST(Parser, SurvivesMutilatedScenarios) {
  const std::string whole =
      "#!raku\nsay \"a\\n$\", 'b\\'c', 1_0;\ntask-run \"tasks/x\", %( a => %*ENV<A>, 'b' => [1, -2, [%( c => 'd', "
      "),],],"
      " ü => '…', );\n# end\n";
  SeededRandom random(7);
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (uint64_t cuts = 1 + random.Below(3); cuts > 0; --cuts) {
      const size_t at = random.Below(text.size()), size = random.Below(12);
      const std::string piece = whole.substr(random.Below(whole.size()), random.Below(12));
      text.replace(at, size, random.Below(3) == 0 ? std::string(1, static_cast<char>(random.Next())) : piece);
      if (text.empty()) text = " ";
    }
    auto scenario = ParseScenario("f", text);
    if (scenario) continue;
    ++refused;
    ASSERT_TRUE(scenario.error().message.starts_with("f:")) << scenario.error().message;
  }
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace cromt::step
