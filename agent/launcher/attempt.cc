#include "agent/launcher/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "agent/launcher/process_table.h"

namespace cromt::launcher {
namespace {

constexpr Duration kLinger = milliseconds(100);
constexpr Duration kRemainsGrace = seconds(2);
constexpr Duration kKillAgain = seconds(1);
constexpr int kMaxKills = 5;
constexpr size_t kMaxNamed = 10;
constexpr uint64_t kLongestUs = uint64_t{10} * 365 * 24 * 3600 * 1'000'000;

Duration ToDuration(uint64_t us) {
  return Duration(static_cast<int64_t>(std::min(us, kLongestUs)));
}

std::shared_ptr<const MaskPatterns> PatternsOf(const std::vector<std::string>& secrets) {
  if (secrets.empty()) return nullptr;
  auto patterns = std::make_shared<const MaskPatterns>(secrets);
  return patterns->empty() ? nullptr : patterns;
}

}  // namespace

Attempt::Attempt(const Start& start, Child& child, const SlotCgroup* cgroup, LimitGroup limits,
                 const MainProcesses& mains, LogSink& sink, seglog::Position log_begin, Now now)
    : slot_(start.slot),
      pid_(child.pid),
      grace_(ToDuration(start.grace_us)),
      tree_(child.pid, start.mark, cgroup, mains),
      limits_(std::move(limits)),
      output_(start.log_id, start.log_limit_bytes, PatternsOf(start.secrets), sink) {
  output_.Open(child);
  ended_.log_id = start.log_id;
  ended_.started_wall_us = Micros(now.wall);
  ended_.log_begin = log_begin;
  if (start.timeout_us > 0) deadline_ = now.mono + ToDuration(start.timeout_us);
}

Started Attempt::started() const {
  return {.log_id = ended_.log_id,
          .pid = static_cast<uint32_t>(pid_),
          .wall_us = ended_.started_wall_us,
          .log_begin = ended_.log_begin};
}

void Attempt::Stop(Ended::Cause cause, Mono now) {
  if (phase_ != Phase::kRunning) return;
  phase_ = Phase::kStopping;
  ended_.cause = cause;
  tree_.Signal(SIGTERM);
  deadline_ = now + grace_;
}

void Attempt::MainEnded(int code, int status, Now now) {
  ended_.ended_wall_us = Micros(now.wall);
  (code == CLD_EXITED ? ended_.exit_code : ended_.signal) = status;
  tree_.MainEnded();
  if (tree_.Empty()) return BecomeGone();
  if (phase_ == Phase::kStopping) {
    // All of it was told already; what remains has the rest of the grace.
    phase_ = kills_ > 0 ? Phase::kKilling : Phase::kTerminating;
    return;
  }
  phase_ = Phase::kLingering;
  deadline_ = now.mono + kLinger;
}

void Attempt::CheckRemains() {
  if (main_ended() && !gone() && tree_.Empty()) BecomeGone();
}

void Attempt::OnDeadline(Mono now) {
  deadline_ = Mono::max();
  if (phase_ == Phase::kRunning) return Stop(Ended::Cause::kTimedOut, now);
  if (phase_ == Phase::kStopping) return Kill(now);
  CheckRemains();
  switch (phase_) {
    case Phase::kLingering: return Terminate(now);
    case Phase::kTerminating:
      NoteRemains("left behind and killed");
      phase_ = Phase::kKilling;
      return Kill(now);
    case Phase::kKilling:
      if (kills_ < kMaxKills) return Kill(now);
      noted_ = false;
      NoteRemains("left behind and could not be killed");
      immortals_ = true;
      return BecomeGone();
    default: return;
  }
}

void Attempt::BecomeGone() {
  phase_ = Phase::kGone;
  deadline_ = Mono::max();
}

void Attempt::Terminate(Mono now) {
  NoteRemains("left behind and stopped");
  phase_ = Phase::kTerminating;
  tree_.Signal(SIGTERM);
  deadline_ = now + kRemainsGrace;
}

void Attempt::Kill(Mono now) {
  ++kills_;
  tree_.Signal(SIGKILL);
  deadline_ = now + kKillAgain;
}

// One line, once: "left behind and stopped: 1234 sleep 300, 1240 ssh-agent".
void Attempt::NoteRemains(const char* what) {
  if (noted_) return;
  std::vector<pid_t> remains = tree_.Find();
  if (remains.empty()) return;  // just gone
  noted_ = true;
  std::string line = fmt::format("{}: ", what);
  for (size_t i = 0; i < std::min(remains.size(), kMaxNamed); ++i)
    line += fmt::format("{}{} {}", i > 0 ? ", " : "", remains[i], DescribeProcess(remains[i]));
  if (remains.size() > kMaxNamed) line += fmt::format(" and {} more", remains.size() - kMaxNamed);
  output_.Note(line);
}

Ended Attempt::ToEnded() const {
  Ended result = ended_;
  // Not where the log ends: a coordinator that has all of this attempt may not be told of what others have said since.
  result.log_end = std::max(result.log_begin, output_.end());
  result.log_bytes = output_.bytes();
  result.out_of_memory = limits_.OutOfMemory();
  return result;
}

}  // namespace cromt::launcher
