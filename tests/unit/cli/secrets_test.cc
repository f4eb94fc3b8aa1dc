// cromt secrets, and what `cromt run` takes from --secrets-file.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/unique_fd.h"
#include "cli/run_origin.h"
#include "cli/secrets_file.h"
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SecretsTest : public CliTest {
 protected:
  void Type(const std::string& text) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    typed_.reset(ends[0]);
    const UniqueFd in(ends[1]);
    ASSERT_EQ(::write(in.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    input_ = typed_.get();
  }
  std::string Private(const std::string& name, const std::string& text, mode_t mode = 0600) {
    File(name, text);
    ::chmod(Path(name).c_str(), mode);
    return name;
  }
  UniqueFd typed_;
};

TEST_F(SecretsTest, AValueComesFromStandardInputWithoutItsLineEnd) {
  for (const char* text : {"hunter22", "hunter22\n", "hunter22\r\n"}) {
    Type(text);
    EXPECT_EQ(Cromt({"secrets", "set", "db", "--project", "deploy"}), 0);
    EXPECT_EQ(out(), "secret db of project deploy is set\n");
    EXPECT_EQ(err(), "");
    EXPECT_EQ(control_.secrets_set.back().value, "hunter22");
  }
  EXPECT_EQ(control_.secrets_set[0].project, "deploy");
  EXPECT_EQ(control_.secrets_set[0].name, "db");
  EXPECT_EQ(control_.secrets_set[0].author, "alice");
  Type("two\nlines\n\n");
  EXPECT_EQ(Cromt({"secrets", "set", "db", "--all-projects", "-o", "json"}), 0);
  EXPECT_EQ(out(), "{\"name\":\"db\",\"project\":null,\"state\":\"set\"}\n");
  EXPECT_EQ(control_.secrets_set.back().value, "two\nlines\n");
  EXPECT_EQ(control_.secrets_set.back().project, "");
}

TEST_F(SecretsTest, AFileIsTakenByteForByte) {
  File("key.pem", std::string("a\0b\n", 4));
  EXPECT_EQ(Cromt({"secrets", "set", "key", "--project", "p", "--from-file", "key.pem"}), 0);
  EXPECT_EQ(control_.secrets_set.back().value, std::string("a\0b\n", 4));
  EXPECT_EQ(Cromt({"secrets", "set", "key", "--project", "p", "--from-file", "missing"}), 2);
}

TEST_F(SecretsTest, WhatTheCoordinatorSaysOfTheValueIsTold) {
  control_.secret_warnings = {"secret 'pin' has fewer than 4 bytes, so it is not hidden in the output of jobs"};
  Type("123");
  EXPECT_EQ(Cromt({"secrets", "set", "pin", "--project", "p"}), 0);
  EXPECT_THAT(err(), HasSubstr("fewer than 4 bytes"));
}

TEST_F(SecretsTest, ListAndRemove) {
  EXPECT_EQ(Cromt({"secrets", "list"}), 0);
  EXPECT_EQ(out(), "no secrets yet; 'cromt secrets set NAME --project P' makes one\n");
  control_.listed_secrets = {{"", "common", At(0), "root"}, {"deploy", "db", At(0), ""}};
  EXPECT_EQ(Cromt({"secrets", "list", "--project", "deploy", "-o", "json"}), 0);
  EXPECT_EQ(control_.project, "deploy");
  EXPECT_EQ(out(),
            "{\"name\":\"common\",\"project\":null,\"set_at\":\"2026-11-22T18:34:31.000000Z\",\"author\":\"root\"}\n"
            "{\"name\":\"db\",\"project\":\"deploy\",\"set_at\":\"2026-11-22T18:34:31.000000Z\",\"author\":null}\n");
  EXPECT_EQ(Cromt({"secrets", "list"}), 0);
  EXPECT_THAT(out(), AllOf(HasSubstr("common  (all)"), HasSubstr("db      deploy")));
  EXPECT_EQ(Cromt({"secrets", "list", "-o", "quiet"}), 0);
  EXPECT_EQ(out(), "common\ndb\n");
  EXPECT_EQ(Cromt({"secrets", "remove", "db", "--project", "deploy"}), 0);
  EXPECT_EQ(Cromt({"secrets", "remove", "common", "--all-projects"}), 0);
  EXPECT_EQ(control_.secrets_removed, (std::vector<std::string>{"deploy/db", "/common"}));
}

TEST_F(SecretsTest, BadUsageIsRefusedHere) {
  Type("x");
  const std::vector<std::vector<std::string>> calls = {
      {"secrets"},
      {"secrets", "show", "db"},
      {"secrets", "set"},
      {"secrets", "set", "db"},
      {"secrets", "set", "../db", "--project", "p"},
      {"secrets", "set", "db", "--project", "a/b"},
      {"secrets", "set", "db", "hunter22", "--project", "p"},
      {"secrets", "set", "db", "--project", "p", "--value", "hunter22"},
      {"secrets", "set", "db", "--project", "p", "--all-projects"},
      {"secrets", "list", "db"},
      {"secrets", "remove", "db", "--project", "p", "--from-file", "f"},
  };
  for (const auto& call : calls) EXPECT_EQ(Cromt(call), 2) << call.back();
  Type("");
  EXPECT_EQ(Cromt({"secrets", "set", "db", "--project", "p"}), 2);
  Type("\n");
  EXPECT_EQ(Cromt({"secrets", "set", "db", "--project", "p"}), 2);
  File("large", std::string((64 << 10) + 1, 'x'));
  EXPECT_EQ(Cromt({"secrets", "set", "db", "--project", "p", "--from-file", "large"}), 2);
  EXPECT_TRUE(control_.secrets_set.empty());
  EXPECT_TRUE(connected_.empty());
}

// ---- --secrets-file ---------------------------------------------------------------------------

TEST_F(SecretsTest, ARunTakesItsSecretsFromAPrivateFile) {
  environment_["XDG_STATE_HOME"] = Path("state");
  File("hello.yaml", "projects: {hello: {run: echo hello}}\n");
  const RunView run = RunOf("hello", {Running(Task(1, "hello", "local"))});
  control_.updates = {Whole(run), Ended(run, RunOutcome::kSucceeded, {Succeeded(Task(1, "hello", "local"))})};
  Private("secrets.yaml", "db: hunter22\nkey: |\n  one\n  two\n'7': 1.10\n");
  EXPECT_EQ(Cromt({"run", "hello.yaml", "--secrets-file", "secrets.yaml"}), 0) << err();
  ASSERT_EQ(embedded_.size(), 1u);
  EXPECT_EQ(embedded_[0].secrets, (std::vector<std::pair<std::string, std::string>>{
                                      {"db", "hunter22"}, {"key", "one\ntwo\n"}, {"7", "1.10"}}));
  const auto origin = ReadRunOrigin(embedded_[0].data_dir);
  ASSERT_TRUE(origin);
  EXPECT_TRUE(origin->secrets);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("state"))) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(text.find("hunter22"), text.npos) << entry.path();
  }
  Private("short.yaml", "pin: '123'\n");
  EXPECT_EQ(Cromt({"run", "hello.yaml", "--secrets-file", "short.yaml"}), 0);
  EXPECT_THAT(err(), HasSubstr("secret 'pin' has fewer than 4 bytes"));
}

TEST_F(SecretsTest, AFileThatOthersMayReadIsRefused) {
  File("hello.yaml", "projects: {hello: {run: echo hello}}\n");
  for (const mode_t mode : {0640u, 0604u, 0602u, 0666u}) {
    Private("secrets.yaml", "db: hunter22\n", mode);
    EXPECT_EQ(Cromt({"run", "hello.yaml", "--secrets-file", "secrets.yaml"}), 3) << mode;
    EXPECT_THAT(err(), HasSubstr("chmod 600"));
  }
  EXPECT_TRUE(embedded_.empty());
}

TEST_F(SecretsTest, NoMessageShowsAValue) {
  for (const char* text : {"db: [hunter22]\n", "db: {a: hunter22}\n", "hunter22\n", "- hunter22\n", "db: 'hunter22\n",
                           "db: hunter22\ndb: hunter22\n", "db: &a hunter22\nb: *c\n", "db: \"hunter22\\q\"\n",
                           "db: !x hunter22\n", "hunter22/: x\n", "db:\n"}) {
    Private("secrets.yaml", text);
    const auto read = ReadSecretsFile(Path("secrets.yaml"));
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, Not(HasSubstr("hunter22"))) << text;
    EXPECT_THAT(read.error().message, HasSubstr("secrets.yaml:")) << text;
  }
  Private("empty.yaml", "# nothing\n");
  EXPECT_TRUE(ReadSecretsFile(Path("empty.yaml")));
}

TEST_F(SecretsTest, ToResumeARunTheFileIsGivenAgain) {
  environment_["XDG_STATE_HOME"] = Path("state");
  const std::string directory = Path("state/cromt/runs/run1");
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/boot") << "boot1\n";
  const RunView run = RunOf("hello", {Running(Task(1, "hello", "local"))});
  control_.view = run;
  control_.updates = {Whole(run), Ended(run, RunOutcome::kSucceeded, {Succeeded(Task(1, "hello", "local"))})};
  RunOrigin origin;
  origin.secrets = true;
  ASSERT_TRUE(WriteRunOrigin(directory, origin));
  EXPECT_EQ(Cromt({"run", "--resume", "run1"}), 2);
  EXPECT_THAT(err(), HasSubstr("give the file again"));
  EXPECT_TRUE(embedded_.empty());
  Private("secrets.yaml", "db: hunter22\n");
  EXPECT_EQ(Cromt({"run", "--resume", "run1", "--secrets-file", "secrets.yaml"}), 0) << err();
  ASSERT_EQ(embedded_.size(), 1u);
  EXPECT_EQ(embedded_[0].secrets.size(), 1u);
}

}  // namespace
}  // namespace cromt::cli
