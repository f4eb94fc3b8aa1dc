// Repositories made to harm (attacks 19 to 22): what they hold is refused or stays bytes.
#include <fstream>

#include "tests/unit/git/fixture.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HostileTest : public GitTest {
 protected:
  void SetUp() override {
    GitTest::SetUp();
    repository_ = std::make_unique<TestRepository>(top_, "r");
    server_ = std::make_unique<HttpServer>(top_, top_ / "log");
  }

  // By both ways: over the network, and from a repository on the own disk.
  void ExpectRefused(const std::string& part) {
    for (const std::string& url : {server_->Url("r.git"), FileUrl(*repository_)}) {
      SCOPED_TRACE(url);
      auto resolved = NewCache("cache")->Resolve(url, "");
      ASSERT_FALSE(resolved) << "was packed";
      EXPECT_EQ(resolved.error().code, ErrorCode::kInvalid) << resolved.error().message;
      EXPECT_THAT(resolved.error().message, HasSubstr(part));
      EXPECT_THAT(*blobs_->List(), IsEmpty());
    }
  }

  // A tree with one entry.
  std::string Entry(const std::string& mode, const std::string& name, const std::string& id) {
    return mode + " " + name + std::string(1, '\0') + id;
  }
  std::string Blob(const std::string& bytes = "x") { return repository_->WriteRaw("blob", bytes); }
  std::string Tree(const std::string& bytes) { return repository_->WriteRaw("tree", bytes); }

  std::unique_ptr<TestRepository> repository_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HostileTest, ALinkOutOfTheTree) {
  for (auto [name, target] :
       {std::pair("tasks", "/etc"), std::pair("jobs.yaml", "../../etc/passwd"), std::pair("up", "..")}) {
    SCOPED_TRACE(name);
    fs::create_symlink(target, repository_->work / name);
    repository_->Commit({});
    ExpectRefused(std::string("'") + name + "': a symbolic link to '" + target + "', which points out of the tree");
    fs::remove(repository_->work / name);
  }
}

TEST_F(HostileTest, NamesThatGitKeepsForItself) {
  for (std::string name : {".git", ".GIT", ".Git"}) {
    SCOPED_TRACE(name);
    repository_->CommitRawTree(Entry("100644", name, Blob("gitdir: /etc")));
    ExpectRefused("'" + name + "': a name that Git keeps for itself");
    repository_->CommitRawTree(Entry("40000", name, Tree(Entry("100755", "hooks", Blob()))));
    ExpectRefused("a name that Git keeps for itself");
  }
  fs::remove_all(top_ / "cache");
  repository_->CommitRawTree(Entry("40000", "d", Tree(Entry("120000", ".git", Blob("x")))));
  ExpectRefused("'d/.git'");
}

TEST_F(HostileTest, NamesThatLeadOut) {
  for (std::string name : {"..", ".", "a/b", "../x", "/etc"}) {
    SCOPED_TRACE(name);
    repository_->CommitRawTree(Entry("100644", name, Blob()));
    ExpectRefused("'" + name + "': a name that no file has");
  }
}

TEST_F(HostileTest, NamesThatComeTwice) {
  const std::string blob = Blob();
  repository_->CommitRawTree(Entry("100644", "a", blob) + Entry("100644", "a", blob));
  ExpectRefused("'a': a name that comes twice");
  repository_->CommitRawTree(Entry("120000", "a", Blob("b")) + Entry("40000", "a", Tree(Entry("100644", "x", blob))));
  ExpectRefused("'a': a name that comes twice");
}

TEST_F(HostileTest, ATreeDeeperThanAnyone) {
  std::string tree = Tree(Entry("100644", "leaf", Blob()));
  for (int i = 0; i < 130; ++i) tree = Tree(Entry("40000", "d", tree));
  repository_->CommitRawTree(Entry("40000", "d", tree));
  ExpectRefused("more than 128 directories deep");
}

// 10^9 files of a few kilobytes: trees that hold one tree ten times.
TEST_F(HostileTest, ATreeBomb) {
  std::string tree = Tree(Entry("100644", "leaf", Blob()));
  for (int depth = 0; depth < 9; ++depth) {
    std::string entries;
    for (char c = '0'; c <= '9'; ++c) entries += Entry("40000", std::string(1, c), tree);
    tree = Tree(entries);
  }
  repository_->CommitRawTree(Entry("40000", "d", tree));
  settings_.max_files = 20'000;
  auto resolved = NewCache("cache")->Resolve(server_->Url("r.git"), "");
  EXPECT_EQ(resolved.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(resolved.error().message, HasSubstr("more than 20000 files"));
}

// A few kilobytes that unpack to 16 MB: refused by its size before it is unpacked.
TEST_F(HostileTest, AFileBomb) {
  std::ofstream(repository_->work / "zeros", std::ios::binary) << std::string(16 << 20, '\0');
  repository_->Commit({});
  settings_.max_tree_bytes = 8 << 20;
  auto resolved = NewCache("cache")->Resolve(server_->Url("r.git"), "");
  EXPECT_EQ(resolved.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(resolved.error().message, HasSubstr("with 'zeros' the files of commit"));
}

// Whatever would run a program or change bytes at a checkout does neither.
TEST_F(HostileTest, FiltersHooksAndConfigurationAreInert) {
  const fs::path marker = top_ / "ran";
  const std::string touch = "touch " + marker.string();
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, '0') + "\nsize 5\n";
  repository_->Commit(
      {{".gitattributes", "*.f filter=evil ident eol=crlf export-subst\n*.bin filter=lfs\nhidden export-ignore\n"},
       {"a.f", "one\n$Id$ $Format:%H$\n"},
       {"big.bin", pointer},
       {"hidden", "seen"},
       {".gitmodules", "[submodule \"x\"]\n\tpath = -x\n\turl = --upload-pack=" + touch + "\n"},
       {".lfsconfig", "[lfs]\n\turl = http://127.0.0.1:1/\n"}});
  for (auto [key, value] :
       {std::pair("filter.evil.smudge", touch), std::pair("filter.evil.clean", touch),
        std::pair("filter.lfs.smudge", touch), std::pair("core.fsmonitor", touch), std::pair("core.sshCommand", touch),
        std::pair("core.gitProxy", touch), std::pair("uploadpack.packObjectsHook", touch),
        std::pair("core.hooksPath", top_.string()), std::pair("core.alternateRefsCommand", touch)}) {
    repository_->BareGit({"config", key, value});
  }
  for (std::string hook : {"post-checkout", "post-merge", "reference-transaction", "pre-auto-gc"}) {
    std::ofstream(top_ / hook) << "#!/bin/sh\n" + touch + "\n";
    fs::permissions(top_ / hook, fs::perms(0755));
  }
  fs::remove(marker);

  auto resolved = NewCache("cache")->Resolve(FileUrl(*repository_), "");
  ASSERT_TRUE(resolved) << resolved.error().message;
  const fs::path tree = Unpack(resolved->tree);
  EXPECT_EQ(Contents(tree / "a.f"), "one\n$Id$ $Format:%H$\n");
  EXPECT_EQ(Contents(tree / "big.bin"), pointer);
  EXPECT_EQ(Contents(tree / "hidden"), "seen");
  EXPECT_FALSE(fs::exists(marker));
}

// A commit whose files are of a repository that also has names with every odd character.
TEST_F(HostileTest, OddNamesArePlainNames) {
  repository_->Commit(
      {{"-rf", "1"}, {"a\nb", "2"}, {"$(x)", "3"}, {"\xff\xfe", "4"}, {"..x/...", "5"}, {"C:\\x", "6"}});
  auto resolved = NewCache("cache")->Resolve(server_->Url("r.git"), "");
  ASSERT_TRUE(resolved) << resolved.error().message;
  const fs::path tree = Unpack(resolved->tree);
  EXPECT_EQ(Contents(tree / "-rf") + Contents(tree / "a\nb") + Contents(tree / "$(x)") + Contents(tree / "\xff\xfe") +
                Contents(tree / "..x/...") + Contents(tree / "C:\\x"),
            "123456");
}

}  // namespace
}  // namespace cromt
