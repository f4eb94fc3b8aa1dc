// cromt show, runs, projects, agents, cancel
#include "cli/clean_text.h"
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ShowTest : public CliTest {
 protected:
  // web ──▶ hello: hello failed on hostB, was killed on hostC, web was skipped.
  ShowTest() {
    TaskView killed = Failed(Task(3, "hello", "hostC"), 0);
    killed.status.exit = Signaled{9};
    TaskView skipped = Skipped(Task(4, "web", "hostA"), "hello failed on hostB");
    skipped.instance = 1;
    control_.view = RunOf(
        "web",
        {Succeeded(Task(1, "hello", "hostA")), Failed(Task(2, "hello", "hostB"), 7, "exit code 7"), killed, skipped},
        RunOutcome::kFailed);
    control_.view.commit = "0123456789abcdef0123456789abcdef01234567";
    control_.view.instances = {{.project = "hello", .needs = {}}, {.project = "web", .needs = {0}}};
  }
};

TEST_F(ShowTest, JsonHasTheShapeOfTheDocumentation) {
  EXPECT_EQ(Cromt({"show", "last", "-o", "json"}), 0);
  EXPECT_EQ(out(), Golden("show.json"));
}

TEST_F(ShowTest, ARunThatHasNotBegunHasNulls) {
  control_.view = RunOf("web", {Task(1, "web", "hostA")});
  control_.view.status = {};
  EXPECT_EQ(Cromt({"show", "run1", "-o", "json"}), 0);
  EXPECT_EQ(out(), Golden("show-queued.json"));
}

TEST_F(ShowTest, TextIsATable) {
  EXPECT_EQ(Cromt({"show", "run1"}), 0);
  EXPECT_EQ(out(), Golden("show.txt"));
}

TEST_F(ShowTest, AFailureThatIsIgnoredSaysSo) {
  TaskView ignored = Failed(Task(1, "hello", "hostA"), 7);
  ignored.status.ignored = true;
  control_.view = RunOf("hello", {ignored, Succeeded(Task(2, "hello", "hostB"))}, RunOutcome::kSucceeded);
  EXPECT_EQ(Cromt({"show", "run1"}), 0);
  EXPECT_THAT(out(), HasSubstr("failed (ignored)"));
  EXPECT_EQ(Cromt({"show", "run1", "-o", "json"}), 0);
  EXPECT_THAT(out(), HasSubstr("\"outcome\":\"failed\""));
  EXPECT_EQ(out().find("\"ignored\":true"), out().rfind("\"ignored\"")) << "only where it is so";
}

TEST_F(ShowTest, WhatATaskIsConfinedTo) {
  TaskView boxed = Succeeded(Task(2, "build", "hostB"), 2048);
  boxed.confined = std::make_shared<const ConfinedView>(
      ConfinedView{Container{.image = "tool:1", .network = "none", .mounts = {{"cache", "/c", true}}},
                   {.memory_bytes = 512 << 20, .cpu_permille = 500}});
  boxed.image_digest = "tool@sha256:abc";
  boxed.status.agent = AgentId("agent-1");
  TaskView limited = Running(Task(3, "test", "hostB"));
  limited.confined =
      std::make_shared<const ConfinedView>(ConfinedView{std::nullopt, {.pids = 9}, {"deploy", Sandbox::kStrict}});
  control_.view = RunOf("web", {Succeeded(Task(1, "hello", "hostA")), boxed, limited});
  EXPECT_EQ(Cromt({"show", "run1"}), 0);
  EXPECT_THAT(out(), AllOf(HasSubstr("CONFINED TO\n1 "),
                           HasSubstr("tool:1, network none, cache:/c:ro, memory 512.0 MiB, cpus 0.5\n3 "),
                           HasSubstr("user deploy, sandbox strict, pids 9\n")));
  EXPECT_EQ(Cromt({"show", "run1", "-o", "json"}), 0);
  EXPECT_THAT(out(), HasSubstr(R"("image":"tool:1","image_digest":"tool@sha256:abc","container":{"image":"tool:1",)"
                               R"("existing":null,"pull":"missing","network":"none","user":null,"read_only":false,)"
                               R"("bootstrap":false,"mounts":[{"source":"cache","target":"/c","read_only":true}],)"
                               R"("privileged":false,"capabilities":[],"devices":[],"pid":null,"ipc":null},)"
                               R"("limits":{"memory_bytes":536870912,"cpus":0.5,"pids":null}})"));
  EXPECT_THAT(out(),
              HasSubstr(R"("limits":{"memory_bytes":null,"cpus":null,"pids":9},"user":"deploy","sandbox":"strict"})"));
  EXPECT_EQ(out().find("image_digest"), out().rfind("image_digest")) << "only of what has a container";
}

TEST_F(ShowTest, AContainerThatMayRunAlready) {
  const auto shown = [&](const Container& container) {
    TaskView boxed = Succeeded(Task(1, "build", "hostB"));
    boxed.confined = std::make_shared<const ConfinedView>(ConfinedView{container, {}});
    control_.view = RunOf("web", {boxed});
    Cromt({"show", "run1", "1"});
    const std::string what = "confined to ";
    const size_t at = out().find(what);
    return at == std::string::npos ? "" : out().substr(at + what.size(), out().find('\n', at) - at - what.size());
  };
  EXPECT_EQ(shown({.existing = "db", .image = "db"}), "db");
  EXPECT_EQ(shown({.existing = "db", .image = "tool:1"}), "container db, else tool:1");
  EXPECT_EQ(shown({.existing = "db"}), "container db");
  EXPECT_EQ(shown({.image = "tool:1", .user = "1", .privileged = true, .capabilities = {"NET_ADMIN"}, .pid = "host"}),
            "tool:1, user 1, privileged, +NET_ADMIN, pid host");
}

TEST_F(ShowTest, MoreOfOneTask) {
  TaskView boxed = Succeeded(Task(2, "build", "hostB"), 2048);
  boxed.confined = std::make_shared<const ConfinedView>(ConfinedView{Container{.image = "tool:1"}, {}});
  boxed.image_digest = "tool@sha256:abc";
  boxed.status.agent = AgentId("agent-1");
  control_.view.tasks[1] = boxed;
  EXPECT_EQ(Cromt({"show", "run1", "build"}), 0);
  EXPECT_THAT(out(), AllOf(HasSubstr("task 2 of run run1: build on hostB (succeeded)\n  project     "),
                           HasSubstr("  agent       agent-1\n"), HasSubstr("  took        2.0s\n"),
                           HasSubstr("  exit code   0\n  output      2.0 KiB\n  confined to tool:1\n"),
                           HasSubstr("  image       tool@sha256:abc\n")));
  EXPECT_EQ(Cromt({"show", "run1", "2", "-o", "json"}), 0);
  EXPECT_THAT(out(),
              AllOf(HasSubstr("{\"id\":\"2\",\"instance\":"), HasSubstr("\"image_digest\":\"tool@sha256:abc\"")));
  EXPECT_EQ(Cromt({"show", "run1", "2", "-o", "quiet"}), 0);
  EXPECT_EQ(out(), "2\n");
  EXPECT_EQ(Cromt({"show", "run1", "9"}), 2);
  EXPECT_EQ(Cromt({"show", "run1", "1"}), 0);
  EXPECT_THAT(out(), Not(HasSubstr("image")));
}

TEST_F(ShowTest, OnATerminalThereAreColoursUnlessUnwanted) {
  terminal_ = true;
  Cromt({"show", "run1"});
  EXPECT_THAT(out(), HasSubstr("\x1b[31mfailed\x1b[0m"));
  Cromt({"show", "run1", "--no-color"});
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  environment_["NO_COLOR"] = "1";
  Cromt({"show", "run1"});
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
}

TEST_F(ShowTest, ATitleCanNotReachTheTerminal) {
  control_.view = RunOf("web", {Failed(Task(1, "a\x1b]0;evil\a", "h\n2"), 1, "no\x1b[31m red")}, RunOutcome::kFailed);
  terminal_ = true;
  Cromt({"show", "run1", "--no-color"});
  EXPECT_THAT(out(), AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\a")), HasSubstr("a^[]0;evil^G"), HasSubstr("h 2")));
}

TEST_F(ShowTest, OutputThatIsNoUtf8IsReplacedInJson) {
  control_.view = RunOf("web", {Failed(Task(1, "web", "hostA"), 1, "bad \xff byte")}, RunOutcome::kFailed);
  EXPECT_EQ(Cromt({"show", "run1", "-o", "json"}), 0);
  EXPECT_THAT(out(), HasSubstr("bad \xEF\xBF\xBD byte"));
}

TEST_F(ShowTest, AnUnknownRunIsBadInput) {
  EXPECT_EQ(Cromt({"show", "nosuch"}), 2);
  EXPECT_EQ(err(), "cromt: there is no run nosuch\n");
  EXPECT_EQ(out(), "");
}

TEST_F(ShowTest, QuietIsTheId) {
  EXPECT_EQ(Cromt({"show", "last", "-o", "quiet"}), 0);
  EXPECT_EQ(out(), "run1\n");
}

// ---- Lists ------------------------------------------------------------------------------------

TEST_F(ShowTest, RunsAreJsonLinesLikeShowWithoutItsLists) {
  control_.listed_runs = {control_.view, RunOf("hello", {})};
  EXPECT_EQ(Cromt({"runs", "-o", "json"}), 0);
  EXPECT_EQ(out(), Golden("runs.json"));
  EXPECT_EQ(control_.limit, 50u);
  Cromt({"runs", "--project", "hello", "--limit", "5"});
  EXPECT_EQ(control_.project, "hello");
  EXPECT_EQ(control_.limit, 5u);
}

TEST_F(ShowTest, RunsAsTextAlignAndFitTheTerminal) {
  control_.view.status.reason = std::string(300, 'x');
  control_.listed_runs = {control_.view, RunOf("hello", {})};
  EXPECT_EQ(Cromt({"runs"}), 0);
  EXPECT_THAT(out(), HasSubstr(std::string(300, 'x'))) << "where nobody looks, nothing is cut";
  terminal_ = true;
  Cromt({"runs", "--no-color"});
  std::istringstream lines(out());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(Width(line), 80u) << line;
  EXPECT_THAT(out(), HasSubstr("…"));
}

TEST_F(CliTest, EmptyListsSayWhatToDoInTextAndNothingInJson) {
  for (const std::string list : {"runs", "projects", "agents"}) {
    EXPECT_EQ(Cromt({list}), 0);
    EXPECT_THAT(out(), HasSubstr("no " + list));
    EXPECT_EQ(Cromt({list, "-o", "json"}), 0);
    EXPECT_EQ(out(), "");
  }
}

TEST_F(CliTest, ProjectsInAllThreeFormats) {
  control_.listed_projects = {
      {.name = "hello", .file = "/srv/jobs.yaml", .revision = 3, .last_run = "run1"},
      {.name = "web", .file = "mesh", .revision = 4},
      {.name = "nightly",
       .file = "mesh",
       .revision = 4,
       .schedule = "30 2 * * *",
       .timezone = "Europe/Berlin",
       .next_tick = At(0),
       .next_tick_local = "2026-11-22T19:34:31+01:00"},
      {.name = "off", .file = "mesh", .revision = 4, .schedule = "@daily", .paused = "by bob: disk"},
      {.name = "lost", .file = "mesh", .revision = 4, .schedule = "@daily", .trouble = "no zone"}};
  EXPECT_EQ(Cromt({"projects", "-o", "json"}), 0);
  EXPECT_EQ(out(), Golden("projects.json"));
  Cromt({"projects", "-o", "quiet"});
  EXPECT_EQ(out(), "hello\nweb\nnightly\noff\nlost\n");
  Cromt({"projects"});
  EXPECT_EQ(out(),
            "PROJECT  LAST RUN  NEXT START                               REVISION  FILE\n"
            "hello    run1      -                                        3         /srv/jobs.yaml\n"
            "web      -         -                                        4         mesh\n"
            "nightly  -         2026-11-22T19:34:31+01:00 Europe/Berlin  4         mesh\n"
            "off      -         paused by bob: disk                      4         mesh\n"
            "lost     -         no zone                                  4         mesh\n");
}

TEST_F(CliTest, AgentsSayWhyOneIsDown) {
  control_.listed_agents = {{.address = "10.0.0.1:4000",
                             .agent = AgentId("abc"),
                             .up = true,
                             .slots = 8,
                             .attempts = 2,
                             .ready = 1,
                             .version = "0.1.0",
                             .labels = {{"os", "debian"}, {"role", "db"}},
                             .names = {"hostA", "web"}},
                            {.address = "10.0.0.2:4000", .up = false, .reason = "Connection refused"}};
  EXPECT_EQ(Cromt({"agents", "-o", "json"}), 0);
  EXPECT_EQ(out(), Golden("agents.json"));
  Cromt({"agents"});
  EXPECT_THAT(out(), AllOf(HasSubstr("hostA,web  10.0.0.1:4000"), HasSubstr("10.0.0.2:4000  -"), HasSubstr("down"),
                           HasSubstr("  os=debian,role=db  0.1.0"), HasSubstr("Connection refused\n")));
}

// ---- Cancel -----------------------------------------------------------------------------------

TEST_F(CliTest, CancelLastNamesTheRunFirst) {
  control_.view = RunOf("web", {Running(Task(1, "web", "hostA"))});
  EXPECT_EQ(Cromt({"cancel", "last"}), 0);
  EXPECT_EQ(err(), "cromt: last is run run1 of web, created at 2026-11-22 18:34:31\n");
  EXPECT_EQ(out(), "canceling run run1\n");
  EXPECT_EQ(control_.canceled, std::vector<std::string>{"run1/"});
}

TEST_F(CliTest, CancelATaskByItsNameOrId) {
  control_.view = RunOf(
      "web", {Running(Task(1, "db", "hostA")), Running(Task(2, "web", "hostA")), Running(Task(3, "web", "hostB"))});
  EXPECT_EQ(Cromt({"cancel", "run1", "db", "-o", "json"}), 0);
  EXPECT_EQ(out(), "{\"id\":\"run1\",\"task\":\"1\"}\n");
  EXPECT_EQ(Cromt({"cancel", "run1", "3"}), 0);
  EXPECT_EQ(Cromt({"cancel", "run1", "web"}), 2);
  EXPECT_THAT(err(), HasSubstr("2 tasks of run run1 are called 'web'; say which by its id: 2 on hostA, 3 on hostB"));
  EXPECT_EQ(Cromt({"cancel", "run1", "wep"}), 2);
  EXPECT_THAT(err(), HasSubstr("did you mean 'web'?"));
  EXPECT_EQ(control_.canceled, (std::vector<std::string>{"run1/1", "run1/3"}));
}

TEST_F(CliTest, WhatHasEndedCanNotBeCanceled) {
  control_.view = RunOf("web", {}, RunOutcome::kSucceeded);
  EXPECT_EQ(Cromt({"cancel", "run1"}), 2);
  EXPECT_EQ(err(), "cromt: run run1 has ended already: succeeded\n");
  EXPECT_TRUE(control_.canceled.empty());
}

}  // namespace
}  // namespace cromt::cli
