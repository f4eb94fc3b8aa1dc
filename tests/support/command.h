// Runs a program by its argument vector and waits for it: for tests that need git, tar and the like.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace cromt {

struct CommandResult {
  int code = -1;       // 128+N for a signal, -1 if it could not be started
  std::string output;  // standard output and error together
};

// `environment` holds NAME=VALUE; PATH is always there. Blocks.
inline CommandResult RunCommand(std::vector<std::string> argv, std::vector<std::string> environment = {},
                                const std::string& input_file = "/dev/null") {
  environment.push_back("PATH=/usr/local/bin:/usr/bin:/bin");
  std::vector<char*> arguments, variables;
  for (auto& text : argv) arguments.push_back(text.data());
  for (auto& text : environment) variables.push_back(text.data());
  arguments.push_back(nullptr);
  variables.push_back(nullptr);
  CommandResult result;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return result;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, input_file.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, ends[1], 1);
  posix_spawn_file_actions_adddup2(&files, ends[1], 2);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, arguments[0], &files, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&files);
  close(ends[1]);
  char buffer[4096];
  for (ssize_t got; error == 0 && (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
    result.output.append(buffer, static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  if (error != 0 || waitpid(pid, &status, 0) != pid) return result;
  result.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace cromt
