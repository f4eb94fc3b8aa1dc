// From a URL and a ref to a commit and its files.
#include <thread>

#include "tests/unit/git/fixture.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ResolveTest : public GitTest {
 protected:
  void SetUp() override {
    GitTest::SetUp();
    repository_ = std::make_unique<TestRepository>(top_, "r");
    server_ = std::make_unique<HttpServer>(top_, top_ / "log");
    cache_ = NewCache("cache");
  }

  Result<GitCache::Resolved> Resolve(const std::string& ref = "") {
    return cache_->Resolve(server_->Url("r.git"), ref);
  }

  std::unique_ptr<TestRepository> repository_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<GitCache> cache_;
};

TEST_F(ResolveTest, TheFilesOfTheDefaultBranchAsABlob) {
  fs::create_directories(repository_->work / "bin");
  fs::create_symlink("../README", repository_->work / "bin/readme");
  const std::string commit =
      repository_->Commit({{"README", "hello\n"}, {"bin/run", "#!/bin/sh\n"}, {"a/b/c/d", "deep"}});
  fs::permissions(repository_->work / "bin/run", fs::perms(0755));
  const std::string executable = repository_->Commit({});

  auto resolved = Resolve();
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_NE(commit, executable);
  EXPECT_EQ(resolved->commit, executable);
  EXPECT_EQ(resolved->branch, "main");
  EXPECT_THAT(resolved->notes, IsEmpty());
  EXPECT_GT(resolved->fetched_bytes, 0);

  const fs::path tree = Unpack(resolved->tree);
  EXPECT_EQ(Contents(tree / "README"), "hello\n");
  EXPECT_EQ(Contents(tree / "a/b/c/d"), "deep");
  EXPECT_EQ(fs::read_symlink(tree / "bin/readme"), "../README");
  EXPECT_EQ(fs::status(tree / "bin/run").permissions(), fs::perms(0755));
  EXPECT_EQ(fs::status(tree / "README").permissions(), fs::perms(0644));
  EXPECT_FALSE(fs::exists(tree / ".git"));
}

TEST_F(ResolveTest, BranchTagAndCommit) {
  const std::string first = repository_->Commit({{"f", "1"}});
  repository_->Git({"tag", "light"});
  repository_->Git({"tag", "-a", "-m", "annotated", "v1"});
  repository_->Git({"push", "-q", repository_->bare, "light", "v1"});
  const std::string second = repository_->Commit({{"f", "2"}});
  const std::string dev = repository_->Commit({{"f", "3"}}, "feature/dev");

  EXPECT_EQ(Resolve("main")->commit, second);
  EXPECT_EQ(Resolve("refs/heads/main")->branch, "main");
  EXPECT_EQ(Resolve("feature/dev")->commit, dev);
  EXPECT_EQ(Resolve("feature/dev")->branch, "feature/dev");
  EXPECT_EQ(Resolve("light")->commit, first);
  EXPECT_EQ(Resolve("v1")->commit, first) << "an annotated tag means its commit";
  EXPECT_EQ(Resolve("v1")->branch, "");
  EXPECT_EQ(Resolve(first)->commit, first);
  EXPECT_EQ(Resolve("HEAD")->commit, second);
  EXPECT_EQ(Contents(Unpack(Resolve(first)->tree) / "f"), "1");
}

TEST_F(ResolveTest, ACommitIsFoundInAnEmptyMirror) {
  const std::string first = repository_->Commit({{"f", "1"}});
  repository_->Commit({{"f", "2"}});
  auto resolved = Resolve(first);
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->commit, first);
  EXPECT_EQ(resolved->branch, "");
}

TEST_F(ResolveTest, WhatIsNotThereIsSaidWithWhatIs) {
  repository_->Commit({{"f", "1"}});
  repository_->Commit({{"f", "2"}}, "dev");
  auto branch = Resolve("nope");
  EXPECT_EQ(branch.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(branch.error().message,
            "'nope' is no branch or tag of " + server_->Url("r.git") + "; it has branches 'dev', 'main'");
  auto commit = Resolve(std::string(40, 'a'));
  EXPECT_EQ(commit.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(commit.error().message, HasSubstr("is on no branch or tag of http://"));
}

TEST_F(ResolveTest, AnEmptyRepository) {
  auto resolved = Resolve();
  EXPECT_EQ(resolved.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(resolved.error().message, HasSubstr("is empty: it has no commits"));
}

TEST_F(ResolveTest, ATagThatNamesNoCommit) {
  repository_->Commit({{"f", "1"}});
  repository_->Git({"tag", "tree", "HEAD^{tree}"});
  repository_->Git({"push", "-q", repository_->bare, "tree"});
  auto resolved = Resolve("tree");
  EXPECT_EQ(resolved.error().code, ErrorCode::kInvalid) << resolved.error().message;
  EXPECT_THAT(resolved.error().message, HasSubstr("names no commit"));
}

TEST_F(ResolveTest, AfterAPushOnlyWhatIsNewIsFetched) {
  repository_->Commit({{"big", Noise(1 << 20)}});
  auto first = Resolve();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_GT(first->fetched_bytes, 1 << 20);

  const std::string commit = repository_->Commit({{"small", "x"}});
  auto second = Resolve();
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->commit, commit);
  EXPECT_GT(second->fetched_bytes, 0);
  EXPECT_LT(second->fetched_bytes, 10'000);
}

TEST_F(ResolveTest, WithoutANewCommitNothingIsFetchedOrPacked) {
  repository_->Commit({{"f", "1"}});
  auto first = Resolve();
  ASSERT_TRUE(first);
  const std::string log = server_->Log();
  auto second = Resolve();
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->tree, first->tree);
  EXPECT_EQ(second->fetched_bytes, 0);
  EXPECT_THAT(server_->Log().substr(log.size()), testing::StartsWith("GET /r.git/info/refs"));
  EXPECT_THAT(server_->Log().substr(log.size()), Not(HasSubstr("POST")));
}

TEST_F(ResolveTest, ABlobThatWasRemovedIsPackedAgain) {
  repository_->Commit({{"f", "1"}});
  const Digest tree = Resolve()->tree;
  ASSERT_TRUE(blobs_->Remove(tree));
  EXPECT_EQ(Resolve()->tree, tree);
  EXPECT_TRUE(blobs_->Has(tree));
}

TEST_F(ResolveTest, ABranchMovedByForce) {
  const std::string first = repository_->Commit({{"f", "1"}});
  repository_->Commit({{"f", "2"}});
  ASSERT_TRUE(Resolve());
  repository_->Git({"reset", "-q", "--hard", first});
  const std::string other = repository_->Commit({{"f", "3"}});
  EXPECT_EQ(Resolve()->commit, other);
}

TEST_F(ResolveTest, ABranchThatBecameAFolderOfBranches) {
  repository_->Commit({{"f", "1"}}, "a");
  ASSERT_TRUE(Resolve("a"));
  repository_->BareGit({"branch", "-D", "a"});
  repository_->Git({"checkout", "-q", "--detach"});
  repository_->Git({"branch", "-D", "a"});
  const std::string below = repository_->Commit({{"f", "2"}}, "a/b");
  EXPECT_EQ(Resolve("a/b")->commit, below);
  EXPECT_EQ(Resolve("a").error().code, ErrorCode::kNotFound);
}

TEST_F(ResolveTest, TheSameCommitGivesTheSameBytesEverywhere) {
  repository_->Commit({{"b", "1"}, {"a/x", "2"}, {"a.txt", "3"}});
  const Digest tree = Resolve()->tree;
  auto other = NewCache("other")->Resolve(FileUrl(*repository_), "");
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(other->tree, tree);
}

TEST_F(ResolveTest, TwoThreadsAskForOneRepository) {
  const std::string commit = repository_->Commit({{"big", Noise(1 << 20)}});
  std::vector<std::string> commits(4);
  std::vector<std::thread> threads;
  for (std::string& result : commits) {
    threads.emplace_back([this, &result] {
      auto resolved = Resolve();
      result = resolved ? resolved->commit : resolved.error().message;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(commits, testing::Each(commit));
}

TEST_F(ResolveTest, ProgressIsTold) {
  repository_->Commit({{"big", Noise(1 << 20)}});
  GitCache::Progress last;
  ASSERT_TRUE(cache_->Resolve(server_->Url("r.git"), "", [&](const GitCache::Progress& now) { last = now; }));
  EXPECT_GT(last.received_bytes, 1 << 20);
  EXPECT_EQ(last.received_objects, 3u);
  EXPECT_EQ(last.total_objects, 3u);
}

TEST_F(ResolveTest, ALimitOnWhatIsFetched) {
  repository_->Commit({{"big", Noise(1 << 20)}});
  settings_.max_pack_bytes = 100'000;
  auto bytes = NewCache("small")->Resolve(server_->Url("r.git"), "");
  EXPECT_EQ(bytes.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(bytes.error().message, HasSubstr("it sends more than 100000 bytes"));
  settings_.max_pack_bytes = 10 << 20;
  settings_.max_objects = 2;
  EXPECT_EQ(NewCache("few")->Resolve(server_->Url("r.git"), "").error().code, ErrorCode::kExhausted);
}

TEST_F(ResolveTest, LimitsOnATree) {
  repository_->Commit({{"a", "1"}, {"b", "2"}, {"c/d", Noise(5000)}});
  settings_.max_files = 3;
  auto files = NewCache("files")->Resolve(server_->Url("r.git"), "");
  EXPECT_EQ(files.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(files.error().message, HasSubstr("more than 3 files in commit"));
  settings_.max_files = 4;
  settings_.max_tree_bytes = 5000;
  auto bytes = NewCache("bytes")->Resolve(server_->Url("r.git"), "");
  EXPECT_EQ(bytes.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(bytes.error().message, HasSubstr("with 'c/d' the files of commit"));
  EXPECT_THAT(*blobs_->List(), IsEmpty());
  settings_.max_tree_bytes = 10'240;
  EXPECT_TRUE(NewCache("enough")->Resolve(server_->Url("r.git"), ""));
}

}  // namespace
}  // namespace cromt
