// How `run:` is executed, and the small readers around it: actions, addresses, paths, templates, variables, messages.
#include "core/script.h"

#include <gtest/gtest.h>

#include "core/action.h"
#include "core/agent_address.h"
#include "core/diagnostic.h"
#include "core/source_path.h"
#include "core/variables.h"

namespace cromt {
namespace {

using Argv = std::vector<std::string>;

Argv Shell(const std::string& text) {
  return {"/bin/sh", "-e", "-c", text};
}

TEST(ScriptArgv, OnePlainLineThatNamesAFileNeedsNoShell) {
  EXPECT_EQ(ScriptArgv("/bin/true"), (Argv{"/bin/true"}));
  EXPECT_EQ(ScriptArgv("./x.sh  --a=b,c:d @f\t+1 50%\n"), (Argv{"./x.sh", "--a=b,c:d", "@f", "+1", "50%"}));
  EXPECT_EQ(ScriptArgv("  bin/x y  \n\n"), (Argv{"bin/x", "y"}));
  EXPECT_EQ(ScriptArgv("/a=b/c d"), (Argv{"/a=b/c", "d"})) << "no assignment: the slash comes first";
}

TEST(ScriptArgv, EverythingElseIsForTheShell) {
  for (const char* text :
       {"true", "echo /x", "/bin/echo $HOME", "/bin/echo 'a'", "/bin/a;b", "/bin/a\n/bin/b", "/bin/a *", "~/x",
        "/bin/echo \\x", "/bin/a # b", "/bin/a > f", "/bin/ä", "", " ", "\n", "/bin/a &", "/bin/a\r\n"})
    EXPECT_EQ(ScriptArgv(text), Shell(text)) << text;
}

TEST(ScriptArgv, AnAssignmentIsForTheShell) {
  for (const char* text : {"A=/x", "A=b/c /bin/true", "A=1 /bin/true"})
    EXPECT_EQ(ScriptArgv(text), Shell(text)) << text;
}

TEST(ScriptArgv, ATextThatLooksLikeAnOptionIsStillTheText) {
  EXPECT_EQ(ScriptArgv("-x foo"), (Argv{"/bin/sh", "-e", "-c", "--", "-x foo"}));
  EXPECT_EQ(ScriptArgv("+e"), (Argv{"/bin/sh", "-e", "-c", "--", "+e"}));
}

TEST(ScriptArgv, LongOnesAndThoseWithAnInterpreterNeedAFile) {
  EXPECT_FALSE(ScriptArgv("#!/usr/bin/python3\nprint(1)"));
  EXPECT_FALSE(ScriptArgv(std::string(kMaxInlineScriptBytes + 1, 'x')));
  EXPECT_TRUE(ScriptArgv(std::string(kMaxInlineScriptBytes, 'x')));
  EXPECT_EQ(ScriptArgv(" #!/bin/x"), Shell(" #!/bin/x")) << "only at the very beginning";
}

TEST(Action, WordsNameScenarios) {
  EXPECT_EQ(*ParseAction(" build  sub/test\nübung "), (Argv{"build", "sub/test", "übung"}));
  EXPECT_TRUE(ParseAction("  ")->empty());
  for (const char* bad : {"-v", "a --env=x", "/abs", "../x", "a/../b", "a//b", ".hidden", "a/", "a\x01"})
    EXPECT_FALSE(ParseAction(bad)) << bad;
}

TEST(AgentUrl, AHostAndPerhapsAPort) {
  EXPECT_EQ(ToString(*ParseAgentUrl("http://hostA")), "hostA:4000");
  EXPECT_EQ(ToString(*ParseAgentUrl("https://10.0.0.1:80")), "10.0.0.1:80");
  EXPECT_EQ(ToString(*ParseAgentUrl("https://build_1.example.org:4000/")), "build_1.example.org:4000");
  EXPECT_EQ(ToString(*ParseAgentUrl("http://[2001:db8::1]:4001")), "[2001:db8::1]:4001");
  EXPECT_EQ(HostId(*ParseAgentUrl("http://[2001:db8::1]")), "2001_db8__1");
}

TEST(AgentUrl, AnythingElseIsRefused) {
  auto problem = [](std::string_view url) { return ParseAgentUrl(url) ? "" : ParseAgentUrl(url).error().message; };
  auto saying = [](const std::string& url, const std::string& what) {
    return "url '" + url + "' " + what + "; write http://HOST:PORT or https://HOST:PORT";
  };
  for (const char* url : {"", "hostA", "hostA:4000", "ftp://h", "HTTP://h", "http:/h", "ssh://h"})
    EXPECT_EQ(problem(url), saying(url, "is not the address of an agent"));
  for (const char* url : {"http://u@h", "http://u:p@h"}) EXPECT_EQ(problem(url), saying(url, "has a user part"));
  for (const char* url : {"http://h/x", "http://h//", "http://h?q", "http://h#f"})
    EXPECT_EQ(problem(url), saying(url, "has a path"));
  for (const char* url : {"http://", "http://-h", "http://h h", "http://.h", "http://h.", "http://a..b", "http://:1",
                          "http://[::1", "http://[x]"})
    EXPECT_EQ(problem(url), saying(url, "has a bad host"));
  for (const char* url :
       {"http://h:", "http://h:0", "http://h:65536", "http://h:4x", "http://h:-1", "http://h:1:2", "http://[::1]1"})
    EXPECT_EQ(problem(url), saying(url, "has a bad port"));
}

TEST(SourcePath, RepositoriesAreCloned) {
  for (const char* path : {"git@host:x", "git@host:a/b.git", "ssh://git@host:22/x", "https://host/x",
                           "http://host/x.git", "git://host/x", "file:///srv/x", "/srv/x.git", "~/x.git"}) {
    auto source = ParseSourcePath(path);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_EQ(source->repository, path);
    EXPECT_EQ(source->directory, "");
  }
}

TEST(SourcePath, AnythingElseIsADirectory) {
  for (const char* path : {"~/projects/r3tool", "/srv/x", "rel/dir", ".", "x.git/", "C:/x", "a b", "üb"}) {
    auto source = ParseSourcePath(path);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_EQ(source->directory, path);
    EXPECT_EQ(source->repository, "");
  }
}

TEST(SourcePath, WhatMisleadsGitIsRefused) {
  auto problem = [](std::string_view path) {
    return ParseSourcePath(path) ? "" : ParseSourcePath(path).error().message;
  };
  EXPECT_EQ(problem("--upload-pack=x"), "path '--upload-pack=x' begins with '-'");
  EXPECT_EQ(problem("ext::sh"), "path 'ext::sh' names a transport helper, which is not allowed");
  EXPECT_EQ(problem("fd::17"), "path 'fd::17' names a transport helper, which is not allowed");
  EXPECT_EQ(problem("ftp://h/x"), "path 'ftp://h/x' has an unknown scheme; ssh, https, http, git and file are known");
  EXPECT_EQ(problem("ssh://-oProxyCommand=x/y"),
            "path 'ssh://-oProxyCommand=x/y' has a user or host that begins with '-'");
  EXPECT_EQ(problem("ssh://u@-oProxyCommand=x/y"), "path 'ssh://u@-oProxyCommand=x/y' has a host that begins with '-'");
  EXPECT_EQ(problem("git@-oProxyCommand=x:y"), "path 'git@-oProxyCommand=x:y' has a host that begins with '-'");
  EXPECT_EQ(problem("https:///host"), "path 'https:///host' has no host");
  EXPECT_EQ(problem("https://:80/x"), "path 'https://:80/x' has no host");
  EXPECT_EQ(problem("https://h/a%0Ab"), "path 'https://h/a%0Ab' hides a control character");
  EXPECT_EQ(problem("https://h/a\nb"), "path 'https://h/a\\x0ab' has a control character");
  EXPECT_EQ(problem("https://h/a b"), "path 'https://h/a b' has a blank");
  EXPECT_EQ(problem(std::string(5000, 'a')), "path '" + std::string(80, 'a') + "…' is longer than 4096 bytes");
}

TEST(SourcePath, CredentialsAreSeen) {
  EXPECT_TRUE(HasCredentials("https://token@h/x"));
  EXPECT_TRUE(HasCredentials("ssh://u:p@h/x"));
  EXPECT_FALSE(HasCredentials("ssh://git@h/x"));
  EXPECT_FALSE(HasCredentials("https://h/x@y"));
  EXPECT_FALSE(HasCredentials("git@h:x"));
}

TEST(Merge, KeepsTheOrderOfTheBaseThenWhatIsNew) {
  EXPECT_EQ(Merge({{"A", "1"}, {"B", "2"}}, {{"C", "3"}, {"A", "4"}}), (Variables{{"A", "4"}, {"B", "2"}, {"C", "3"}}));
  EXPECT_EQ(Merge({}, {{"A", "1"}}), (Variables{{"A", "1"}}));
  EXPECT_EQ(Merge({{"A", "1"}}, {}), (Variables{{"A", "1"}}));
}

TEST(Nearest, FindsWhatWasMeantOrNothing) {
  constexpr std::string_view kWords[] = {"hosts", "before", "path"};
  EXPECT_EQ(Nearest("hots", kWords), "hosts");
  EXPECT_EQ(Nearest("bfeore", kWords), "before") << "two letters swapped are one mistake";
  EXPECT_EQ(Nearest("pth", kWords), "path");
  EXPECT_EQ(Nearest("zzz", kWords), "");
  EXPECT_EQ(Nearest("", kWords), "");
  EXPECT_EQ(DidYouMean("hots", kWords), "; did you mean 'hosts'?");
}

TEST(Diagnostics, SortsByPlaceAndCountsWhatIsTooMuch) {
  Diagnostics diagnostics("f");
  diagnostics.Warning({2, 1}, "b");
  diagnostics.Error({1, 5}, "a");
  EXPECT_FALSE(diagnostics.ok());
  auto all = diagnostics.Take();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(ToString(all[0]), "f:1:5: error: a");
  EXPECT_EQ(ToString(all[1]), "f:2:1: warning: b");
  EXPECT_TRUE(diagnostics.ok()) << "taken";
}

}  // namespace
}  // namespace cromt
