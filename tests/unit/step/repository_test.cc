// Nothing outside of the repository's root is read, with openat2 and without.
#include "agent/step/repository.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "temporary_repository.h"

namespace cromt::step {
namespace {

class RepositoryTest : public ::testing::TestWithParam<Repository::Resolver> {
 protected:
  Repository Open() { return std::move(Repository::Open(files_.path(), GetParam()).value()); }
  ErrorCode CodeOf(const std::string& path) {
    auto content = Open().Read(path, 1000);
    EXPECT_FALSE(content) << path;
    return content ? ErrorCode::kInternal : content.error().code;
  }
  TemporaryRepository files_;
};

TEST_P(RepositoryTest, ReadsWhatLiesBeneathTheRoot) {
  files_.Write("a/b/f", "content");
  files_.Link("b", "a/link");
  Repository repository = Open();
  EXPECT_EQ(repository.Read("a/b/f", 7).value(), "content");
  EXPECT_EQ(repository.Read("a/link/f", 7).value(), "content");
  EXPECT_EQ(repository.Read("a/b/f", 6).error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(repository.IsFile("a/link/f").value());
  EXPECT_TRUE(repository.IsDirectory("a/link").value());
  EXPECT_TRUE(repository.IsDirectory(".").value());
  EXPECT_FALSE(repository.IsFile("a/none").value());
  EXPECT_EQ(repository.root(), files_.path());
  EXPECT_EQ(repository.Absolute("a/b"), files_.path() + "/a/b");
}

TEST_P(RepositoryTest, RefusesEveryWayOut) {
  TemporaryRepository outside;
  outside.Write("secret", "x");
  files_.Link(outside.path() + "/secret", "file");
  files_.Link(outside.path(), "directory");
  files_.Link("../../../../../../../../etc/passwd", "up");
  EXPECT_EQ(CodeOf("file"), ErrorCode::kDenied);
  EXPECT_EQ(CodeOf("directory/secret"), ErrorCode::kDenied);
  EXPECT_EQ(CodeOf("up"), ErrorCode::kDenied);
  EXPECT_EQ(Open().IsFile("file").error().code, ErrorCode::kDenied);
  EXPECT_EQ(Open().IsDirectory("directory").error().code, ErrorCode::kDenied);
}

TEST_P(RepositoryTest, RefusesWhatIsNoPlainFile) {
  files_.Write("f", "x");
  files_.Link("loop", "loop");
  ASSERT_EQ(::mkfifo((files_.path() + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(CodeOf("fifo"), ErrorCode::kInvalid);  // and does not wait for a writer
  EXPECT_EQ(CodeOf("loop"), ErrorCode::kInvalid);
  EXPECT_EQ(CodeOf("."), ErrorCode::kInvalid);
  EXPECT_EQ(CodeOf("f/x"), ErrorCode::kInvalid);
  EXPECT_EQ(CodeOf("none"), ErrorCode::kNotFound);
  EXPECT_EQ(Open().IsDirectory("f").error().code, ErrorCode::kInvalid);
}

TEST_P(RepositoryTest, WalksDirectoriesWithinABound) {
  files_.Write("t/b/f", "");
  files_.Write("t/a", "");
  files_.Link("b", "t/link");
  files_.Link("/etc", "out");
  std::string seen;
  auto walk = [&](const std::string& top, size_t most) {
    seen.clear();
    return Open().Walk(top, most, [&](const std::string& path, const std::vector<Repository::Item>& items) -> Status {
      seen += path + ":";
      for (const Repository::Item& item : items)
        seen += " " + item.name + (item.is_directory ? "/" : item.is_file ? "" : "?");
      seen += "\n";
      return {};
    });
  };
  EXPECT_TRUE(walk("t", 4));
  EXPECT_EQ(seen, "t: a b/ link?\nt/b: f\n");
  EXPECT_EQ(walk("t", 3).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(walk("t", 2).error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(walk("none", 4) && walk("t/a", 4));
  EXPECT_EQ(seen, "");
  EXPECT_EQ(walk("out", 4).error().code, ErrorCode::kDenied);
}

INSTANTIATE_TEST_SUITE_P(Resolvers, RepositoryTest,
                         ::testing::Values(Repository::Resolver::kKernel, Repository::Resolver::kCompare));

TEST(RepositoryRoot, MustBeADirectory) {
  TemporaryRepository files;
  files.Write("f", "x");
  EXPECT_FALSE(Repository::Open(files.path() + "/none"));
  EXPECT_FALSE(Repository::Open(files.path() + "/f"));
}

}  // namespace
}  // namespace cromt::step
