// The reference for throughput: the fastest plain loop that runs one program many times and keeps its output.
//
//   spawn_loop COUNT IN_FLIGHT OUTPUT_FILE -- ARGV…
//
// posix_spawn into a process group of its own, stdin /dev/null, stdout and stderr into a pipe; the end is seen by
// a pidfd in epoll; what lies in the pipe then (at most its 64 KiB) is appended to OUTPUT_FILE. One thread, no
// state on disk, no protocol: what a scheduler adds is measured against it. Prints one line of JSON.
#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/unique_fd.h"

namespace {

// A mistake of ours or of the machine: a benchmark has nothing to recover.
[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int Check(int result, const char* what) {
  if (result < 0) Die(what);
  return result;
}

struct Child {
  cromt::UniqueFd pidfd;
  cromt::UniqueFd output;
};

class SpawnLoop {
 public:
  SpawnLoop(char* const* argv, unsigned in_flight, const char* output_path)
      : argv_(argv),
        children_(in_flight),
        epoll_(Check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        log_(Check(open(output_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), "open output")) {
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
  }
  ~SpawnLoop() { posix_spawnattr_destroy(&attributes_); }
  SpawnLoop(const SpawnLoop&) = delete;
  SpawnLoop& operator=(const SpawnLoop&) = delete;

  // Runs the program `count` times; returns how many did not exit with 0.
  long Run(long count) {
    long started = 0, ended = 0, failed = 0;
    for (uint32_t slot = 0; slot < children_.size() && started < count; ++slot, ++started) Start(slot);
    std::vector<epoll_event> events(children_.size());
    while (ended < count) {
      int ready = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i, ++ended) {
        uint32_t slot = events[i].data.u32;
        if (!Finish(slot)) ++failed;
        if (started < count) {
          Start(slot);
          ++started;
        }
      }
    }
    return failed;
  }

 private:
  void Start(uint32_t slot) {
    int ends[2];
    Check(pipe2(ends, O_CLOEXEC), "pipe2");
    cromt::UniqueFd write_end(ends[1]);
    Child& child = children_[slot];
    child.output.reset(ends[0]);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), 2);
    pid_t pid = 0;
    errno = posix_spawn(&pid, argv_[0], &actions, &attributes_, argv_, environ);
    if (errno != 0) Die(argv_[0]);
    posix_spawn_file_actions_destroy(&actions);

    child.pidfd.reset(Check(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)), "pidfd_open"));
    epoll_event event{EPOLLIN | EPOLLONESHOT, {.u32 = slot}};
    Check(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, child.pidfd.get(), &event), "epoll_ctl");
  }

  // Reaps the child and keeps its output; true if it exited with 0.
  bool Finish(uint32_t slot) {
    Child& child = children_[slot];
    siginfo_t info{};
    Check(waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(child.pidfd.get()), &info, WEXITED), "waitid");
    char buffer[64 << 10];
    while (ssize_t size = Check(static_cast<int>(read(child.output.get(), buffer, sizeof buffer)), "read")) {
      Check(static_cast<int>(write(log_.get(), buffer, static_cast<size_t>(size))), "write");
    }
    // Deleted before it is closed: a child between vfork and exec still holds a copy.
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, child.pidfd.get(), nullptr);
    child.pidfd.reset();
    child.output.reset();
    return info.si_code == CLD_EXITED && info.si_status == 0;
  }

  char* const* argv_;
  std::vector<Child> children_;
  cromt::UniqueFd epoll_;
  cromt::UniqueFd log_;
  posix_spawnattr_t attributes_;
};

long Number(const char* text) {
  long value = 0;
  auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  return error == std::errc() && *end == '\0' ? value : 0;
}

}  // namespace

int main(int argc, char** argv) {
  long count = argc > 5 ? Number(argv[1]) : 0, in_flight = argc > 5 ? Number(argv[2]) : 0;
  if (count <= 0 || in_flight <= 0 || in_flight > 1024 || std::strcmp(argv[4], "--") != 0) {
    std::fprintf(stderr, "usage: spawn_loop COUNT IN_FLIGHT OUTPUT_FILE -- ARGV...\n");
    return 2;
  }
  SpawnLoop loop(argv + 5, static_cast<unsigned>(in_flight), argv[3]);
  auto begin = std::chrono::steady_clock::now();
  long failed = loop.Run(count);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("{\"count\": %ld, \"failed\": %ld, \"seconds\": %.6f}\n", count, failed, took.count());
  return failed == 0 ? 0 : 1;
}
