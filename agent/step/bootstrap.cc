#include "agent/step/bootstrap.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "agent/step/rakudo/rakudo.h"

namespace cromt::step {
namespace {

constexpr int kNoContainer = 125, kCantRun = 126, kNotFound = 127;

using Words = std::vector<const char*>;
struct Manager {
  std::vector<Words> commands;  // one after another
};

// Which there is decides; their own names come first in each command.
const std::vector<Manager>& Managers() {
  static const std::vector<Manager> kManagers = {
      {{{"apt-get", "update"}, {"apt-get", "install", "-y", "--no-install-recommends", "bash"}}},
      {{{"apk", "add", "--no-cache", "bash"}}},
      {{{"dnf", "install", "-y", "bash"}}},
      {{{"microdnf", "install", "-y", "bash"}}},
      {{{"yum", "install", "-y", "bash"}}},
      {{{"zypper", "--non-interactive", "install", "bash"}}},
      {{{"pacman", "-Sy", "--noconfirm", "bash"}}},
  };
  return kManagers;
}

void Say(std::string_view text) {
  const std::string line = fmt::format("cromt: {}\n", text);
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;  // nobody is left to tell
}

std::vector<char*> Pointers(const Words& words) {
  std::vector<char*> pointers;
  for (const char* word : words) pointers.push_back(const_cast<char*>(word));
  pointers.push_back(nullptr);
  return pointers;
}

// What it prints is no output of the job's. True if it succeeded.
bool Run(const Words& words) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    ::setenv("DEBIAN_FRONTEND", "noninteractive", 1);
    ::execvp(words[0], Pointers(words).data());
    ::_exit(kNotFound);
  }
  int status = 0;
  while (pid > 0 && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int Fail(std::string_view why) {
  Say(fmt::format("bootstrap: there is no bash in this container, and {}", why));
  return kNoContainer;
}

}  // namespace

int RunBootstrapped(const std::vector<std::string>& argv) {
  if (!IsInPath("bash")) {
    const auto& managers = Managers();
    const auto manager =
        std::find_if(managers.begin(), managers.end(), [](const Manager& one) { return IsInPath(one.commands[0][0]); });
    if (manager == managers.end())
      return Fail("none of apt-get, apk, dnf, yum, zypper and pacman that could install it: put it into the image");
    Say(fmt::format("bootstrap: installing bash by {}", manager->commands[0][0]));
    for (const Words& command : manager->commands)
      if (!Run(command))
        return Fail(fmt::format("{} can't install it{}", command[0],
                                ::geteuid() == 0 ? "" : ", as the job is not root in it; see 'user'"));
    if (!IsInPath("bash")) return Fail(fmt::format("{} did not install it", manager->commands[0][0]));
  }
  Words words;
  for (const std::string& word : argv) words.push_back(word.c_str());
  ::execvp(words[0], Pointers(words).data());
  const int error = errno;
  Say(fmt::format("{}: {}", argv[0], std::strerror(error)));
  return error == ENOENT || error == ENOTDIR ? kNotFound : kCantRun;
}

}  // namespace cromt::step
