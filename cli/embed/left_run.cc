#include "cli/embed/left_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>

#include "base/unique_fd.h"
#include "cli/embed/run_files.h"
#include "io/process/boot_id.h"

namespace cromt {
namespace {

// Looks without keeping it: whoever wants to work there tries more than once.
bool IsInUse(const std::string& dir) {
  const UniqueFd directory(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  return !directory || ::flock(directory.get(), LOCK_SH | LOCK_NB) != 0;
}

bool IsOfThisBoot(const std::string& dir) {
  std::ifstream file(dir + "/" + kRunBootFile);
  std::string boot;
  return std::getline(file, boot) && boot == BootId();
}

void Lose(RunView& view, const std::string& reason) {
  view.status.state = RunState::kFinished;
  view.status.outcome = RunOutcome::kFailed;
  view.status.reason = reason;
  for (TaskView& task : view.tasks) {
    TaskStatus& status = task.status;
    if (status.state == TaskState::kFinished) continue;
    const bool begun = status.state != TaskState::kWaiting && status.state != TaskState::kReady;
    status.state = TaskState::kFinished;
    status.outcome = begun ? TaskOutcome::kLost : TaskOutcome::kSkipped;
    status.reason = reason;
  }
}

}  // namespace

void TellIfLeft(const std::string& dir, RunView& view) {
  if (view.status.state == RunState::kFinished || IsInUse(dir)) return;
  if (!IsOfThisBoot(dir)) return Lose(view, "lost: the host was restarted before the run had ended");
  if (::access((dir + "/" + kRunFinishedFile).c_str(), F_OK) == 0)
    return Lose(view, "lost: 'cromt run' could not go on");
  view.status.reason = fmt::format(
      "interrupted; 'cromt run --resume {}' goes on with it; {} minutes after the interruption its jobs are ended, and "
      "it goes on with them lost",
      view.header.id.text(), kRunOrphanTimeout.count());
}

}  // namespace cromt
