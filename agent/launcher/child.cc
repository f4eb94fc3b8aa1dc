#include "agent/launcher/child.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/launcher/confine.h"
#include "agent/launcher/exec.h"

namespace cromt::launcher {
namespace {

constexpr int kRecordsFd = 3;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

// The errno, or 0. Only the launcher's end is nonblocking: the job's must block.
int MakePipe(Pipe& made) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  made.read.reset(ends[0]);
  made.write.reset(ends[1]);
  return fcntl(made.read.get(), F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

// A fork that lands in the cgroup. The C library's fork would call handlers that nobody here has registered,
// and knows no groups; the launcher is small, so copying it costs no more than posix_spawn.
pid_t Clone(int cgroup_dir_fd) {
  clone_args args{};
  args.exit_signal = SIGCHLD;
  if (cgroup_dir_fd >= 0) {
    args.flags = CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(cgroup_dir_fd);
  }
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
}

pid_t CloneOrFork(const Groups& groups, bool& in_cgroup) {
  in_cgroup = groups.dir_fd >= 0;
  pid_t pid = Clone(groups.dir_fd);
  if (pid < 0 && groups.needed) return pid;
  if (pid < 0 && in_cgroup) {
    in_cgroup = false;
    pid = Clone(-1);
  }
  // Older container runtimes do not let clone3 through.
  if (pid < 0 && (errno == ENOSYS || errno == EPERM)) pid = fork();
  return pid;
}

void UnblockAllSignals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// In the child. Every other descriptor of the launcher is close-on-exec; its signals are blocked, none ignored.
[[noreturn]] void BecomeJob(const Start& start, ExecPlan& plan, const Pipe& out, const Pipe& err, const Pipe& records,
                            std::span<const int> enter, const rlimit& open_files) {
  setsid();
  dup2(out.write.get(), STDOUT_FILENO);
  dup2(err.write.get(), STDERR_FILENO);
  for (const int group : enter)
    if (write(group, "0", 1) != 1) ExitSaying("cromt: can't enter the control group of its limits\n", EPERM);
  if (records.write) dup2(records.write.get(), kRecordsFd);
  setrlimit(RLIMIT_NOFILE, &open_files);
  UnblockAllSignals();
  Confine(start);
  plan.Run();
}

}  // namespace

tl::expected<Child, int> StartChild(const Start& start, const Groups& groups, const rlimit& open_files) {
  Pipe out, err, records;
  if (int error = MakePipe(out)) return tl::unexpected(error);
  if (int error = MakePipe(err)) return tl::unexpected(error);
  if (int error = start.records ? MakePipe(records) : 0) return tl::unexpected(error);
  ExecPlan plan(start);
  Child child;
  child.pid = CloneOrFork(groups, child.in_cgroup);
  if (child.pid == 0) BecomeJob(start, plan, out, err, records, groups.enter, open_files);
  if (child.pid < 0) return tl::unexpected(errno);
  child.out = std::move(out.read);
  child.err = std::move(err.read);
  child.records = std::move(records.read);
  return child;
}

bool CanStartIn(int cgroup_dir_fd) {
  pid_t pid = Clone(cgroup_dir_fd);
  if (pid == 0) _exit(0);
  return pid > 0 && waitpid(pid, nullptr, 0) == pid;
}

}  // namespace cromt::launcher
