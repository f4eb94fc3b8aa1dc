// http servers that ask for a password, plain and over TLS (attack 23). tests/support/git_server.py is the server.
#include "tests/unit/git/fixture.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class PasswordTest : public GitTest {
 protected:
  void SetUp() override {
    GitTest::SetUp();
    repository_ = std::make_unique<TestRepository>(top_, "r");
    commit_ = repository_->Commit({{"f", "1"}});
    login_ = PrivateFile(top_ / "login", "me:s3cret\n");
  }
  Result<GitCache::Resolved> Resolve(const std::string& url, const std::string& ref = "") {
    return NewCache("cache")->Resolve(url, ref);
  }
  std::unique_ptr<HttpServer> Server(std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--user", "me:s3cret"});
    return std::make_unique<HttpServer>(top_, top_ / "log", options);
  }
  void Trust(const std::string& prefix) { settings_.logins = {{prefix, login_}}; }

  std::unique_ptr<TestRepository> repository_;
  std::string commit_, login_;
};

TEST_F(PasswordTest, WhoIsConfiguredIsLetIn) {
  auto server = Server();
  Trust(server->Url(""));
  auto resolved = Resolve(server->Url("r.git"));
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->commit, commit_);
}

TEST_F(PasswordTest, WhoIsNotIsTold) {
  auto server = Server();
  Trust("http://127.0.0.1:1/");
  auto resolved = Resolve(server->Url("r.git"));
  EXPECT_EQ(resolved.error().code, ErrorCode::kDenied) << resolved.error().message;
  EXPECT_EQ(resolved.error().message,
            server->Url("r.git") +
                ": it asks for a user and password; the coordinator's configuration has none for "
                "this URL (git: credentials)");
  EXPECT_THAT(server->Log(), Not(HasSubstr("with credentials")));
}

TEST_F(PasswordTest, AWrongPasswordIsTriedOnceAndNotShown) {
  auto server = Server();
  Trust(server->Url(""));
  PrivateFile(login_, "me:s3cr3t\n");
  auto resolved = Resolve(server->Url("r.git"));
  EXPECT_EQ(resolved.error().code, ErrorCode::kDenied);
  EXPECT_EQ(
      resolved.error().message,
      server->Url("r.git") + ": it refuses the user and password that git.credentials has for " + server->Url(""));
  const std::string log = server->Log();
  EXPECT_EQ(log.find("with credentials"), log.rfind("with credentials")) << log;
  PrivateFile(login_, "me:s3cret\n");
  EXPECT_EQ(Resolve(server->Url("r.git"))->commit, commit_) << "the file is read anew";
}

TEST_F(PasswordTest, PasswordsAreNotKept) {
  auto server = Server();
  Trust(server->Url(""));
  ASSERT_TRUE(Resolve(server->Url("r.git")));
  for (const auto& entry : fs::recursive_directory_iterator(top_ / "cache")) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(Contents(entry.path()), Not(HasSubstr("s3cret"))) << entry.path();
  }
}

// What a mirror holds is not for who can't read the repository any more, or never could.
TEST_F(PasswordTest, AMirrorIsNoWayAroundAPassword) {
  auto server = Server();
  Trust(server->Url(""));
  ASSERT_TRUE(Resolve(server->Url("r.git")));
  settings_.logins.clear();
  EXPECT_EQ(Resolve(server->Url("r.git"), commit_).error().code, ErrorCode::kDenied);
}

TEST_F(PasswordTest, APasswordDoesNotTravelToAnotherHost) {
  auto server = Server();
  HttpServer other(top_, top_ / "other-log", {"--user", "me:s3cret"});
  Trust(server->Url(""));
  auto resolved = Resolve(server->Url("redirect/http://localhost:" + other.port() + "/r.git"));
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().code, ErrorCode::kDenied) << resolved.error().message;
  EXPECT_THAT(server->Log(), HasSubstr("/redirect/")) << "the redirect was not reached";
  EXPECT_EQ(other.Log(), "") << "it was asked";
}

// Another port is another server.
TEST_F(PasswordTest, APasswordDoesNotTravelToAnotherPort) {
  auto server = Server();
  HttpServer other(top_, top_ / "other-log", {"--user", "me:s3cret"});
  Trust(server->Url(""));
  auto resolved = Resolve(server->Url("redirect/" + other.Url("r.git")));
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().code, ErrorCode::kDenied) << resolved.error().message;
  EXPECT_THAT(resolved.error().message, HasSubstr("it redirects elsewhere, which is not followed"));
  EXPECT_EQ(other.Log(), "") << "it was asked";
}

TEST_F(PasswordTest, ARedirectWithinTheServerIsFollowed) {
  auto server = Server();
  Trust(server->Url(""));
  auto resolved = Resolve(server->Url("redirect/" + server->Url("r.git")));
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->commit, commit_);
}

TEST_F(PasswordTest, NobodyListens) {
  Trust("http://127.0.0.1:1/");
  auto resolved = Resolve("http://127.0.0.1:1/r.git");
  EXPECT_EQ(resolved.error().code, ErrorCode::kUnavailable) << resolved.error().message;
  EXPECT_THAT(resolved.error().message, HasSubstr("Connection refused"));
  Trust("http://no-such-host.invalid/");
  EXPECT_EQ(Resolve("http://no-such-host.invalid/r.git").error().code, ErrorCode::kUnavailable);
}

// The way round: who redirects to a host that we have a password for does not make us send it.
TEST_F(PasswordTest, ARedirectDoesNotFetchAPassword) {
  HttpServer first(top_, top_ / "first-log");
  auto server = Server();
  Trust(server->Url(""));
  auto resolved = Resolve(first.Url("redirect/" + server->Url("r.git")));
  EXPECT_EQ(resolved.error().code, ErrorCode::kDenied) << resolved.error().message;
  EXPECT_THAT(server->Log(), Not(HasSubstr("with credentials")));
}

// With a file missing or open to all nothing is sent, also not without a password.
TEST_F(PasswordTest, AFileThatIsNoGood) {
  auto server = Server();
  Trust(server->Url(""));
  fs::permissions(login_, fs::perms(0644));
  auto resolved = Resolve(server->Url("r.git"));
  EXPECT_EQ(resolved.error().code, ErrorCode::kDenied);
  EXPECT_THAT(resolved.error().message, HasSubstr(login_ + ": everybody may read it"));
  EXPECT_EQ(server->Log(), "");
}

class TlsTest : public PasswordTest {
 protected:
  // A certificate of its own signature for `name`, until `end` (YYYYMMDDHHMMSSZ). Makes NAME.pem and NAME.key.
  std::vector<std::string> Certificate(const std::string& file, const std::string& name,
                                       const std::string& end = "20990101000000Z") {
    const std::string base = (top_ / file).string(), config = base + ".cnf";
    PrivateFile(config, "[ca]\ndefault_ca=c\n[c]\ndatabase=" + base +
                            ".db\nrand_serial=yes\npolicy=p\n"
                            "default_md=sha256\nx509_extensions=v\nemail_in_dn=no\n[p]\ncommonName=supplied\n[v]\n"
                            "basicConstraints=CA:true\nsubjectAltName=DNS:" +
                            name +
                            "\n[req]\n"
                            "distinguished_name=d\n[d]\n");
    PrivateFile(base + ".db", "");
    MustRun({"openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             base + ".key", "-out", base + ".csr", "-subj", "/CN=" + name, "-config", config});
    MustRun({"openssl", "ca", "-batch", "-selfsign", "-config", config, "-in", base + ".csr", "-keyfile", base + ".key",
             "-startdate", "20000101000000Z", "-enddate", end, "-notext", "-out", base + ".pem", "-outdir",
             top_.string()});
    return {"--tls", base + ".pem", base + ".key"};
  }
};

TEST_F(TlsTest, ACertificateOfTheCaFile) {
  auto server = Server(Certificate("own", "localhost"));
  settings_.ca_file = top_ / "own.pem";
  Trust(server->Url(""));
  auto resolved = Resolve(server->Url("r.git"));
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->commit, commit_);
  repository_->Commit({{"f", "2"}});
  EXPECT_NE(Resolve(server->Url("r.git"))->commit, commit_);
}

TEST_F(TlsTest, ACertificateThatNobodyTrusts) {
  auto server = Server(Certificate("own", "localhost"));
  Certificate("another", "localhost");
  Trust(server->Url(""));
  for (const std::string& ca_file : {std::string(), (top_ / "another.pem").string()}) {
    settings_.ca_file = ca_file;
    auto resolved = Resolve(server->Url("r.git"));
    EXPECT_EQ(resolved.error().code, ErrorCode::kDenied) << resolved.error().message;
    EXPECT_THAT(resolved.error().message, HasSubstr("its certificate is not trusted; git.ca_file may name"));
  }
  EXPECT_EQ(server->Log(), "") << "a request was sent";
}

TEST_F(TlsTest, ACertificateForAnotherHostOrOutOfDate) {
  auto other = Server(Certificate("other", "elsewhere.example"));
  auto old = Server(Certificate("old", "localhost", "20200101000000Z"));
  settings_.ca_file = top_ / "other.pem";
  EXPECT_EQ(Resolve(other->Url("r.git")).error().code, ErrorCode::kDenied);
  settings_.ca_file = top_ / "old.pem";
  auto resolved = Resolve(old->Url("r.git"));
  EXPECT_EQ(resolved.error().code, ErrorCode::kDenied);
  EXPECT_THAT(resolved.error().message, HasSubstr("expired"));
}

TEST_F(TlsTest, ACaFileThatIsNone) {
  settings_.ca_file = PrivateFile(top_ / "rubbish", "-----BEGIN CERTIFICATE-----\nrubbish\n");
  auto resolved = Resolve("https://localhost:1/r.git");
  EXPECT_EQ(resolved.error().code, ErrorCode::kInvalid) << resolved.error().message;
  EXPECT_THAT(resolved.error().message, HasSubstr((top_ / "rubbish").string() + ": it holds no certificate"));
  settings_.ca_file = top_ / "missing";
  EXPECT_EQ(Resolve("https://localhost:1/r.git").error().code, ErrorCode::kNotFound);
}

// A password that was for https is not sent in the open.
TEST_F(TlsTest, ARedirectFromHttpsToHttp) {
  auto server = Server(Certificate("own", "localhost"));
  HttpServer plain(top_, top_ / "plain-log", {"--user", "me:s3cret"});
  settings_.ca_file = top_ / "own.pem";
  Trust(server->Url(""));
  auto resolved = Resolve(server->Url("redirect/http://localhost:" + plain.port() + "/r.git"));
  EXPECT_EQ(resolved.error().code, ErrorCode::kDenied) << resolved.error().message;
  EXPECT_EQ(plain.Log(), "");
}

}  // namespace
}  // namespace cromt
