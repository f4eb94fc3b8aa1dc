#include "io/git/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cromt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(GitUrl, WhatUsersWrite) {
  struct Case {
    std::string text;
    GitTransport transport;
    std::string identity;
  };
  for (const Case& c : {
           Case{"https://github.com/melezhik/cromtit.git", GitTransport::kHttps,
                "https://github.com/melezhik/cromtit.git"},
           Case{"http://127.0.0.1:8080/r", GitTransport::kHttp, "http://127.0.0.1:8080/r"},
           Case{"http://[::1]:8080/r", GitTransport::kHttp, "http://[::1]:8080/r"},
           Case{"https://host/~user/a%20b.git", GitTransport::kHttps, "https://host/~user/a%20b.git"},
           Case{"https://user@host/r", GitTransport::kHttps, "https://host/r"},
           Case{"https://user@host:444/r", GitTransport::kHttps, "https://host:444/r"},
           Case{"git://host/r.git", GitTransport::kGit, "git://host/r.git"},
           Case{"ssh://git@host:22/r.git", GitTransport::kSsh, "ssh://host:22/r.git"},
           Case{"git@github.com:melezhik/cromtit.git", GitTransport::kSsh, "github.com:melezhik/cromtit.git"},
           Case{"file:///srv/git/r.git", GitTransport::kFile, "file:///srv/git/r.git"},
           Case{"/srv/git/r.git", GitTransport::kFile, "file:///srv/git/r.git"},
       }) {
    SCOPED_TRACE(c.text);
    auto url = ParseGitUrl(c.text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->transport, c.transport);
    EXPECT_EQ(url->identity, c.identity);
  }
}

// Attack 23: what is in a job file is seen by many.
TEST(GitUrl, APasswordIsRefusedAndNotRepeated) {
  auto url = ParseGitUrl("https://user:secret@host/r");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code, ErrorCode::kDenied);
  EXPECT_THAT(url.error().message, HasSubstr("(git: credentials)"));
  for (std::string bad : {"https://user:secret@host/r", "https://user:secret@/r", "https:///user:secret@host/r",
                          "https://user:secret@host", "gopher://user:secret@host/r", "https://user:secret@host/../r",
                          "https://user:secret@host:x/r", "ssh://user:secret@host/r", "https://user:secret@host/a@b"}) {
    auto refused = ParseGitUrl(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_THAT(refused.error().message, Not(HasSubstr("secret"))) << bad;
  }
}

TEST(GitUrl, AUserOfHttpMayBeATokenAndGoesNowhere) {
  auto url = ParseGitUrl("https://token@host/r");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->shown, "https://***@host/r");
  EXPECT_EQ(url->text, "https://host/r");
  EXPECT_EQ(ParseGitUrl("ssh://git@host/r")->shown, "ssh://git@host/r") << "a name is no secret";
}

TEST(GitUrl, ItsParts) {
  auto parts = [](const std::string& text) {
    auto url = ParseGitUrl(text);
    EXPECT_TRUE(url) << text;
    return url ? url->host + " " + std::to_string(url->port) + " " + url->path : "";
  };
  EXPECT_EQ(parts("https://u@Host/a/b.git"), "Host 443 /a/b.git");
  EXPECT_EQ(parts("http://[::1]:8080/r"), "::1 8080 /r");
  EXPECT_EQ(parts("ssh://git@host/~u/r"), "host 22 /~u/r");
  EXPECT_EQ(parts("ssh://host:2222/r"), "host 2222 /r");
  EXPECT_EQ(parts("git@host:a/b"), "host 22 a/b");
  EXPECT_EQ(parts("git://host/r"), "host 9418 /r");
  EXPECT_EQ(parts("/srv/r"), " 0 /srv/r");
}

// The library puts the path between quotes and a shell of the server reads it (attack 39).
TEST(GitUrl, NothingForAServersShell) {
  for (std::string text :
       {"git@host:a';touch%20x;'", "ssh://host/a'b", "ssh://host/a%27b", "git@host:a%27b", "ssh://host/a$(x)",
        "ssh://host/a`x`", "git@host:a;b", "git@host:a|b", "ssh://host/a%22b", "git@host:!x"}) {
    auto url = ParseGitUrl(text);
    ASSERT_FALSE(url) << text;
    EXPECT_THAT(url.error().message, HasSubstr("shell")) << text;
  }
  EXPECT_TRUE(ParseGitUrl("https://host/a'b$")) << "no shell is there";
}

// Attacks 17 and 18 of the list: nothing of these reaches any library.
TEST(GitUrl, HostileOnesAreRefused) {
  for (const std::string& text : {
           std::string(""),
           std::string("-"),
           std::string("--upload-pack=touch /tmp/x"),
           std::string("-u./x"),
           std::string("ext::sh -c touch% /tmp/x"),
           std::string("ext::sh"),
           std::string("fd::17"),
           std::string("fd::17/x"),
           std::string("https::https://host/r"),
           std::string("gopher://host/r"),
           std::string("ftp://host/r"),
           std::string("javascript://host/r"),
           std::string("HTTPS://host/r"),
           std::string("https:///host"),
           std::string("https://"),
           std::string("https://host"),
           std::string("https://host/"),
           std::string("https://host//"),
           std::string("https://-oProxyCommand=x/r"),
           std::string("ssh://-oProxyCommand=touch/r"),
           std::string("ssh://-oProxyCommand=x@host/r"),
           std::string("git@-oProxyCommand=x:r"),
           std::string("-git@host:r"),
           std::string("ssh://git@host/-r"),
           std::string("https://host/--upload-pack=x/r"),
           std::string("git@host:-x"),
           std::string("http://host/r\nHost: evil"),
           std::string("http://host/r\r"),
           std::string("http://ho st/r"),
           std::string("http://host/a b"),
           std::string("http://host/r\0x", 15),
           std::string("http://host/\x1b[2J"),
           std::string("http://host/%0d%0aX: y"),
           std::string("http://host/r%00"),
           std::string("http://host/r%2"),
           std::string("http://host/r%zz"),
           std::string("http://host/../r"),
           std::string("http://host/a/%2e%2E/r"),
           std::string("file:///srv/git/../../etc"),
           std::string("/srv/../etc"),
           std::string("file://host/r"),
           std::string("file://"),
           std::string("file:///"),
           std::string("file:relative"),
           std::string("relative/r.git"),
           std::string("./r.git"),
           std::string("../r.git"),
           std::string("r.git"),
           std::string("C:\\r.git"),
           std::string("http://host:0/r"),
           std::string("http://host:65536/r"),
           std::string("http://host:/r"),
           std::string("http://host:80x/r"),
           std::string("http://user@evil@host/r"),
           std::string("http://@host/r"),
           std::string("http://host/r?x=y"),
           std::string("http://host/r#x"),
           std::string("http://host\\@evil/r"),
           std::string("http://\xff/r"),
           std::string("http://host/\xff"),
           std::string("git://user@host/r"),
           std::string("ssh://user:password@host/r"),
           std::string("http://[::1/r"),
           std::string("http://[x]/r"),
           "http://host/" + std::string(3000, 'x'),
       }) {
    SCOPED_TRACE(text);
    auto url = ParseGitUrl(text);
    ASSERT_FALSE(url) << "became " << url->text;
    EXPECT_TRUE(url.error().code == ErrorCode::kInvalid || url.error().code == ErrorCode::kDenied);
    EXPECT_EQ(url.error().message.find('\n'), std::string::npos);
    EXPECT_EQ(url.error().message.find('\x1b'), std::string::npos);
  }
  EXPECT_THAT(ParseGitUrl("ext::sh -c x").error().message, HasSubstr("blank"));
  EXPECT_THAT(ParseGitUrl("ext::sh").error().message, HasSubstr("run programs and are never used"));
}

TEST(GitRewrite, TheLongestPrefixWinsOnce) {
  const GitRewrites rules = {{"https://github.com/", "file:///srv/git/"},
                             {"https://github.com/melezhik/", "https://mirror/m/"},
                             {"https://mirror/", "https://never/"}};
  EXPECT_EQ(Rewrite("https://github.com/a/b", rules), "file:///srv/git/a/b");
  EXPECT_EQ(Rewrite("https://github.com/melezhik/c", rules), "https://mirror/m/c");
  EXPECT_EQ(Rewrite("https://gitlab.com/a", rules), "https://gitlab.com/a");
}

TEST(GitRef, WhatUsersWrite) {
  for (std::string ref :
       {"", "HEAD", "main", "feature/x-1", "v1.0", "refs/heads/main", "refs/tags/v1", "refs/pull/1/head",
        "0123456789012345678901234567890123456789", "deadbeef", "ünïcode", "a@b", "user@{nope"}) {
    const bool is_good = ref != "user@{nope";
    EXPECT_EQ(CheckGitRef(ref).has_value(), is_good) << ref;
  }
  EXPECT_TRUE(IsCommit("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(IsCommit("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(IsCommit("0123456"));
}

// Attack 25.
TEST(GitRef, HostileOnesAreRefused) {
  for (const std::string& ref : {std::string("-"),         std::string("--upload-pack=x"),
                                 std::string("a..b"),      std::string("main~1"),
                                 std::string("main^"),     std::string("main^{commit}"),
                                 std::string("main:path"), std::string("@"),
                                 std::string("@{-1}"),     std::string("main@{yesterday}"),
                                 std::string("a b"),       std::string("a\nb"),
                                 std::string("a\0b", 3),   std::string("a\x7f"),
                                 std::string("*"),         std::string("a?b"),
                                 std::string("[a]"),       std::string("a\\b"),
                                 std::string("/a"),        std::string("a/"),
                                 std::string("a//b"),      std::string(".a"),
                                 std::string("a/.b"),      std::string("a."),
                                 std::string("a.lock"),    std::string("a.lock/b"),
                                 std::string(".."),        std::string("\xff"),
                                 std::string(300, 'a')}) {
    EXPECT_FALSE(CheckGitRef(ref)) << ref;
  }
}

}  // namespace
}  // namespace cromt
