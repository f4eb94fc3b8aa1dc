// Submodules: off unless allowed; from where, how deep, how many.
#include "io/git/submodule.h"

#include <fmt/format.h>

#include "tests/unit/git/fixture.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using git::ResolveSubmoduleUrl;
using git::UrlIn;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ModuleFile, TheUrlOfAPath) {
  const std::string text =
      "[submodule \"x\"]\n\tpath = lib/x\n\turl = ../x.git\n"
      "[submodule \"y\"]\n\turl = https://h/y.git\n\tbranch = main\n\tpath = lib/y\n"
      "[submodule \"q\"]\n\tpath = q\n\turl = \"https://h/q\"\n"
      "[submodule \"n\"]\n\tpath = n\n[other]\n\turl = https://h/other\n";
  EXPECT_EQ(UrlIn(text, "lib/x"), "../x.git");
  EXPECT_EQ(UrlIn(text, "lib/y"), "https://h/y.git");
  EXPECT_EQ(UrlIn(text, "q"), "") << "quotes would have to be understood";
  EXPECT_EQ(UrlIn(text, "n"), "");
  EXPECT_EQ(UrlIn(text, "none"), "");
  EXPECT_EQ(UrlIn("", "x"), "");
  EXPECT_EQ(UrlIn("path = x\nurl = u", "x"), "u");
  EXPECT_EQ(UrlIn("[\n=\npath\npath = \n", "x"), "");
}

TEST(SubmoduleUrl, IsRelativeToTheRepositoryThatNamesIt) {
  EXPECT_EQ(*ResolveSubmoduleUrl("https://h/a/b.git", "https://x/y"), "https://x/y");
  EXPECT_EQ(*ResolveSubmoduleUrl("https://h/a/b.git", "../c.git"), "https://h/a/c.git");
  EXPECT_EQ(*ResolveSubmoduleUrl("https://h/a/b.git/", "../../c.git"), "https://h/c.git");
  EXPECT_EQ(*ResolveSubmoduleUrl("https://h/a/b.git", "./c"), "https://h/a/b.git/c");
  EXPECT_EQ(*ResolveSubmoduleUrl("git@h:team/b.git", "../c.git"), "git@h:team/c.git");
  EXPECT_EQ(*ResolveSubmoduleUrl("git@h:b.git", "../c.git"), "git@h:c.git");
  EXPECT_EQ(*ResolveSubmoduleUrl("file:///srv/b.git", "../c.git"), "file:///srv/c.git");
  EXPECT_FALSE(ResolveSubmoduleUrl("https://h/b.git", "../../../c.git"));
  EXPECT_FALSE(ResolveSubmoduleUrl("git@h:b.git", "../../c.git"));
}

TEST(GitPrefix, EndsWhereAPartOfTheUrlEnds) {
  auto under = [](std::string_view url, std::string_view prefix) {
    return IsUnder(*ParseGitUrl(url), *ParseGitPrefix(prefix));
  };
  EXPECT_TRUE(under("https://h/team/x.git", "https://h/team"));
  EXPECT_TRUE(under("https://H/team/x.git", "https://h/"));
  EXPECT_TRUE(under("git@h:team/x.git", "git@h:team"));
  EXPECT_TRUE(under("file:///srv/git/x.git", "file:///srv/git/"));
  EXPECT_FALSE(under("https://h/teams/x.git", "https://h/team"));
  EXPECT_FALSE(under("https://h.evil/team/x.git", "https://h/team"));
  EXPECT_FALSE(under("http://h/team/x.git", "https://h/team"));
  EXPECT_FALSE(under("https://h:8443/team/x.git", "https://h/team"));
  EXPECT_FALSE(ParseGitPrefix("true"));
  EXPECT_FALSE(ParseGitPrefix("https://token@h/"));
  EXPECT_FALSE(ParseGitPrefix(""));
}

class SubmoduleTest : public GitTest {
 protected:
  void SetUp() override {
    GitTest::SetUp();
    server_ = std::make_unique<HttpServer>(top_, top_ / "log");
  }

  // A repository r with submodules: path → (repository's commit, URL). The commit of r.
  struct Inner {
    std::string path, commit, url;
  };
  std::string Commit(TestRepository& repository, const std::vector<Inner>& inner,
                     std::map<std::string, std::string> files = {{"f", "outer"}}) {
    std::string& text = files[".gitmodules"];
    for (const Inner& one : inner)
      text += fmt::format("[submodule \"{0}\"]\n\tpath = {0}\n\turl = {1}\n", one.path, one.url);
    repository.Commit(files);
    for (const Inner& one : inner)
      repository.Git({"update-index", "--add", "--cacheinfo", "160000," + one.commit + "," + one.path});
    repository.Git({"commit", "-q", "-m", "submodules"});
    repository.Git({"push", "-q", "--force", repository.bare, "main"});
    return repository.Git({"rev-parse", "HEAD"});
  }
  void Allow(const std::string& text) {
    auto prefix = ParseGitPrefix(text);
    ASSERT_TRUE(prefix) << prefix.error().message;
    settings_.submodules.push_back(std::move(*prefix));
  }
  Result<GitCache::Resolved> Resolve(const std::string& name = "r") {
    return NewCache("cache")->Resolve(server_->Url(name + ".git"), "");
  }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(SubmoduleTest, StayEmptyAndAreNamedUnlessAllowed) {
  TestRepository x(top_, "x"), r(top_, "r");
  const std::string commit = x.Commit({{"in", "x"}});
  Commit(r, {{"third_party/x", commit, "../x.git"}});
  auto resolved = Resolve();
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_THAT(resolved->notes, ElementsAre("submodule 'third_party/x' is left empty: submodules are not fetched; "
                                           "git.submodules may allow them"));
  EXPECT_TRUE(fs::is_empty(Unpack(resolved->tree) / "third_party/x"));
  EXPECT_EQ(Resolve()->notes, resolved->notes) << "also when the tree is known already";
  EXPECT_THAT(server_->Log(), Not(HasSubstr("x.git")));
}

TEST_F(SubmoduleTest, AllowedOnesAreThereAtTheirCommit) {
  TestRepository x(top_, "x"), r(top_, "r");
  const std::string commit = x.Commit({{"in", "then"}, {"deep/er", "too"}});
  x.Commit({{"in", "now"}});
  Commit(r, {{"third_party/x", commit, "../x.git"}, {"y", commit, server_->Url("x.git")}});
  Allow(server_->Url(""));
  auto resolved = Resolve();
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_THAT(resolved->notes, IsEmpty());
  const fs::path tree = Unpack(resolved->tree);
  EXPECT_EQ(Contents(tree / "f"), "outer");
  EXPECT_EQ(Contents(tree / "third_party/x/in"), "then");
  EXPECT_EQ(Contents(tree / "third_party/x/deep/er"), "too");
  EXPECT_EQ(Contents(tree / "y/in"), "then");
  EXPECT_EQ(Resolve()->tree, resolved->tree);
}

TEST_F(SubmoduleTest, WithinOthersToo) {
  TestRepository a(top_, "a"), b(top_, "b"), r(top_, "r");
  const std::string inner = a.Commit({{"in", "a"}});
  const std::string middle = Commit(b, {{"a", inner, "../a.git"}}, {{"in", "b"}});
  Commit(r, {{"b", middle, "../b.git"}});
  Allow(server_->Url(""));
  auto resolved = Resolve();
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(Contents(Unpack(resolved->tree) / "b/a/in"), "a");
}

TEST_F(SubmoduleTest, FromElsewhereAndWithOddUrlsStayEmpty) {
  TestRepository x(top_, "x"), r(top_, "r");
  const std::string commit = x.Commit({{"in", "x"}});
  fs::create_directories(top_ / "team");
  Allow(server_->Url("team"));
  Commit(r, {{"a", commit, "../x.git"},
             {"b", commit, "--upload-pack=touch x"},
             {"c", commit, "ext::sh -c touch"},
             {"d", commit, "../../../../x.git"},
             {"e", commit, ""}});
  auto resolved = Resolve();
  ASSERT_TRUE(resolved) << resolved.error().message;
  ASSERT_EQ(resolved->notes.size(), 5u);
  EXPECT_THAT(resolved->notes[0],
              HasSubstr("'a' is left empty: git.submodules does not allow " + server_->Url("x.git")));
  for (const std::string& note : resolved->notes) EXPECT_THAT(note, HasSubstr("is left empty: "));
  for (const char* name : {"a", "b", "c", "d", "e"}) EXPECT_TRUE(fs::is_empty(Unpack(resolved->tree) / name));
}

TEST_F(SubmoduleTest, OneThatIsAllowedButCantBeFetchedFails) {
  TestRepository r(top_, "r");
  const std::string commit = r.Commit({{"f", "1"}});
  Commit(r, {{"x", commit, "../none.git"}});
  Allow(server_->Url(""));
  auto resolved = Resolve();
  ASSERT_FALSE(resolved);
  EXPECT_THAT(resolved.error().message, HasSubstr("r.git: submodule 'x': "));
}

TEST_F(SubmoduleTest, ARepositoryWithinItselfEnds) {
  TestRepository r(top_, "r");
  std::string commit = r.Commit({{"f", "1"}});
  for (int i = 0; i < 5; ++i) commit = Commit(r, {{"self", commit, "../r.git"}}, {{"f", std::to_string(i)}});
  Allow(server_->Url(""));
  auto resolved = Resolve();
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(resolved.error().message, HasSubstr("more than 100 submodules, or more than 3 deep"));
}

TEST_F(SubmoduleTest, LimitsHoldForAllFilesTogether) {
  TestRepository x(top_, "x"), r(top_, "r");
  const std::string commit = x.Commit({{"a", "1"}, {"b", "2"}});
  Commit(r, {{"x", commit, "../x.git"}});
  Allow(server_->Url(""));
  settings_.max_files = 4;
  auto resolved = Resolve();
  ASSERT_FALSE(resolved);
  EXPECT_THAT(resolved.error().message, HasSubstr("with its submodules it has more than 4 files"));
  settings_.max_files = 5;
  EXPECT_TRUE(Resolve());
}

}  // namespace
}  // namespace cromt
