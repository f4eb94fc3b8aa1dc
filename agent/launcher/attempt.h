// One attempt while it is not over: its process tree, its output, and how far its end has come.
//
//   running ──Stop, timeout──▶ stopping (TERM sent; KILL when the grace is over, again each second)
//      │ main process ends        │ main process ends
//      ▼                          ▼
//   lingering ──100 ms──▶ terminating (TERM sent) ──2 s or grace──▶ killing ──5 tries──▶ gone
//      └──────────────────────────┴── nothing lives any more ────────────┴─────────────────▲
//
// "gone": the output can be finished and the attempt told as ended. Launcher thread only. The owner asks
// deadline() after each call and calls OnDeadline when it has come.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "agent/launcher/limit_group.h"
#include "agent/launcher/output.h"
#include "agent/launcher/process_tree.h"
#include "agent/launcher/protocol.h"
#include "base/time.h"

namespace cromt::launcher {

class Attempt {
 public:
  // `child` was just started for `start`; `cgroup` is null or the group it is in. It, `mains` and `sink` outlive
  // this.
  Attempt(const Start& start, Child& child, const SlotCgroup* cgroup, LimitGroup limits, const MainProcesses& mains,
          LogSink& sink, seglog::Position log_begin, Now now);
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  uint64_t log_id() const { return ended_.log_id; }
  uint32_t slot() const { return slot_; }
  bool in_cgroup() const { return tree_.cgroup() != nullptr; }
  bool cgroup_was_killed() const { return in_cgroup() && tree_.cgroup()->killed(); }
  // Its cgroup is not for who comes after it.
  bool slot_has_limits() const { return limits_.changed_slot(); }
  pid_t pid() const { return pid_; }
  Started started() const;
  Output& output() { return output_; }

  // TERM to the whole tree, KILL after the grace. Nothing happens when it is being stopped or its main process
  // has ended already.
  void Stop(Ended::Cause cause, Mono now);
  // The main process was reaped: `code` and `status` as in siginfo_t.
  void MainEnded(int code, int status, Now now);
  // Some other process of ours ended: maybe the last that this one left behind.
  void CheckRemains();
  void OnDeadline(Mono now);
  // Mono::max(): nothing to wait for.
  Mono deadline() const { return deadline_; }

  bool main_ended() const { return phase_ >= Phase::kLingering; }
  bool gone() const { return phase_ == Phase::kGone; }
  // Something of it could not be killed: its cgroup is not to be used again.
  bool has_immortals() const { return immortals_; }

  // The result. REQUIRES: gone(), its output is finished and written.
  Ended ToEnded() const;

 private:
  enum class Phase { kRunning, kStopping, kLingering, kTerminating, kKilling, kGone };
  void BecomeGone();
  void Terminate(Mono now);
  void Kill(Mono now);
  void NoteRemains(const char* what);

  uint32_t slot_;
  pid_t pid_;
  Duration grace_;
  ProcessTree tree_;
  LimitGroup limits_;
  Output output_;
  Phase phase_ = Phase::kRunning;
  Mono deadline_ = Mono::max();
  int kills_ = 0;
  bool noted_ = false;
  bool immortals_ = false;
  Ended ended_;  // filled as it comes to be known
};

}  // namespace cromt::launcher
