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
  ASSERT_EQ(scenario->body.statements.size(), 1u);
  const Statement& statement = scenario->body.statements[0];
  EXPECT_EQ(statement.at, (Position{2, 1}));
  const auto* call = std::get<Expression>(statement.form).As<Call>();
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->function, "task-run");
  ASSERT_EQ(call->arguments.size(), 2u);
  EXPECT_EQ(call->arguments[0].As<StringLiteral>()->text, "tasks/hello");
  EXPECT_EQ(call->arguments[1].at, (Position{2, 25}));
  const auto& entries = call->arguments[1].As<MapLiteral>()->entries;
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].key.As<StringLiteral>()->text, "worker");
  EXPECT_EQ(entries[0].value.at, (Position{3, 13}));
  EXPECT_NE(entries[0].value.As<EnvironmentVariable>(), nullptr);
}

TEST(Parser, AcceptsBlanksCommentsPodAndSpareCommas) {
  for (std::string_view text : {"",
                                "\n\n",
                                "# only words",
                                "#!raku\n",
                                "#!perl6\nuse v6;\n",
                                "use v6.d; use strict; use Sparrow6::DSL;",
                                ";;",
                                "say 'a'",
                                "say 'a';;say 'b';",
                                "say\n'a'\n;",
                                "say 'a'; # b\n# c\nsay 'd'",
                                "say 'a'\r\n;\r\n",
                                "task-run 'a', %();",
                                "task-run 'a', %( x => 1, );",
                                "task-run('a')",
                                "task-run();",
                                "task-run;",
                                "task-run 'a', %( x => [], y => [1,], z => %() ) # end",
                                "say 1, 2,;",
                                "task-run 'a', %( 'quoted key' => 1, bare-key => -2, k => 1_000, 2920 => 3 );",
                                "#`( hidden ( twice ) )\nsay #`[in]'a';",
                                "=begin pod\nbash 'no' while True;\n=end pod\nsay 'a';",
                                "=begin comment\n=begin comment\n=end comment\n=end comment\n",
                                "if 1 { }\nsay 'a'",
                                "if 1 { } else { say 1 }",
                                "unless 1 { say 1; }",
                                "for 1..3 -> $i { say $i }",
                                "my $x; $x = 1 if $x;",
                                "for <a b> { say $_ if $_ }"}) {
    EXPECT_EQ(ErrorOf(text), "accepted") << text;
  }
}

TEST(Parser, NamesEveryConstructItDoesNotReadWithItsPlace) {
  const std::map<std::string, std::string> outside = {
      {"say 'a';\n  prompt 'x: ';", OutsideAt("2:3", "'prompt'")},
      {"EVALFILE '.tom/x.raku';", OutsideAt("1:1", "'EVALFILE'")},
      {"while True { }", OutsideAt("1:1", "'while'")},
      {"sub f { }", OutsideAt("1:1", "'sub'")},
      {"use JSON::Fast;", OutsideAt("1:1", "'use JSON::Fast'")},
      {"use lib 'lib';", OutsideAt("1:1", "'use lib'")},
      {"our $x = 1;", OutsideAt("1:1", "'our'")},
      {"my Str $x = 'a';", OutsideAt("1:1", "'my' with a type")},
      {"my ($a, $b) = 1, 2;", OutsideAt("1:1", "'my' without a plain variable")},
      {"my $x = 1;\nmy $x = 2;", OutsideAt("2:1", "a second 'my $x' in one block")},
      {"my $x := 1;", OutsideAt("1:7", "':'")},
      {"my $i = 1; $i++;", OutsideAt("1:14", "'+'")},
      {"my %h; %h<a> = 1;", OutsideAt("1:8", "a statement that is only a value")},
      {"say $*PID;", OutsideAt("1:5", "a variable ($*PID)")},
      {"say @*ARGS;", OutsideAt("1:5", "a variable (@*ARGS)")},
      {"say $*CWD;", OutsideAt("1:5", "$*CWD as anything but a part of a text")},
      {"say !$*CWD;", OutsideAt("1:6", "$*CWD as anything but a part of a text")},
      {"say $*CWD // 'x';", OutsideAt("1:5", "$*CWD as anything but a part of a text")},
      {"say %*ENV;", OutsideAt("1:5", "%*ENV without <NAME>")},
      {"say %*ENV<A B>;", OutsideAt("1:10", "<> with several keys")},
      {"say config;", OutsideAt("1:5", "config without () right behind it")},
      {"say os;", OutsideAt("1:5", "os without () right behind it")},
      {"say '.tom/x'.IO.slurp;", OutsideAt("1:13", "the method .IO")},
      {"my @l = 1, 2; say @l.elems;", OutsideAt("1:21", "the method .elems")},
      {"say 'a' ~~ 'b';", OutsideAt("1:9", "'~'")},
      {"say 'ü' x 3;", OutsideAt("1:9", "'x'")},  // columns count characters
      {"say 7 / 2;", OutsideAt("1:7", "'/'")},
      {"say 1 || 2 // 3;", OutsideAt("1:12", "'//' after another operator of its kind")},
      {"say 1 < 2 < 3;", OutsideAt("1:11", "'<' after another operator of its kind")},
      {"say 'a' if 1 if 2;", OutsideAt("1:14", "'if'")},
      {"say;", OutsideAt("1:1", "say without a value")},
      {"say :x;", OutsideAt("1:5", "a pair that isn't in a map")},
      {"bash 'ls', user => 'root';", OutsideAt("1:12", "a pair that isn't in a map")},
      {"my $x = directory 'a';", OutsideAt("1:9", "the value of directory")},
      {"directory('a') || die;", OutsideAt("1:1", "the value of directory")},
      {"say 'a' and say 'b';", OutsideAt("1:1", "the value of say")},
      {"task-run 'a', %( x );", OutsideAt("1:18", "'x'")},
      {"task-run 'a', %( 'x' );", OutsideAt("1:18", "an entry of a map without '=>'")},
      {"task-run 'a', %( |%h );", OutsideAt("1:18", "'|'")},
      {"task-run 'a', %( :3x );", OutsideAt("1:18", "such a ':' pair")},
      {"task-run 'a', %( x => 1.5 );", OutsideAt("1:23", "a number that isn't a plain decimal integer")},
      {"task-run 'a', %( x => 0x1F );", OutsideAt("1:23", "a number that isn't a plain decimal integer")},
      {"task-run 'a', %( x => 007 );", OutsideAt("1:23", "a number that isn't a plain decimal integer")},
      {"task-run 'a', %( x => 99999999999999999999 );", OutsideAt("1:23", "an integer of more than 64 bits")},
      {"task-run 'a', %( x => [%( y => 1 )] );",
       OutsideAt("1:23", "a list of one map, which Raku flattens (write a comma after it to keep it)")},
      {"say <a 1>;", OutsideAt("1:5", "the number '1' between < and >")},
      {"say <a -Inf>;", OutsideAt("1:5", "the number '-Inf' between < and >")},
      {"say <>;", OutsideAt("1:5", "<> without a word")},
      {"say 1..3;", OutsideAt("1:5", "a range that isn't walked by a loop or made a list")},
      {"for %*ENV<X>:exists { }", OutsideAt("1:13", "':'")},
      {"my %h; for %h { say $_ }", OutsideAt("1:12", "a loop over such a value")},
      {"for 1..3 -> $a, $b { }", OutsideAt("1:15", "','")},
      {"for 1..3 { my %h = { a => $_ } }", OutsideAt("1:20", "{ … } with $_, which Raku takes for a block")},
      {"my $x = 1 for 1..3;", OutsideAt("1:1", "'my' in a loop of one statement")},
      {"for <a b> -> $x{ say 1 }", OutsideAt("1:16", "a block without a blank before it")},
      {"unless 0 { } else { }", OutsideAt("1:14", "'else'")},
      {"{ say 1 }", OutsideAt("1:1", "a block that stands alone")},
      {"'a';", OutsideAt("1:1", "a statement that is only a value")},
      {"say \"$x.y()\";", ".tom/x.raku:1:6: variable $x is not declared"},
      {"my $x; say \"$x.y()\";", OutsideAt("1:15", "a method call inside a string")},
      {"my $x; say \"$x:<a>\";", OutsideAt("1:15", "a longer name of a variable")},
      {"say \"&f(1)\";", OutsideAt("1:6", "a variable inside a string (&…; write \\& for a plain &)")},
      {"say \"5 $\";", OutsideAt("1:8", "a variable inside a string ($…; write \\$ for a plain $)")},
      {"say \"a{}\";", OutsideAt("1:7", "an empty block inside a string (write \\{ for a plain brace)")},
      {"say \"\\x41\";", OutsideAt("1:6", "the escape '\\x'")},
      {"say '\\qq[x]';", OutsideAt("1:6", "the escape '\\q'")},
      {"say q:to:c/E/;\nE\n", OutsideAt("1:9", "':'")},
      {"say q:to/E/, 'a\nb';\nE\n", OutsideAt("1:16", "text over several lines beside a heredoc")},
      {"say \xE2\x80\x9C"
       "a\xE2\x80\x9D;",
       OutsideAt("1:5", "'\xE2\x80\x9C'")},
      {"say 'a';\n=head1 Title\n", OutsideAt("2:1", "a Pod line that isn't =begin NAME")},
      {"#| why\nsay 'a';", OutsideAt("1:1", "a declarator comment (#| or #=)")},
  };
  for (const auto& [text, message] : outside) EXPECT_EQ(ErrorOf(text), message) << text;
}

// Lists and maps hold variables in Raku, and copies of their values here.
TEST(Parser, RefusesToAssignToWhatIsHeldElsewhere) {
  EXPECT_EQ(ErrorOf("my @l = 1, 2; my $x = @l; @l = 3;"),
            OutsideAt("1:30", "assigning to a variable that a list, map or loop holds"));
  EXPECT_EQ(ErrorOf("my @l; for <a b> { @l = 1; my %h = l => @l; }"),
            OutsideAt("1:41", "a variable that is held here and assigned to elsewhere"));
  EXPECT_EQ(ErrorOf("my $a = 1; my $l = ($a, 2); $a = 5;"),
            OutsideAt("1:32", "assigning to a variable that a list, map or loop holds"));
  EXPECT_EQ(ErrorOf("for <a b> -> $x { $x = 1; }"),
            OutsideAt("1:22", "assigning to a variable that a list, map or loop holds"));
  EXPECT_EQ(ErrorOf("my @l = 1, 2; say @l; my @m = @l; bash 'x'; @l = 3;"),
            OutsideAt("1:48", "assigning to a variable that a list, map or loop holds"));
  EXPECT_EQ(ErrorOf("my %h; say %h; task-run 'a', %h; %h = a => 1;"), "accepted");     // used at once
  EXPECT_EQ(ErrorOf("my $a = 1; my $l = [$a, 2]; my %h = :$a; $a = 5;"), "accepted");  // [ ] copies
  EXPECT_EQ(ErrorOf("my %s = task-run 'a'; %s = task-run 'b'; say %s<x>;"), "accepted");
}

TEST(Parser, ShortensLongNames) {
  EXPECT_EQ(ErrorOf("say $" + std::string(5000, 'x')).size(), 217u);
  EXPECT_EQ(ErrorOf("my $x; say $x." + std::string(5000, 'y')).size(), 257u);
}

TEST(Parser, SaysWhatIsWrongWithBrokenText) {
  const std::map<std::string, std::string> broken = {
      {"say 'a", ".tom/x.raku:1:5: a string has no closing '"},
      {"say \"a\n", ".tom/x.raku:1:5: a string has no closing \""},
      {"say \"a{'b'\n", ".tom/x.raku:2:1: '}' is missing"},
      {"say 'a' say 'b'", ".tom/x.raku:1:9: a ';' is missing before 'say'"},
      {"if 1 { say 1 } bash 'x'", ".tom/x.raku:1:16: a ';' is missing before 'bash'"},
      {"say $x;", ".tom/x.raku:1:5: variable $x is not declared"},
      {"if 1 { my $y = 1 }\nsay $y;", ".tom/x.raku:2:5: variable $y is not declared"},
      {"say %*ENV<X", ".tom/x.raku:1:10: '<' has no closing '>'"},
      {"task-run 'a', %( x => 1", ".tom/x.raku:1:24: ')' is missing"},
      {"task-run 'a', %( x => [1", ".tom/x.raku:1:25: ']' is missing"},
      {"task-run 'a', %( 'x'", ".tom/x.raku:1:21: the file ends where more was expected"},
      {"if 1 { say 1", ".tom/x.raku:1:13: '}' is missing"},
      {"say q:to/END/;\n text\n", ".tom/x.raku:1:14: a heredoc has no line 'END'"},
      {"#`( no end", ".tom/x.raku:1:1: a comment has no closing )"},
      {"=begin pod\n", ".tom/x.raku:1:1: =begin 'pod' has no =end 'pod'"},
      {"bash;", ".tom/x.raku:1:1: bash takes 1 to 2 arguments"},
      {"directory-delete 'a', %();", ".tom/x.raku:1:1: directory-delete takes 1 argument"},
      {"task-run 'a', [1];", ".tom/x.raku:1:15: argument 2 of task-run has to be text or a map"},
      {"task-run [1];", ".tom/x.raku:1:10: argument 1 of task-run has to be text or a map"},
      {"task-run 'a', 'b', 'c';", ".tom/x.raku:1:20: argument 3 of task-run has to be a map"},
      {"task-run %( task => 'a' ), 'b';", ".tom/x.raku:1:10: task-run takes nothing after a map"},
      {"exit 1, 2;", ".tom/x.raku:1:1: exit takes one argument"},
      {std::string("say '\0';", 8), ".tom/x.raku: holds a NUL character"},
      {"say '\xC3';", ".tom/x.raku: not UTF-8 text"},
  };
  for (const auto& [text, message] : broken) EXPECT_EQ(ErrorOf(text), message) << text;
}

std::string Nested(int depth, std::string_view open, std::string_view close) {
  std::string text = "say ";
  for (int i = 0; i < depth; ++i) text += open;
  text += "1";
  for (int i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(Parser, BoundsNesting) {
  EXPECT_EQ(ErrorOf(Nested(kMaxNesting - 4, "[ ", ", ]")), "accepted");
  for (auto [open, close] : {std::pair("[ ", ", ]"),
                             {"( ", ")"},
                             {"%( a => ", ")"},
                             {"{ a => ", "}"},
                             {"!", ""},
                             {"1 ?? 2 !! ", ""},
                             {"\"{", "}\""},
                             {"- ", ""}}) {
    EXPECT_NE(ErrorOf(Nested(20'000, open, close)).find("nested more than 32 deep"), std::string::npos) << open;
  }
  std::string blocks, nots = "say 1 if ", indices = "my %h; say %h";
  for (int i = 0; i < 20'000; ++i) blocks += "if 1 { ";
  for (int i = 0; i < 200; ++i) indices += "{%h";
  for (int i = 0; i < 20'000; ++i) nots += "not ";
  EXPECT_NE(ErrorOf(nots).find("nested more than 32 deep"), std::string::npos);
  EXPECT_NE(ErrorOf(blocks).find("nested more than 32 deep"), std::string::npos);
  EXPECT_NE(ErrorOf(indices).find("nested more than 32 deep"), std::string::npos);
}

std::string Repeated(size_t times, std::string_view text) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

TEST(Parser, BoundsStatementsVariablesValuesAndSize) {
  EXPECT_EQ(ErrorOf(Repeated(kMaxStatements, "say 1;\n")), "accepted");
  EXPECT_NE(ErrorOf(Repeated(kMaxStatements + 1, "say 1;\n")).find("more than 4096 statements"), std::string::npos);
  EXPECT_NE(ErrorOf("say " + Repeated(kMaxExpressions + 1, "1,")).find("65536 values"), std::string::npos);
  EXPECT_NE(ErrorOf("say " + Repeated(kMaxExpressions + 1, "1~") + "1").find("65536 values"), std::string::npos);
  std::string variables;
  for (size_t i = 0; i <= kMaxVariables; ++i) variables += "my $v" + std::to_string(i) + ";";
  EXPECT_NE(ErrorOf(variables).find("1024 variables"), std::string::npos);
  EXPECT_NE(ErrorOf("say %( " + Repeated(kMaxMapEntries + 1, "a=>1,") + ")").find("more than 4096 entries"),
            std::string::npos);
  EXPECT_NE(ErrorOf(std::string(kMaxScenarioBytes + 1, ' ')).find("larger than 256 KiB"), std::string::npos);
}

// Cuts, doubles and exchanges pieces of a scenario that has everything in it: each result is read or refused with a
// place, under the sanitizers without a finding.
TEST(Parser, SurvivesMutilatedScenarios) {
  const std::string whole =
      "#!raku\nmy $x = config()<a> // \"b{%*ENV<B>}$*CWD/\\n\";\nif $x eq 'c' && !tags()<t> { say 1 + 2, $x[0] } else "
      "{\n"
      "for <d e>, 1..3 -> $y { task-run \"t/$y\", %( :$x, k => [1, (2, 3), { z => -4 },], ) } }\nbash q:to/END/, %( a "
      "=> "
      "True ?? 1 !! 2 );\n  text\n  END\n#`(c) my %s = task-run('f@g'); die \"%s<h>\" unless %s<i>;\n";
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
