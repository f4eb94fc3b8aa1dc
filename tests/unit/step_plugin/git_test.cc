// git-scm and the git plugins, run by the real cromt-step over real repositories.
#include "scenario_fixture.h"

namespace cromt::step {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Git : public ScenarioTest {
 protected:
  void SetUp() override {
    repository_.Write(".gitconfig", "[user]\nname = N\nemail = e@x\n[init]\ndefaultBranch = main\n");
    Bash(
        "git init -q origin && cd origin && git commit -q --allow-empty -m first && git branch dev && git tag v1 && "
        "git checkout -q dev && echo dev >f && git add f && git commit -q -m second && git checkout -q main");
  }
  // In the repository, as whoever prepares it.
  std::string Bash(const std::string& command) {
    StepResult result = Run("bash %*ENV<COMMAND>;", {{"COMMAND", command}});
    EXPECT_EQ(result.code, 0) << result.err << result.notes;
    return result.out;
  }
};

TEST_F(Git, ScmClonesChecksOutAndPulls) {
  const std::string scenario =
      "directory 'd'; git-scm %*ENV<URL>, %( to => 'd', branch => 'dev' ); bash 'cat f', %( cwd => 'd' );";
  StepResult result = Run(scenario, {{"URL", Path("origin")}});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, ::testing::EndsWith("dev\n"));
  EXPECT_THAT(result.out, HasSubstr(Path("d") + "\n"));
  Bash("cd origin && git checkout -q dev && echo more >f && git commit -q -a -m third && git checkout -q main");
  result = Run(scenario, {{"URL", Path("origin")}});
  EXPECT_THAT(result.out, ::testing::EndsWith("more\n")) << result.err;
}

TEST_F(Git, ScmOfATagAndIntoAFolderOfAnyName) {
  for (const std::string& name : kHostile) {
    std::filesystem::create_directory(Path(name));
    if (name == "~") continue;  // is HOME
    StepResult result =
        Run("git-scm %*ENV<URL>, %( to => " + Literal(name) + ", branch => 'tags/v1' );", {{"URL", Path("origin")}});
    EXPECT_EQ(result.code, 0) << name << result.err;
    EXPECT_TRUE(Exists(name + "/.git/HEAD")) << name;
  }
}

TEST_F(Git, ScmTakesNoValueForAProgramOrAnOption) {
  for (const char* url : {"--upload-pack=touch INJECTED", "ext::touch INJECTED", "$(touch INJECTED)"}) {
    StepResult result = Run("directory 'd'; git-scm " + Literal(url) + ", %( to => 'd' );");
    EXPECT_EQ(result.code, 1) << url;
  }
  StepResult result = Run("directory 'd'; git-scm %*ENV<URL>, %( to => 'd', branch => 'x;touch INJECTED' );",
                          {{"URL", Path("origin")}});
  EXPECT_EQ(result.code, 1);
  EXPECT_FALSE(Exists("d/INJECTED"));
}

TEST_F(Git, BaseSaysWhoCommits) {
  EXPECT_EQ(Plugin("git-base", {{"email", "-x"}, {"name", "A \"B\" $(touch INJECTED)"}}).out,
            "git user.email -x\ngit user.name A \"B\" $(touch INJECTED)\n");
  EXPECT_EQ(Bash("git config --global user.name; git config --global user.email"), "A \"B\" $(touch INJECTED)\n-x\n");
  StepResult result = Plugin("git-base", {{"email", "e"}});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("the parameter 'name' is missing"));
}

class GitWork : public Git {
 protected:
  void SetUp() override {
    Git::SetUp();
    // The job's repository is itself a clone, as the plugins work where they run.
    Bash(
        "git init -q . && git remote add origin origin && git fetch -q origin && git checkout -q dev && "
        "git -C origin config receive.denyCurrentBranch ignore");
  }
};

TEST_F(GitWork, CommitTakesAnyMessage) {
  for (const std::string& message : kHostile) {
    repository_.Write("f", "change " + message);
    StepResult result = Plugin("git-commit", {{"message", message}});
    EXPECT_EQ(result.code, 0) << message << result.err << result.out;
    EXPECT_EQ(Bash("git log -1 --format=%B"), message + "\n\n");
  }
  EXPECT_EQ(Plugin("git-commit", {{"message", "nothing to commit"}}).code, 1);
  EXPECT_THAT(Plugin("git-commit", {}).err, HasSubstr("the parameter 'message' is missing"));
}

TEST_F(GitWork, PushAsksNobody) {
  repository_.Write("f", "pushed");
  Bash("git commit -q -a -m change");
  StepResult result = Run("task-run 'push', 'git-push';");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("set confirm => 'no'"));
  EXPECT_EQ(Bash("git -C origin show dev:f"), "dev\n");
  result = Plugin("git-push", {{"confirm", "no"}});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "git push origin refs/heads/dev\n");
  EXPECT_EQ(Bash("git -C origin show dev:f"), "pushed");
}

TEST_F(GitWork, PullTakesTheBranchThatIsCheckedOut) {
  Bash("cd origin && git checkout -q dev && echo theirs >f && git commit -q -a -m theirs");
  StepResult result = Run("task-run 'pull', 'git-pull';");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(Read("f"), "theirs\n");
  Bash("git checkout -q --detach");
  result = Run("task-run 'pull', 'git-pull';");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("no branch is checked out here"));
}

}  // namespace
}  // namespace cromt::step
