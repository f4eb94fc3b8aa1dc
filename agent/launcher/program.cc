#include "agent/launcher/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>

#include "agent/launcher/launcher.h"
#include "agent/launcher/say.h"
#include "base/core_dump.h"
#include "base/version.h"

namespace cromt::launcher {
namespace {

constexpr std::string_view kUsage =
    "cromt-launcher --data-dir DIR [--cgroup PATH|none] [--orphan-timeout SECONDS] [--detach | --service]\n"
    "Parent of the job processes of one cromt-agent, which starts it where no service does.\n"
    "  --data-dir DIR            its lock, socket and log of output\n"
    "  --cgroup PATH|none        make groups below the cgroup v2 directory PATH (default: the own group)\n"
    "  --orphan-timeout SECONDS  stop all jobs and leave when no agent is connected for that long (default: never)\n"
    "  --detach                  go on in the background; return when the socket answers\n"
    "  --service                 a service of its own, told to the manager: SIGTERM stops the jobs\n"
    "  --version                 say what this is\n";

constexpr off_t kMaxMessagesBytes = 1 << 20;

struct Flags {
  Options options;
  bool detach = false;
  bool help = false;
  bool version = false;
};

Result<Flags> Parse(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--help") flags.help = true;
    if (name == "--version") flags.version = true;
    if (name == "--detach") flags.detach = true;
    if (name == "--service") flags.options.is_service = true;
    if (name == "--help" || name == "--version" || name == "--detach" || name == "--service") continue;
    bool known = name == "--data-dir" || name == "--cgroup" || name == "--orphan-timeout";
    if (!known) return Fail(ErrorCode::kInvalid, fmt::format("'{}' is no flag", name));
    if (++i == argc) return Fail(ErrorCode::kInvalid, fmt::format("{} needs a value", name));
    if (name == "--data-dir") flags.options.data_dir = argv[i];
    if (name == "--cgroup") flags.options.cgroup = argv[i];
    if (name != "--orphan-timeout") continue;
    CROMT_ASSIGN(flags.options.orphan_timeout, ParseDuration(argv[i]));
  }
  if (flags.options.data_dir.empty() && !flags.help && !flags.version)
    return Fail(ErrorCode::kInvalid, "--data-dir is missing");
  if (flags.detach && flags.options.is_service)
    return Fail(ErrorCode::kInvalid, "--detach and --service exclude each other");
  return flags;
}

void WriteText(int fd, std::string_view text) {
  [[maybe_unused]] ssize_t ignored = write(fd, text.data(), text.size());
}

Result<std::string> Absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  char* here = getcwd(nullptr, 0);
  if (!here) return tl::unexpected(ErrnoError("the current directory", errno));
  std::string absolute = fmt::format("{}/{}", here, path);
  std::free(here);
  return absolute;
}

// /dev/null on 0, 1 and for good on 3, whatever the caller left open, so that no pipe of a job is ever made
// with a number that a job's own descriptors have. stderr stays.
void SettleDescriptors() {
  syscall(SYS_close_range, 3u, ~0u, 0u);
  while (true) {
    int fd = open("/dev/null", O_RDONLY);
    if (fd < 0) return;
    if (fd < 3) continue;  // fills what was closed
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return;
  }
}

// Nothing ignored: jobs would inherit it. By system call, since the C library hides two signals of its own, which
// some of our parents' parents may have ignored.
void SettleSignals() {
  struct KernelAction {
    void (*handler)(int) = SIG_DFL;
    unsigned long flags = 0;
    void (*restorer)() = nullptr;
    uint64_t mask = 0;
  } by_default;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction now {};
    bool hidden = sigaction(signal, nullptr, &now) != 0;
    if (hidden || now.sa_handler == SIG_IGN)
      syscall(SYS_rt_sigaction, signal, &by_default, nullptr, sizeof by_default.mask);
  }
  sigset_t blocked = BlockedSignals();
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

// From here on our words go to a file that does not grow without end.
void MoveWordsTo(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return;
  struct stat info {};
  if (fstat(file.get(), &info) == 0 && info.st_size > kMaxMessagesBytes && ftruncate(file.get(), 0) != 0) return;
  dup2(file.get(), STDERR_FILENO);
}

// Forks. In the parent: waits for the child to serve or to fail, and gives the exit code. In the child: nullopt,
// and `ready` to write a byte to. Before any descriptor for signals exists, since those stay with their process.
std::optional<int> Detach(UniqueFd& ready) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return 1;
  UniqueFd read_end(ends[0]);
  ready.reset(ends[1]);
  pid_t pid = fork();
  if (pid < 0) return 1;
  if (pid == 0) return std::nullopt;
  ready.reset();
  char served = 0;
  if (read(read_end.get(), &served, 1) == 1) return 0;
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int Serve(Options options, UniqueFd ready) {
  std::string messages = MessagesPath(options.data_dir);
  setsid();  // fails for a leader, which is as good
  Result<std::unique_ptr<Launcher>> launcher = Launcher::Create(std::move(options));
  if (!launcher) {
    Say(launcher.error().message);
    return launcher.error().code == ErrorCode::kConflict ? kExitConflict : 1;
  }
  if (ready) {
    MoveWordsTo(messages);
    WriteText(ready.get(), "y");
    ready.reset();
  }
  (*launcher)->Serves();
  (*launcher)->Run();
  return 0;
}

}  // namespace

int Main(int argc, char** argv) {
  ForbidCoreDumps();
  Result<Flags> flags = Parse(argc, argv);
  if (!flags) {
    WriteText(STDERR_FILENO, fmt::format("cromt-launcher: {}\n{}", flags.error().message, kUsage));
    return 2;
  }
  if (flags->help) {
    WriteText(STDOUT_FILENO, kUsage);
    return 0;
  }
  if (flags->version) {
    WriteText(STDOUT_FILENO, fmt::format("cromt-launcher {}\n", VersionText()));
    return 0;
  }
  Result<std::string> data_dir = Absolute(flags->options.data_dir);
  if (!data_dir) {
    Say(data_dir.error().message);
    return 1;
  }
  flags->options.data_dir = *data_dir;
  SettleDescriptors();
  SettleSignals();
  if (flags->options.is_service) flags->options.manager = ServiceManager::TakeFromEnvironment();
  UniqueFd ready;
  if (flags->detach) {
    if (std::optional<int> code = Detach(ready)) return *code;
  }
  return Serve(std::move(flags->options), std::move(ready));
}

}  // namespace cromt::launcher
