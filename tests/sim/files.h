// The trees and artifacts of one simulated host: what its agent has, what its attempts wait for, and who is asked for
// it. The stand-in for the agent's preparer, publisher and fetcher: straight from the holder, else by the coordinator.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/queue.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class Network;

// Names an artifact's bytes: those of each attempt are others.
Digest ArtifactOf(const AttemptId& id, const std::string& name);
// One attempt in a hundred can't publish, however often that is tried.
bool CantPublish(const AttemptId& id);

class SimFiles {
 public:
  struct Callbacks {
    std::function<void(QueueEvent)> tell;                    // the agent's queue
    std::function<void(const MeshId&, const Digest&)> want;  // asks the coordinator
    std::function<void(const Digest&)> arrived;              // something is here now
  };
  SimFiles(World& world, Network& network, size_t host, Callbacks callbacks);

  bool Has(const Digest& digest) const { return blobs_.contains(digest.sha256); }
  // Answers Prepared or PrepareFailed, once.
  void Prepare(const QueuedAttempt& attempt);
  // Answers PrepareFailed, unless it has answered.
  void StopPreparing(Ticket ticket);
  void Publish(const QueuedAttempt& attempt);
  // From the coordinator, or from another host.
  void Take(const Digest& digest);
  void Failed(const BlobFailure& failure);

  // The agent's process is gone: nobody waits any more.
  void Die();
  void Wipe() { blobs_.clear(); }

 private:
  struct Job {
    AttemptId id;
    std::vector<std::string> missing;  // SHA-256
  };
  void Fetch(const MeshId& mesh, const LeaseInput& input);
  void Refuse(const std::string& sha256, const std::string& prefix, const std::string& reason);
  // After a while, unless the process has died meanwhile.
  void Later(Duration delay, std::string_view kind, std::function<void()> what);

  World& world_;
  Network& network_;
  const size_t host_;
  const Callbacks callbacks_;
  std::set<std::string> blobs_;
  std::set<std::string> artifacts_;  // digests that were asked of holders, and no tree
  std::map<Ticket, Job> waiting_;
  uint64_t life_ = 0;
};

}  // namespace cromt::sim
