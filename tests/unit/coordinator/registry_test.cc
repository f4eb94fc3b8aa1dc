// Applied job files: who owns what, and what an apply would change.
#include "coordinator/registry.h"

#include <gtest/gtest.h>

#include "io/config/job_reader.h"

namespace cromt {
namespace {

std::shared_ptr<const JobFile> Parse(const std::string& text) {
  auto reading = ReadJobFile(text, "jobs.yaml");
  EXPECT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  return std::make_shared<const JobFile>(std::move(*reading.file));
}

const char kTwo[] = "projects: {a: {run: x}, b: {run: y}}";
const char kOne[] = "projects: {a: {run: x}}";

struct Env {
  Registry registry;
  int requests = 0;
  std::optional<FileApplied> last;  // the record that was taken last

  Result<ApplyAnswer> Apply(const std::string& path, const std::string& text, ApplyRequest request = {}) {
    request.path = path;
    request.text = text;
    if (request.request.empty()) request.request = RequestId("q" + std::to_string(++requests));
    auto job_file = Parse(text);
    auto decision = registry.Decide(request, job_file, Wall{});
    if (!decision) return tl::unexpected<Error>(decision.error());
    if (decision->record) registry.Take(*decision->record, job_file);
    if (decision->record) last = decision->record;
    return decision->answer;
  }
};

using Names = std::vector<std::string>;

TEST(RegistryTest, FirstApplyAddsAndTheSameTextChangesNothing) {
  Env env;
  auto first = env.Apply("/jobs.yaml", kTwo);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->added, (Names{"a", "b"}));
  EXPECT_EQ(first->revision, 1u);
  auto again = env.Apply("/jobs.yaml", kTwo);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->revision, 1u);
  EXPECT_TRUE(again->added.empty() && again->changed.empty() && again->gone.empty());
}

TEST(RegistryTest, AProjectThatIsGoneIsKeptUnlessPruned) {
  Env env;
  ASSERT_TRUE(env.Apply("/jobs.yaml", kTwo));
  auto kept = env.Apply("/jobs.yaml", kOne);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->gone, Names{"b"});
  EXPECT_TRUE(env.registry.catalog()->projects.contains("b"));
  auto pruned = env.Apply("/jobs.yaml", kOne, {.prune = true});
  ASSERT_TRUE(pruned);
  EXPECT_EQ(pruned->gone, Names{"b"});
  EXPECT_FALSE(env.registry.catalog()->projects.contains("b"));
}

TEST(RegistryTest, AnotherFilesProjectIsAnErrorNamingThatFile) {
  Env env;
  ASSERT_TRUE(env.Apply("/jobs.yaml", kTwo));
  auto stolen = env.Apply("/other.yaml", kOne);
  ASSERT_FALSE(stolen);
  EXPECT_EQ(stolen.error().code, ErrorCode::kConflict);
  EXPECT_NE(stolen.error().message.find("/jobs.yaml"), std::string::npos);
}

TEST(RegistryTest, IfRevisionRefusesWhatSomebodyElseHasChanged) {
  Env env;
  ASSERT_TRUE(env.Apply("/jobs.yaml", kOne));
  auto late = env.Apply("/jobs.yaml", kTwo, {.if_revision = 0});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(env.Apply("/jobs.yaml", kTwo, {.if_revision = 1}));
}

// ---- What counts as changed -------------------------------------------------------------------

Names ChangedBy(const std::string& before, const std::string& after) {
  Env env;
  EXPECT_TRUE(env.Apply("/jobs.yaml", before));
  auto answer = env.Apply("/jobs.yaml", after);
  EXPECT_TRUE(answer);
  EXPECT_TRUE(answer->added.empty() && answer->gone.empty());
  EXPECT_EQ(answer->revision, 2u) << "another text is another revision";
  return answer->changed;
}

TEST(RegistryTest, OnlyWhatMeansSomethingElseIsChanged) {
  EXPECT_EQ(ChangedBy("projects: {a: {run: x}, b: {run: y}, c: {run: z, before: [{name: b}]}}",
                      "projects: {a: {run: x}, b: {run: other}, c: {run: z, before: [{name: b}]}}"),
            Names{"b"});
}

TEST(RegistryTest, LayoutCommentsAndOrderMeanNothing) {
  EXPECT_EQ(ChangedBy("projects: {a: {run: x, vars: {A: 1, B: 2}, title: t}, b: {run: y}}",
                      "# new\nprojects:\n  b:\n    run: 'y'  # why\n  a:\n    title: t\n    vars:\n      B: 2\n"
                      "      A: 1\n    run: x\n    hosts: []\n"),
            Names{});
}

TEST(RegistryTest, EveryPartOfAProjectCounts) {
  const std::string base = "projects: {b: {run: y}, c: {run: z}, a: {path: /p, ";
  const std::string was = base + "vars: {A: 1}, hosts: [{url: 'http://h1'}, {url: 'http://h2'}], before: [{name: b}]}}";
  for (const std::string now : {
           "vars: {A: 2}, hosts: [{url: 'http://h1'}, {url: 'http://h2'}], before: [{name: b}]}}",
           "vars: {A: 1}, hosts: [{url: 'http://h2'}, {url: 'http://h1'}], before: [{name: b}]}}",
           "vars: {A: 1}, hosts: [{url: 'http://h1'}, {url: 'http://h2', vars: {C: d}}], before: [{name: b}]}}",
           "vars: {A: 1}, hosts: [{url: 'http://h1'}], before: [{name: b}]}}",
           "vars: {A: 1}, hosts: [{url: 'http://h1'}, {url: 'http://h2'}], before: [{name: c}]}}",
           "vars: {A: 1}, hosts: [{url: 'http://h1'}, {url: 'http://h2'}], before: [{name: b, hosts: []}]}}",
           "vars: {A: 1}, hosts: [{url: 'http://h1'}, {url: 'http://h2'}], before: [{name: b, title: t}]}}",
           "vars: {A: 1}, hosts: [{url: 'http://h1'}, {url: 'http://h2'}], before: [{name: b}], action: build}}",
           "vars: {A: 1}, hosts: [{url: 'http://h1'}, {url: 'http://h2'}], before: [{name: b}], title: x}}",
           "vars: {A: 1}, hosts: [{url: 'http://h1'}, {url: 'http://h2'}], before: [{name: b}], url: 'http://h9'}}",
       })
    EXPECT_EQ(ChangedBy(was, base + now), Names{"a"}) << now;
  EXPECT_EQ(ChangedBy(was, was + "\n"), Names{});
}

TEST(RegistryTest, EveryKeyCounts) {
  const std::vector<std::string> keys = {
      "",
      ", branch: dev",
      ", timeout: 5s",
      ", grace: 5s",
      ", retries: 2",
      ", retry_delay: 5s",
      ", retry_backoff: 2",
      ", queue-id: q",
      ", queue-id: {name: q, scope: agent}",
      ", parallel: 2",
      ", log_limit: 1MiB",
      ", inherit_env: true",
      ", on_failure: ignore",
      ", artifacts: {out: [{file: f, path: p}]}",
      ", artifacts: {out: [{file: f, path: q}]}",
      ", crontab: '1 * * * *'",
      ", crontab: '2 * * * *'",
      ", crontab: '1 * * * *', timezone: UTC",
      ", crontab: '1 * * * *', catch_up: none",
      ", crontab: '1 * * * *', overlap: allow",
      ", crontab: '1 * * * *', splay: 5m",
      ", disabled: yes",
  };
  auto text = [](const std::string& key) { return "projects: {a: {path: 'https://h/r.git', action: x" + key + "}}"; };
  for (const std::string& before : keys) {
    for (const std::string& after : keys) {
      const Names expected = before == after ? Names() : Names{"a"};
      EXPECT_EQ(ChangedBy(text(before), text(after) + "\n# end\n"), expected) << before << " →" << after;
    }
  }
  EXPECT_EQ(ChangedBy("projects: {a: {run: x, after: [{name: b}]}, b: {run: y}}",
                      "projects: {a: {run: x, after: [{name: b, when: always}]}, b: {run: y}}"),
            Names{"a"});
  EXPECT_EQ(ChangedBy(text(", timeout: 90"), text(", timeout: 90s")), Names{}) << "the same in other words";
}

TEST(RegistryTest, AKeyThatIsNotBuiltYetIsComparedByItsLines) {
  EXPECT_EQ(ChangedBy("projects:\n  a:\n    run: x\n    waves: [1]\n  b: {run: y, waves: [1]}\n",
                      "projects:\n  a:\n    run: x\n\n    # newer\n    waves: [2]\n"
                      "  b: {run: y, waves: [1]}\n"),
            Names{"a"});
}

TEST(RegistryTest, AListThatManyProjectsShareIsDescribedOnce) {
  std::string text = "x-hosts: &hosts\n";
  for (int i = 0; i < 1000; ++i) text += "  - {url: 'http://h" + std::to_string(i) + "'}\n";
  text += "projects:\n";
  for (int i = 0; i < 3000; ++i) text += "  p" + std::to_string(i) + ": {run: x, hosts: *hosts}\n";
  EXPECT_EQ(ChangedBy(text, text + "# 3 million hosts\n"), Names{});
}

TEST(RegistryTest, WhatComesBackToItsFileIsAddedAgain) {
  Env env;
  ASSERT_TRUE(env.Apply("/jobs.yaml", kTwo));
  ASSERT_TRUE(env.Apply("/jobs.yaml", kOne));
  auto back = env.Apply("/jobs.yaml", kTwo);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->added, Names{"b"});
  EXPECT_TRUE(back->changed.empty() && back->gone.empty());
}

TEST(RegistryTest, WhatIsKeptIsListedEachTimeButRecordedOnce) {
  Env env;
  ASSERT_TRUE(env.Apply("/jobs.yaml", kTwo));
  ASSERT_TRUE(env.Apply("/jobs.yaml", kOne));
  EXPECT_EQ(env.last->changes.gone, Names{"b"});
  auto later = env.Apply("/jobs.yaml", "projects: {a: {run: z}}");
  ASSERT_TRUE(later);
  EXPECT_EQ(later->gone, Names{"b"});
  EXPECT_EQ(env.last->changes, (ProjectChanges{.added = {}, .changed = {"a"}, .gone = {}, .removed = {}}));
  ASSERT_TRUE(env.Apply("/jobs.yaml", "projects: {a: {run: z}}", {.prune = true}));
  EXPECT_EQ(env.last->changes, (ProjectChanges{.added = {}, .changed = {}, .gone = {}, .removed = {"b"}}));
}

TEST(RegistryTest, AKeptProjectStaysItsFilesOwn) {
  Env env;
  ASSERT_TRUE(env.Apply("/jobs.yaml", kTwo));
  ASSERT_TRUE(env.Apply("/jobs.yaml", kOne));
  auto stolen = env.Apply("/other.yaml", "projects: {b: {run: z}}");
  ASSERT_FALSE(stolen);
  EXPECT_NE(stolen.error().message.find("/jobs.yaml"), std::string::npos);
}

TEST(RegistryTest, ARepeatedRequestGetsTheFirstAnswer) {
  Env env;
  auto first = env.Apply("/jobs.yaml", kTwo, {.request = RequestId("same")});
  ASSERT_TRUE(env.Apply("/jobs.yaml", kOne));
  auto again = env.Apply("/jobs.yaml", kTwo, {.request = RequestId("same")});
  ASSERT_TRUE(first && again);
  EXPECT_EQ(again->revision, 1u);
  EXPECT_EQ(again->added, first->added);
}

TEST(RegistryTest, ADryRunTellsAndTakesNothing) {
  Env env;
  auto told = env.Apply("/jobs.yaml", kTwo, {.dry_run = true});
  ASSERT_TRUE(told);
  EXPECT_EQ(told->added, (Names{"a", "b"}));
  EXPECT_TRUE(env.registry.catalog()->projects.empty());
}

}  // namespace
}  // namespace cromt
