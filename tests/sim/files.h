// The blobs of one simulated host: what its agent has, what its attempts wait for, who is asked for it, and what their
// workspaces were staged with. Who waits for what is the preparer's own; the bytes are real, and digested.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/blob_waits.h"
#include "core/queue.h"
#include "tests/sim/fetches.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class Network;

// An artifact's bytes: those of each attempt are others.
std::string ArtifactBytes(const AttemptId& id, const std::string& name);
Digest ArtifactOf(const AttemptId& id, const std::string& name);
// One attempt in a hundred can't publish, however often that is tried.
bool CantPublish(const AttemptId& id);

class SimFiles final : private BlobWaits::Edges {
 public:
  struct Callbacks {
    std::function<void(QueueEvent)> tell;                    // the agent's queue
    std::function<void(const MeshId&, const Digest&)> want;  // asks the coordinator
    std::function<void(const Digest&)> arrived;              // from the coordinator
  };
  SimFiles(World& world, Network& network, size_t host, Callbacks callbacks);
  ~SimFiles() override;

  // Null if it is not here.
  const std::string* Read(const Digest& digest) const;
  // What its workspace was staged with has this.
  bool IsStaged(Ticket ticket, const Digest& digest) const;

  // Answers Prepared or PrepareFailed, once.
  void Prepare(const QueuedAttempt& attempt);
  // Answers PrepareFailed, unless it has answered.
  void StopPreparing(Ticket ticket);
  void Publish(const QueuedAttempt& attempt);
  // From the coordinator.
  void Take(const Digest& digest, const std::string& bytes);
  void Failed(const BlobFailure& failure);

  // The agent's process is gone: nobody waits any more.
  void Die();
  void Wipe();

 private:
  // BlobWaits::Edges.
  bool Has(const Digest& digest) override { return Read(digest) != nullptr; }
  void Want(const MeshId& mesh, const Digest& digest) override { callbacks_.want(mesh, digest); }
  bool Fetch(const MeshId& mesh, const LeaseInput& input) override;
  void IsHere(Ticket ticket) override;
  void GaveUp(Ticket ticket, const std::string& reason) override;

  // On the preparer's thread: in this order, then it looks who can be served.
  void Command(std::function<void()> what);
  void Keep(const Digest& digest, const std::string& bytes);
  void Later(Duration delay, std::string_view kind, std::function<void()> what);

  World& world_;
  Network& network_;
  const size_t host_;
  const Callbacks callbacks_;
  std::map<std::string, std::string> blobs_;        // by SHA-256
  std::map<Ticket, std::set<std::string>> staged_;  // SHA-256 of what is in the workspace
  std::unique_ptr<BlobWaits> waits_;
  std::map<Ticket, QueuedAttempt> preparing_;
  const Digest* refused_ = nullptr;  // by the coordinator, just now
  bool stopped_ = false;             // by the queue, just now
  SimFetches fetches_;
  Duration last_command_{0};
  uint64_t life_ = 0;
};

}  // namespace cromt::sim
