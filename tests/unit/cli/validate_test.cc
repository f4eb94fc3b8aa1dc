// cromt validate, cromt plan: what needs no coordinator.
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// C before B before A, as in the article's chain.
constexpr const char* kChain =
    "projects:\n"
    "  a:\n    run: echo a\n    before: [{name: b}]\n    hosts: [{url: 'http://hostA'}, {url: 'http://hostB'}]\n"
    "  b:\n    run: echo b\n    before: [{name: c}]\n"
    "  c:\n    run: \"echo 'c'\"\n    after: [{name: d}]\n"
    "  d:\n    run: echo d\n";

TEST_F(CliTest, ValidateSaysOkOrAllErrors) {
  File("good.yaml", kChain);
  File("bad.yaml", "projects:\n  a:\n    runn: echo\n    before: [{name: nobody}]\n");
  EXPECT_EQ(Cromt({"validate", "good.yaml"}), 0);
  EXPECT_EQ(out(), "good.yaml: ok, 4 projects\n");
  EXPECT_EQ(Cromt({"validate", "good.yaml", "bad.yaml"}), 2);
  EXPECT_EQ(out(), "good.yaml: ok, 4 projects\n");
  EXPECT_THAT(err(), AllOf(HasSubstr("bad.yaml:3:5: error: "), HasSubstr("nobody"), Not(HasSubstr("cromt: "))));
  EXPECT_TRUE(connected_.empty());
}

TEST_F(CliTest, ValidateInJsonHasALineForEachFile) {
  File("good.yaml", "projects: {a: {run: echo}}\n");
  File("bad.yaml", "projects: {a: {run: 3, runn: 4}}\n");
  EXPECT_EQ(Cromt({"validate", "good.yaml", "bad.yaml", "missing.yaml", "-o", "json"}), 2);
  EXPECT_THAT(out(), HasSubstr(R"({"file":"good.yaml","ok":true,"projects":["a"],"diagnostics":[]})"
                               "\n"));
  EXPECT_THAT(
      out(),
      HasSubstr(R"({"file":"bad.yaml","ok":false,"projects":[],"diagnostics":[{"severity":"error","line":1,"col":)"));
  EXPECT_THAT(out(), HasSubstr(R"({"file":"missing.yaml","ok":false)"));
}

TEST_F(CliTest, ValidateOfActionsSaysWhatNeedsRakudoAndWhatCantRun) {
  File("repo/.tom/hello.raku", "bash 'echo hello';\n");
  File("repo/.tom/ask.raku", "\nmy $name = prompt 'who? ';\n");
  File("repo/tasks/hello/task.bash", "echo hello\n");
  EXPECT_EQ(Cromt({"validate", "repo"}), 0);
  EXPECT_EQ(out(), "repo: ok, 2 scenarios (1 under rakudo), 1 task\n");
  EXPECT_THAT(err(), AllOf(HasSubstr("repo/.tom/ask.raku:2:"), HasSubstr(": note: "), HasSubstr("prompt")));

  File("repo/.tom/broken.raku", "bash 'echo;\n");
  File("repo/tasks/checked/task.bash", "echo hello\n");
  File("repo/tasks/checked/task.check", "hello\nregexp: [\n");
  EXPECT_EQ(Cromt({"validate", "repo/", "-o", "json"}), 2);
  EXPECT_THAT(err(), AllOf(HasSubstr("repo/.tom/broken.raku:1:6: error: "),
                           HasSubstr("repo/tasks/checked/task.check:2: error: ")));
  EXPECT_THAT(out(), HasSubstr(R"({"file":"repo/","ok":false,"scenarios":[{"path":".tom/ask.raku","interpreter":)"
                               R"("rakudo"},{"path":".tom/broken.raku","interpreter":null},)"
                               R"({"path":".tom/hello.raku","interpreter":"cromt"}],"tasks":1,"diagnostics":[)"));
}

TEST_F(CliTest, ValidateOfAFolderWithoutActionsWarns) {
  File("empty/readme.md", "nothing\n");
  EXPECT_EQ(Cromt({"validate", "empty"}), 0);
  EXPECT_EQ(err(), "empty: warning: no scenario in .tom/ and no task in tasks/\n");
}

TEST_F(CliTest, PlanListsInstancesInTheOrderOfTheirRunning) {
  File("jobs.yaml", kChain);
  EXPECT_EQ(Cromt({"plan", "a", "--conf", "jobs.yaml"}), 0);
  EXPECT_EQ(out(), Golden("plan.txt"));
  EXPECT_EQ(Cromt({"--conf", "jobs.yaml", "plan", "a", "-o", "quiet"}), 0);
  EXPECT_EQ(out(), "c\nd\nb\na\n");
}

TEST_F(CliTest, PlanAsJsonAndAsGraph) {
  File("jobs.yaml", kChain);
  File("mesh.yaml", "agents: {hostA: '127.0.0.1:4101'}\nlisten: 127.0.0.1:4001\n");
  EXPECT_EQ(Cromt({"plan", "a", "--conf", "jobs.yaml", "--config", "mesh.yaml", "-o", "json"}), 0);
  EXPECT_EQ(out(), Golden("plan.json"));
  EXPECT_EQ(Cromt({"plan", "a", "--conf", "jobs.yaml", "-o", "dot"}), 0);
  EXPECT_EQ(out(), Golden("plan.dot"));
}

TEST_F(CliTest, PlanShowsWhatATaskIsConfinedTo) {
  File(
      "jobs.yaml",
      "projects:\n"
      "  a: {run: make, before: [{name: b}], container: {image: 'tool:1', network: none, read_only: true, pids: 100}}\n"
      "  b: {run: make}\n");
  EXPECT_EQ(Cromt({"plan", "a", "--conf", "jobs.yaml"}), 0);
  EXPECT_THAT(out(), AllOf(HasSubstr("  AGENT  CONFINED TO                                DOES\n"),
                           HasSubstr("  local  tool:1, network none, read-only, pids 100  run: make\n")));
  EXPECT_EQ(Cromt({"plan", "a", "--conf", "jobs.yaml", "-o", "json"}), 0);
  EXPECT_THAT(out(), HasSubstr(R"("publishes":[],"container":{"image":"tool:1","existing":null,"pull":"missing",)"
                               R"("network":"none","user":null,"read_only":true,"bootstrap":false,"mounts":[],)"
                               R"("privileged":false,"capabilities":[],"devices":[],"pid":null,"ipc":null},)"
                               R"("limits":{"memory_bytes":null,"cpus":null,"pids":100}})"));
  EXPECT_EQ(out().find("\"container\""), out().rfind("\"container\"")) << "only where there is one";
}

TEST_F(CliTest, PlanShowsWhichArtifactGoesWhere) {
  File("jobs.yaml",
       "projects:\n"
       "  use: {run: cat, artifacts: {in: [patch, {file: log, hosts: all}]}, before: [{name: make}]}\n"
       "  make: {run: make, artifacts: {out: [{file: patch, path: out/p.sql}, {file: log, path: l}, {file: n, path: "
       "n}]}}\n");
  EXPECT_EQ(Cromt({"plan", "use", "--conf", "jobs.yaml"}), 0);
  EXPECT_THAT(out(), EndsWith("\n"
                              "ARTIFACT  FROM  PATH       TO\n"
                              "log       1     l          2 (all hosts)\n"
                              "n         1     n          -\n"
                              "patch     1     out/p.sql  2\n"));
  EXPECT_EQ(Cromt({"plan", "use", "--conf", "jobs.yaml", "-o", "json"}), 0);
  EXPECT_THAT(out(), HasSubstr(R"("takes":[{"artifact":"log","from":"1","all_hosts":true},)"
                               R"({"artifact":"patch","from":"1","all_hosts":false}])"));
  EXPECT_THAT(out(), HasSubstr(R"("publishes":[{"artifact":"patch","path":"out/p.sql"})"));
  EXPECT_EQ(Cromt({"plan", "use", "--conf", "jobs.yaml", "-o", "dot"}), 0);
  EXPECT_THAT(out(), HasSubstr("  i1 -> i2 [style=dotted, label=\"patch\", constraint=false];\n"));
}

TEST_F(CliTest, WhatCanNotBeStartedYetCanBePlanned) {
  File("jobs.yaml", "projects: {a: {run: echo a, waves: [1]}}\n");
  EXPECT_EQ(Cromt({"plan", "--conf", "jobs.yaml"}), 0);
  EXPECT_THAT(out(), HasSubstr("plan of a: 1 instance, 1 task"));
  EXPECT_THAT(err(), AllOf(HasSubstr("jobs.yaml:1:"), HasSubstr(": warning: 'waves'")));
}

TEST_F(CliTest, PlanNeedsAProjectThatIsThere) {
  File("jobs.yaml", kChain);
  EXPECT_EQ(Cromt({"plan", "--conf", "jobs.yaml"}), 2);
  EXPECT_THAT(err(), HasSubstr("jobs.yaml has 4 projects, name one of them: a, b, c, d"));
  EXPECT_EQ(Cromt({"plan", "nope", "--conf", "jobs.yaml"}), 2);
  EXPECT_THAT(err(), HasSubstr("no project 'nope'"));
}

TEST_F(CliTest, AConfigWithUnknownKeysIsBadInput) {
  File("jobs.yaml", kChain);
  File("mesh.yaml", "agentz: {}\n");
  EXPECT_EQ(Cromt({"plan", "a", "--conf", "jobs.yaml", "--config", "mesh.yaml"}), 2);
  EXPECT_THAT(err(), HasSubstr("mesh.yaml:1:1: error: "));
}

}  // namespace
}  // namespace cromt::cli
