// A directory becomes what came back of it, and nothing outside of it is written.
#include "agent/container/bring_back.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace cromt::container {
namespace {

namespace fs = std::filesystem;

class BringBackTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / "bring-back";
    fs::remove_all(root_);
    for (const char* dir : {"from", "to", "outside"}) fs::create_directories(root_ / dir);
  }
  void Write(const std::string& path, const std::string& text, mode_t mode = 0644) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
    ::chmod((root_ / path).c_str(), mode);
  }
  std::string Text(const std::string& path) {
    std::ifstream file(root_ / path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  mode_t Mode(const std::string& path) {
    struct stat info {};
    ::lstat((root_ / path).c_str(), &info);
    return info.st_mode & 07777;
  }
  Status Bring(const std::vector<std::string>& sent) { return BringBack(root_ / "from", root_ / "to", sent); }

  fs::path root_;
};

TEST_F(BringBackTest, FilesChangeOnlyWhereTheyDid) {
  Write("to/same", "same", 0600);
  Write("to/changed", "old", 0640);
  Write("to/runs", "x");
  Write("from/same", "same");
  Write("from/changed", "new");
  Write("from/runs", "x", 0755);
  Write("from/a/b/new", "new");
  const auto before = fs::last_write_time(root_ / "to/same");
  ASSERT_TRUE(Bring({"same", "changed", "runs"}));
  EXPECT_EQ(Text("to/same") + Text("to/changed") + Text("to/a/b/new"), "samenewnew");
  EXPECT_EQ(fs::last_write_time(root_ / "to/same"), before);
  EXPECT_EQ(Mode("to/same"), 0600u);
  EXPECT_EQ(Mode("to/changed"), 0640u);
  EXPECT_EQ(Mode("to/runs"), 0755u);
}

TEST_F(BringBackTest, WhatDidNotComeBackGoesAndWhatWasNotSentStays) {
  Write("to/dir/gone", "x");
  Write("to/dir/never-sent", "x");
  Write("to/all/gone", "x");
  ASSERT_TRUE(Bring({"dir", "dir/gone", "all", "all/gone", "was-never-there/x"}));
  EXPECT_FALSE(fs::exists(root_ / "to/all"));
  EXPECT_FALSE(fs::exists(root_ / "to/dir/gone"));
  EXPECT_TRUE(fs::exists(root_ / "to/dir/never-sent"));
}

TEST_F(BringBackTest, KindsMayChange) {
  Write("to/dir/file", "x");
  Write("to/file", "x");
  fs::create_symlink("file", root_ / "to/link");
  Write("from/dir", "now a file");
  Write("from/file/now", "in a directory");
  Write("from/link", "now a file");
  fs::create_symlink("dir", root_ / "from/new");
  ASSERT_TRUE(Bring({"dir", "dir/file", "file", "link"}));
  EXPECT_EQ(Text("to/dir") + Text("to/file/now") + Text("to/link"), "now a filein a directorynow a file");
  EXPECT_EQ(fs::read_symlink(root_ / "to/new"), "dir");
}

TEST_F(BringBackTest, NoLinkLeadsOut) {
  Write("outside/file", "x");
  fs::create_directory_symlink(root_ / "outside", root_ / "to/dir");
  fs::create_symlink(root_ / "outside/file", root_ / "to/file");
  Write("from/dir/file", "evil");
  Write("from/file", "evil");
  ASSERT_TRUE(Bring({"dir/gone", "dir"}));
  EXPECT_EQ(Text("outside/file"), "x");
  EXPECT_FALSE(fs::is_symlink(root_ / "to/dir"));
  EXPECT_EQ(Text("to/dir/file") + Text("to/file"), "evilevil");
  fs::remove_all(root_ / "from");
  fs::create_directory(root_ / "from");
  fs::remove_all(root_ / "to/dir");
  fs::create_directory_symlink(root_ / "outside", root_ / "to/dir");
  ASSERT_TRUE(Bring({"dir", "dir/file"}));
  EXPECT_EQ(Text("outside/file"), "x");
  EXPECT_FALSE(fs::is_symlink(root_ / "to/dir"));
}

}  // namespace
}  // namespace cromt::container
