// Whose password a URL gets, and what the files may be that hold them.
#include "io/git/login.h"

#include <sys/stat.h>

#include "tests/unit/git/fixture.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class LoginTest : public GitTest {
 protected:
  // USER of the login that `url` gets with one rule, "-" for none.
  std::string UserFor(const std::string& url, const std::string& prefix) {
    return UserFor(url, GitLoginFiles{{prefix, PrivateFile(top_ / "one", "me:pass\n")}});
  }
  std::string UserFor(const std::string& url, const GitLoginFiles& files) {
    auto parsed = ParseGitUrl(url);
    if (!parsed) return parsed.error().message;
    auto login = FindLogin(*parsed, files);
    if (!login) return login.error().message;
    return *login ? (*login)->user : "-";
  }
  Result<std::optional<GitLogin>> Read(const std::string& text) {
    return FindLogin(*ParseGitUrl("https://host/r"), {{"https://host/", PrivateFile(top_ / "file", text)}});
  }
};

TEST_F(LoginTest, AUrlUnderThePrefix) {
  for (std::string prefix : {"https://host", "https://host/", "https://host/team", "https://host/team/",
                             "https://host/team/r.git", "https://HOST/team", "https://host:443/team"}) {
    EXPECT_EQ(UserFor("https://host/team/r.git", prefix), "me") << prefix;
  }
  EXPECT_EQ(UserFor("https://host:443/team/r.git", "https://host/"), "me");
  EXPECT_EQ(UserFor("https://someone@host/team/r.git", "https://host/"), "me");
}

// Attack 23: a name that only begins like the prefix is somebody else's.
TEST_F(LoginTest, AUrlThatOnlyLooksLikeIt) {
  for (std::string url :
       {"https://host.evil/team/r", "https://hostx/team/r", "http://host/team/r", "https://host:444/team/r",
        "https://host/teams/r", "https://host/team.evil/r", "https://host//team/r", "https://evil/host/team/r",
        "ssh://host/team/r", "git://host/team/r"}) {
    EXPECT_EQ(UserFor(url, "https://host/team"), "-") << url;
  }
  EXPECT_THAT(UserFor("https://host/team/../other/r", "https://host/team"), HasSubstr("'..'"));
  EXPECT_THAT(UserFor("https://host/team/%2e%2e/other/r", "https://host/team"), HasSubstr("'..'"));
}

TEST_F(LoginTest, TheLongestPrefixWins) {
  const std::string host = PrivateFile(top_ / "host", "host:x"), team = PrivateFile(top_ / "team", "team:x");
  const GitLoginFiles files = {{"https://host/", host}, {"https://host/team", team}, {"https://other", host}};
  EXPECT_EQ(UserFor("https://host/team/r", files), "team");
  EXPECT_EQ(UserFor("https://host/else/r", files), "host");
  EXPECT_EQ(UserFor("https://nobody/else/r", files), "-");
}

TEST_F(LoginTest, PrefixesThatAreNone) {
  for (std::string prefix :
       {"", "host", "https://", "https:///x", "ssh://host/", "git@host:", "file:///srv", "/srv", "https://user@host/",
        "https://user:pass@host/", "https://host/../", "https://ho st/", "https://host/?x", "*", "https://*"}) {
    EXPECT_FALSE(CheckLoginPrefix(prefix)) << prefix;
  }
  EXPECT_THAT(CheckLoginPrefix("ssh://host/").error().message, HasSubstr("a prefix is http(s)://HOST[:PORT][/PATH]"));
}

TEST_F(LoginTest, WhatAFileHolds) {
  EXPECT_EQ((*Read("me:pass"))->password, "pass");
  EXPECT_EQ((*Read("me:pass\r\n"))->password, "pass");
  EXPECT_EQ((*Read("me:a:b c\n"))->password, "a:b c");
  for (std::string bad : {"", "secret", ":secret", "secret:", "me:secret\nmore", "me:sec\tret\n", "\n"}) {
    auto login = Read(bad);
    ASSERT_FALSE(login) << bad;
    EXPECT_THAT(login.error().message, HasSubstr("https://host/r: git.credentials of https://host/: " +
                                                 (top_ / "file").string() + ": one line USER:PASSWORD is meant"));
    EXPECT_THAT(login.error().message, Not(HasSubstr("secret")));
  }
}

TEST_F(LoginTest, FilesThatAreNotTaken) {
  const GitLoginFiles files = {{"https://host/", (top_ / "file").string()}};
  EXPECT_THAT(UserFor("https://host/r", files), HasSubstr("No such file"));
  PrivateFile(top_ / "file", "me:pass");
  fs::permissions(top_ / "file", fs::perms(0644));
  EXPECT_THAT(UserFor("https://host/r", files), HasSubstr("everybody may read it; chmod o="));
  fs::permissions(top_ / "file", fs::perms(0640));
  EXPECT_EQ(UserFor("https://host/r", files), "me");
  PrivateFile(top_ / "file", "me:" + std::string(100'000, 'x'));
  EXPECT_THAT(UserFor("https://host/r", files), HasSubstr("larger than"));
  fs::remove(top_ / "file");
  ASSERT_EQ(mkfifo((top_ / "file").c_str(), 0600), 0);
  EXPECT_THAT(UserFor("https://host/r", files), HasSubstr("no regular file"));
  EXPECT_THAT(UserFor("https://host/r", {{"https://host", top_.string()}}), HasSubstr("no regular file"));
}

}  // namespace
}  // namespace cromt
