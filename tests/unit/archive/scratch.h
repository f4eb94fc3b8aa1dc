// A temporary directory and ways to put bytes into it and out again.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/unique_fd.h"
#include "io/archive/extract.h"

namespace cromt {

class ScratchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "cromt-archive-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    top_ = pattern;
    std::filesystem::create_directory(tree());
  }
  void TearDown() override { std::filesystem::remove_all(top_); }

  // Where archives are extracted to; next to it lies what they must not touch.
  std::filesystem::path tree() const { return top_ / "tree"; }

  std::string Contents(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  Result<Extracted> Extract(const std::string& archive, const ExtractLimits& limits = {}) {
    std::ofstream(top_ / "archive", std::ios::binary) << archive;
    UniqueFd fd(open((top_ / "archive").c_str(), O_RDONLY | O_CLOEXEC));
    return ExtractArchive(fd.get(), tree(), limits);
  }

  std::filesystem::path top_;
};

}  // namespace cromt
