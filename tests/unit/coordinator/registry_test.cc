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

  Result<ApplyAnswer> Apply(const std::string& path, const std::string& text, ApplyRequest request = {}) {
    request.path = path;
    request.text = text;
    if (request.request.empty()) request.request = RequestId("q" + std::to_string(++requests));
    auto job_file = Parse(text);
    auto decision = registry.Decide(request, job_file, Wall{});
    if (!decision) return tl::unexpected<Error>(decision.error());
    if (decision->record) registry.Take(*decision->record, job_file);
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

TEST(RegistryTest, ADryRunTellsAndTakesNothing) {
  Env env;
  auto told = env.Apply("/jobs.yaml", kTwo, {.dry_run = true});
  ASSERT_TRUE(told);
  EXPECT_EQ(told->added, (Names{"a", "b"}));
  EXPECT_TRUE(env.registry.catalog()->projects.empty());
}

}  // namespace
}  // namespace cromt
