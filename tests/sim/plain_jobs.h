// People who give jobs to an agent itself, without a coordinator (`cromt submit`), and stop some. Each call has a
// request id and is repeated until it is answered; some are repeated though they were.
//
// Checked: a job that was acknowledged is known to its agent from then on, whatever crashes, unless that is installed
// anew (invariant 1); a request makes one job; a job runs once at most (invariant 2, by the ledger), and its end is
// that of its process; nobody but who wished that has ended it, nor anything but its machine or launcher (invariant 8).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/host.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class PlainJobs {
 public:
  // A generator of its own: what is drawn here changes nothing elsewhere. All else outlives it.
  PlainJobs(World& world, const std::vector<std::unique_ptr<SimHost>>& hosts, uint64_t seed);

  void Begin();
  uint64_t count() const { return jobs_.size(); }
  // Every call was answered, and no job is in line or runs.
  bool done() const;
  // REQUIRES: all hosts are up.
  void Check();

 private:
  struct Job {
    size_t host = 0;
    Duration at{0};
    RequestId request;
    std::shared_ptr<const TaskSpec> spec;
    bool repeated = false;
    bool wanted = true;  // it is part of what is simulated
    std::optional<Duration> stopped_after;
    // Once it is acknowledged:
    RunId id;
    uint64_t installation = 0;  // of the agent
    bool stop_sent = false;
  };

  void Submit(size_t job);
  void Insist(size_t job);
  void Answered(size_t job, uint64_t installation, const Result<RunId>& answer);
  void Stop(size_t job);
  std::string WhyWrong(const Job& job, const QueuedAttempt& attempt) const;

  World& world_;
  const std::vector<std::unique_ptr<SimHost>>& hosts_;
  Dice dice_;
  std::vector<Job> jobs_;
};

}  // namespace cromt::sim
