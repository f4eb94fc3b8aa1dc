// `${{ }}`: what is one, what it becomes when a run is planned, and what is left for the host.
#include "core/template.h"

#include <gtest/gtest.h>

#include "core/host_gaps.h"
#include "core/planner.h"
#include "core/variables.h"
#include "io/config/job_reader.h"
#include "tests/unit/core/plan_text.h"

namespace cromt {
namespace {

TEST(Template, OnlyTheThreeKindsAreTemplates) {
  EXPECT_TRUE(ScanTemplates("a ${{ vars.X }} b").vars);
  EXPECT_TRUE(ScanTemplates("${{env.X}}${{ params.Y_1 }}").env);
  EXPECT_TRUE(ScanTemplates("${{env.X}}${{ params.Y_1 }}").params);
  EXPECT_TRUE(ScanTemplates("${{ vars.X }} ${{ other.X }}").malformed);
  for (const char* plain : {"${X} $X $$ {{ x }}", "$${{ vars.X }}", "", "$", "${"}) {
    EXPECT_FALSE(ScanTemplates(plain).any()) << plain;
    EXPECT_FALSE(ScanTemplates(plain).malformed) << plain;
  }
}

TEST(Template, ADollarMoreIsTheTextItself) {
  EXPECT_EQ(Unescape("a $${{ b }} $"), "a ${{ b }} $");
  EXPECT_EQ(Unescape("$$${{"), "$${{");
  EXPECT_EQ(Unescape("x ${{ vars.X }} $${{"), "x ${{ vars.X }} ${{");
  for (const char* text : {"", "$", "${{", "$${{", "a${{${{ vars.X }}b$"})
    EXPECT_EQ(Unescape(EscapeTemplates(text)), text);
}

std::string Filled(const Variables& variables, const std::string& raw) {
  TemplateFiller filler(variables);
  auto filled = filler.Fill(raw);
  if (!filled) return "error: " + filled.error().message;
  std::string shown = filled->text;
  for (auto gap = filled->gaps.rbegin(); gap != filled->gaps.rend(); ++gap)
    shown.insert(gap->offset, "<" + gap->name + ">");
  return shown;
}

TEST(Template, VariablesAreFilledInWholeAndOnce) {
  Variables variables = {
      {"A", "1"}, {"B", "a${{ vars.A }}b"}, {"C", "${{ vars.B }}${{vars.B}}"}, {"L", "$${{ vars.A }}"}};
  EXPECT_EQ(Filled(variables, "x${{ vars.C }}y"), "xa1ba1by");
  EXPECT_EQ(Filled(variables, "${{ vars.L }}"), "${{ vars.A }}") << "what is filled in is text";
  EXPECT_EQ(Filled(variables, "$${{ vars.A }} ${{ vars.A }}"), "${{ vars.A }} 1");
}

TEST(Template, WhatOnlyTheHostKnowsIsAGapWhereverItIsPut) {
  Variables variables = {{"H", "at ${{ env.HOME }}!"}, {"D", "$"}};
  EXPECT_EQ(Filled(variables, "${{ env.A }}-${{ vars.H }}-${{ vars.H }}${{ env.B }}"), "<A>-at <HOME>!-at <HOME>!<B>");
  EXPECT_EQ(Filled(variables, "${{ vars.D }}${{ env.B }}"), "$<B>") << "a dollar before a gap makes nothing literal";
  TemplateFiller filler(variables);
  EXPECT_EQ(filler.FillWhole("on ${{ vars.H }}").error().message,
            "${{ env.HOME }} is known on the host only, and this is needed before");
}

TEST(Template, WhatCantBeFilledInIsSaid) {
  Variables variables = {
      {"A", "${{ vars.B }}"}, {"B", "${{ vars.C }}"}, {"C", "${{ vars.A }}"}, {"N", "${{ vars.X }}"}};
  EXPECT_EQ(Filled(variables, "${{ vars.X }}"), "error: there is no variable X in vars");
  EXPECT_EQ(Filled(variables, "${{ vars.N }}"), "error: variable N: there is no variable X in vars");
  EXPECT_EQ(Filled(variables, "${{ vars.A }}"), "error: variable A: the variable A contains itself");
  EXPECT_EQ(Filled(variables, "${{ params.P }}"), "error: there is no parameter P");
}

TEST(Template, NothingGrowsWithoutBound) {
  Variables doubling = {{"V0", "xxxxxxxxxxxxxxxx"}};
  for (int i = 1; i < 40; ++i) {
    std::string before = "${{ vars.V" + std::to_string(i - 1) + " }}";
    doubling.emplace_back("V" + std::to_string(i), before + before);
  }
  EXPECT_EQ(Filled(doubling, "${{ vars.V39 }}"), "error: variable V39: filled in it exceeds 102400 bytes");
  Variables deep = {{"V0", "x"}};
  for (int i = 1; i < 100'000; ++i)
    deep.emplace_back("V" + std::to_string(i), "${{ vars.V" + std::to_string(i - 1) + " }}");
  EXPECT_EQ(Filled(deep, "${{ vars.V99999 }}"),
            "error: variable V99999: variables lie in each other more than 100 deep");
  std::string gaps;
  for (int i = 0; i < 1001; ++i) gaps += "${{ env.A }}";
  EXPECT_EQ(Filled({}, gaps), "error: it holds ${{ env }} more than 1000 times");
}

// ---- In a plan --------------------------------------------------------------------------------

Result<Plan> Planned(const std::string& text, const StartOverrides& overrides = {}) {
  JobFileReading reading = ReadJobFile(text, "f");
  EXPECT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  if (!reading.file) return Fail(ErrorCode::kInvalid, "unread");
  EXPECT_TRUE(StartRefusals(*reading.file, 0).empty());
  return PlanRun(*reading.file, reading.file->projects[0].name, overrides, {});
}
std::string Refusal(const std::string& text) {
  auto plan = Planned(text);
  return plan ? "none" : plan.error().message;
}

TEST(TemplatesInAPlan, EachTextIsFilledWithTheVariablesOfItsTask) {
  Plan plan = *Planned(R"(projects:
  p:
    path: https://h/r.git
    branch: release-${{ vars.V }}
    title: ${{ vars.V }} on ${{ vars.NAME }}
    url: http://${{ vars.NAME }}:41${{ vars.PORT }}
    vars: {V: 1.2, PORT: "00", T: "v${{ vars.V }}"}
    artifacts: {out: [{file: log, path: "out/${{ vars.NAME }}.log"}]}
    hosts:
      - vars: {NAME: alpha}
      - {vars: {NAME: beta, V: 2.0}, url: "http://b-${{ vars.NAME }}"}
)");
  EXPECT_EQ(Show(plan), "0 p: 1.2 on alpha@alpha=alpha:4100 2.0 on beta@b-beta\n");
  EXPECT_EQ(plan.spec(0).name, "1.2 on alpha");
  EXPECT_EQ(plan.spec(1).name, "2.0 on beta");
  EXPECT_EQ(plan.spec(0).source.ref, "release-1.2");
  EXPECT_EQ(plan.spec(1).source.ref, "release-2.0");
  EXPECT_EQ(plan.spec(1).variables, (Variables{{"V", "2.0"}, {"PORT", "00"}, {"T", "v2.0"}, {"NAME", "beta"}}));
  EXPECT_EQ(plan.spec(0).publishes[0].path, "out/alpha.log");
}

TEST(TemplatesInAPlan, AStartsVariablesAreFilledInAndHoldNoTemplates) {
  Plan plan = *Planned("projects: {p: {run: x, title: 'of ${{ vars.A }}', vars: {A: 1, B: '${{ vars.A }}'}}}",
                       {.vars = {{"A", "${{ vars.B }}"}}});
  EXPECT_EQ(plan.spec(0).name, "of ${{ vars.B }}");
  EXPECT_EQ(plan.spec(0).variables, (Variables{{"A", "${{ vars.B }}"}, {"B", "${{ vars.B }}"}}));
}

TEST(TemplatesInAPlan, AParentsUrlIsFilledInForWhatItLists) {
  Plan plan = *Planned(R"(projects:
  p: {run: x, url: "http://${{ vars.H }}", vars: {H: there}, before: [{name: q}]}
  q: {run: y}
)");
  EXPECT_EQ(Show(plan), "0 q: q@there\n1 p: p@there | needs 0\n");
}

TEST(TemplatesInAPlan, TheHostsOwnAreLeftAsGaps) {
  Plan plan = *Planned(R"(projects:
  p:
    run: x
    vars: {D: "${{ env.HOME }}/x", E: "in ${{ vars.D }}"}
    artifacts: {out: [{file: a, path: "${{ env.NAME }}.txt"}]}
)");
  const TaskSpec& spec = plan.spec(0);
  EXPECT_EQ(spec.variables, (Variables{{"D", "/x"}, {"E", "in /x"}}));
  EXPECT_EQ(spec.host_gaps, (std::vector<HostGap>{{HostGap::In::kVariable, 0, 0, "HOME"},
                                                  {HostGap::In::kVariable, 1, 3, "HOME"},
                                                  {HostGap::In::kArtifactPath, 0, 0, "NAME"}}));
  auto here = FillHostGaps(spec, [](const std::string& name) { return "<" + name + ">"; });
  EXPECT_EQ(here->variables, (Variables{{"D", "<HOME>/x"}, {"E", "in <HOME>/x"}}));
  EXPECT_EQ(here->publishes[0].path, "<NAME>.txt");
  EXPECT_TRUE(here->host_gaps.empty());
}

TEST(TemplatesInAPlan, WhatTheFilledTextMayNotBeIsRefusedWithThePlaceInTheFile) {
  EXPECT_EQ(Refusal("projects: {p: {run: x, title: '${{ vars.X }}'}}"),
            "f:1:12: error: project 'p': title: there is no variable X in vars");
  EXPECT_EQ(Refusal("projects: {p: {run: x, title: '${{ vars.X }}', vars: {X: \"a\\nb\"}}}"),
            "f:1:12: error: project 'p': title: filled in it is 'a\\x0ab', which is not a title");
  EXPECT_EQ(
      Refusal("projects: {p: {path: 'https://h/r.git', branch: '${{ vars.X }}', vars: {X: --upload-pack}}}"),
      "f:1:12: error: project 'p': branch: filled in it is '--upload-pack', which is not a branch, tag or commit");
  EXPECT_EQ(Refusal("projects: {p: {run: x, url: 'http://${{ vars.X }}', vars: {X: u@h}}}").substr(0, 33),
            "f:1:12: error: project 'p': url: ");
  EXPECT_EQ(Refusal("projects: {p: {run: x, vars: {X: ../y}, artifacts: {out: [{file: a, path: '${{ vars.X }}'}]}}}"),
            "f:1:12: error: project 'p': path '../y' leads out of the task's directory");
  EXPECT_EQ(Refusal("projects: {p: {run: x, artifacts: {out: [{file: a, path: '../${{ env.X }}'}]}}}"),
            "f:1:12: error: project 'p': artifact a: path '../x' leads out of the task's directory");
  EXPECT_EQ(Refusal("projects: {p: {run: x, title: 'on ${{ vars.H }}', vars: {H: '${{ env.H }}'}}}"),
            "f:1:12: error: project 'p': title: ${{ env.H }} is known on the host only, and this is needed before");
}

TEST(HostGaps, AHostThatHasNoSuchVariableOrABadOneRefuses) {
  auto nothing = [](const std::string&) { return std::optional<std::string>(); };
  TaskSpec spec{.variables = {{"A", ""}}, .host_gaps = {{HostGap::In::kVariable, 0, 0, "HOME"}}};
  EXPECT_EQ(FillHostGaps(spec, nothing).error().message, "${{ env.HOME }}: the host's environment has no HOME");
  spec = {.publishes = {{"a", "/f"}}, .host_gaps = {{HostGap::In::kArtifactPath, 0, 0, "DIR"}}};
  auto up = [](const std::string&) { return std::optional<std::string>("../.."); };
  EXPECT_EQ(FillHostGaps(spec, up).error().message, "artifact a: path '../../f' leads out of the task's directory");
  auto huge = [](const std::string&) { return std::optional<std::string>(std::string(kMaxVariableBytes, 'x')); };
  EXPECT_FALSE(FillHostGaps(spec, huge));
}

}  // namespace
}  // namespace cromt
