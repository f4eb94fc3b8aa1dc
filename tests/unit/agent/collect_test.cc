// What is published and how it comes back: files, directories, patterns; and what is refused.
#include "agent/collect.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/artifact_dir.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;

class CollectTest : public testing::Test {
 protected:
  CollectTest() {
    std::string pattern = testing::TempDir() + "/collect-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    root_ = dir_ + "/work";
    fs::create_directory(root_);
    blobs_ = *BlobStore::Open(dir_ + "/blobs");
  }
  ~CollectTest() override { fs::remove_all(dir_); }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text;
  }
  Result<PublishedArtifact> Take(const std::string& path) { return Collect(root_, false, {"x", path}, *blobs_); }
  std::string WhyNot(const std::string& path) {
    auto taken = Take(path);
    return taken ? "taken" : taken.error().message;
  }
  // Every path below the consumer's `.artifacts`, with what it holds.
  std::string Staged(const PublishedArtifact& artifact, const std::string& as = "x") {
    std::string dir = dir_ + "/consumer";
    fs::create_directory(dir);
    auto inputs = std::make_shared<std::vector<LeaseInput>>();
    inputs->push_back({as, artifact, {}, {}, "h"});
    auto staged = StageArtifacts(dir, inputs, *blobs_);
    if (!staged) return staged.error().message;
    std::vector<std::string> lines;
    for (const auto& entry : fs::recursive_directory_iterator(dir + "/.artifacts")) {
      std::string line = entry.path().lexically_relative(dir + "/.artifacts").string();
      if (entry.is_symlink()) {
        line += "->" + fs::read_symlink(entry.path()).string();
      } else if (entry.is_regular_file()) {
        std::ifstream file(entry.path());
        line += "=" + std::string(std::istreambuf_iterator<char>(file), {});
        if ((entry.status().permissions() & fs::perms::owner_exec) != fs::perms::none) line += "*";
      } else {
        line += "/";
      }
      lines.push_back(std::move(line));
    }
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const std::string& line : lines) text += line + " ";
    return text;
  }

  std::string dir_, root_;
  std::unique_ptr<BlobStore> blobs_;
};

TEST_F(CollectTest, AFileIsItsBytes) {
  std::string bytes("a\0b\xFF\n", 5);
  Write("out/f.bin", bytes);
  auto artifact = Take("out/f.bin");
  ASSERT_TRUE(artifact) << artifact.error().message;
  EXPECT_FALSE(artifact->archive);
  EXPECT_EQ(artifact->digest.sha256, Sha256Hex(bytes));
  EXPECT_EQ(Staged(*artifact, "HOST/f.bin"), "HOST/ HOST/f.bin=" + bytes + " ");
}

TEST_F(CollectTest, AnEmptyFileIsAFile) {
  Write("f", "");
  EXPECT_EQ(Staged(*Take("f")), "x= ");
}

TEST_F(CollectTest, ADirectoryComesBackAsOne) {
  Write("tree/a", "1");
  Write("tree/sub/b", "2");
  fs::permissions(root_ + "/tree/a", fs::perms::owner_all);
  fs::create_symlink("b", root_ + "/tree/sub/link");
  fs::create_directory(root_ + "/tree/empty");
  EXPECT_EQ(Staged(*Take("tree")), "x/ x/a=1* x/empty/ x/sub/ x/sub/b=2 x/sub/link->b ");
}

TEST_F(CollectTest, APatternIsPackedWithItsPaths) {
  Write("build/a.tar", "1");
  Write("build/b.tar", "2");
  Write("build/.hidden.tar", "3");
  Write("build/c.txt", "4");
  Write("other/d.tar", "5");
  EXPECT_EQ(Staged(*Take("b*/*.tar")), "x/ x/build/ x/build/a.tar=1 x/build/b.tar=2 ");
  EXPECT_EQ(Staged(*Take("[b-o]*/?.t[!x]*")), "x/ x/build/ x/build/a.tar=1 x/build/b.tar=2 x/other/ x/other/d.tar=5 ");
  EXPECT_EQ(WhyNot("*.nothing"), "artifact 'x': '*.nothing' matches nothing");
}

TEST_F(CollectTest, TheSameTreeHasTheSameDigest) {
  Write("one/b", "2"), Write("one/a", "1");
  Write("two/a", "1"), Write("two/b", "2");
  EXPECT_EQ(Take("one")->digest, Take("two")->digest);
}

TEST_F(CollectTest, WhatIsNotThere) {
  EXPECT_EQ(WhyNot("out/f.txt"), "artifact 'x': out/f.txt is not there");
  EXPECT_EQ(Take("out/f.txt").error().code, ErrorCode::kNotFound);
}

TEST_F(CollectTest, NothingOutsideIsRead) {
  Write("in", "1");
  std::ofstream(dir_ + "/secret") << "secret";
  fs::create_symlink(dir_ + "/secret", root_ + "/absolute");
  fs::create_symlink("../secret", root_ + "/climbing");
  fs::create_symlink("..", root_ + "/up");
  fs::create_symlink("in", root_ + "/inside");
  for (const char* path : {"absolute", "climbing", "up/secret"})
    EXPECT_EQ(WhyNot(path), std::string("artifact 'x': ") + path + " leads out of the task's directory");
  EXPECT_NE(WhyNot("u*/secret"), "taken");
  EXPECT_EQ(Staged(*Take("inside")), "x=1 ");
  fs::create_directory(root_ + "/tree");
  fs::create_symlink(dir_ + "/secret", root_ + "/tree/link");
  EXPECT_NE(WhyNot("tree").find("link"), std::string::npos);
}

TEST_F(CollectTest, NoFifoIsWaitedFor) {
  ASSERT_EQ(::mkfifo((root_ + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(WhyNot("fifo"), "artifact 'x': fifo is neither a file nor a directory");
  fs::create_directory(root_ + "/tree");
  ASSERT_EQ(::mkfifo((root_ + "/tree/fifo").c_str(), 0600), 0);
  EXPECT_EQ(WhyNot("tree"), "artifact 'x': ./fifo is neither a file, a directory nor a link");
  EXPECT_NE(WhyNot("../../../../dev/zero"), "taken");
}

// A file that grows while it is read is not published in part.
TEST_F(CollectTest, AFileThatChangesIsRefused) {
  Write("log", std::string(4 << 20, 'x'));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    std::ofstream file(root_ + "/log", std::ios::app);
    while (!stop) file << "more" << std::flush;
  });
  std::string why = WhyNot("log");
  for (int i = 0; i < 50 && why == "taken"; ++i) why = WhyNot("log");
  stop = true;
  writer.join();
  EXPECT_EQ(why, "artifact 'x': log changed while it was read");
}

TEST_F(CollectTest, WhatLayInArtifactsIsGone) {
  fs::create_directories(dir_ + "/consumer/.artifacts/old");
  Write("f", "1");
  EXPECT_EQ(Staged(*Take("f")), "x=1 ");
  fs::remove_all(dir_ + "/consumer/.artifacts");
  fs::create_directory(dir_ + "/precious");
  std::ofstream(dir_ + "/precious/file") << "1";
  fs::create_symlink(dir_ + "/precious", dir_ + "/consumer/.artifacts");
  EXPECT_EQ(Staged(*Take("f")), "x=1 ");
  EXPECT_TRUE(fs::exists(dir_ + "/precious/file"));
}

}  // namespace
}  // namespace cromt
