// cromt-launcher: parent of the job processes of one host. One thread, one epoll loop, no library but zlib; it
// outlives the agent, so that a crash, restart or upgrade of the agent ends no job. What it promises to the agent
// is in protocol.h.
//
// Signals: SIGTERM with nothing known (no running job, no result that was not forgotten) ends it; otherwise it is
// ignored with a line on stderr, since a restart of the agent's unit must not end jobs. One that is a service of its
// own is meant itself: it stops its jobs, each with its grace, and leaves. SIGHUP, SIGINT, SIGQUIT
// and SIGPIPE are blocked. Killed with SIGKILL it leaves its jobs running without a parent: the next launcher in
// the directory kills those in its cgroup, the agent finds the others by their mark.
//
// Job processes are found to have ended by SIGCHLD and one waitid for all, not by a pidfd each: the launcher must
// reap orphans of its jobs anyway (it is their subreaper), and it saves four system calls a task.
#pragma once

#include <sys/resource.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/launcher/agent_link.h"
#include "agent/launcher/attempt.h"
#include "agent/launcher/cgroup.h"
#include "agent/launcher/limit_group.h"
#include "agent/launcher/log_sink.h"
#include "agent/launcher/poller.h"
#include "agent/launcher/roster.h"
#include "base/result.h"
#include "base/service_manager.h"

namespace cromt::launcher {

struct Options {
  std::string data_dir;        // absolute
  std::string cgroup;          // parent group directory; empty = the launcher's own group; "none" = no cgroups
  Duration orphan_timeout{0};  // without an agent for this long: stop all and exit; 0 = never
  bool is_service = false;     // started by a service manager, in a group that is its own to divide
  ServiceManager manager = {};
};

// The signals that the launcher blocks; all others keep their default.
sigset_t BlockedSignals();

class Launcher {
 public:
  // Opens everything that `options.data_dir` needs. REQUIRES: BlockedSignals() are blocked, no signal is ignored;
  // descriptors 0 to 3 are in use, 0 is /dev/null.
  static Result<std::unique_ptr<Launcher>> Create(Options options);
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Tells the service manager that the socket answers.
  void Serves() const { options_.manager.Ready("ready to start jobs"); }
  // Serves until a Shutdown, SIGTERM or the orphan timeout ends it.
  void Run();

 private:
  // What an event of the poller is about.
  struct Watch {
    enum class Kind { kOutput, kSignal, kTimer, kListener, kNewcomer, kAgent };
    Kind kind = Kind::kOutput;
    Attempt* attempt = nullptr;
    Output::Source source = Output::kStdout;
    bool added = false;
  };
  struct Entry {
    std::unique_ptr<Attempt> attempt;
    std::array<Watch, Output::kSources> watches;
    bool finished = false;  // all output is read and its pipes are closed
  };

  Launcher(Options options, Endpoint endpoint, seglog::Writer writer, Poller poller, Timers timers, UniqueFd signals);

  // One round of the loop, in this order.
  void WaitAndRead();
  void TakeSignals();
  void FireTimers();
  void FinishOutputs();
  void WriteLog();
  void TellEnds();
  void ServeAgent();
  bool Over() const;

  void On(const Hello&);
  void On(const Start& start);
  void On(const Stop& stop);
  void On(const Forget& forget);
  void On(const Shutdown&);

  Result<LimitGroup> MakeLimits(const Start& start, const SlotCgroup* slot);
  void Refuse(const Start& start, int error, std::string reason, bool keep);
  void Adopt(const Start& start, Child& child, SlotCgroup* cgroup, LimitGroup limits, seglog::Position log_begin);
  void ChildEnded(const siginfo_t& info);
  void Reschedule(const Attempt& attempt);
  void Watched(Entry& entry, bool watch);
  void ReadOutput(Watch& watch);
  void LogBlocked();
  void TellTrouble();
  void LogRecovered();
  void FreeSlot(const Attempt& attempt);
  void Abandon(const std::string& why);
  void StopAll();
  void AgentCameOrWent();

  const Options options_;
  const std::string incarnation_;
  rlimit job_open_files_{};
  SystemClock clock_;
  Now now_{};  // of this round
  Poller poller_;
  Timers timers_;
  UniqueFd signals_;
  Watch signal_watch_{.kind = Watch::Kind::kSignal};
  Watch timer_watch_{.kind = Watch::Kind::kTimer};
  Watch listener_watch_{.kind = Watch::Kind::kListener};
  Watch newcomer_watch_{.kind = Watch::Kind::kNewcomer};
  Watch agent_watch_{.kind = Watch::Kind::kAgent};
  LogSink sink_;
  AgentLink link_;
  std::optional<CgroupTree> cgroups_;
  std::optional<LimitTree> limits_;  // none: by the options

  std::unordered_map<uint64_t, Entry> attempts_;  // by log_id, until told as ended
  MainProcesses by_pid_;
  std::vector<Attempt*> ending_;             // main process ended, not told yet
  std::unordered_set<uint32_t> busy_slots_;  // whose cgroup an attempt is in
  Roster roster_;                            // of these, and of the results
  seglog::Position log_end_told_ = 0;
  Mono log_blocked_since_{};
  bool log_was_blocked_ = false;
  bool again_ = false;  // the next round does not wait
  bool signal_pending_ = false;
  bool timer_pending_ = false;
  bool agent_was_connected_ = false;
  bool shutdown_ = false;  // by the agent: exit when idle
  bool exit_now_ = false;
  bool abandoned_ = false;  // the orphan timeout passed: exit when all are stopped
};

}  // namespace cromt::launcher
