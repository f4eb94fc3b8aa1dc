// What starts by itself in the simulation: a job file whose projects have schedules and watch repositories, other
// revisions of it, the pushes, and hooks. All of it is paused in the end, so that a seed has one.
//
// Checked: each tick and each commit starts one run at most, and ledger and runs agree; each tick has its line, to the
// end; what a ref names when it is first seen starts nothing; what is polled is looked at as often as it should be, and
// seen.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/engine.h"
#include "coordinator/store/reader.h"
#include "tests/sim/dice.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class LiveCheck;
class SimCoordinator;

class SelfStarts {
 public:
  // A generator of its own: what is drawn here changes nothing elsewhere.
  SelfStarts(World& world, uint64_t seed, std::vector<std::string> addresses);

  // Applies, pushes, pauses, against a coordinator that may be down.
  void Begin(SimCoordinator& coordinator);

  // As it is applied first: all that starts by itself at any time.
  std::shared_ptr<const JobFile> job_file() const { return files_.front(); }
  // What an applied text means.
  std::shared_ptr<const JobFile> Parse(const std::string& text) const;
  // What pools choose from.
  struct Agents {
    std::vector<AgentView> views;           // as the coordinator sees them
    const std::vector<std::string>& named;  // addresses that its configuration names; none: there are no pools
    LiveCheck& live;                        // judges what they get
  };
  // The run of a project that starts by itself; the ledger knows of it. A failure now and then.
  Result<StartRun> Plan(const std::string& project, const RequestId& request, const Agents& agents);
  Result<StartRun> Plan(const DuePush& push, const Agents& agents);
  Result<std::string> Look(const WatchedRef& ref);
  Duration Delay() { return dice_.Between(milliseconds(1), seconds(2)); }

  // Nothing starts by itself any more, unless the store goes back.
  bool done() const;
  void Check(StoreReader& reader, const std::vector<RunView>& runs);
  // At the end, of a coordinator that has been there and at leisure since then; its clock shows `wall`.
  void CheckSeen(const Triggers& triggers, Duration since, Wall wall);

 private:
  void Insist(std::shared_ptr<bool> done, std::function<void()> send);
  void Apply(uint64_t number, size_t variant);
  void Push();
  void Push(const std::string& repository);
  Duration HookTakes();
  void CheckHooked(const Triggers& triggers, Duration since);
  void CheckNoGap(const std::string& project, std::vector<TickSettled> lines);
  void CheckMissed(const std::vector<TickSettled>& lines);
  std::vector<TickSettled> LinesOf(StoreReader& reader, const std::string& project);

  World& world_;
  Dice dice_;
  const std::vector<std::string> addresses_;
  const std::vector<std::shared_ptr<const JobFile>> files_;
  SimCoordinator* coordinator_ = nullptr;
  std::map<std::string, std::string> heads_;  // of repositories
  struct Looks {
    Duration last{0}, last_good{0};
    int failures = 0;  // in a row
  };
  std::map<std::string, Looks> looks_;
  std::map<std::string, Duration> pushed_at_;
  std::map<std::string, Duration> hooked_at_;  // by project: when the coordinator has said that it knows of it
  uint64_t pushed_ = 0;
  std::map<RunId, std::string> commits_;  // of the runs of pushes
  std::optional<Wall> settled_until_;     // ticks before then have their line in the end
};

}  // namespace cromt::sim
