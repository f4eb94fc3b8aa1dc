// The function and the plugin bash, run by the real cromt-step.
#include <unistd.h>

#include "scenario_fixture.h"

namespace cromt::step {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Bash : public ScenarioTest {};

TEST_F(Bash, RunsACommandInABashOfItsOwn) {
  StepResult result = Run("bash 'echo \"hi $BASH_VERSION\" | cut -c 1-3; false; x=1'; bash 'echo \"x=$x\"';");
  EXPECT_EQ(result.code, 0) << result.err << result.notes;
  EXPECT_EQ(result.out, "hi \nx=\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.marks[0], Mark(TaskBegan{"task.bash - bash: echo \"hi $BASH_VERSION\" | cut -c 1-3; false; x=1"}));
}

TEST_F(Bash, AnyFailureIsAOneAndEndsTheScenario) {
  for (const char* command : {"exit 7", "false", "kill -9 $$", "no-such-command-of-anybody", "if"}) {
    StepResult result = Run("bash " + Literal(command) + "; bash 'echo never';");
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_EQ(result.out, "") << command;
    EXPECT_EQ(result.marks.back(), Mark(TaskEnded{.name = std::string("bash: ") + command, .exit_code = 1}));
  }
}

TEST_F(Bash, VariablesReachItToTheByte) {
  for (const std::string& value : kHostile) {
    StepResult result = Run("bash 'printf \"<%s>\" \"$V\"', %( envvars => %( V => " + Literal(value) + " ) );");
    EXPECT_EQ(result.out, "<" + value + ">") << result.err;
  }
  EXPECT_EQ(Run("bash 'printf \"<%s>\" \"$V\"', %( envvars => %( V => 'x$HOME & y\n\n' ) );").out, "<x$HOME & y\n\n>");
}

TEST_F(Bash, AVariableMayGrow) {
  const std::string scenario =
      "bash 'echo \"$LIST\"', %( envvars => %( LIST => '/first:$LIST:${LIST}:$LISTS:$(id)&' ) );";
  EXPECT_EQ(Run(scenario, {{"LIST", "a&b$LIST"}}).out, "/first:a&b$LIST:a&b$LIST:$LISTS:$(id)&\n");
}

TEST_F(Bash, RunsInAnotherFolder) {
  for (const std::string& name : kHostile) {
    if (name == "~") continue;
    std::filesystem::create_directory(Path(name));
    StepResult result = Run("bash 'pwd', %( cwd => " + Literal(name) + " );");
    EXPECT_EQ(result.out, Path(name) + "\n") << result.err;
  }
  repository_.Write("in/home/file", "");
  EXPECT_EQ(Run("bash 'ls', %( cwd => '~/home' );", {{"HOME", Path("in")}}).out, "file\n");
}

TEST_F(Bash, WithoutThatFolderNothingIsRun) {
  StepResult result = Run("bash \"true\necho never\", %( cwd => 'none', envvars => %( A => '1' ) );");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("none: No such file or directory"));
}

TEST_F(Bash, DebugTracesTheCommand) {
  StepResult result = Run("bash 'echo a', %( debug => True ); bash 'echo b', %( debug => False );");
  EXPECT_EQ(result.out, "a\nb\n");
  EXPECT_EQ(result.err, "+ echo a\n");
}

TEST_F(Bash, ACommandIsNoOptionAndReadsNothing) {
  EXPECT_EQ(Run("bash '-x() { echo f; }; -x';").out, "f\n");
  EXPECT_EQ(Run("bash 'cat; echo end';").out, "end\n");
}

TEST_F(Bash, ExpectStdoutChecksWhatItPrints) {
  const std::string scenario = "bash 'echo \"I am 12\"', %( expect_stdout => %*ENV<PATTERN> ); say 'went on';";
  StepResult result = Run(scenario, {{"PATTERN", "'am' \\s+ \\d+"}});
  EXPECT_EQ(result.code, 0) << result.err << result.notes;
  EXPECT_THAT(result.out, HasSubstr("I am 12\n"));
  EXPECT_THAT(result.out, HasSubstr("went on\n"));
  result = Run(scenario, {{"PATTERN", "'am' \\s+ \\d ** 3"}});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.out, Not(HasSubstr("went on\n")));
  EXPECT_EQ(Run("bash 'exit 3', %( expect_stdout => 'x' );").code, 1);
}

TEST_F(Bash, APatternThatIsNoneIsRefusedBeforeAnythingRuns) {
  for (const char* pattern : {"(", "a\ncode: touch INJECTED", "<{ touch INJECTED }>"}) {
    StepResult result = Run("bash 'echo ran', %( expect_stdout => " + Literal(pattern) + " );");
    EXPECT_EQ(result.code, 1) << pattern;
    EXPECT_EQ(result.out, "") << pattern;
    EXPECT_THAT(result.notes, ::testing::StartsWith(".tom/s.raku:1:1: bash: expect_stdout")) << pattern;
  }
}

// ---- As another user -----------------------------------------------------------------------------

class BashUser : public Bash {
 protected:
  void SetUp() override {
    FakeThatSaysHow("sudo", "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"");
    FakeThatSaysHow("su", "exec bash -c \"$5\"");
    Fake("id", "case $1 in -un) echo me ;; -u) [ \"$2\" = bob ] || { echo \"no user $2\" >&2; exit 1; } ;; esac");
  }
  // What the fake says of how it was called begins so.
  std::string Called() const {
    return ::geteuid() == 0 ? "su <-l> <-s> <" : "sudo <-n> <-H> <-u> <bob> <--> <bash> <--login>";
  }
};

TEST_F(BashUser, OursIsUsAlready) {
  EXPECT_EQ(Run("bash 'echo here', 'me';", WithFakes()).out, "here\n");
}

TEST_F(BashUser, AnotherGetsTheCommandAsData) {
  StepResult result = Run("bash 'printf \"<%s>\" \"$V\"; pwd', %( user => 'bob', cwd => 'a b', envvars => %( V => " +
                              Literal("$(touch INJECTED) '\"\n") + " ) );",
                          WithFakes());
  EXPECT_EQ(result.code, 1);  // there is no such folder yet
  std::filesystem::create_directory(Path("a b"));
  result = Run("bash 'printf \"<%s>\" \"$V\"; pwd', %( user => 'bob', cwd => '~/a b', envvars => %( V => " +
                   Literal("$(touch INJECTED) '\"\n") + " ) );",
               WithFakes());
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, ::testing::StartsWith(Called()));
  EXPECT_THAT(result.out, ::testing::EndsWith("<$(touch INJECTED) '\"\n>" + Path("a b") + "\n"));
}

TEST_F(BashUser, BeginsAtHome) {
  repository_.Write("home/file", "");
  Variables variables = WithFakes();
  variables["HOME"] = Path("home");
  EXPECT_THAT(Run("bash 'ls', 'bob';", variables).out, ::testing::EndsWith("file\n"));
}

TEST_F(BashUser, WhoIsNotThereIsNamed) {
  StepResult result = Run("bash 'echo never', 'eve';", WithFakes());
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("there is no user 'eve' on this host"));
}

TEST_F(BashUser, NoNameIsAnOption) {
  for (const char* name : {"-c", "--login", "a b", "$(touch INJECTED)", "a/b", "x\ny"}) {
    StepResult result = Run("bash 'echo never', " + Literal(name) + ";", WithFakes());
    EXPECT_EQ(result.code, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("the parameter 'user' is no name"));
  }
}

}  // namespace
}  // namespace cromt::step
