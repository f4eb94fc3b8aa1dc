// The doctor's looks, at hosts on which one thing is wrong.
#include "agent/doctor/doctor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/doctor/checks.h"

namespace cromt::doctor {
namespace {

using State = Finding::State;
using testing::HasSubstr;

class Doctor : public testing::Test {
 protected:
  Doctor() {
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
    ::chmod(dir_.c_str(), 0700);
  }
  ~Doctor() override { std::filesystem::remove_all(dir_); }

  void Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    std::ofstream(dir_ + "/" + name) << text;
    ::chmod((dir_ + "/" + name).c_str(), mode);
  }

  const std::string dir_ = testing::TempDir() + "doctor-" + std::to_string(::getpid());
};

TEST_F(Doctor, AllProgramsAreNeeded) {
  Write("cromt-launcher", "", 0755);
  Write("cromt-step", "", 0644);
  const Finding found = CheckPrograms(dir_);
  EXPECT_EQ(found.state, State::kProblem);
  EXPECT_EQ(found.says, "cromt-step, cromt-container can't be run in " + dir_);
  Write("cromt-step", "", 0755);
  Write("cromt-container", "", 0755);
  EXPECT_EQ(CheckPrograms(dir_).state, State::kOk);
}

TEST_F(Doctor, ADataDirectoryIsNobodyElses) {
  EXPECT_EQ(CheckDataDir(dir_, false).state, State::kOk) << CheckDataDir(dir_, false).says;
  EXPECT_EQ(CheckDataDir(dir_ + "/not/yet", false).state, State::kOk);
  ::chmod(dir_.c_str(), 0755);
  EXPECT_EQ(CheckDataDir(dir_, false).remedy, "chmod 0700 " + dir_);
  EXPECT_EQ(CheckDataDir(dir_, true).remedy, "chmod 0711 " + dir_);
  Write("file", "");
  EXPECT_THAT(CheckDataDir(dir_ + "/file", false).says, HasSubstr("is no directory"));
}

TEST_F(Doctor, JobsOfOthersMustGetThroughToIt) {
  std::filesystem::create_directories(dir_ + "/closed/data");
  ::chmod((dir_ + "/closed/data").c_str(), 0711);
  ::chmod(dir_.c_str(), 0711);
  ::chmod((dir_ + "/closed").c_str(), 0700);
  EXPECT_EQ(CheckDataDir(dir_ + "/closed/data", true).remedy,
            fmt::format("chmod o+x {0}/closed, or give another --data-dir", dir_));
}

TEST_F(Doctor, ALauncherThatIsAServiceIsMissed) {
  pid_t pid = 0;
  EXPECT_EQ(CheckLauncher(dir_, false, false, pid).state, State::kOk);
  EXPECT_EQ(CheckLauncher(dir_, false, true, pid).says, "the agent runs, and its launcher does not answer");
  const Finding found = CheckLauncher(dir_, true, false, pid);
  EXPECT_EQ(found.state, State::kProblem);
  EXPECT_THAT(found.remedy, HasSubstr("systemctl start cromt-launcher"));
}

TEST_F(Doctor, APortIsFreeOrTheAgentsOwnOrTaken) {
  const UniqueFd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(taken.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(taken.get(), 1), 0);
  ::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size);
  const std::string listen = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  EXPECT_EQ(CheckPort(listen, dir_, false).says, listen + " is in use by another program");
  Write("address", "grpc " + listen + "\n");
  EXPECT_EQ(CheckPort(listen, dir_, false).state, State::kProblem);
  EXPECT_EQ(CheckPort(listen, dir_, true).says, listen + " is served by the agent");
  EXPECT_EQ(CheckPort("127.0.0.1:0", dir_, false).state, State::kOk);
  EXPECT_EQ(CheckPort("192.0.2.1:4000", dir_, false).state, State::kProblem);  // an address for examples
}

TEST_F(Doctor, AnAgentThatRunsHoldsTheLock) {
  EXPECT_FALSE(AgentRuns(dir_));
  Write("lock", "");
  EXPECT_FALSE(AgentRuns(dir_));
  const UniqueFd lock(::open((dir_ + "/lock").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  EXPECT_TRUE(AgentRuns(dir_));
}

TEST_F(Doctor, AnEngineMayBeMissing) {
  EXPECT_EQ(CheckEngine("unix://" + dir_ + "/none.sock").state, State::kWarning);
  Write("dead.sock", "");
  EXPECT_EQ(CheckEngine("unix://" + dir_ + "/dead.sock").remedy, "start the engine");
}

TEST_F(Doctor, UsersOfTheConfigurationAreThere) {
  EXPECT_THAT(CheckUsers({.job_user = "nobody-like-this"}).remedy, HasSubstr("useradd --system nobody-like-this"));
  if (::geteuid() != 0) return;
  EXPECT_EQ(CheckUsers({.job_user = "nobody"}).says, "jobs run as nobody");
  EXPECT_EQ(CheckUsers({.job_user = "nobody", .run_as = {"who-is-that"}}).state, State::kProblem);
  EXPECT_EQ(CheckUsers({}).state, State::kWarning);
}

TEST_F(Doctor, GroupsThatCantBeMadeAreSaidToBe) {
  EXPECT_EQ(CheckGroups("none", 0, false).state, State::kWarning);
  EXPECT_EQ(CheckGroups(dir_ + "/none", 0, false).state, State::kWarning);
  Write("cgroup.controllers", "cpuset cpu io memory pids\n");
  EXPECT_EQ(CheckGroups(dir_, 0, true).says, "memory, cpu, pids can be limited in " + dir_);
}

TEST(DoctorFindings, AreTextAndJson) {
  const Findings findings = {Ok("port", "is free"), Problem("users", "no \"x\"", "make it")};
  EXPECT_TRUE(HasProblem(findings));
  EXPECT_EQ(ToText(findings),
            "ok       port             is free\n"
            "problem  users            no \"x\"\n"
            "                          -> make it\n");
  EXPECT_EQ(ToJson(findings), R"({"ok":false,"checks":[{"check":"port","state":"ok","says":"is free","remedy":""},)"
                              R"({"check":"users","state":"problem","says":"no \"x\"","remedy":"make it"}]})"
                              "\n");
  EXPECT_FALSE(HasProblem({Ok("port", ""), Warning("clock", "", "")}));
}

}  // namespace
}  // namespace cromt::doctor
