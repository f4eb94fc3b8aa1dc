// cromt-step: first process of a job that runs actions. Descriptor 3, where it is open as a pipe, takes records; run by
// hand there is none, and stdout takes text.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "agent/step/init.h"
#include "agent/step/inside.h"
#include "agent/step/step.h"
#include "base/core_dump.h"

namespace {

constexpr int kRecordsFd = 3;
constexpr int kExitUsage = 2;

bool IsPipe(int fd) {
  struct stat info;
  return ::fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

// So that no pipe of ours gets the number of a standard stream.
void OpenStandardStreams() {
  while (true) {
    int fd = ::open("/dev/null", O_RDWR);
    if (fd < 0 || fd > STDERR_FILENO) {
      if (fd >= 0) ::close(fd);
      return;
    }
  }
}

void Print(int fd, std::string_view text) {
  if (::write(fd, text.data(), text.size()) < 0) return;  // nobody is left to tell
}

}  // namespace

int main(int argc, char** argv) {
  cromt::LimitCoreDumps();       // its environment may hold secrets
  constexpr int kInitWords = 4;  // cromt-step --init IO --
  if (argc > kInitWords && std::string_view(argv[1]) == "--init" && std::string_view(argv[3]) == "--")
    return cromt::step::RunInit(argv[2], {argv + kInitWords, argv + argc});
  if (argc > 2 && std::string_view(argv[1]) == "--inside") return cromt::step::RunInside({argv + 2, argv + argc});
  const bool records = IsPipe(kRecordsFd);
  if (records) ::fcntl(kRecordsFd, F_SETFD, FD_CLOEXEC);
  OpenStandardStreams();

  auto arguments = cromt::step::ParseArguments({argv + 1, argv + argc});
  if (!arguments) {
    Print(STDERR_FILENO, arguments.error().message + "\n" + std::string(cromt::step::kUsage));
    return kExitUsage;
  }
  auto children = cromt::step::ChildRunner::Create();
  if (!children) {
    Print(STDERR_FILENO, "cromt-step: " + children.error().message + "\n");
    return 1;
  }
  std::unique_ptr<cromt::step::Output> output;
  if (records) {
    output = std::make_unique<cromt::step::RecordOutput>(cromt::UniqueFd(kRecordsFd));
  } else {
    output = std::make_unique<cromt::step::TextOutput>(STDOUT_FILENO);
  }
  return cromt::step::RunActions(std::move(*arguments), **children, *output);
}
