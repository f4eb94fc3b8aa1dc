// A simulated launcher: the parent of a host's job processes. What it knows, and says to an agent, is the launcher's
// own roster, and what is said are the bytes of its protocol, which arrive in pieces; what its jobs print goes through
// the launcher's own sink to the log on the host's disk. Which process does what is drawn from the world's dice and
// told to the ledger.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/launcher/log_sink.h"
#include "agent/launcher/roster.h"
#include "core/queue.h"
#include "tests/sim/output.h"
#include "tests/sim/world.h"

namespace cromt::sim {

// What a host's jobs do, by the mark and ticket that they are started with.
struct JobOnDisk {
  AttemptId id;
  std::shared_ptr<const TaskSpec> spec;
  bool plain = false;  // of no coordinator
};
using JobsOnDisk = std::map<std::pair<std::string, Ticket>, JobOnDisk>;

// One connection of an agent with its launcher.
struct LauncherSocket {
  std::string at_launcher, at_agent;  // has arrived, and is not taken out
  bool hung_up = false;               // by the launcher: a newer agent has said hello
  bool ended = false;                 // the launcher is gone, and all that it said has arrived
};

class SimLauncher {
 public:
  struct Callbacks {
    std::function<void(const std::shared_ptr<LauncherSocket>&, std::string)> write;  // arrives in order
    std::function<void(const launcher::Ended&)> says;                                // among it
    std::function<void()> leave;                                                     // as it was told
  };

  // `jobs` are the host's, and outlive the launcher.
  SimLauncher(World& world, size_t host, std::string incarnation, seglog::Writer log, const JobsOnDisk& jobs,
              Callbacks callbacks);
  // Its processes die with it, unless it was asked for them.
  ~SimLauncher();
  SimLauncher(const SimLauncher&) = delete;
  SimLauncher& operator=(const SimLauncher&) = delete;

  void Arrived(const std::shared_ptr<LauncherSocket>& socket, std::string_view bytes);
  // No process ends of its own before then, as if it waited for something that is not there.
  void NothingEndsBefore(Duration time) { none_ends_before_ = time; }

  // Processes that live on without it, by their marks.
  std::multimap<std::string, size_t> TakeProcesses();

  bool runs() const;
  // No process runs and no result waits.
  bool empty() const { return roster_.idle(); }

 private:
  struct Job {
    JobOnDisk on_disk;
    std::string mark;
    launcher::Started started;
    Duration grace{};
    size_t process = 0;  // in the ledger
    bool stopping = false;
    int64_t printed = 0;  // bytes, that the launcher has read
    std::shared_ptr<seglog::Position> log_end = std::make_shared<seglog::Position>(0);  // behind the last of them
    uint64_t last_batch = 0;             // of the sink's, with some of them
    std::optional<AttemptResult> ended;  // and the launcher can't tell that yet
    int64_t unread = 0;                  // then: bytes in its pipe
  };
  struct Unwritten {
    PrintedFrame frame;
    std::shared_ptr<seglog::Position> end;
  };

  void On(const launcher::Hello&);
  void On(const launcher::Start& start);
  void On(const launcher::Stop& stop);
  void On(const launcher::Forget& forget) { roster_.Forget(forget.log_id); }
  void On(const launcher::Shutdown&);

  void Refuse(const launcher::Start& start, int error, bool keep);
  void Begin(const launcher::Start& start, JobOnDisk on_disk);
  void PrintAfter(Duration delay, Ticket ticket);
  void Print(Ticket ticket, Job& job, int64_t size);
  // False if the disk does not take it, which is tried again.
  bool WriteLog();
  void WriteLogAgain();
  void TellEnd(Ticket ticket);
  void EndAfter(Duration delay, Ticket ticket, AttemptResult result);
  void End(Ticket ticket, AttemptResult result);
  void Send(const launcher::FromLauncher& message);
  void Flush();
  AttemptResult OwnEnd(const TaskSpec& spec);

  World& world_;
  size_t host_;
  std::string incarnation_;
  launcher::LogSink sink_;
  std::vector<Unwritten> unwritten_;
  seglog::Position log_end_told_ = 0;
  const JobsOnDisk& on_disk_;
  const Callbacks callbacks_;
  launcher::Roster roster_;
  std::map<Ticket, Job> jobs_;  // that run
  std::shared_ptr<LauncherSocket> agent_;
  std::string unsent_;
  bool leaves_ = false;
  Duration none_ends_before_{0};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // events of a dead launcher do nothing
};

}  // namespace cromt::sim
