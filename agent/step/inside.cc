#include "agent/step/inside.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <span>

#include "agent/launcher/proc_file.h"
#include "agent/launcher/process_table.h"
#include "agent/step/bootstrap.h"
#include "agent/step/init.h"
#include "base/time.h"
#include "io/archive/packer.h"

namespace cromt::step {
namespace {

using launcher::ProcessInfo;
using namespace std::string_literals;

constexpr int kUsage = 2;
constexpr int kRecordsFd = 3;
constexpr int kMostRounds = 50;      // of killing what forks meanwhile
constexpr int kRoundPauseMs = 20;    // for what was killed to end
constexpr size_t kMostLeftOut = 20;  // told one by one

void Say(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // nobody is left to tell
    text.remove_prefix(static_cast<size_t>(n));
  }
}

int Failed(const std::string& why) {
  Say(STDERR_FILENO, why + "\n");
  return 1;
}

bool Contains(std::span<const pid_t> pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

// All that live below these, themselves not among them.
std::vector<pid_t> Below(const std::vector<pid_t>& roots, const std::vector<ProcessInfo>& all) {
  std::vector<pid_t> known = roots;
  for (bool grown = true; grown;) {
    grown = false;
    for (const ProcessInfo& info : all) {
      if (info.zombie || Contains(known, info.pid) || !Contains(known, info.parent)) continue;
      known.push_back(info.pid);
      grown = true;
    }
  }
  known.erase(known.begin(), known.begin() + static_cast<ptrdiff_t>(roots.size()));
  return known;
}

// How many it reached.
size_t SendTo(const std::vector<pid_t>& pids, int signal) {
  size_t reached = 0;
  for (const pid_t pid : pids)
    if (pid != ::getpid() && ::kill(pid, signal) == 0) ++reached;
  return reached;
}

// A job's processes: the one that entered, and all that came of it.
struct Job {
  std::vector<pid_t> entered, others;
};

// True for what `enter` and `pack` are begun as at `place`: command lines may be read by all.
bool IsOurs(const std::string& command_line, const std::string& place) {
  const std::string begin = place + "/step\0--inside\0"s;
  if (!command_line.starts_with(begin)) return false;
  const std::string_view rest = std::string_view(command_line).substr(begin.size());
  return !rest.starts_with("remove") && !rest.starts_with("signal");
}

// What has lost what entered is known by the mark in its environment, where that may be read.
Job FindJob(const std::string& place, const std::string& mark) {
  Job job;
  std::vector<pid_t> marked;
  const std::vector<ProcessInfo> all = launcher::ReadAllProcesses();
  for (const ProcessInfo& info : all) {
    if (info.zombie || info.pid == ::getpid()) continue;
    if (IsOurs(launcher::ReadProcFile(fmt::format("/proc/{}/cmdline", info.pid).c_str()), place))
      job.entered.push_back(info.pid);
    else if (launcher::VariableOf(info.pid, "CROMT_ATTEMPT_MARK") == mark)
      marked.push_back(info.pid);
  }
  std::vector<pid_t> roots = job.entered;
  roots.insert(roots.end(), marked.begin(), marked.end());
  job.others = Below(roots, all);
  job.others.insert(job.others.end(), marked.begin(), marked.end());
  return job;
}

int Id() {
  Say(STDOUT_FILENO, fmt::format("{} {}\n", ::geteuid(), ::getegid()));
  return 0;
}

int Enter(const std::string& place, bool records, const std::vector<std::string>& argv) {
  if (records && (::dup2(STDOUT_FILENO, kRecordsFd) < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
    return Failed(ErrnoError("its outputs can't be set up", errno).message);
  ::chmod((place + "/workspace").c_str(), 0700);  // as on the host; where it is another's, it stays as it is
  // What loses its parent comes to us instead of the container's own first process.
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return Failed(ErrnoError("can't look after its processes", errno).message);
  return RunUnder(argv, true, [](pid_t, int signal) {
    bool any = false;
    for (int round = 0; round < (signal == SIGKILL ? kMostRounds : 1); ++round) {
      if (SendTo(Below({::getpid()}, launcher::ReadAllProcesses()), signal) == 0) break;
      any = true;
    }
    return any;
  });
}

int Signal(const std::string& place, const std::string& mark, int signal) {
  const Job job = FindJob(place, mark);
  if (SendTo(job.others, signal) > 0) return 0;
  return SendTo(job.entered, signal) > 0 ? 0 : kNobody;  // it has begun nothing yet
}

int Pack(const std::string& place) {
  const UniqueFd root(::open((place + "/workspace").c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root) return Failed(ErrnoError(place + "/workspace", errno).message);
  size_t left_out = 0;
  const auto sink = [](std::string_view bytes) -> Status {
    Say(STDOUT_FILENO, bytes);
    return {};
  };
  const auto tell = [&](const std::string&, const Error& why) {
    if (++left_out <= kMostLeftOut) Say(STDERR_FILENO, why.message + "\n");
  };
  archive::Packer packer(root.get(), sink, {}, {.packed = {}, .left_out = tell});
  Status packed = packer.Add(".", "");
  if (packed) packed = packer.Finish();
  if (!packed) return Failed(packed.error().message);
  if (left_out > kMostLeftOut) Say(STDERR_FILENO, fmt::format("and {} more\n", left_out - kMostLeftOut));
  return 0;
}

// What entered is let live as long as it has something to take in, so that no zombie is left to the container.
int Remove(const std::string& place, const std::string& mark) {
  for (int round = 0;; ++round) {
    const Job job = FindJob(place, mark);
    if (job.entered.empty() && job.others.empty()) break;
    if (round == kMostRounds) return Failed("processes of the job can't be killed");
    SendTo(job.others, SIGKILL);
    if (round > kMostRounds / 2) SendTo(job.entered, SIGKILL);
    ::poll(nullptr, 0, kRoundPauseMs);
  }
  std::error_code error;
  std::filesystem::remove_all(place, error);
  return error ? Failed(fmt::format("can't remove {}: {}", place, error.message())) : 0;
}

}  // namespace

int RunInside(const std::vector<std::string>& words) {
  const std::string& what = words[0];
  if (what == "id" && words.size() == 1) return Id();
  if (what == "enter" && words.size() > 3) return Enter(words[1], words[2] == "1", {words.begin() + 3, words.end()});
  if (what == "bootstrap" && words.size() > 1) return RunBootstrapped({words.begin() + 1, words.end()});
  if (what == "pack" && words.size() == 2) return Pack(words[1]);
  if (what == "remove" && words.size() == 3) return Remove(words[1], words[2]);
  int number = 0;
  if (what == "signal" && words.size() == 4 &&
      std::from_chars(words[3].data(), words[3].data() + words[3].size(), number).ec == std::errc())
    return Signal(words[1], words[2], number);
  Failed("cromt-step: not for people: see agent/step/inside.h");
  return kUsage;
}

}  // namespace cromt::step
