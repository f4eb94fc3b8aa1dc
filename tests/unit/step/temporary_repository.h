// A job's repository in a directory of its own, removed at the end.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace cromt::step {

class TemporaryRepository {
 public:
  TemporaryRepository() {
    std::string path = ::testing::TempDir() + "/cromt-step-test-XXXXXX";
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    path_ = std::filesystem::canonical(path);
  }
  TemporaryRepository(const TemporaryRepository&) = delete;
  TemporaryRepository& operator=(const TemporaryRepository&) = delete;
  ~TemporaryRepository() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }

  void Write(const std::string& file, std::string_view content) const {
    const std::filesystem::path path = path_ + "/" + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  void MakeExecutable(const std::string& file) const {
    std::filesystem::permissions(path_ + "/" + file, std::filesystem::perms::owner_all);
  }
  void Link(const std::string& target, const std::string& name) const {
    const std::filesystem::path path = path_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    ASSERT_EQ(::symlink(target.c_str(), path.c_str()), 0);
  }

 private:
  std::string path_;
};

}  // namespace cromt::step
