// The part `git:` of a coordinator's configuration.
#include "io/config/git_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<GitSettings> Read(const std::string& text, const std::string& home = "/home/me") {
  CROMT_ASSIGN(Settings settings, ReadSettings(text, "c", WithGitKeys({})));
  return ReadGitSettings(settings, home);
}

std::string ErrorOf(const std::string& text, const std::string& home = "/home/me") {
  auto git = Read(text, home);
  return git ? "" : git.error().message;
}

TEST(GitSettings, AllOfThem) {
  auto git = Read(
      "allow_local_git: yes\n"
      "git:\n"
      "  rewrite: {'https://github.com/': 'https://mirror/'}\n"
      "  credentials: {'https://host/': /etc/cromt/login, 'https://other/': ~/login}\n"
      "  ca_file: ~/ca.pem\n"
      "  ssh_keys: [~/.ssh/id_ed25519, /etc/cromt/key]\n"
      "  known_hosts: /etc/cromt/known_hosts\n"
      "  submodules: [https://git.example.org/team]\n"
      "  timeout: 5m\n"
      "  max_fetch_bytes: 1000000\n"
      "  max_objects: 10\n"
      "  max_files: 20\n"
      "  max_tree_bytes: 30\n");
  ASSERT_TRUE(git) << git.error().message;
  EXPECT_TRUE(git->allow_local);
  EXPECT_EQ(git->rewrite.at("https://github.com/"), "https://mirror/");
  EXPECT_EQ(git->credentials.at("https://host/"), "/etc/cromt/login");
  EXPECT_EQ(git->credentials.at("https://other/"), "/home/me/login");
  EXPECT_EQ(git->ca_file, "/home/me/ca.pem");
  EXPECT_THAT(git->ssh_keys, ElementsAre("/home/me/.ssh/id_ed25519", "/etc/cromt/key"));
  EXPECT_THAT(git->known_hosts, ElementsAre("/etc/cromt/known_hosts"));
  EXPECT_THAT(git->submodules, ElementsAre("https://git.example.org/team"));
  EXPECT_EQ(git->timeout, seconds(300));
  EXPECT_EQ(git->max_fetch_bytes, 1'000'000);
  EXPECT_EQ(git->max_objects, 10);
  EXPECT_EQ(git->max_files, 20);
  EXPECT_EQ(git->max_tree_bytes, 30);
}

TEST(GitSettings, NothingSaid) {
  auto git = Read("");
  ASSERT_TRUE(git);
  EXPECT_FALSE(git->allow_local);
  EXPECT_FALSE(git->timeout || git->max_files);
  EXPECT_TRUE(git->submodules.empty());
  EXPECT_TRUE(Read("git: {submodules: false}")->submodules.empty());
  EXPECT_TRUE(git->credentials.empty() && git->ssh_keys.empty());
  EXPECT_THAT(git->known_hosts, ElementsAre("/home/me/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"));
  EXPECT_THAT(Read("", "")->known_hosts, ElementsAre("/etc/ssh/ssh_known_hosts"));
}

TEST(GitSettings, WhatIsRefused) {
  EXPECT_THAT(ErrorOf("git: {ca_file: ca.pem}"), HasSubstr("'git.ca_file': 'ca.pem' where an absolute path is meant"));
  EXPECT_THAT(ErrorOf("git: {ssh_keys: [/a, b]}"), HasSubstr("'git.ssh_keys': 'b'"));
  EXPECT_THAT(ErrorOf("git: {ssh_keys: ~/b}", ""), HasSubstr("'git.ssh_keys': '~/b'")) << "nobody's home";
  EXPECT_THAT(ErrorOf("git: {credentials: {'https://h/': }}"), HasSubstr("'git.credentials': ''"));
  EXPECT_THAT(ErrorOf("git: {credentials: {'https://h/': {user: u, password: p}}}"), HasSubstr("a map of texts"));
  EXPECT_THAT(ErrorOf("git: {timeout: soon}"), HasSubstr("'git.timeout': "));
  EXPECT_THAT(ErrorOf("git: {timeout: 0}"), HasSubstr("'git.timeout': "));
  for (std::string key : {"max_fetch_bytes", "max_objects", "max_files", "max_tree_bytes"}) {
    EXPECT_THAT(ErrorOf("git: {" + key + ": 0}"), HasSubstr("'git." + key + "': 0 is not from 1 to"));
    EXPECT_THAT(ErrorOf("git: {" + key + ": 9000000000000000000}"), HasSubstr("is not from 1 to"));
    EXPECT_THAT(ErrorOf("git: {" + key + ": 1GB}"), HasSubstr("a whole number"));
  }
  EXPECT_THAT(ErrorOf("git: {ssh_key: /a}"), HasSubstr("did you mean 'git.ssh_keys'"));
}

}  // namespace
}  // namespace cromt
