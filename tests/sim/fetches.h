// How one simulated process fetches blobs from the hosts that hold them. The line and what is done after each call are
// the fetcher's own; what a call brings is drawn: all, some, nothing, or what nobody asked for.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/blob_fetches.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class Network;

class SimFetches {
 public:
  // Its bytes, which are what their digest says.
  using Done = std::function<void(Result<std::string>)>;

  SimFetches(World& world, Network& network) : world_(world), network_(network) {}

  // `done` is called once, unless the process dies before that.
  void Fetch(const LeaseInput& from, Done done);
  // The process is gone.
  void Die();

 private:
  struct Job {
    LeaseInput from;
    FetchTry attempt;
    std::string bytes;  // that have come
    int calls = 0;
  };
  void Begin();
  void Call(const std::string& sha256);
  Status Bring(Job& job);
  void CallEnded(Job& job, Status ended);
  void Finish(const Job& job, Result<std::string> fetched);
  Mono now() const { return MonoFromMicros(world_.timeline.now().count()); }
  void Later(Duration delay, const std::string& sha256, std::function<void(Job&)> what);

  World& world_;
  Network& network_;
  FetchLine line_;
  std::map<std::string, Job> jobs_;  // under way, by SHA-256
  std::map<std::string, std::vector<Done>> done_;
  uint64_t life_ = 0;
};

}  // namespace cromt::sim
