// A real sshd: whose key it has, by whose key we get in.
#include <cstdlib>

#include "tests/unit/git/fixture.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class SshTest : public GitTest {
 protected:
  void SetUp() override {
    GitTest::SetUp();
    unsetenv("SSH_AUTH_SOCK");
    repository_ = std::make_unique<TestRepository>(top_, "r");
    commit_ = repository_->Commit({{"f", "1"}});
    settings_.ssh_keys = {NewKey("key")};
    settings_.known_hosts = {top_ / "known_hosts", top_ / "more_known_hosts"};
  }
  void TearDown() override {
    unsetenv("SSH_AUTH_SOCK");
    GitTest::TearDown();
  }

  // The path of a private key; its public one is beside it.
  std::string NewKey(const std::string& name, const std::string& type = "ed25519", const std::string& passphrase = "") {
    MustRun({"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f", (top_ / name).string()});
    return top_ / name;
  }
  // A server that lets "key" in.
  std::unique_ptr<SshServer> Server(const std::vector<std::string>& host_keys = {"ed25519"},
                                    const std::string& folder = "sshd") {
    return std::make_unique<SshServer>(top_ / folder, std::vector<fs::path>{top_ / "key.pub"}, host_keys);
  }
  void Know(const std::string& lines) { PrivateFile(top_ / "known_hosts", lines); }
  Result<GitCache::Resolved> Resolve(const std::string& url, const std::string& ref = "") {
    return NewCache("cache")->Resolve(url, ref);
  }
  Result<GitCache::Resolved> Resolve(const SshServer& server) { return Resolve(server.Url(repository_->bare)); }
  void ExpectDenied(const Result<GitCache::Resolved>& resolved, const std::string& part) {
    ASSERT_FALSE(resolved);
    EXPECT_EQ(resolved.error().code, ErrorCode::kDenied) << resolved.error().message;
    EXPECT_THAT(resolved.error().message, HasSubstr(part));
  }

  std::unique_ptr<TestRepository> repository_;
  std::string commit_;
};

TEST_F(SshTest, AKnownHostAndAConfiguredKey) {
  auto server = Server();
  Know(server->KnownHostsLine() + "\n");
  auto resolved = Resolve(*server);
  ASSERT_TRUE(resolved) << resolved.error().message << server->Log();
  EXPECT_EQ(resolved->commit, commit_);
  EXPECT_EQ(Contents(Unpack(resolved->tree) / "f"), "1");
  const std::string next = repository_->Commit({{"f", "2"}, {"big", Noise(1 << 20)}});
  EXPECT_EQ(Resolve(*server)->commit, next);
  EXPECT_EQ(Resolve(server->Url(repository_->bare), commit_)->commit, commit_);
}

TEST_F(SshTest, LooksWithoutFetching) {
  auto server = Server();
  Know(server->KnownHostsLine() + "\n");
  auto cache = NewCache("cache");
  for (int i = 0; i < 2; ++i) {
    auto looked = cache->Look(server->Url(repository_->bare), "main");
    ASSERT_TRUE(looked) << looked.error().message << server->Log();
    EXPECT_EQ(*looked, commit_);
  }
  EXPECT_FALSE(fs::exists(MirrorOf("cache")));
  Know("");
  auto refused = cache->Look(server->Url(repository_->bare), "main");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied) << refused.error().message;
}

TEST_F(SshTest, NoSuchRepository) {
  auto server = Server();
  Know(server->KnownHostsLine());
  auto resolved = Resolve(server->Url(top_ / "none.git"));
  EXPECT_EQ(resolved.error().code, ErrorCode::kNotFound) << resolved.error().message;
}

TEST_F(SshTest, AnUnknownHostIsRefusedWithTheLineToAdd) {
  auto server = Server();
  auto resolved = Resolve(*server);
  ExpectDenied(resolved, "add this line to " + settings_.known_hosts[0] + ": " + server->KnownHostsLine());
  const std::string fingerprint = MustRun({"ssh-keygen", "-l", "-f", (top_ / "sshd/host_ed25519.pub").string()});
  EXPECT_THAT(resolved.error().message, HasSubstr(fingerprint.substr(4, fingerprint.find(' ', 4) - 4)));
  EXPECT_THAT(server->Log(), ::testing::Not(HasSubstr("Accepted"))) << "a key was shown to it";

  const std::string& message = resolved.error().message;
  Know(message.substr(message.rfind(": ") + 2) + "\n");
  EXPECT_TRUE(Resolve(*server)) << "the line is not what it takes";
}

TEST_F(SshTest, AHostWithAnotherKey) {
  auto server = Server(), other = Server({"ed25519"}, "other");
  std::string line = other->KnownHostsLine();
  line.replace(line.find(':') + 1, other->port().size(), server->port());
  Know("# it was rebuilt\n" + line + "\n");
  auto resolved = Resolve(*server);
  ExpectDenied(resolved, "is not the one that " + settings_.known_hosts[0] + ":2 says. Somebody may be in between");
  EXPECT_THAT(resolved.error().message, HasSubstr(server->KnownHostsLine()));
}

TEST_F(SshTest, ARevokedKey) {
  auto server = Server();
  Know(server->KnownHostsLine() + "\n@revoked * " +
       server->KnownHostsLine().substr(server->KnownHostsLine().find(' ')));
  ExpectDenied(Resolve(*server), "is revoked by " + settings_.known_hosts[0] + ":2");
}

// A server shows the key that it is asked for: that by which it is known, whatever it would prefer.
TEST_F(SshTest, AHostKnownByAnyOfItsKeys) {
  auto server = Server({"ed25519", "ecdsa"});
  for (std::string type : {"ed25519", "ecdsa"}) {
    Know(server->KnownHostsLine(type));
    auto resolved = Resolve(*server);
    EXPECT_TRUE(resolved) << type << ": " << resolved.error().message;
  }
}

TEST_F(SshTest, AHostThatLostTheKeyItIsKnownByFirst) {
  auto server = Server({"ecdsa"});
  const std::string place = "[127.0.0.1]:" + server->port() + " ", ed = Contents(top_ / "key.pub");
  Know(place + ed + server->KnownHostsLine("ecdsa"));
  auto resolved = Resolve(*server);
  EXPECT_TRUE(resolved) << resolved.error().message;
  Know(place + ed);
  ExpectDenied(Resolve(*server), "is not known. If it is the right one, add this line to");
}

TEST_F(SshTest, HashedAndInTheSecondFile) {
  auto server = Server();
  Know(server->KnownHostsLine() + "\n");
  MustRun({"ssh-keygen", "-H", "-f", settings_.known_hosts[0]});
  fs::rename(settings_.known_hosts[0], settings_.known_hosts[1]);
  auto resolved = Resolve(*server);
  EXPECT_TRUE(resolved) << resolved.error().message;
}

TEST_F(SshTest, AKeyThatIsNotLetIn) {
  auto server = Server();
  Know(server->KnownHostsLine());
  settings_.ssh_keys = {NewKey("stranger"), NewKey("second", "ecdsa")};
  ExpectDenied(Resolve(*server), "it lets '" + UserName() + "' in by none of the keys: " + settings_.ssh_keys[0] +
                                     ", " + settings_.ssh_keys[1]);
  settings_.ssh_keys.push_back(top_ / "key");
  EXPECT_TRUE(Resolve(*server)) << "the third was not tried";
}

TEST_F(SshTest, NoKeyAtAll) {
  auto server = Server();
  Know(server->KnownHostsLine());
  settings_.ssh_keys.clear();
  ExpectDenied(Resolve(*server), "it asks for a key, and there is none");
}

TEST_F(SshTest, KeysThatCanNotBeUsed) {
  auto server = Server();
  Know(server->KnownHostsLine());
  fs::permissions(top_ / "key", fs::perms(0644));
  ExpectDenied(Resolve(*server), "git.ssh_keys: " + settings_.ssh_keys[0] + ": everybody may read it");
  for (const std::string& key : {NewKey("locked", "ed25519", "passphrase"), PrivateFile(top_ / "rubbish", "rubbish")}) {
    settings_.ssh_keys = {key};
    auto resolved = Resolve(*server);
    EXPECT_EQ(resolved.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(resolved.error().message, HasSubstr("the key " + key + " can't be used"));
  }
  settings_.ssh_keys = {top_ / "missing"};
  EXPECT_EQ(Resolve(*server).error().code, ErrorCode::kNotFound);
}

TEST_F(SshTest, TheAgent) {
  auto server = Server();
  Know(server->KnownHostsLine());
  const std::string socket = top_ / "agent";
  BackgroundProcess agent({"ssh-agent", "-D", "-a", socket});
  agent.ReadLine();  // it listens
  const std::string variable = "SSH_AUTH_SOCK=" + socket;
  MustRun({"ssh-add", "-q", (top_ / "key").string()}, {variable});
  settings_.ssh_keys.clear();
  setenv("SSH_AUTH_SOCK", socket.c_str(), 1);
  auto resolved = Resolve(*server);
  EXPECT_TRUE(resolved) << resolved.error().message;

  settings_.ssh_keys = {NewKey("stranger")};
  EXPECT_TRUE(Resolve(*server)) << "after a key that is not let in";
  MustRun({"ssh-add", "-q", "-D"}, {variable});
  auto denied = Resolve(*server);
  ExpectDenied(denied, "by none of the keys: " + settings_.ssh_keys[0] + ", the ssh agent");
}

TEST_F(SshTest, AnAgentThatIsGone) {
  auto server = Server();
  Know(server->KnownHostsLine());
  settings_.ssh_keys.clear();
  setenv("SSH_AUTH_SOCK", (top_ / "nobody").c_str(), 1);
  auto resolved = Resolve(*server);
  ASSERT_FALSE(resolved);
  EXPECT_THAT(resolved.error().message, HasSubstr("the ssh agent"));
}

// What is in HOME of whoever runs the coordinator is not looked at unless it is named.
TEST_F(SshTest, NobodysOwnFilesAreUsed) {
  auto server = Server();
  const fs::path home = top_ / "home/.ssh";
  fs::create_directories(home);
  PrivateFile(home / "known_hosts", server->KnownHostsLine());
  PrivateFile(home / "config", "Host *\nProxyCommand touch " + (top_ / "ran").string() + "\n");
  fs::copy(top_ / "key", home / "id_ed25519");
  const char* before = getenv("HOME");
  const std::string kept = before != nullptr ? before : "";
  setenv("HOME", (top_ / "home").c_str(), 1);
  ExpectDenied(Resolve(*server), "is not known");
  Know(server->KnownHostsLine());
  settings_.ssh_keys.clear();
  ExpectDenied(Resolve(*server), "there is none");
  EXPECT_FALSE(fs::exists(top_ / "ran"));
  setenv("HOME", kept.c_str(), 1);
}

TEST_F(SshTest, AScpLikeUrlAndARewrite) {
  auto server = Server();
  Know(server->KnownHostsLine());
  settings_.rewrites = {
      {"git@example.org:", server->Url("/").substr(0, server->Url("/").size() - 1) + top_.string() + "/"}};
  auto resolved = Resolve("git@example.org:r.git");
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->commit, commit_);
}

// On port 22 nobody has to listen: that it is tried there, by ssh, is what an error shows.
TEST_F(SshTest, AScpLikeUrlIsSsh) {
  auto resolved = Resolve(UserName() + "@no-such-host.invalid:r.git");
  EXPECT_EQ(resolved.error().code, ErrorCode::kUnavailable) << resolved.error().message;
  EXPECT_THAT(resolved.error().message, AllOf(HasSubstr("no-such-host.invalid"), HasSubstr("resolve")));
}

TEST_F(SshTest, AServerThatDiesOnTheWay) {
  auto server = Server();
  Know(server->KnownHostsLine());
  PrivateFile(top_ / "sshd/sshd_config", "Nonsense yes\n");
  auto resolved = Resolve(*server);
  EXPECT_EQ(resolved.error().code, ErrorCode::kUnavailable) << resolved.error().message;
}

}  // namespace
}  // namespace cromt
