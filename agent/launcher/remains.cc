#include "agent/launcher/remains.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "agent/launcher/process_table.h"
#include "base/unique_fd.h"

namespace cromt::launcher {
namespace {

constexpr int kMaxRounds = 10;
constexpr int kDeathMillis = 500;  // for what was killed in one round

// Kills what is there now; the descriptors of what was killed.
std::vector<UniqueFd> KillRound(const std::function<bool(const std::string& mark)>& left) {
  std::vector<UniqueFd> killed;
  for (const ProcessInfo& info : ReadAllProcesses()) {
    if (info.zombie || info.pid == getpid()) continue;
    // Opened before its environment is read, so that it is this process that is killed.
    UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, info.pid, 0)));
    std::optional<std::string> mark = process ? VariableOf(info.pid, "CROMT_ATTEMPT_MARK") : std::nullopt;
    if (!mark || !left(*mark)) continue;
    if (syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) == 0) killed.push_back(std::move(process));
  }
  return killed;
}

}  // namespace

Result<size_t> KillMarked(const std::function<bool(const std::string& mark)>& left) {
  size_t total = 0;
  for (int round = 0; round < kMaxRounds; ++round) {
    std::vector<UniqueFd> killed = KillRound(left);
    if (killed.empty()) return total;
    total += killed.size();
    for (const UniqueFd& process : killed) {
      pollfd ended{process.get(), POLLIN, 0};
      poll(&ended, 1, kDeathMillis);
    }
  }
  return Fail(ErrorCode::kUnavailable, "processes of a dead launcher can't be killed, or fork faster than that");
}

}  // namespace cromt::launcher
