#include "agent/launcher/exec.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace cromt::launcher {
namespace {

constexpr std::string_view kMarkVariable = "CROMT_ATTEMPT_MARK=";
constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* kShell = "/bin/sh";

// As POSIX shells have it: what is not there is 127, what is there and can't run is 126.
int ExitCodeFor(int error) {
  bool missing = error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG;
  return missing ? 127 : 126;
}

bool IsMissing(int error) {
  return error == ENOENT || error == ENOTDIR;
}

}  // namespace

void ExitSaying(std::string_view text, int error) {
  [[maybe_unused]] ssize_t ignored = write(STDERR_FILENO, text.data(), text.size());
  _exit(ExitCodeFor(error));
}

ExecPlan::ExecPlan(const Start& start) : start_(start), mark_(std::string(kMarkVariable) + start.mark) {
  argv_.reserve(start.argv.size() + 1);
  for (const std::string& word : start.argv) argv_.push_back(word.c_str());
  argv_.push_back(nullptr);
  env_.reserve(start.env.size() + 2);
  for (const std::string& variable : start.env) {
    if (variable.starts_with(kMarkVariable)) continue;
    if (variable.starts_with("PATH=")) path_ = variable.c_str() + 5;
    env_.push_back(variable.c_str());
  }
  env_.push_back(mark_.c_str());
  env_.push_back(nullptr);
}

void ExecPlan::Run() {
  EnterDirectory();
  int error = TryAll();
  const char* reason = IsMissing(error) ? "not found" : std::strerror(error);
  ExitSaying(fmt::format("{}: 1: {}: {}\n", kShell, start_.argv[0], reason), error);
}

void ExecPlan::EnterDirectory() const {
  if (chdir(start_.cwd.c_str()) == 0) return;
  int error = errno;
  ExitSaying(fmt::format("cromt: can't change to directory {}: {}\n", start_.cwd, std::strerror(error)), error);
}

// Returns the errno that a shell would tell: of the last file that is there, else ENOENT.
int ExecPlan::TryAll() {
  const std::string& program = start_.argv[0];
  if (program.find('/') != std::string::npos) return Try(program.c_str());
  int error = ENOENT;
  std::string_view path = path_ ? std::string_view(path_) : kDefaultPath;
  while (true) {
    std::string_view dir = path.substr(0, path.find(':'));
    int failed = Try(dir.empty() ? program.c_str() : fmt::format("{}/{}", dir, program).c_str());
    if (!IsMissing(failed)) error = failed;
    if (dir.size() == path.size()) return error;
    path.remove_prefix(dir.size() + 1);
  }
}

// Returns only on failure, with the errno.
int ExecPlan::Try(const char* program) {
  auto exec = [this](const char* file, const char** argv) {
    execve(file, const_cast<char**>(argv), const_cast<char**>(env_.data()));
    return errno;
  };
  int error = exec(program, argv_.data());
  if (error != ENOEXEC) return error;
  std::vector<const char*> shell_argv = {kShell, program};
  shell_argv.insert(shell_argv.end(), argv_.begin() + 1, argv_.end());
  return exec(kShell, shell_argv.data());
}

}  // namespace cromt::launcher
