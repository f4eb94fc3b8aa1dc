// Job file in, graph out.
#include "core/planner.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "io/config/job_reader.h"
#include "tests/unit/core/plan_text.h"

namespace cromt {
namespace {

JobFile Load(const std::string& text) {
  JobFileReading reading = ReadJobFile(text, "f");
  EXPECT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  return reading.file.value_or(JobFile());
}

// The plan of the file's project `project`, which must be a valid one.
Plan PlanOf(const std::string& text, const std::string& project, const StartOverrides& overrides = {},
            const PlannerOptions& options = {}) {
  auto plan = PlanRun(Load(text), project, overrides, options);
  EXPECT_TRUE(plan) << plan.error().message;
  if (!plan) return {};
  EXPECT_TRUE(Validate(*plan)) << Validate(*plan).error().message;
  return *plan;
}

std::string Shown(const std::string& text, const std::string& project, const PlannerOptions& options = {}) {
  return Show(PlanOf(text, project, {}, options));
}

std::vector<std::string> ActionOf(const Plan& plan, TaskIndex task) {
  return std::get<Actions>(plan.spec(task).work).names;
}

TEST(Planner, TheArticlesThreeHostsThroughAliases) {
  const char* text =
      "projects:\n"
      "  job1:\n"
      "    path: https://github.com/melezhik/myjobs.git\n"
      "    action: hello\n"
      "    hosts:\n"
      "      - {url: 'https://hostA:4000', vars: {WORKER: A}}\n"
      "      - {url: 'https://hostB:4000', vars: {WORKER: B}}\n"
      "      - {url: 'https://hostC:4000', vars: {WORKER: C}}\n";
  Plan plan =
      PlanOf(text, "job1", {},
             {.agents = {{"hosta", "127.0.0.1:4101"}, {"hostB:4000", "127.0.0.1:4102"}, {"hostC", "localhost"}}});
  EXPECT_EQ(Show(plan), "0 job1: job1@hostA=127.0.0.1:4101 job1@hostB=127.0.0.1:4102 job1@hostC=localhost:4000\n");
  EXPECT_EQ(plan.specs.size(), 3u);
  EXPECT_EQ(plan.spec(1).variables, (Variables{{"WORKER", "B"}}));
  EXPECT_EQ(plan.spec(1).source.repository, "https://github.com/melezhik/myjobs.git");
  EXPECT_EQ(ActionOf(plan, 1), std::vector<std::string>{"hello"});
}

TEST(Planner, AnAliasWithAPortGoesOverOneWithout) {
  const char* text = "projects: {p: {run: x, hosts: [{url: 'http://h:4001'}, {url: 'http://h:4002'}]}}";
  EXPECT_EQ(Shown(text, "p", {.agents = {{"h", "a:1"}, {"h:4002", "b:2"}}}), "0 p: p@h=a:1 p@h-2=b:2\n");
}

TEST(Planner, AChainRunsFromItsEnd) {
  EXPECT_EQ(Shown("projects:\n"
                  "  a: {path: /x, before: [{name: b}]}\n"
                  "  b: {path: /x, before: [{name: c}]}\n"
                  "  c: {path: /x}\n",
                  "a"),
            "0 c: c@local\n1 b: b@local | needs 0\n2 a: a@local | needs 1\n");
}

TEST(Planner, ADiamondRunsItsBottomOnce) {
  EXPECT_EQ(Shown("projects:\n"
                  "  a: {run: x, before: [{name: b}, {name: c}]}\n"
                  "  b: {run: x, before: [{name: d}]}\n"
                  "  c: {run: x, before: [{name: d}]}\n"
                  "  d: {run: x, hosts: [{}, {}]}\n",
                  "a"),
            "0 d: d@local d@local-2\n1 b: b@local | needs 0\n2 c: c@local | needs 0\n3 a: a@local | needs 1 2\n");
}

TEST(Planner, DifferentOverridesMakeTwoOfIt) {
  EXPECT_EQ(
      Shown("projects:\n"
            "  a: {path: /x, before: [{name: d, vars: {A: '1'}}, {name: d, vars: {A: '2'}}, {name: d, title: t}]}\n"
            "  d: {path: /x}\n",
            "a"),
      "0 d: d@local\n1 d: d@local\n2 d: t@local\n3 a: a@local | needs 0 1 2\n");
}

TEST(Planner, OverridesThatChangeNothingDoNot) {
  EXPECT_EQ(Shown("projects:\n"
                  "  a:\n"
                  "    path: /x\n"
                  "    before:\n"
                  "      - {name: d}\n"
                  "      - {name: d, action: go, title: d title, url: 'https://u'}\n"
                  "      - {name: d, vars: {B: '2', A: '1'}}\n"
                  "      - {name: d, vars: {A: '1'}, hosts: [{id: h}]}\n"
                  "      - {name: d, vars: {}}\n"
                  "  d: {path: /x, action: go, title: d title, url: 'http://u:4000', vars: {A: '1', B: '2'}, hosts: "
                  "[{id: h}]}\n",
                  "a"),
            "0 d: d title@h=u:4000\n1 a: a@local | needs 0\n");
}

TEST(Planner, TwoToTheNPathsAreNInstances) {
  std::string text = "projects:\n";
  for (int i = 0; i < 64; ++i) {
    std::string next = std::to_string(i + 1);
    text += "  p" + std::to_string(i) + ": {run: x, before: [{name: p" + next + "}, {name: q" + next + "}]}\n";
    text += "  q" + std::to_string(i) + ": {run: x, before: [{name: p" + next + "}, {name: q" + next + "}]}\n";
  }
  EXPECT_EQ(PlanOf(text + "  p64: {run: x}\n  q64: {run: x}\n", "p0").instances.size(), 129u);
}

TEST(Planner, HostGoesOverEntryGoesOverProject) {
  Plan plan = PlanOf(
      "projects:\n"
      "  top: {path: /t, before: [{name: p, action: entry, vars: {B: e, C: e}, title: entry}]}\n"
      "  p:\n"
      "    path: /x\n"
      "    action: project\n"
      "    title: project\n"
      "    vars: {A: p, B: p, C: p}\n"
      "    hosts: [{id: plain}, {id: own, action: host one, vars: {C: h, D: h}, title: host}]\n",
      "top");
  EXPECT_EQ(ActionOf(plan, 0), std::vector<std::string>{"entry"});
  EXPECT_EQ(plan.spec(0).name, "entry");
  EXPECT_EQ(plan.spec(0).variables, (Variables{{"A", "p"}, {"B", "e"}, {"C", "e"}}));
  EXPECT_EQ(ActionOf(plan, 1), (std::vector<std::string>{"host", "one"}));
  EXPECT_EQ(plan.spec(1).name, "host");
  EXPECT_EQ(plan.spec(1).variables, (Variables{{"A", "p"}, {"B", "e"}, {"C", "h"}, {"D", "h"}}));
  EXPECT_EQ(plan.spec(1).project, "p");
}

TEST(Planner, AnEntrysOverridesAreForItsTasksOnly) {
  Plan plan = PlanOf(
      "projects:\n"
      "  top: {path: /x, before: [{name: mid, action: other, vars: {A: b}, url: 'http://far'}]}\n"
      "  mid: {path: /x, action: usual, before: [{name: leaf}]}\n"
      "  leaf: {path: /x, action: usual}\n",
      "top");
  EXPECT_EQ(Show(plan), "0 leaf: leaf@local\n1 mid: mid@far | needs 0\n2 top: top@local | needs 1\n");
  EXPECT_EQ(ActionOf(plan, 0), std::vector<std::string>{"usual"});
  EXPECT_TRUE(plan.spec(0).variables.empty());
}

TEST(Planner, HostsOfAnEntryReplaceTheProjects) {
  const char* text =
      "projects:\n"
      "  top: {run: x, before: [{name: p, hosts: [{id: m1}, {id: m2}]}]}\n"
      "  none: {run: x, before: [{name: p, hosts: []}]}\n"
      "  p: {run: x, hosts: [{id: h}], before: [{name: leaf}]}\n"
      "  leaf: {run: x}\n";
  EXPECT_EQ(Shown(text, "top"), "0 leaf: leaf@local\n1 p: p@m1 p@m2 | needs 0\n2 top: top@local | needs 1\n");
  EXPECT_EQ(Shown(text, "none"), "0 leaf: leaf@local\n1 p: p@local | needs 0\n2 none: none@local | needs 1\n");
}

TEST(Planner, BeforeRunsOncePerProjectNotOncePerHost) {
  EXPECT_EQ(Shown("projects:\n  p: {run: x, hosts: [{id: a}, {id: b}], before: [{name: q}]}\n  q: {run: x}", "p"),
            "0 q: q@local\n1 p: p@a p@b | needs 0\n");
}

TEST(Planner, WithoutAUrlATaskRunsWhereTheParentProjectPoints) {
  const char* text =
      "projects:\n"
      "  top: {run: x, url: 'http://t', before: [{name: mid}, {name: own}]}\n"
      "  mid: {run: x, hosts: [{url: 'http://m'}, {}], before: [{name: leaf}]}\n"
      "  own: {run: x, url: 'http://o', before: [{name: leaf}]}\n"
      "  leaf: {run: x}\n";
  EXPECT_EQ(Shown(text, "top"),
            "0 leaf: leaf@t\n1 mid: mid@m mid@t | needs 0\n2 leaf: leaf@o\n3 own: own@o | needs 2\n4 top: top@t | "
            "needs 1 3\n");
  EXPECT_EQ(Shown(text, "mid", {.local_address = "127.0.0.1:9"}),
            "0 leaf: leaf@local=127.0.0.1:9\n1 mid: mid@m mid@local=127.0.0.1:9 | needs 0\n");
}

TEST(Planner, WhereAParentPointsMakesNoSecondInstanceOfWhatDoesNotCare) {
  EXPECT_EQ(Shown("projects:\n"
                  "  top: {run: x, before: [{name: a}, {name: b}]}\n"
                  "  a: {run: x, url: 'http://a', before: [{name: leaf}]}\n"
                  "  b: {run: x, url: 'http://b', before: [{name: leaf}]}\n"
                  "  leaf: {run: x, hosts: [{url: 'http://l'}], before: [{name: deep, url: 'http://d'}]}\n"
                  "  deep: {run: x}\n",
                  "top"),
            "0 deep: deep@d\n1 leaf: leaf@l | needs 0\n2 a: a@a | needs 1\n3 b: b@b | needs 1\n4 top: top@local | "
            "needs 2 3\n");
}

TEST(Planner, HostIdsAreWrittenOrDerivedAndNeverRepeat) {
  EXPECT_EQ(Shown("projects:\n"
                  "  p:\n"
                  "    run: x\n"
                  "    hosts: [{}, {url: 'http://h'}, {id: local-2}, {}, {url: 'http://h:4001'}, {id: h-2}, {url: "
                  "'http://[::1]'}, {}]\n",
                  "p"),
            "0 p: p@local p@h p@local-2 p@local-3 p@h-3=h:4001 p@h-2 p@__1=[::1]:4000 p@local-4\n");
  EXPECT_EQ(Shown("projects: {p: {run: x, hosts: [{id: a}, {id: a}]}}", "p"), "0 p: p@a p@a-2\n");
}

TEST(Planner, TasksThatDoTheSameShareASpec) {
  Plan plan = PlanOf(
      "projects:\n"
      "  p: {path: /x, hosts: [{id: a}, {id: b, vars: {W: '1'}}, {id: c, vars: {W: '1'}}, {id: d, url: 'http://e'}]}\n",
      "p");
  EXPECT_EQ(plan.specs.size(), 2u);
  EXPECT_EQ(plan.tasks[0].spec, plan.tasks[3].spec);
  EXPECT_EQ(plan.tasks[1].spec, plan.tasks[2].spec);
}

TEST(Planner, WorkIsAScriptOrActionsByDefaultTheDefault) {
  Plan plan = PlanOf("projects:\n  a: {path: /x, before: [{name: b}]}\n  b: {run: echo hi}\n", "a");
  EXPECT_EQ(std::get<Script>(plan.spec(0).work).text, "echo hi");
  EXPECT_EQ(ActionOf(plan, 1), std::vector<std::string>{"default"});
}

TEST(Planner, StartOverridesAreForTheStartedProjectOverItsHosts) {
  Plan plan = PlanOf(
      "projects:\n"
      "  p: {path: /x, action: a, vars: {A: p}, hosts: [{vars: {A: h, B: h}, action: b}], before: [{name: q}]}\n"
      "  q: {path: /x, action: a, vars: {A: q}}\n",
      "p", {.action = {"c", "d"}, .vars = {{"A", "flag"}, {"N", "new"}}});
  EXPECT_EQ(plan.spec(0).variables, (Variables{{"A", "q"}}));
  EXPECT_EQ(ActionOf(plan, 0), std::vector<std::string>{"a"});
  EXPECT_EQ(plan.spec(1).variables, (Variables{{"A", "flag"}, {"B", "h"}, {"N", "new"}}));
  EXPECT_EQ(ActionOf(plan, 1), (std::vector<std::string>{"c", "d"}));
}

std::string Refusal(const std::string& text, const std::string& project, const StartOverrides& overrides = {},
                    const PlannerOptions& options = {}) {
  auto plan = PlanRun(Load(text), project, overrides, options);
  return plan ? "" : plan.error().message;
}

TEST(Planner, BadOverridesAndAliasesAreRefused) {
  const char* text = "projects: {p: {path: /x}, r: {run: x}}";
  EXPECT_EQ(Refusal(text, "q"), "f has no project 'q'; did you mean 'p'?");
  EXPECT_EQ(Refusal(text, "p", {.vars = {{"1", "x"}}}),
            "bad variable name '1': use letters, digits and '_', not beginning with a digit");
  EXPECT_EQ(Refusal(text, "p", {.vars = {{"CROMT_RUN", "x"}}}),
            "variable 'CROMT_RUN': names beginning with CROMT_ are set by cromt");
  EXPECT_EQ(Refusal(text, "r", {.action = {"a"}}), "project 'r' has 'run'; it takes no action");
  EXPECT_EQ(Refusal(text, "p", {.action = {"-x"}}),
            "bad action name '-x': it names a file below .tom or tasks, not an option or another path");
  EXPECT_EQ(Refusal(text, "p", {}, {.agents = {{"h", "127.0.0.1:x"}}}),
            "agents: h: address '127.0.0.1:x' has a bad port; write HOST or HOST:PORT");
}

TEST(Planner, MergedVariablesAreBoundedToo) {
  std::string text = "projects:\n  p:\n    path: /x\n    vars: {";
  for (int i = 0; i < 8; ++i) text += "A" + std::to_string(i) + ": '" + std::string(90'000, 'x') + "', ";
  text += "}\n    hosts:\n      - vars: {";
  for (int i = 0; i < 8; ++i) text += "B" + std::to_string(i) + ": '" + std::string(90'000, 'x') + "', ";
  EXPECT_EQ(Refusal(text + "}\n", "p"), "the variables of a task of 'p' exceed 1048576 bytes together");
}

TEST(PlannerAfter, AnEntryIsAnInstanceEachTime) {
  EXPECT_EQ(Shown("projects:\n  p: {run: x, after: [{name: q}, {name: q}]}\n  q: {run: x}\n", "p"),
            "0 p: p@local | after 1 2\n1 q: q@local\n2 q: q@local\n");
}

TEST(PlannerAfter, DependentsWaitForWhatComesAfter) {
  EXPECT_EQ(Shown("projects:\n"
                  "  top: {run: x, before: [{name: p}]}\n"
                  "  p: {run: x, after: [{name: clean}]}\n"
                  "  clean: {run: x}\n",
                  "top"),
            "0 p: p@local | after 1\n1 clean: clean@local\n2 top: top@local | needs 0\n");
}

TEST(PlannerAfter, WhatOnlyAnAfterInstanceNeedsWaitsLikeIt) {
  // deploy ─▶ (restart ─▶ smoke): restart must not run before deploy.
  EXPECT_EQ(Shown("projects:\n"
                  "  deploy: {run: x, after: [{name: smoke}]}\n"
                  "  smoke: {run: x, before: [{name: restart}]}\n"
                  "  restart: {run: x, before: [{name: stop}]}\n"
                  "  stop: {run: x}\n",
                  "deploy"),
            "0 deploy: deploy@local | after 3 1 2\n1 stop: stop@local\n2 restart: restart@local | needs 1\n"
            "3 smoke: smoke@local | needs 2\n");
}

TEST(PlannerAfter, WhatTheRunNeedsAnywayStartsWithTheRunOnce) {
  EXPECT_EQ(Shown("projects:\n"
                  "  deploy: {run: x, after: [{name: smoke}], before: [{name: z}]}\n"
                  "  smoke: {run: x, before: [{name: build}]}\n"
                  "  z: {run: x, before: [{name: build}]}\n"
                  "  build: {run: x}\n",
                  "deploy"),
            "0 build: build@local\n1 z: z@local | needs 0\n2 deploy: deploy@local | needs 1 | after 3\n"
            "3 smoke: smoke@local | needs 0\n");
}

TEST(PlannerAfter, WhatTwoOfThemNeedLiesWhereBothLie) {
  // login is needed after p and after q, which have only the run in common: one instance, gated by neither.
  EXPECT_EQ(Shown("projects:\n"
                  "  top: {run: x, before: [{name: p}, {name: q}]}\n"
                  "  p: {run: x, after: [{name: note}]}\n"
                  "  q: {run: x, after: [{name: note}]}\n"
                  "  note: {run: x, before: [{name: login}]}\n"
                  "  login: {run: x}\n",
                  "top"),
            "0 p: p@local | after 2\n1 login: login@local\n2 note: note@local | needs 1\n3 q: q@local | after 4\n"
            "4 note: note@local | needs 1\n5 top: top@local | needs 0 3\n");
  // Both below one `after`: gated by that.
  EXPECT_EQ(Shown("projects:\n"
                  "  top: {run: x, after: [{name: p}]}\n"
                  "  p: {run: x, after: [{name: note}, {name: note}], before: [{name: login}]}\n"
                  "  note: {run: x, before: [{name: login}]}\n"
                  "  login: {run: x}\n",
                  "top"),
            "0 top: top@local | after 2 1\n1 login: login@local\n2 p: p@local | needs 1 | after 3 4\n"
            "3 note: note@local | needs 1\n4 note: note@local | needs 1\n");
}

TEST(PlannerAfter, EntriesSayWhenTheyRun) {
  EXPECT_EQ(Shown("projects:\n"
                  "  p: {run: x, after: [{name: q}, {name: q, when: failure}, {name: q, when: always}]}\n"
                  "  q: {run: x, on_failure: ignore}\n",
                  "p"),
            "0 p: p@local | after 1 2 3\n1 q: q@local | ignored\n2 q: q@local | on failure | ignored\n"
            "3 q: q@local | on always | ignored\n");
}

TEST(PlannerAfter, WhatTheyNeedRunsWheneverOneOfThemDoes) {
  const std::string file =
      "projects:\n"
      "  p: {run: x, after: [{name: tell, when: failure}, {name: clean, when: WHEN}]}\n"
      "  tell: {run: x, before: [{name: login}]}\n"
      "  clean: {run: x, before: [{name: mount}]}\n"
      "  mount: {run: x, before: [{name: login}]}\n"
      "  login: {run: x}\n";
  auto shown = [&](std::string when) {
    std::string text = file;
    text.replace(text.find("WHEN"), 4, when);
    return Shown(text, "p");
  };
  EXPECT_EQ(
      shown("always"),
      "0 p: p@local | after 2 4 1 3\n1 login: login@local | on always\n2 tell: tell@local | needs 1 | on failure\n"
      "3 mount: mount@local | needs 1 | on always\n4 clean: clean@local | needs 3 | on always\n");
  EXPECT_EQ(
      shown("failure"),
      "0 p: p@local | after 2 4 1 3\n1 login: login@local | on failure\n2 tell: tell@local | needs 1 | on failure\n"
      "3 mount: mount@local | needs 1 | on failure\n4 clean: clean@local | needs 3 | on failure\n");
  EXPECT_EQ(
      shown("success"),
      "0 p: p@local | after 2 4 1 3\n1 login: login@local | on always\n2 tell: tell@local | needs 1 | on failure\n"
      "3 mount: mount@local | needs 1\n4 clean: clean@local | needs 3\n");
}

TEST(PlannerAfter, WhatIsNeededFurtherDownTakesTheConditionOfTheWayThere) {
  // login is needed by a, and below b: both come after tell, and either way may be gone.
  EXPECT_EQ(Shown("projects:\n"
                  "  p: {run: x, after: [{name: tell, when: failure}]}\n"
                  "  tell: {run: x, after: [{name: a, when: always}, {name: b}]}\n"
                  "  a: {run: x, before: [{name: login}]}\n"
                  "  b: {run: x, after: [{name: c}]}\n"
                  "  c: {run: x, before: [{name: login}]}\n"
                  "  login: {run: x}\n",
                  "p"),
            "0 p: p@local | after 1\n1 tell: tell@local | after 3 4 2 | on failure\n2 login: login@local | on always\n"
            "3 a: a@local | needs 2 | on always\n4 b: b@local | after 5\n5 c: c@local | needs 2\n");
}

// Projects that name later ones at random in before and after.
std::string RandomFile(SeededRandom& random) {
  uint64_t size = 2 + random.Below(9);
  std::string text = "projects:\n";
  for (uint64_t i = 0; i < size; ++i) {
    std::string lists[2];
    constexpr const char* kWhens[] = {"success", "failure", "always"};
    for (uint64_t n = random.Below(5); i + 1 < size && n > 0; --n) {
      const bool after = random.Below(3) == 0;
      lists[after] += "{name: p" + std::to_string(i + 1 + random.Below(size - i - 1));
      lists[after] += after ? std::string(", when: ") + kWhens[random.Below(3)] + "}, " : "}, ";
    }
    text += "  p" + std::to_string(i) + ": {run: x, before: [" + lists[0] + "], after: [" + lists[1] + "]}\n";
  }
  return text;
}

// Of two instances with the same parent, one of which needs the other.
void ExpectNeedsRunWheneverTheyAreNeeded(const Plan& plan) {
  std::vector<InstanceIndex> parent(plan.instances.size(), UINT32_MAX);
  for (InstanceIndex i = 0; i < plan.instances.size(); ++i)
    for (InstanceIndex child : plan.instances[i].after) parent[child] = i;
  for (InstanceIndex i = 0; i < plan.instances.size(); ++i)
    for (InstanceIndex need : plan.instances[i].needs) {
      if (parent[need] == UINT32_MAX) continue;
      InstanceIndex way = i;  // what leads from the parent of `need` to i
      while (parent[way] != parent[need]) way = parent[way];
      const When when = plan.instances[need].when;
      EXPECT_TRUE(when == When::kAlways || when == plan.instances[way].when) << Show(plan);
    }
}

TEST(PlannerAfter, AnyFileWithoutCycleMakesAPlanWithoutCycleThatRunsSharedProjectsOnce) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SeededRandom random(seed);
    std::string text = RandomFile(random);
    auto plan = PlanRun(Load(text), "p0", {}, {});
    ASSERT_TRUE(plan) << plan.error().message << "\n" << text;
    Status valid = Validate(*plan);
    ASSERT_TRUE(valid) << "seed " << seed << ": " << valid.error().message << "\n" << text << Show(*plan);
    ExpectNeedsRunWheneverTheyAreNeeded(*plan);
    std::map<std::string, InstanceIndex> needed;  // by project
    for (const PlannedInstance& instance : plan->instances)
      for (InstanceIndex need : instance.needs)
        ASSERT_EQ(needed.emplace(plan->instances[need].project, need).first->second, need) << "seed " << seed << "\n"
                                                                                           << text;
  }
}

TEST(PlannerAfter, ExponentialAftersAreRefusedWhileCounting) {
  std::string text = "projects:\n";
  for (int i = 0; i < 40; ++i) {
    std::string next = std::to_string(i + 1);
    text += "  p" + std::to_string(i) + ": {run: x, after: [{name: p" + next + "}, {name: p" + next + "}]}\n";
  }
  auto plan = PlanRun(Load(text + "  p40: {run: x}\n"), "p0", {}, {});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kExhausted);
}

// A file of `projects` projects on `hosts` shared hosts each, and one that needs them all.
std::string Grid(int projects, int hosts) {
  std::string text = "x-hosts: &hosts\n";
  for (int i = 0; i < hosts; ++i) text += "  - url: http://h" + std::to_string(i) + "\n";
  text += "projects:\n  all:\n    run: x\n    before:\n";
  for (int i = 0; i < projects; ++i) text += "      - name: p" + std::to_string(i) + "\n";
  for (int i = 0; i < projects; ++i) text += "  p" + std::to_string(i) + ": {run: x, hosts: *hosts}\n";
  return text;
}

TEST(PlannerSizes, AHundredThousandTasks) {
  Plan plan = PlanOf(Grid(100, 1000), "all");
  EXPECT_EQ(plan.tasks.size(), 100'001u);
  EXPECT_EQ(plan.specs.size(), 101u);
  EXPECT_EQ(plan.hosts.size(), 1001u);
}

TEST(PlannerSizes, AMillionIsAllowedAndOneMoreIsNot) {
  EXPECT_EQ(PlanOf(Grid(999, 1001), "all").tasks.size(), 1'000'000u);
  auto plan = PlanRun(Load(Grid(1000, 1000)), "all", {}, {});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(plan.error().message, "the plan has more than 1000000 tasks");
}

}  // namespace
}  // namespace cromt
