// How many /bin/true a second cromt-launcher runs, against a bare loop of posix_spawn, pidfd and epoll over the
// same argv in the same run. Prints rates and their ratio, since machines differ, and the processor time that the
// spawning process itself takes a task, which other load on the machine changes least.
//
//   launcher_rate LAUNCHER [TASKS] [ROUNDS]
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/launcher_client.h"

namespace cromt::launcher {
namespace {

using std::chrono::steady_clock;

[[noreturn]] void Die(const std::string& why) {
  fmt::print(stderr, "launcher_rate: {}\n", why);
  std::exit(1);
}

// Nanoseconds that the (single-threaded) process has run.
double CpuNanos(pid_t pid) {
  double nanos = 0;
  std::ifstream(fmt::format("/proc/{}/schedstat", pid)) >> nanos;
  return nanos;
}

double PerSecond(int tasks, steady_clock::time_point begin) {
  return tasks / std::chrono::duration<double>(steady_clock::now() - begin).count();
}

void SpawnTrue(int epoll) {
  char program[] = "/bin/true";
  char* argv[] = {program, nullptr};
  pid_t pid = 0;
  if (posix_spawn(&pid, program, nullptr, nullptr, argv, environ) != 0) Die("posix_spawn failed");
  int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = pidfd;
  epoll_ctl(epoll, EPOLL_CTL_ADD, pidfd, &event);
}

// The bare loop: nothing but spawn, wait, reap.
double BareRate(int tasks, int in_flight) {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  steady_clock::time_point begin = steady_clock::now();
  int started = 0;
  for (int done = 0; done < tasks;) {
    for (; started < tasks && started - done < in_flight; ++started) SpawnTrue(epoll.get());
    epoll_event events[16];
    int count = epoll_wait(epoll.get(), events, 16, -1);
    for (int i = 0; i < count; ++i, ++done) {
      siginfo_t info{};
      waitid(P_PIDFD, static_cast<id_t>(events[i].data.fd), &info, WEXITED);
      epoll_ctl(epoll.get(), EPOLL_CTL_DEL, events[i].data.fd, nullptr);
      close(events[i].data.fd);
    }
  }
  return PerSecond(tasks, begin);
}

// The same tasks through the launcher, with as little of an agent as will do.
class LauncherRun {
 public:
  LauncherRun(const std::string& program, std::string dir, const std::string& cgroup) : dir_(std::move(dir)) {
    if (Status started = StartLauncher(program, dir_, {.cgroup = cgroup}, seconds(10)); !started)
      Die(started.error().message);
    Result<LauncherClient> client = LauncherClient::Connect(dir_, seconds(10));
    if (!client) Die(client.error().message);
    client_.emplace(std::move(*client));
    while (pid_ == 0) {
      for (const FromLauncher& message : Receive()) {
        if (const auto* hello = std::get_if<Hello>(&message)) pid_ = static_cast<pid_t>(hello->pid);
      }
    }
  }
  ~LauncherRun() {
    forgets_.emplace_back(Shutdown{});
    (void)client_->Send(forgets_);
    while (client_->Receive()) poll(nullptr, 0, 1);
  }

  pid_t pid() const { return pid_; }

  double Rate(int tasks, int in_flight) {
    free_slots_.clear();
    for (int slot = 0; slot < in_flight; ++slot) free_slots_.push_back(static_cast<uint32_t>(slot));
    slot_of_.assign(static_cast<size_t>(tasks), 0);
    first_ = next_;
    steady_clock::time_point begin = steady_clock::now();
    for (int done = 0; done < tasks;) {
      std::vector<ToLauncher> messages;
      for (; next_ < first_ + static_cast<uint64_t>(tasks) && !free_slots_.empty(); ++next_) messages.push_back(Next());
      messages.insert(messages.end(), forgets_.begin(), forgets_.end());
      forgets_.clear();
      if (!client_->Send(messages)) Die("the launcher went away");
      done += TakeEnds();
    }
    return PerSecond(tasks, begin);
  }

 private:
  Start Next() {
    Start start{.log_id = next_,
                .mark = fmt::format("rate/{}/1", next_),
                .argv = {"/bin/true"},
                .env = {"PATH=/usr/bin:/bin"},
                .cwd = "/"};
    start.slot = free_slots_.back();
    free_slots_.pop_back();
    slot_of_[next_ - first_] = start.slot;
    return start;
  }

  std::vector<FromLauncher> Receive() {
    pollfd ready{client_->fd(), POLLIN, 0};
    poll(&ready, 1, -1);
    Result<std::vector<FromLauncher>> messages = client_->Receive();
    if (!messages) Die(messages.error().message);
    return std::move(*messages);
  }

  int TakeEnds() {
    int ends = 0;
    for (const FromLauncher& message : Receive()) {
      const auto* ended = std::get_if<Ended>(&message);
      if (!ended) continue;
      if (ended->exit_code != 0) Die("a task failed");
      forgets_.emplace_back(Forget{ended->log_id});
      free_slots_.push_back(slot_of_[ended->log_id - first_]);
      ++ends;
    }
    return ends;
  }

  std::string dir_;
  std::optional<LauncherClient> client_;
  pid_t pid_ = 0;
  std::vector<uint32_t> free_slots_;
  std::vector<uint32_t> slot_of_;
  std::vector<ToLauncher> forgets_;
  uint64_t first_ = 1;
  uint64_t next_ = 1;
};

int Number(const char* text) {
  int value = 0;
  std::string_view view = text;
  std::from_chars(view.data(), view.data() + view.size(), value);
  if (value <= 0) Die(fmt::format("'{}' is no positive number", text));
  return value;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Compare(LauncherRun& run, const char* what, int tasks, int rounds, int in_flight) {
  std::vector<double> bare, ours, ratios, bare_us, our_us;
  for (int i = 0; i < rounds; ++i) {
    double bare_begin = CpuNanos(getpid());
    bare.push_back(BareRate(tasks, in_flight));
    bare_us.push_back((CpuNanos(getpid()) - bare_begin) / 1000 / tasks);
    double our_begin = CpuNanos(run.pid());
    ours.push_back(run.Rate(tasks, in_flight));
    our_us.push_back((CpuNanos(run.pid()) - our_begin) / 1000 / tasks);
    ratios.push_back(ours.back() / bare.back());
  }
  fmt::print(
      "{} in flight, {}: bare {:.0f}/s, launcher {:.0f}/s, ratio {:.2f}; CPU a task: bare {:.0f} us, launcher {:.0f} "
      "us\n",
      in_flight, what, Median(bare), Median(ours), Median(ratios), Median(bare_us), Median(our_us));
  std::fflush(stdout);
}

}  // namespace
}  // namespace cromt::launcher

int main(int argc, char** argv) {
  using namespace cromt::launcher;
  if (argc < 2) Die("usage: launcher_rate LAUNCHER [TASKS] [ROUNDS]");
  int tasks = argc > 2 ? Number(argv[2]) : 2000;
  int rounds = argc > 3 ? Number(argv[3]) : 5;
  std::string pattern = (std::filesystem::temp_directory_path() / "cromt-rate-XXXXXX").string();
  std::string dir = mkdtemp(pattern.data());
  {
    LauncherRun with(argv[1], dir + "/with", "");
    LauncherRun without(argv[1], dir + "/without", "none");
    for (int in_flight : {2, 4}) {
      Compare(with, "cgroups", tasks, rounds, in_flight);
      Compare(without, "no cgroups", tasks, rounds, in_flight);
    }
  }
  std::filesystem::remove_all(dir);
  return 0;
}
