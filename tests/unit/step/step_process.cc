#include "step_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

namespace cromt::step {
namespace {

using seglog::Stream;

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

StepProcess::StepProcess(const std::string& root, const std::vector<std::string>& actions, const Variables& variables,
                         bool records)
    : records_(records) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  pipe_.reset(ends[0]);
  UniqueFd write_end(ends[1]);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, write_end.get(), records ? 3 : 1);
  posix_spawn_file_actions_addclosefrom_np(&files, records ? 4 : 3);

  std::vector<std::string> argv = {std::string(::getenv("CROMT_BIN")) + "/cromt-step", "--root", root};
  argv.insert(argv.end(), actions.begin(), actions.end());
  Variables all = variables;
  all.insert({{"PATH", ::getenv("PATH")}, {"TMPDIR", ::testing::TempDir()}});
  std::vector<std::string> environment;
  for (const auto& [name, value] : all) environment.push_back(name + "=" + value);
  EXPECT_EQ(::posix_spawn(&pid_, argv[0].c_str(), &files, nullptr, Pointers(argv).data(), Pointers(environment).data()),
            0);
  posix_spawn_file_actions_destroy(&files);
}

bool StepProcess::ReadMore() {
  char buffer[4096];
  ssize_t n = ::read(pipe_.get(), buffer, sizeof buffer);
  if (n <= 0) return false;
  if (!records_) {
    result_.text.append(buffer, static_cast<size_t>(n));
    return true;
  }
  unread_.append(buffer, static_cast<size_t>(n));
  std::string_view rest = unread_;
  while (true) {
    auto record = seglog::DecodeRecord(rest);
    if (!record) ADD_FAILURE() << record.error().message;
    if (!record || !*record) break;
    const std::string data((*record)->data);
    switch ((*record)->stream) {
      case Stream::kStdout: result_.out += data; break;
      case Stream::kStderr: result_.err += data; break;
      case Stream::kNote: result_.notes += data; break;
      case Stream::kStep: result_.marks.push_back(DecodeMark(data.substr(0, data.size() - 1)).value()); break;
    }
  }
  unread_.erase(0, unread_.size() - rest.size());
  return true;
}

bool StepProcess::ReadUntil(const std::function<bool(const StepResult&)>& condition) {
  while (!condition(result_))
    if (!ReadMore()) return false;
  return true;
}

StepResult StepProcess::Wait() {
  while (ReadMore()) {
  }
  EXPECT_EQ(unread_, "");
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  result_.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result_;
}

}  // namespace cromt::step
