// What users mistype, help, and output that breaks.
#include "cli/command.h"
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(CliTest, AnUnknownCommandIsNamedWithTheNearestOne) {
  EXPECT_EQ(Cromt({"strat", "hello"}), 2);
  EXPECT_THAT(err(), AllOf(StartsWith("cromt: unknown command 'strat'; did you mean 'start'?\n"), HasSubstr("--help")));
  EXPECT_EQ(Cromt({"apply", "x.yaml"}), 2);
  EXPECT_THAT(err(), HasSubstr("cromt --conf FILE"));
}

TEST_F(CliTest, AnUnknownOptionIsNamedWithTheNearestOne) {
  EXPECT_EQ(Cromt({"start", "hello", "--folow"}), 2);
  EXPECT_THAT(err(), AllOf(HasSubstr("start: unknown option '--folow'; did you mean '--follow'?"),
                           HasSubstr("cromt start --help")));
  EXPECT_TRUE(control_.started.empty());
  EXPECT_EQ(Cromt({"--dryrun"}), 2);
  EXPECT_THAT(err(), HasSubstr("did you mean '--dry-run'?"));
}

TEST_F(CliTest, MissingAndSurplusWordsAreBadUsage) {
  EXPECT_EQ(Cromt({"start"}), 2);
  EXPECT_THAT(err(), HasSubstr("start: PROJECT is missing"));
  EXPECT_EQ(Cromt({"show", "run1", "task", "more"}), 2);
  EXPECT_THAT(err(), HasSubstr("unexpected word 'more'"));
  EXPECT_EQ(Cromt({"runs", "--limit"}), 2);
  EXPECT_THAT(err(), HasSubstr("--limit"));
  EXPECT_EQ(Cromt({"validate"}), 2);
}

TEST_F(CliTest, OptionsForApplyingAreNotForCommands) {
  EXPECT_EQ(Cromt({"--dry-run", "start", "hello"}), 2);
  EXPECT_THAT(err(), HasSubstr("--dry-run is for applying a file"));
  EXPECT_EQ(Cromt({"--conf", "f.yaml", "projects"}), 2);
  EXPECT_THAT(err(), HasSubstr("takes no --conf"));
  EXPECT_TRUE(connected_.empty());
}

TEST_F(CliTest, TheFormatMustBeKnown) {
  EXPECT_EQ(Cromt({"projects", "-o", "yaml"}), 2);
  EXPECT_THAT(err(), HasSubstr("'yaml' is none of text, json, quiet"));
  EXPECT_EQ(Cromt({"projects", "-o", "dot"}), 2);
}

TEST_F(CliTest, IdsAreCheckedBeforeTheyAreSent) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"show", "../etc"}, {"logs", "a b"}, {"cancel", "x\n"}, {"start", "a/b"}, {"runs", "--project", "a/b"}}) {
    EXPECT_EQ(Cromt(words), 2) << words[0];
    EXPECT_THAT(err(), StartsWith("cromt: ")) << words[0];
  }
  EXPECT_TRUE(connected_.empty());
}

TEST_F(CliTest, NumbersAndDurationsAreChecked) {
  EXPECT_EQ(Cromt({"runs", "--limit", "-1"}), 2);
  EXPECT_EQ(Cromt({"runs", "--limit", "0"}), 2);
  EXPECT_EQ(Cromt({"runs", "--limit", "99999"}), 2);
  EXPECT_EQ(Cromt({"start", "hello", "--wait", "--timeout", "soon"}), 2);
  EXPECT_THAT(err(), HasSubstr("--timeout: 'soon' is not a duration"));
  EXPECT_EQ(Cromt({"start", "hello", "--timeout", "5s"}), 2);
  EXPECT_EQ(Cromt({"start", "hello", "--wait", "--follow"}), 2);
  EXPECT_TRUE(control_.started.empty());
}

TEST_F(CliTest, EveryCommandTeachesWithAnExample) {
  EXPECT_EQ(Cromt({"--help"}), 0);
  const std::string overview = out();
  for (const CommandInfo& info : Commands()) {
    const std::string name(info.name);
    EXPECT_THAT(overview, HasSubstr("  " + name + " "));
    EXPECT_EQ(Cromt({name, "--help"}), 0);
    EXPECT_THAT(out(), AllOf(StartsWith("cromt " + name), HasSubstr("Examples:\n"), HasSubstr("cromt " + name)))
        << name;
    const std::string help = out();
    EXPECT_EQ(Cromt({"help", name}), 0);
    EXPECT_EQ(out(), help);
  }
  EXPECT_EQ(err(), "");
  EXPECT_TRUE(connected_.empty());
}

TEST_F(CliTest, TheVersionIsAskedAnywhere) {
  EXPECT_EQ(Cromt({"--version"}), 0);
  EXPECT_THAT(out(), StartsWith("cromt "));
  EXPECT_EQ(Cromt({"show", "--version"}), 0);
  EXPECT_THAT(out(), StartsWith("cromt "));
}

TEST_F(CliTest, CompletionKnowsEveryCommandAndItsOptions) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Cromt({"completion", shell}), 0);
    for (const CommandInfo& info : Commands()) EXPECT_THAT(out(), HasSubstr(std::string(info.name))) << shell;
    EXPECT_THAT(out(), HasSubstr("follow")) << shell;
  }
  EXPECT_EQ(Cromt({"completion", "tcsh"}), 2);
}

TEST_F(CliTest, AFullDiskIsAnErrorButAReaderThatLeftIsNone) {
  control_.listed_projects = {{.name = "a", .file = "f", .revision = 1}};
  out_.broken = Error{ErrorCode::kExhausted, "standard output: No space left on device"};
  EXPECT_EQ(Cromt({"projects"}), 3);
  EXPECT_EQ(err(), "cromt: standard output: No space left on device\n");
  out_.broken = Error{ErrorCode::kCanceled, "standard output is closed"};
  EXPECT_EQ(Cromt({"projects"}), 0);
  EXPECT_EQ(err(), "");
}

}  // namespace
}  // namespace cromt::cli
