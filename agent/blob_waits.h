// Which attempts wait for which blobs before their workspace can be staged, and who is asked for those: for an artifact
// the agent that holds it, and where that does not give it, as for a repository's files, the coordinator.
// Deterministic; the preparer and the simulator run it. Not thread-safe.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/queue.h"

namespace cromt {

class BlobWaits {
 public:
  // How long an attempt waits for its files before it is given up.
  static constexpr Duration kPatience = std::chrono::minutes(10);
  // Artifacts may be large; that something comes is watched by who brings them.
  static constexpr Duration kArtifactPatience = std::chrono::hours(6);

  // Called from the functions below; must not call back.
  class Edges {
   public:
    virtual ~Edges() = default;
    virtual bool Has(const Digest& digest) = 0;
    // Of the coordinator. It is asked until something comes.
    virtual void Want(const MeshId& mesh, const Digest& digest) = 0;
    // Of its holder; NotFetched follows if that does not give it. False: nothing is fetched here.
    virtual bool Fetch(const MeshId& mesh, const LeaseInput& input) = 0;
    // All that it needs is here.
    virtual void IsHere(Ticket ticket) = 0;
    // It will not have what it needs.
    virtual void GaveUp(Ticket ticket, const std::string& reason) = 0;
  };

  // `edges` outlives this.
  explicit BlobWaits(Edges& edges) : edges_(edges) {}

  // Serve says whether it has to wait at all.
  void Take(const QueuedAttempt& attempt, Mono now);
  void NotFetched(const MeshId& mesh, const Digest& digest, const std::string& reason);
  // Nor can the coordinator bring it.
  void Refused(const Digest& digest, const std::string& reason);
  // It is to be stopped, if it still waits.
  void Stop(Ticket ticket);
  // Looks who has all that it needs, and who has waited for too long. To be called when something was taken or has
  // come, and at NextDeadline.
  void Serve(Mono now);
  std::optional<Mono> NextDeadline() const;
  // Digests' hashes, of what is here and what is not.
  std::set<std::string> Waited() const;

 private:
  struct Job {
    Ticket ticket = 0;
    MeshId mesh;
    std::shared_ptr<const TaskSpec> spec;
    LeaseInputs inputs;
    Mono give_up_at{};
    size_t seen = 0;  // so many of what it needs were here when somebody looked
  };
  static size_t NeedsOf(const Job& job) { return 1 + (job.inputs ? job.inputs->size() : 0); }
  static const Digest& Need(const Job& job, size_t i);
  static bool Needs(const Job& job, const std::string& sha256);
  bool IsHere(const Job& job, size_t i);
  void Ask(const Job& job, size_t i);
  bool HasAll(Job& job);
  std::list<Job>::iterator Leave(std::list<Job>::iterator job);

  Edges& edges_;
  std::list<Job> waiting_;
  std::map<std::string, std::string>
      not_fetched_;  // by hash, of those that are waited for: why the holder did not give it
};

}  // namespace cromt
