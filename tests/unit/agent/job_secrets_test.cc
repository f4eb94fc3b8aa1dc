// How secrets get to a job: what its process sees of them, and whose the files are.
#include "agent/job_secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/workspaces.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JobSecretsTest : public testing::Test {
 protected:
  JobSecretsTest() {
    std::string pattern = testing::TempDir() + "/job-secrets-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  ~JobSecretsTest() override { fs::remove_all(dir_); }

  QueuedAttempt Attempt(std::vector<SecretUse> uses) {
    TaskSpec spec;
    spec.secrets = std::move(uses);
    QueuedAttempt attempt;
    attempt.spec = std::make_shared<const TaskSpec>(std::move(spec));
    attempt.secrets = std::make_shared<const std::vector<std::pair<std::string, std::string>>>(
        std::vector<std::pair<std::string, std::string>>{{"db", "hunter22"}, {"key", std::string("a\0b\n", 4)}});
    return attempt;
  }
  static std::string Contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }

  std::string dir_;
};

TEST_F(JobSecretsTest, WithoutAnyNothingChanges) {
  launcher::Start start;
  start.env = {"A=1"};
  EXPECT_TRUE(GiveSecrets(start, Attempt({}), dir_ + "/secrets"));
  EXPECT_THAT(start.env, ElementsAre("A=1"));
  EXPECT_EQ(start.level(), 1u);
  EXPECT_FALSE(fs::exists(dir_ + "/secrets"));
}

TEST_F(JobSecretsTest, AVariableIsSetInPlaceOfAnyOther) {
  launcher::Start start;
  start.env = {"DB=from the agent", "A=1", "DBX=2"};
  EXPECT_TRUE(GiveSecrets(start, Attempt({{"db", "DB", ""}}), dir_ + "/secrets"));
  EXPECT_THAT(start.env, ElementsAre("A=1", "DBX=2", "DB=hunter22"));
  EXPECT_THAT(start.secrets, testing::Contains("hunter22"));
  EXPECT_EQ(start.level(), 3u);
  EXPECT_FALSE(fs::exists(dir_ + "/secrets"));
}

TEST_F(JobSecretsTest, FilesAreTheJobsUsersAlone) {
  const std::string secrets = dir_ + "/secrets";
  fs::create_directory(secrets);
  std::ofstream(secrets + "/left") << "of another attempt";
  launcher::Start start;
  start.sandbox = launcher::Sandbox::kStrict;
  if (::geteuid() == 0) start.become = launcher::JobUser{65534, 65534, {}};
  EXPECT_TRUE(GiveSecrets(start, Attempt({{"key", "", "key.pem"}, {"db", "DB", ""}}), secrets));
  EXPECT_THAT(start.env, ElementsAre("DB=hunter22", "CROMT_SECRETS=" + secrets));
  EXPECT_THAT(start.readable, ElementsAre(secrets + "/key.pem"));
  EXPECT_EQ(Contents(secrets + "/key.pem"), std::string("a\0b\n", 4));
  EXPECT_EQ(ModeOf(secrets), 0700u);
  EXPECT_EQ(ModeOf(secrets + "/key.pem"), 0600u);
  EXPECT_FALSE(fs::exists(secrets + "/left"));
  if (!start.become) return;
  for (const std::string& path : {secrets, secrets + "/key.pem"}) {
    struct stat info {};
    ASSERT_EQ(::lstat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 65534u) << path;
  }
}

TEST_F(JobSecretsTest, ALinkInThePlaceOfTheFolderIsNotFollowed) {
  fs::create_directory(dir_ + "/other");
  std::ofstream(dir_ + "/other/kept") << "x";
  fs::create_directory_symlink(dir_ + "/other", dir_ + "/secrets");
  launcher::Start start;
  EXPECT_TRUE(GiveSecrets(start, Attempt({{"key", "", "key.pem"}}), dir_ + "/secrets"));
  EXPECT_TRUE(fs::exists(dir_ + "/other/kept"));
  EXPECT_FALSE(fs::exists(dir_ + "/other/key.pem"));
}

TEST_F(JobSecretsTest, AContainerGetsFilesOfItsOwn) {
  ASSERT_TRUE(WriteSecretsForContainer(Attempt({{"db", "DB", ""}, {"key", "", "k"}}), dir_ + "/secrets",
                                       "/.cromt/secrets", dir_ + "/variables"));
  EXPECT_EQ(Contents(dir_ + "/variables"), std::string("DB=hunter22\0CROMT_SECRETS=/.cromt/secrets\0", 42));
  EXPECT_EQ(ModeOf(dir_ + "/secrets/k"), 0444u);
}

TEST_F(JobSecretsTest, TheyAreGoneOnceTheSlotIsEmptied) {
  auto work = Workspaces::Open(dir_ + "/work", 1);
  ASSERT_TRUE(work);
  launcher::Start start;
  ASSERT_TRUE(GiveSecrets(start, Attempt({{"key", "", "k"}}), work->SecretsPath(0)));
  EXPECT_TRUE(work->HasSecrets(0));
  EXPECT_TRUE(work->Clean(0));
  EXPECT_FALSE(work->HasSecrets(0));
  EXPECT_FALSE(fs::exists(work->SecretsPath(0)));
}

}  // namespace
}  // namespace cromt
