// A simulated launcher: the parent of a host's job processes. It outlives the agent, keeps results until they are
// forgotten, and starts a ticket once. Which process does what is drawn from the world's dice and told to the ledger.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/queue.h"
#include "tests/sim/world.h"

namespace cromt::sim {

// What a host's launchers have written of what its jobs said.
struct HostLog {
  uint64_t end = 0;
  OutputsInLog outputs;
};

class SimLauncher {
 public:
  // What goes to the agent that is connected; it arrives in order, if that agent still lives then.
  using ToAgent = std::function<void(std::vector<QueueEvent>)>;

  // `log` is the host's, and outlives the launcher.
  SimLauncher(World& world, size_t host, std::string incarnation, HostLog& log);
  // All its processes die with it.
  ~SimLauncher();
  SimLauncher(const SimLauncher&) = delete;
  SimLauncher& operator=(const SimLauncher&) = delete;

  // An agent says hello; it is told all that is known. It takes the place of the one before.
  void Connect(ToAgent agent);
  void Start(Ticket ticket, const AttemptId& id, std::shared_ptr<const TaskSpec> spec);
  void Stop(Ticket ticket);
  void Forget(Ticket ticket);
  // No process ends of its own before then, as if it waited for something that is not there.
  void NothingEndsBefore(Duration time) { none_ends_before_ = time; }

  // No process runs and no result waits.
  bool empty() const { return jobs_.empty(); }

 private:
  struct Job {
    AttemptId id;
    std::shared_ptr<const TaskSpec> spec;
    size_t process = 0;  // in the ledger
    Wall started_at;
    uint64_t log_begin = 0;
    bool stopping = false;
    bool ended = false;
    queue_event::LauncherEnded end;
  };

  void Begin(Ticket ticket, Job& job);
  void EndAfter(Duration delay, Ticket ticket, AttemptResult result);
  void End(Ticket ticket, AttemptResult result);
  void Tell(QueueEvent event);
  AttemptResult OwnEnd(const TaskSpec& spec);

  World& world_;
  size_t host_;
  std::string incarnation_;
  HostLog& log_;
  ToAgent agent_;
  std::map<Ticket, Job> jobs_;
  Duration none_ends_before_{0};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // events of a dead launcher do nothing
};

}  // namespace cromt::sim
