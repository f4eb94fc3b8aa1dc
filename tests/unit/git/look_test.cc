// What a ref names, without fetching; and that the commit which was found is the one that is brought.
#include <thread>

#include "tests/unit/git/fixture.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class LookTest : public GitTest {
 protected:
  void SetUp() override {
    GitTest::SetUp();
    repository_ = std::make_unique<TestRepository>(top_, "r");
    server_ = std::make_unique<HttpServer>(top_, top_ / "log");
    cache_ = NewCache("cache");
  }
  std::string Look(const std::string& ref = "") {
    auto commit = cache_->Look(server_->Url("r.git"), ref);
    return commit ? *commit : commit.error().message;
  }
  Result<GitCache::Resolved> Resolve(const std::string& pushed, const std::string& ref = "main") {
    return cache_->Resolve(server_->Url("r.git"), ref, {}, {}, pushed);
  }

  std::unique_ptr<TestRepository> repository_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<GitCache> cache_;
};

TEST_F(LookTest, NamesTheCommitOfABranchOfATagAndOfHead) {
  const std::string first = repository_->Commit({{"f", "1"}});
  repository_->Git({"tag", "-a", "-m", "annotated", "v1"});
  repository_->Git({"push", "-q", repository_->bare, "v1"});
  const std::string second = repository_->Commit({{"f", "2"}});
  EXPECT_EQ(Look(), second);
  EXPECT_EQ(Look("main"), second);
  EXPECT_EQ(Look("v1"), first);  // the commit, not the tag
  EXPECT_THAT(Look("dev"), HasSubstr("'dev' is no branch or tag"));
  EXPECT_THAT(server_->Log(), Not(HasSubstr("git-upload-pack HTTP")));  // the refs were listed, and that was all
  EXPECT_FALSE(fs::exists(MirrorOf("cache")));
}

TEST_F(LookTest, WaitsForNobodyWhoFetches) {
  repository_->Commit({{"f", "1"}});
  ASSERT_TRUE(Resolve(""));
  // As somebody does who fetches into the mirror.
  const std::string lock = MirrorOf("cache").string() + ".lock";
  BackgroundProcess holder({"flock", lock, "sleep", "60"});
  while (MustRun({"sh", "-c", "flock -n '" + lock + "' true && echo free || echo held"}) != "held\n")
    std::this_thread::yield();
  EXPECT_EQ(Look("main").size(), 40u);
}

TEST_F(LookTest, ASilentServerIsGivenUpInTime) {
  settings_.look_timeout = seconds(1);
  cache_ = NewCache("impatient");
  BackgroundProcess silent({"python3", "-c",
                            "import socket, sys, time\n"
                            "s = socket.create_server(('127.0.0.1', 0))\n"
                            "open(sys.argv[1] + '.new', 'w').write(str(s.getsockname()[1]))\n"
                            "import os; os.rename(sys.argv[1] + '.new', sys.argv[1])\n"
                            "time.sleep(60)\n",
                            (top_ / "port").string()});
  while (!fs::exists(top_ / "port")) std::this_thread::yield();
  auto looked = cache_->Look("http://127.0.0.1:" + Contents(top_ / "port") + "/r.git", "main");
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().code, ErrorCode::kTimeout) << looked.error().message;
  EXPECT_THAT(looked.error().message, HasSubstr("not done within 1.0s"));
}

TEST_F(LookTest, WhatWasPushedIsBroughtThoughTheBranchHasMovedOn) {
  const std::string first = repository_->Commit({{"f", "1"}});
  const std::string second = repository_->Commit({{"f", "2"}});
  auto resolved = Resolve(first);
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->commit, first);
  EXPECT_EQ(resolved->branch, "main");
  EXPECT_EQ(Contents(Unpack(resolved->tree) / "f"), "1");
  EXPECT_EQ(Resolve("")->commit, second);
}

TEST_F(LookTest, ABranchThatWasPutBackStillGivesWhatTheMirrorHas) {
  repository_->Commit({{"f", "1"}});
  const std::string lost = repository_->Commit({{"f", "2"}});
  ASSERT_TRUE(Resolve(""));
  repository_->Git({"reset", "-q", "--hard", "HEAD~1"});
  repository_->Commit({{"f", "3"}});
  auto resolved = Resolve(lost);
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->commit, lost);
}

TEST_F(LookTest, WhatIsOnAnotherBranchByNowIsFoundAndWhatIsNowhereIsSaid) {
  repository_->Commit({{"f", "1"}});
  const std::string moved = repository_->Commit({{"f", "2"}}, "dev");
  auto resolved = Resolve(moved);
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->commit, moved);
  const std::string nowhere(40, 'e');
  resolved = Resolve(nowhere);
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(resolved.error().message, HasSubstr("commit " + nowhere + " is on no branch or tag of "));
  EXPECT_EQ(Resolve("../x").error().code, ErrorCode::kInvalid);
}

TEST_F(LookTest, AServerIsTheSameForAllItsRepositories) {
  settings_.rewrites = {{"https://forge.example/", "http://127.0.0.1:9/"}};
  auto cache = NewCache("other");
  EXPECT_EQ(cache->ServerOf("https://forge.example/a.git"), "127.0.0.1:9");
  EXPECT_EQ(cache->ServerOf("https://forge.example/b.git"), "127.0.0.1:9");
  EXPECT_EQ(cache->ServerOf("https://else.example/b.git"), "else.example:443");
  EXPECT_NE(cache->ServerOf("file:///a.git"), cache->ServerOf("file:///b.git"));
}

}  // namespace
}  // namespace cromt
