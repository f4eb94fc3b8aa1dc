// The programs' own config files.
#include "io/config/settings.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

constexpr SettingSpec kSpecs[] = {{"listen", SettingKind::kText},     {"slots", SettingKind::kNumber},
                                  {"insecure", SettingKind::kFlag},   {"label", SettingKind::kList},
                                  {"agents", SettingKind::kMap},      {"git.rewrite", SettingKind::kMap},
                                  {"git.depth", SettingKind::kNumber}};

std::string Errors(const std::string& text) {
  auto settings = ReadSettings(text, "c", kSpecs);
  return settings ? "" : settings.error().message;
}

TEST(Settings, EachKindArrives) {
  auto settings = ReadSettings(
      "listen: 127.0.0.1:4000\nslots: 8\ninsecure: yes\nlabel: [os=debian, gpu]\n"
      "agents: {hostA: 127.0.0.1:4101}\ngit: {rewrite: {'https://github.com/': 'file:///srv/git/'}, depth: 1}\n",
      "c", kSpecs);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->Text("listen"), "127.0.0.1:4000");
  EXPECT_EQ(settings->Number("slots"), 8);
  EXPECT_EQ(settings->Flag("insecure"), true);
  EXPECT_EQ(settings->List("label"), (std::vector<std::string>{"os=debian", "gpu"}));
  EXPECT_EQ(settings->Map("agents"), (std::map<std::string, std::string>{{"hostA", "127.0.0.1:4101"}}));
  EXPECT_EQ(settings->Map("git.rewrite").at("https://github.com/"), "file:///srv/git/");
  EXPECT_EQ(settings->Number("git.depth"), 1);
}

TEST(Settings, WhatIsNotSaidIsNothing) {
  for (const char* text : {"", "# later\n", "listen:\nagents:\ngit:\n"}) {
    auto settings = ReadSettings(text, "c", kSpecs);
    ASSERT_TRUE(settings) << text;
    EXPECT_FALSE(settings->Text("listen"));
    EXPECT_FALSE(settings->Flag("insecure"));
    EXPECT_TRUE(settings->List("label").empty());
    EXPECT_TRUE(settings->Map("git.rewrite").empty());
  }
}

TEST(Settings, OneTextStandsForAList) {
  EXPECT_EQ(ReadSettings("label: a", "c", kSpecs)->List("label").size(), 1u);
}

TEST(Settings, AllErrorsAtOnceWithTheirPlaces) {
  EXPECT_EQ(Errors("lisen: x\nslots: many\ninsecure: perhaps\nlabel: {a: b}\nagents: [a]\ngit: {rewrit: {}}\n"),
            "c:1:1: error: unknown key 'lisen'; did you mean 'listen'?\n"
            "c:2:8: error: 'slots': 'many' where a whole number is meant\n"
            "c:3:11: error: 'insecure': 'perhaps' where true or false is meant\n"
            "c:4:8: error: 'label': a map where a list is meant\n"
            "c:5:9: error: 'agents': a list where a map is meant\n"
            "c:6:7: error: unknown key 'git.rewrit'; did you mean 'git.rewrite'?");
  EXPECT_EQ(Errors("git: text"), "c:1:6: error: 'git': 'text' where a map is meant");
  EXPECT_EQ(Errors("- a"), "c:1:1: error: a list where a map of settings is meant");
  EXPECT_EQ(Errors("slots: 1\nslots: 2"), "c:2:1: error: duplicate key 'slots'; the first is at 1:1");
  EXPECT_EQ(Errors("agents: {a: {b: c}}"), "c:1:13: error: 'agents': a map where a map of texts is meant");
}

TEST(Settings, AMissingDefaultFileIsAnEmptyOneButAMissingNamedOneIsNot) {
  auto by_default = LoadSettings("/nonexistent/agent.yaml", kSpecs, false);
  ASSERT_TRUE(by_default);
  EXPECT_FALSE(by_default->Text("listen"));
  auto named = LoadSettings("/nonexistent/agent.yaml", kSpecs, true);
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, ErrorCode::kNotFound);
}

TEST(GitRewrite, TheLongestPrefixWins) {
  std::map<std::string, std::string> rules = {
      {"https://github.com/", "file:///srv/git/"}, {"https://github.com/me/", "ssh://me/"}, {"git@", "x"}};
  EXPECT_EQ(GitRewrite(rules, "https://github.com/a/b.git"), "file:///srv/git/a/b.git");
  EXPECT_EQ(GitRewrite(rules, "https://github.com/me/b.git"), "ssh://me/b.git");
  EXPECT_EQ(GitRewrite(rules, "https://gitlab.com/a"), "https://gitlab.com/a");
  EXPECT_EQ(GitRewrite({}, "x"), "x");
}

}  // namespace
}  // namespace cromt
