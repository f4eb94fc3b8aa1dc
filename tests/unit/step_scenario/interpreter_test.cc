// A scenario and a world give calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/step_scenario/fake_host.h"

namespace cromt::step {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Interpreter, TakesVariablesFromTheEnvironment) {
  FakeHost host;
  host.environment = {{"WORKER", "7"}, {"EMPTY", ""}};
  Ran ran = RunText(
      "task-run 'tasks/hello', %( worker => %*ENV<WORKER>, empty => %*ENV<EMPTY>, no => %*ENV<NO> );\n"
      "say 'worker ', %*ENV<WORKER>, 7, %*ENV<NO>;",
      host);
  EXPECT_THAT(ran.log,
              ElementsAre(R"(task-run "tasks/hello" {"worker":"7","empty":"","no":null})", "say: worker 77(Any)"));
  EXPECT_EQ(ran.exit_code, 0);
}

TEST(Interpreter, RunsTasksInEveryForm) {
  Ran ran = RunText(
      "task-run;\ntask-run 'dir';\ntask-run('dir@sub', %( a => 1 ));\ntask-run 'text', 'plugin';\n"
      "task-run \"text\", 'plugin', %( list => <a b>, flag => True );\n"
      "task-run %( task => 'text', plugin => 'p', parameters => %( b => [1, [2,],] ) );");
  EXPECT_THAT(ran.log,
              ElementsAre("task-run", R"(task-run "dir")", R"(task-run "dir@sub" {"a":1})",
                          R"(task-run "text" "plugin")", R"(task-run "text" "plugin" {"list":["a","b"],"flag":true})",
                          R"(task-run {"task":"text","plugin":"p","parameters":{"b":[1,[2]]}})"));
  EXPECT_EQ(ran.error, "");
}

TEST(Interpreter, CallsWhatSparrowOffers) {
  Ran ran = RunText(
      "bash 'ls'; bash 'ls', 'root'; bash 'ls', %( user => 'root' ); directory 'd', %(mode => '755');\n"
      "directory-delete('d'); file 'f', %( content => q:to/END/ );\n  text\n  END\n"
      "git-scm 'https://x/y.git', %( to => 'z' ); package-install <nano vim>; package-install 'nano';\n"
      "service-start 'nginx'; user 'u'; group-delete 'g'; template-create 't', %( variables => %() ); zef '.';");
  EXPECT_THAT(ran.log, ElementsAre(R"(bash "ls")", R"(bash "ls" "root")", R"(bash "ls" {"user":"root"})",
                                   R"(directory "d" {"mode":"755"})", R"(directory-delete "d")",
                                   "file \"f\" {\"content\":\"text\\u000a\"}",
                                   R"(git-scm "https://x/y.git" {"to":"z"})", R"(package-install ["nano","vim"])",
                                   R"(package-install "nano")", R"(service-start "nginx")", R"(user "u")",
                                   R"(group-delete "g")", R"(template-create "t" {"variables":{}})", "zef \".\""));
  EXPECT_EQ(ran.error, "");
}

TEST(Interpreter, UsesWhatATaskLeft) {
  FakeHost host;
  host.outcomes["first"].value = {Map{{"url", {std::string("http://x")}}, {"list", {List{{std::string("s")}}}}}};
  Ran ran = RunText(
      "my %s = task-run 'first'; my $t = task-run 'second';\n"
      "say %s<url>, ' ', %s<list>[0]; say $t;\n%s = task-run 'second', %( url => %s<url> ); say %s;",
      host);
  EXPECT_THAT(ran.log, ElementsAre(R"(task-run "first")", R"(task-run "second")", "say: http://x s", "say: {}",
                                   R"(task-run "second" {"url":"http://x"})", "say: {}"));
}

TEST(Interpreter, EndsWithTheCodeOfTheTaskThatFailed) {
  FakeHost host;
  host.outcomes["b"] = {.exit_code = 7, .value = {Map{}}};
  Ran ran = RunText("bash 'a'; my %s = task-run 'b'; say 'never';", host);
  EXPECT_THAT(ran.log, ElementsAre(R"(bash "a")", R"(task-run "b")"));
  EXPECT_EQ(ran.exit_code, 7);
  EXPECT_EQ(ran.error, "");  // the host has said why
}

TEST(Interpreter, EndsWhereTheScenarioSaysSo) {
  struct Case {
    std::string_view text;
    int exit_code;
    std::string_view error;
  };
  for (const Case& end : {Case{"exit", 0, ""}, Case{"exit()", 0, ""}, Case{"exit 9", 9, ""}, Case{"exit(2)", 2, ""},
                          Case{"exit '4'", 4, ""}, Case{"exit 256 + 3", 3, ""}, Case{"exit -1", 255, ""},
                          Case{"die 'a', 5", 1, "s:1:1: a5"}, Case{"die", 1, "s:1:1: Died"},
                          Case{"my $p = %*ENV<NO> or die 'p is required'", 1, "s:1:22: p is required"},
                          Case{"%*ENV<NO> || die 'NO not set'", 1, "s:1:14: NO not set"},
                          Case{"for 1..3 { if $_ == 2 { exit 5 } }", 5, ""}}) {
    Ran ran = RunText(std::string(end.text) + ";\nsay 'never';");
    EXPECT_EQ(ran.exit_code, end.exit_code) << end.text;
    EXPECT_EQ(ran.error, end.error) << end.text;
    EXPECT_THAT(ran.log, IsEmpty()) << end.text;
  }
}

TEST(Interpreter, Branches) {
  const std::string branches =
      "if %*ENV<X> eq 'a' { say 1 } elsif %*ENV<X> { say 2 }\nelse { say 3 }\nunless %*ENV<X> { say 4 }\n"
      "say 5 if %*ENV<X>; say 6 unless %*ENV<X>; %*ENV<X> && bash 'x'; %*ENV<X> ?? bash('y') !! say 7;";
  auto with = [&](std::string value) {
    FakeHost host;
    host.environment["X"] = std::move(value);
    return RunText(branches, host).log;
  };
  EXPECT_THAT(with("a"), ElementsAre("say: 1", "say: 5", R"(bash "x")", R"(bash "y")"));
  EXPECT_THAT(with("b"), ElementsAre("say: 2", "say: 5", R"(bash "x")", R"(bash "y")"));
  EXPECT_THAT(with(""), ElementsAre("say: 3", "say: 4", "say: 6", "say: 7"));
}

TEST(Interpreter, LoopsAsRakuDoes) {
  FakeHost host;
  host.config = {Map{{"hosts", {List{{std::string("x")}, {std::string("y")}}}}}};
  auto said = [&](std::string_view text) { return SaidBy(text, host); };
  EXPECT_EQ(said("for config()<hosts><> -> $h { say $h }"), "x\ny");
  EXPECT_EQ(said("for config()<hosts> -> $h { say $h }"), "[x y]");  // one value: an array in a map
  EXPECT_EQ(said("my $l = config()<hosts>; for $l { say $_ }"), "[x y]");
  EXPECT_EQ(said("my @l = config()<hosts>[]; say \"$_ of @l[1]\" for @l;"), "x of y\ny of y");
  EXPECT_EQ(said("for 1..3 -> $i { say $i }; for ^2 { say $_ }; for 2..1 { say 'never' }"), "1\n2\n3\n0\n1");
  EXPECT_EQ(said("for 1, 'b', [3,] -> $x { say $x }"), "1\nb\n[3]");
  EXPECT_EQ(said("for (1,2),3 { say $_ }"), "(1 2)\n3");
  EXPECT_EQ(said("say $_ if $_ > 1 for 1..3"), "2\n3");
  EXPECT_EQ(said("my @a = 1,2; my @b = 3,4; for (False ?? @a !! @b) { say $_ }"), "3\n4");
}

TEST(Interpreter, BlocksHaveVariablesOfTheirOwn) {
  EXPECT_EQ(SaidBy("my $i = 5; for 1..2 { my $i = $_; say $i }; say $i"), "1\n2\n5");
  EXPECT_EQ(SaidBy("my $s; for <a b> -> $x { $s ~= $x; }; say $s"), "ab");
  EXPECT_EQ(SaidBy("for <a b> -> $x { my $y; say $y // 'fresh'; $y = $x; }"), "fresh\nfresh");
  EXPECT_EQ(SaidBy("my $x = 'a' if False; say $x"), "(Any)");
}

TEST(Interpreter, RefusesArgumentsOfTheWrongKind) {
  EXPECT_EQ(RunText("my $x; bash $x;").error, "s:1:13: an argument of bash has no value");
  EXPECT_EQ(RunText("my $x = [1,]; bash $x;").error, "s:1:20: argument 1 of bash has to be text");
  EXPECT_EQ(RunText("my $x = %(); task-run $x, $x;").error, "s:1:23: task-run takes nothing after a map");
}

}  // namespace
}  // namespace cromt::step
