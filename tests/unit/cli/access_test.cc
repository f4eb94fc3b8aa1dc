// cromt login, agents invite, users, tokens, audit: what goes to the coordinator, and what is shown.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/unique_fd.h"
#include "cli/coordinator_address.h"
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kFingerprint(64, 'a');

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return {(std::istreambuf_iterator<char>(file)), {}};
}

class AccessTest : public CliTest {
 protected:
  AccessTest() { environment_["HOME"] = Path("home"); }
  void LogIn(const std::string& token = "cromt_user_secret\n") {
    File("token", token);
    ASSERT_EQ(Cromt({"login", "c1", "--ca-fingerprint", kFingerprint, "--token-file", "token"}), 0) << err();
  }
  std::string LoginFile() const { return Path("home/.config/cromt/logins/c1_4001.json"); }
};

TEST_F(AccessTest, ALoginIsUsedFromThenOn) {
  LogIn();
  EXPECT_EQ(out(), "ann, operator of deploy in mesh mesh1 at c1:4001\n");
  EXPECT_EQ(fetched_, "c1:4001 " + kFingerprint);
  ASSERT_EQ(access_targets_.size(), 1u);
  EXPECT_EQ(access_targets_[0].token, "cromt_user_secret");
  EXPECT_EQ(Cromt({"whoami"}), 0);
  EXPECT_EQ(access_targets_.back().address, "c1:4001");
  EXPECT_EQ(access_targets_.back().token, "cromt_user_secret");
  EXPECT_EQ(access_targets_.back().authorities, "the authority");
  EXPECT_EQ(access_targets_.back().mesh, "mesh1");
  EXPECT_EQ(Cromt({"projects"}), 0);
  EXPECT_THAT(connected_, ElementsAre("c1:4001"));
}

TEST_F(AccessTest, ItIsForItsOwnerAlone) {
  LogIn();
  struct stat info {};
  ASSERT_EQ(::stat(LoginFile().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ::chmod(LoginFile().c_str(), 0644);
  EXPECT_EQ(Cromt({"whoami"}), 3);
  EXPECT_THAT(err(), HasSubstr("can be read by others: chmod 600 it"));
}

TEST_F(AccessTest, AnotherCoordinatorGetsNoTokenOfIt) {
  LogIn();
  EXPECT_EQ(Cromt({"whoami", "--coordinator", "c2"}), 0);
  EXPECT_EQ(access_targets_.back().address, "c2:4001");
  EXPECT_EQ(access_targets_.back().token, "");
  EXPECT_EQ(access_targets_.back().authorities, "");
}

TEST_F(AccessTest, WhatIsRefusedIsNotKept) {
  access_.denied = Error{ErrorCode::kDenied, "the user token is not known"};
  File("token", "cromt_user_secret");
  EXPECT_EQ(Cromt({"login", "c1", "--ca-fingerprint", kFingerprint, "--token-file", "token"}), 3);
  EXPECT_THAT(err(), HasSubstr("not known"));
  EXPECT_NE(::access(LoginFile().c_str(), F_OK), 0);
  EXPECT_EQ(Cromt({"login", "c1", "--ca-fingerprint", "abc", "--token-file", "token"}), 2);
  EXPECT_EQ(Cromt({"login", "c1", "--token-file", "token"}), 2);
  File("empty", " \n");
  EXPECT_EQ(Cromt({"login", "c1", "--ca-fingerprint", kFingerprint, "--token-file", "empty"}), 2);
}

TEST_F(AccessTest, LogoutForgetsIt) {
  LogIn();
  EXPECT_EQ(Cromt({"logout"}), 0);
  EXPECT_NE(::access(LoginFile().c_str(), F_OK), 0);
  EXPECT_EQ(Cromt({"whoami"}), 0);
  EXPECT_EQ(access_targets_.back().token, "");
  EXPECT_EQ(Cromt({"logout", "c1"}), 2);
}

TEST_F(AccessTest, ALoginFollowsTheAuthoritiesOfItsMesh) {
  LogIn();
  EXPECT_EQ(Cromt({"login", "c2", "--ca-fingerprint", kFingerprint, "--token-file", "token"}), 0);
  shown_authorities_ = "two authorities";
  EXPECT_EQ(Cromt({"whoami", "--coordinator", "c1"}), 0);
  EXPECT_EQ(access_targets_.back().authorities, "the authority");
  EXPECT_EQ(Cromt({"whoami", "--coordinator", "c1"}), 0);
  EXPECT_EQ(access_targets_.back().authorities, "two authorities");
  EXPECT_EQ(access_targets_.back().token, "cromt_user_secret");
  EXPECT_EQ(Cromt({"whoami"}), 0);
  EXPECT_EQ(access_targets_.back().address, "c2:4001") << "that was the last login";
}

TEST_F(AccessTest, OneAuthorityFollowsAnother) {
  const std::string old(64, '1'), next(64, '2');
  access_.authorities = {{{old, WallFromMicros(0)}}, {}, old};
  EXPECT_EQ(Cromt({"ca"}), 0);
  EXPECT_THAT(out(), HasSubstr(old + "  signs"));
  EXPECT_THAT(out(), Not(HasSubstr("Hosts")));
  access_.authorities = {{{next, WallFromMicros(0)}, {old, WallFromMicros(0)}}, {"h1", "h2"}, old};
  EXPECT_EQ(Cromt({"ca", "rotate"}), 0);
  EXPECT_THAT(out(), HasSubstr(old + "  believed until"));
  EXPECT_THAT(out(), HasSubstr("Hosts that have not followed yet: h1, h2\nThose who log in or join name " + old));
  EXPECT_EQ(Cromt({"ca", "-o", "json"}), 0);
  EXPECT_THAT(out(), HasSubstr("\"known_by\":\"" + old + "\",\"behind\":[\"h1\",\"h2\"]"));
  access_.authorities.behind.clear();
  EXPECT_EQ(Cromt({"ca"}), 0);
  EXPECT_THAT(out(), HasSubstr("All hosts have certificates of the new one"));
  EXPECT_EQ(Cromt({"ca", "retire"}), 0);
  EXPECT_EQ(Cromt({"ca", "retire", "--anyway"}), 0);
  EXPECT_THAT(access_.calls, ElementsAre("rotate", "retire", "retire anyway"));
  EXPECT_EQ(Cromt({"ca", "rotate", "--anyway"}), 2);
  EXPECT_EQ(Cromt({"ca", "replace"}), 2);
}

TEST_F(AccessTest, ACertificateGoesToAFileForItsOwnerAlone) {
  EXPECT_EQ(Cromt({"certificates", "create", "ci.pem", "--agent-submit", "--for", "7d"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("ci.pem has a key and its certificate, good until "));
  EXPECT_THAT(access_.certificate_request, HasSubstr("BEGIN CERTIFICATE REQUEST"));
  struct stat info {};
  ASSERT_EQ(::stat(Path("ci.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const std::string file = Contents(Path("ci.pem"));
  EXPECT_THAT(file, testing::StartsWith("-----BEGIN PRIVATE KEY-----"));
  EXPECT_THAT(file, testing::EndsWith("the certificate\nthe authorities\n"));
  EXPECT_EQ(Cromt({"certificates", "revoke", "--user", "ci"}), 0);
  EXPECT_EQ(Cromt({"certificates", "revoke"}), 0);
  EXPECT_THAT(access_.calls, ElementsAre("certify agent-submit 168h00m", "revoke ci", "revoke "));
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"certificates", "create"},
                                             {"certificates", "list"},
                                             {"certificates", "create", "x", "--user", "ann"},
                                             {"certificates", "revoke", "x"}})
    EXPECT_EQ(Cromt(wrong), 2) << wrong[1];
  access_.denied = Error{ErrorCode::kDenied, "an admin is needed"};
  EXPECT_EQ(Cromt({"certificates", "create", "other.pem"}), 3);
  EXPECT_NE(::access(Path("other.pem").c_str(), F_OK), 0);
}

TEST_F(AccessTest, AnInvitationSaysWhatToDoAndKeepsTheTokenOffTheCommandLine) {
  EXPECT_EQ(Cromt({"agents", "invite", "h1", "--address", "h1.example:4000", "--for", "2h"}), 0);
  EXPECT_THAT(access_.calls, ElementsAre("invite h1 h1.example:4000 2h00m"));
  const std::string line = "cromt-agent join c:4001 --name h1 --ca-fingerprint " + std::string(64, 'f') + "\n";
  EXPECT_THAT(out(), HasSubstr(line));
  EXPECT_THAT(out(), HasSubstr("\n  cromt_join_h1\n"));
}

TEST_F(AccessTest, ManyHostsComeFromAFile) {
  File("hosts", "# the web\nweb1\n\nweb2 10.0.0.2:4100  # behind the wall\n");
  EXPECT_EQ(Cromt({"agents", "invite", "--hosts", "hosts", "-o", "json"}), 0);
  EXPECT_THAT(access_.calls, ElementsAre("invite web1 ", "invite web2 10.0.0.2:4100"));
  EXPECT_THAT(out(), HasSubstr("{\"host\":\"web1\",\"address\":\"web1:4000\",\"command\":\"cromt-agent join "));
  access_.bad_host = "web2";
  EXPECT_NE(Cromt({"agents", "invite", "--hosts", "hosts", "-o", "quiet"}), 0);
  EXPECT_EQ(out(), "cromt_join_web1\n");  // which is good, and told only once
  File("bad", "web1\na b c\n");
  EXPECT_EQ(Cromt({"agents", "invite", "--hosts", "bad"}), 2);
  EXPECT_THAT(err(), HasSubstr("bad:2: write HOST"));
  File("none", "# nobody\n");
  EXPECT_EQ(Cromt({"agents", "invite", "--hosts", "none"}), 2);
  EXPECT_EQ(Cromt({"agents", "invite", "h1", "--hosts", "hosts"}), 2);
  EXPECT_EQ(Cromt({"agents", "invite"}), 2);
}

TEST_F(AccessTest, UsersAndTokens) {
  EXPECT_EQ(Cromt({"users", "set", "bob", "--role", "viewer", "--project", "a", "--project", "b"}), 0);
  EXPECT_EQ(Cromt({"users", "set", "eve", "--role", "admin"}), 0);
  EXPECT_EQ(Cromt({"users", "remove", "bob"}), 0);
  EXPECT_EQ(Cromt({"tokens", "create", "--user", "eve", "--for", "1d", "-o", "quiet"}), 0);
  EXPECT_EQ(out(), "cromt_user_x\n");
  EXPECT_EQ(Cromt({"tokens", "create", "--forever"}), 0);
  EXPECT_EQ(Cromt({"tokens", "remove", "t1"}), 0);
  EXPECT_EQ(Cromt({"agents", "remove", "h1"}), 0);
  EXPECT_EQ(Cromt({"agents", "readmit", "h1"}), 0);
  EXPECT_THAT(access_.calls,
              ElementsAre("user bob viewer a b", "user eve admin all", "remove user bob", "token eve 86400000000",
                          "token  -1", "remove token t1", "remove h1", "readmit h1"));
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"users", "set", "bob"},
                                             {"users", "set"},
                                             {"users", "add", "bob"},
                                             {"tokens", "remove"},
                                             {"tokens", "create", "t1"},
                                             {"tokens", "create", "--for", "1d", "--forever"},
                                             {"audit", "check"},
                                             {"agents", "remove"}})
    EXPECT_EQ(Cromt(wrong), 2) << wrong[0] << " " << wrong[1];
}

TEST_F(AccessTest, TheAuditLogIsShownHarmless) {
  access_.audit = {{WallFromMicros(0), "ann", "start", "deploy\x1b[2J", "from\nx"}};
  EXPECT_EQ(Cromt({"audit", "--limit", "5"}), 0);
  EXPECT_THAT(access_.calls, ElementsAre("audit 5"));
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(out(), HasSubstr("deploy^[[2J"));
  EXPECT_EQ(Cromt({"audit", "verify"}), 0);
  EXPECT_EQ(out(), "audit log of 7 lines is whole\n");
  access_.denied = Error{ErrorCode::kCorrupt, "line 3 of the audit log was changed"};
  EXPECT_NE(Cromt({"audit", "verify"}), 0);
  EXPECT_THAT(err(), HasSubstr("line 3 of the audit log was changed"));
}

}  // namespace
}  // namespace cromt::cli
