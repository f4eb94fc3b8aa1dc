// cromt completion: bash really completes with what it prints.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>

#include "cli/command.h"
#include "cli_test.h"

extern char** environ;  // NOLINT: POSIX's

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

using Words = std::vector<std::string>;

class CompletionTest : public CliTest {
 protected:
  // What bash offers where the cursor stands at the end of `line`, and whether file names come where it offers nothing.
  struct Offered {
    Words words;
    bool files = false;
  };

  Offered Bash(const std::string& line) {
    EXPECT_EQ(Cromt({"completion", "bash"}), 0);
    // As readline does it: the line is cut at blanks and '='.
    const std::string script = out() +
                               "compopt() { [[ \"$*\" == '+o default' ]] && plain=1; return 0; }\n"
                               "line=$1 plain=0\n"
                               "spaced=${line//=/ = }\n"
                               "read -ra COMP_WORDS <<< \"$spaced\"\n"
                               "[[ $line == *' ' ]] && COMP_WORDS+=('')\n"
                               "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                               "_cromt\n"
                               "echo $plain\n"
                               "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    File("complete.bash", script);
    std::istringstream lines(RunBash({Path("complete.bash"), line}));
    Offered offered;
    std::string text;
    std::getline(lines, text);
    offered.files = text == "0";
    while (std::getline(lines, text))
      if (!text.empty()) offered.words.push_back(text);
    return offered;
  }

  std::string RunBash(Words arguments) {
    arguments.insert(arguments.begin(), {"bash", "--norc"});
    std::vector<char*> argv;
    for (std::string& word : arguments) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string result = Path("result");
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, result.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    pid_t child = -1;
    EXPECT_EQ(posix_spawnp(&child, "bash", &files, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    std::ifstream file(result);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_EQ(status, 0) << text.str();
    return text.str();
  }
};

TEST_F(CompletionTest, CommandsFirst) {
  const Words all = Bash("cromt ").words;
  for (const CommandInfo& info : Commands()) EXPECT_THAT(all, Contains(std::string(info.name)));
  EXPECT_THAT(all, Each(Not(StartsWith("-"))));
  EXPECT_THAT(Bash("cromt sta").words, ElementsAre("start"));
  EXPECT_THAT(Bash("cromt --dr").words, ElementsAre("--dry-run"));
}

TEST_F(CompletionTest, ThenTheOptionsOfTheCommand) {
  EXPECT_THAT(Bash("cromt start --fo").words, ElementsAre("--follow"));
  EXPECT_THAT(Bash("cromt runs ").words, AllOf(Contains("--project"), Contains("--limit"), Contains("-o")));
  EXPECT_THAT(Bash("cromt start hello --").words, Not(Contains("--raw")));
  EXPECT_THAT(Bash("cromt show ").words, ElementsAre("last"));
  EXPECT_THAT(Bash("cromt completion ").words, UnorderedElementsAre("bash", "zsh", "fish"));
}

TEST_F(CompletionTest, AfterAnOptionWithAValueItsValues) {
  for (const std::string option : {"-o ", "--output ", "--output=", "--output = "})
    EXPECT_THAT(Bash("cromt show last " + option).words, UnorderedElementsAre("text", "json", "quiet")) << option;
  EXPECT_THAT(Bash("cromt runs -o j").words, ElementsAre("json"));
  EXPECT_THAT(Bash("cromt runs --output=q").words, ElementsAre("quiet"));
  EXPECT_THAT(Bash("cromt plan hello -o d").words, ElementsAre("dot"));
  EXPECT_THAT(Bash("cromt run --resume ").words, ElementsAre("last"));
  EXPECT_THAT(Bash("cromt -o ").words, UnorderedElementsAre("text", "json", "quiet")) << "also in front of a command";
}

TEST_F(CompletionTest, AFileWhereAFileIsMeantAndNothingWhereOnlyTheUserKnows) {
  for (const std::string line : {"cromt --conf ", "cromt plan hello --conf ", "cromt run --config x", "cromt validate ",
                                 "cromt --conf=jo", "cromt run "}) {
    EXPECT_THAT(Bash(line).words, IsEmpty()) << line;
    EXPECT_TRUE(Bash(line).files) << line;
  }
  for (const std::string line : {"cromt runs --limit ", "cromt start hello --var ", "cromt --coordinator h"}) {
    EXPECT_THAT(Bash(line).words, IsEmpty()) << line;
    EXPECT_FALSE(Bash(line).files) << line;
  }
}

TEST_F(CompletionTest, AValueIsNoCommand) {
  EXPECT_THAT(Bash("cromt --conf start ").words, Contains("runs"));
  EXPECT_THAT(Bash("cromt --conf start plan --ac").words, ElementsAre("--action"));
  EXPECT_THAT(Bash("cromt --conf=start --dr").words, ElementsAre("--dry-run"));
  EXPECT_THAT(Bash("cromt -o json show --lo").words, ElementsAre("--local"));
}

TEST_F(CompletionTest, FishKnowsWhichOptionsTakeWhat) {
  EXPECT_EQ(Cromt({"completion", "fish"}), 0);
  EXPECT_THAT(out(), AllOf(HasSubstr("complete -c cromt -n '__fish_seen_subcommand_from plan' -l conf -rF\n"),
                           HasSubstr("complete -c cromt -n '__fish_seen_subcommand_from plan' -s o -l output -xa 'text "
                                     "json quiet dot'\n"),
                           HasSubstr("complete -c cromt -n '__fish_seen_subcommand_from start' -l follow\n"),
                           HasSubstr("complete -c cromt -n '__fish_seen_subcommand_from runs' -l limit -x\n")));
}

}  // namespace
}  // namespace cromt::cli
