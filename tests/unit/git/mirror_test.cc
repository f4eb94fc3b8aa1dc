// Mirrors that were damaged, left behind or grew old.
#include <fstream>

#include "tests/unit/git/fixture.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;

class MirrorTest : public GitTest {
 protected:
  void SetUp() override {
    GitTest::SetUp();
    repository_ = std::make_unique<TestRepository>(top_, "r");
    repository_->Commit({{"f", "1"}, {"d/g", "2"}});
    cache_ = NewCache("cache");
    auto resolved = Resolve();
    ASSERT_TRUE(resolved) << resolved.error().message;
    ASSERT_TRUE(blobs_->Remove(resolved->tree));  // so that every Resolve reads the mirror
  }

  Result<GitCache::Resolved> Resolve() { return cache_->Resolve(FileUrl(*repository_), ""); }

  // Calls f on every file of the mirror whose name ends so; there is at least one.
  template <class F>
  void ForFiles(const std::string& end, F f) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(MirrorOf("cache"))) {
      if (entry.is_regular_file() && entry.path().string().ends_with(end)) files.push_back(entry.path());
    }
    ASSERT_FALSE(files.empty()) << end;
    for (const fs::path& file : files) {
      fs::permissions(file, fs::perms::owner_all);
      f(file);
    }
  }

  void ExpectHealed() {
    const std::string commit = repository_->BareGit({"rev-parse", "main"});
    auto resolved = Resolve();
    ASSERT_TRUE(resolved) << resolved.error().message;
    EXPECT_EQ(resolved->commit, commit);
    EXPECT_EQ(Contents(Unpack(resolved->tree) / "f"), "1");
  }

  std::unique_ptr<TestRepository> repository_;
  std::unique_ptr<GitCache> cache_;
};

TEST_F(MirrorTest, APackCutShort) {
  ForFiles(".pack", [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); });
  ExpectHealed();
}

TEST_F(MirrorTest, APackOfOtherBytes) {
  ForFiles(".pack", [](const fs::path& file) {
    const auto size = fs::file_size(file);
    std::ofstream(file, std::ios::binary) << Noise(size);
  });
  ExpectHealed();
}

TEST_F(MirrorTest, APackThatIsGone) {
  ForFiles(".pack", [](const fs::path& file) { fs::remove(file); });
  ForFiles(".idx", [](const fs::path& file) { fs::remove(file); });
  ExpectHealed();
}

TEST_F(MirrorTest, AnIndexOfOtherBytes) {
  ForFiles(".idx", [](const fs::path& file) { std::ofstream(file, std::ios::binary) << Noise(2000); });
  ExpectHealed();
}

TEST_F(MirrorTest, NotARepositoryAnyMore) {
  fs::remove(MirrorOf("cache") / "HEAD");
  ExpectHealed();
}

TEST_F(MirrorTest, DamagedWhereTheNextFetchLooks) {
  ForFiles(".pack", [](const fs::path& file) { fs::resize_file(file, 20); });
  repository_->Commit({{"new", "3"}});
  ExpectHealed();
}

TEST_F(MirrorTest, WhatAKilledHelperLeft) {
  const fs::path mirror = MirrorOf("cache");
  ForFiles("", [](const fs::path&) {});
  for (const auto& entry : fs::directory_iterator(mirror / "refs/tips"))
    std::ofstream(entry.path().string() + ".lock") << "";
  std::ofstream(mirror / "config.lock") << "";
  std::ofstream(mirror / "objects/pack/pack_git2_AbCdEf") << "half";
  repository_->Commit({{"new", "3"}});
  ExpectHealed();
  EXPECT_FALSE(fs::exists(mirror / "objects/pack/pack_git2_AbCdEf"));
}

TEST_F(MirrorTest, AMirrorOfTooManyPacksIsMadeAnew) {
  settings_.max_packs = 3;
  cache_ = NewCache("cache");
  for (int i = 0; i < 8; ++i) {
    repository_->Commit({{"n", std::to_string(i)}});
    ASSERT_TRUE(Resolve());
    int packs = 0;
    ForFiles(".pack", [&](const fs::path&) { ++packs; });
    EXPECT_LE(packs, 4);
  }
  ExpectHealed();
}

TEST_F(MirrorTest, ARecordOfATreeThatCanNotBeRead) {
  for (const auto& entry : fs::directory_iterator(MirrorOf("cache").parent_path() / "trees")) {
    std::ofstream(entry.path()) << "tree 1 ../../etc/passwd 7\n";
  }
  ExpectHealed();
}

}  // namespace
}  // namespace cromt
