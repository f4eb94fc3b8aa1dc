// What an attempt leaves in its slot is gone before the next one, whatever it is.
#include "agent/workspaces.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/launch_command.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;

class WorkspacesTest : public testing::Test {
 protected:
  WorkspacesTest() {
    std::string pattern = testing::TempDir() + "/workspaces-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    auto opened = Workspaces::Open(dir_ + "/work", 1);
    EXPECT_TRUE(opened);
    work_.emplace(std::move(*opened));
  }
  ~WorkspacesTest() override { fs::remove_all(dir_); }

  // So many directories in each other, the last one holding a file.
  void Dig(int levels) {
    fs::path home = fs::current_path();
    fs::current_path(work_->Path(0));
    for (int i = 0; i < levels; ++i) {
      ASSERT_EQ(::mkdir("d", 0700), 0);
      ASSERT_EQ(::chdir("d"), 0);
    }
    std::ofstream("file") << "x";
    ASSERT_EQ(::chdir(home.c_str()), 0);
  }

  void ExpectClean() {
    EXPECT_TRUE(work_->Clean(0));
    EXPECT_TRUE(work_->IsClean(0));
    fs::path trash = fs::path(work_->Path(0)).parent_path().parent_path() / "slot-0.trash";
    EXPECT_TRUE(!fs::exists(trash) || fs::is_empty(trash));
  }

  void ExpectCleanWithFewDescriptors() {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit few = before;
    few.rlim_cur = 64;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    ExpectClean();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  }

  std::string dir_;
  std::optional<Workspaces> work_;
};

TEST_F(WorkspacesTest, AnEmptyOneStaysEmpty) {
  EXPECT_TRUE(work_->IsClean(0));
  ExpectClean();
}

TEST_F(WorkspacesTest, DeeperThanThereAreDescriptors) {
  Dig(300);
  ExpectCleanWithFewDescriptors();
}

TEST_F(WorkspacesTest, DirectoriesThatForbidToLookIntoThem) {
  Dig(3);
  for (const char* path : {"/d/d/d", "/d/d", "/d"}) ASSERT_EQ(::chmod((work_->Path(0) + path).c_str(), 0), 0);
  ExpectClean();
}

TEST_F(WorkspacesTest, WhereALinkLeadsNothingChanges) {
  std::ofstream(dir_ + "/outside") << "kept";
  ASSERT_EQ(::chmod((dir_ + "/outside").c_str(), 0400), 0);
  ASSERT_EQ(::mkdir((dir_ + "/folder").c_str(), 0500), 0);
  Dig(300);
  fs::create_symlink(dir_ + "/outside", work_->Path(0) + "/link");
  fs::create_directory_symlink(dir_ + "/folder", work_->Path(0) + "/d/link");
  ExpectCleanWithFewDescriptors();
  struct stat outside {
  }, folder{};
  ASSERT_EQ(::stat((dir_ + "/outside").c_str(), &outside), 0);
  ASSERT_EQ(::stat((dir_ + "/folder").c_str(), &folder), 0);
  EXPECT_EQ(outside.st_mode & 0777, 0400u);
  EXPECT_EQ(folder.st_mode & 0777, 0500u);
}

TEST_F(WorkspacesTest, AFileOrALinkInItsPlace) {
  ASSERT_EQ(::rmdir(work_->Path(0).c_str()), 0);
  std::ofstream(work_->Path(0)) << "x";
  ExpectClean();
  ASSERT_EQ(::rmdir(work_->Path(0).c_str()), 0);
  fs::create_directory_symlink(dir_, work_->Path(0));
  ExpectClean();
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(work_->Path(0))));
}

TEST_F(WorkspacesTest, OneOfBeforeThereWereGatesGoesOnWhereItIsNow) {
  const fs::path before = fs::path(work_->Path(0)).parent_path().parent_path() / "slot-0";
  fs::remove_all(fs::path(work_->Path(0)).parent_path());
  fs::create_directory(before);
  std::ofstream(before / "file") << "of a job that works in it";
  ASSERT_TRUE(Workspaces::Open(before.parent_path(), 1));
  EXPECT_TRUE(fs::exists(work_->Path(0) + "/file"));
  EXPECT_TRUE(fs::exists(before / "file")) << "by its old name, too";
  ASSERT_TRUE(Workspaces::Open(before.parent_path(), 1)) << "again";
  EXPECT_TRUE(fs::exists(work_->Path(0) + "/file"));
  ExpectClean();
}

// Of who owns `path`, and its mode: "5:60 710".
std::string OwnerAndMode(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return fmt::format("{}:{} {:o}", info.st_uid, info.st_gid, info.st_mode & 07777);
}

class AsRoot : public WorkspacesTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  }
  const launcher::JobUser user_{5, 60, {60}};
  const std::string gate_ = fs::path(work_->Path(0)).parent_path();
};

TEST_F(AsRoot, TheNextUserIsLetInAndNobodyElse) {
  ASSERT_TRUE(work_->Admit(0, &user_, /*open=*/false));
  EXPECT_EQ(OwnerAndMode(gate_), fmt::format("0:{} 710", kFirstSlotGroup));
  EXPECT_EQ(OwnerAndMode(work_->Path(0)), "5:60 700");
  ASSERT_TRUE(work_->Admit(0, &user_, /*open=*/true));
  EXPECT_EQ(OwnerAndMode(gate_), fmt::format("0:{} 711", kFirstSlotGroup));
}

TEST_F(AsRoot, WhatAJobHasOpenedIsClosedForTheNext) {
  ASSERT_TRUE(work_->Admit(0, &user_, /*open=*/true));
  ASSERT_EQ(::chmod(work_->Path(0).c_str(), 0777), 0);
  const launcher::JobUser other{1, 1, {1}};
  ASSERT_TRUE(work_->Admit(0, &other, /*open=*/false));
  EXPECT_EQ(OwnerAndMode(work_->Path(0)), "1:1 700");
  EXPECT_EQ(OwnerAndMode(gate_), fmt::format("0:{} 710", kFirstSlotGroup));
}

TEST_F(AsRoot, NobodyGetsInWhileItIsStaged) {
  ASSERT_TRUE(work_->Admit(0, &user_, /*open=*/true));
  ASSERT_EQ(::chmod(work_->Path(0).c_str(), 0777), 0);
  auto blobs = BlobStore::Open(dir_ + "/blobs", Durability::kProcess);
  ASSERT_TRUE(blobs);
  ASSERT_TRUE(work_->Stage(0, TaskSpec(), **blobs));
  EXPECT_EQ(OwnerAndMode(work_->Path(0)), "0:0 700");
  EXPECT_EQ(OwnerAndMode(gate_), fmt::format("0:{} 710", kFirstSlotGroup));
}

TEST_F(AsRoot, AllThatIsThereIsGivenAndLinksAreNotFollowed) {
  std::ofstream(dir_ + "/outside") << "kept";
  Dig(2);
  fs::create_symlink(dir_ + "/outside", work_->Path(0) + "/link");
  fs::create_directory_symlink(dir_, work_->Path(0) + "/folder");
  ASSERT_TRUE(work_->Give(0, user_));
  for (const char* name : {"/d", "/d/d", "/d/d/file", "/link", "/folder"})
    EXPECT_EQ(OwnerAndMode(work_->Path(0) + name).substr(0, 5), "5:60 ") << name;
  EXPECT_EQ(OwnerAndMode(dir_ + "/outside").substr(0, 4), "0:0 ");
}

}  // namespace
}  // namespace cromt
