// Stages workspaces and empties them, off the supervisor's thread: fetching a tree may wait, unpacking takes time.
// One thread; what waits for a blob does not hold up the others.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <thread>
#include <variant>

#include "agent/blob_waits.h"
#include "agent/workspaces.h"
#include "core/queue.h"
#include "io/process/mailbox.h"

namespace cromt {

class Preparer final : private BlobWaits::Edges {
 public:
  struct Callbacks {
    std::function<void(QueueEvent)> tell;                         // Prepared, PrepareFailed, SlotCleaned
    std::function<void(const MeshId&, const Digest&)> want_blob;  // of the coordinator; BlobArrived or BlobFailed
    // An artifact from its holder; BlobArrived or FetchFailed. Empty: all are wanted of the coordinator.
    std::function<void(const MeshId&, const LeaseInput&)> fetch;
    std::function<void(const std::string&)> warn;    // for the operator
    std::function<Status(uint32_t slot)> empty_box;  // before a slot is emptied in which a container ran
  };
  // Both outlive the preparer.
  // Blobs beyond `blob_quota_bytes` go, the least recently used first.
  Preparer(const Workspaces& workspaces, BlobStore& blobs, int64_t blob_quota_bytes, Callbacks callbacks);
  ~Preparer() override;

  // Any thread.
  // `dir` is the task's directory: that of the slot, or the source's own.
  // `owner`: whose its files become; none = this process's own user.
  void Prepare(const QueuedAttempt& attempt, uint32_t slot, std::string dir, std::optional<launcher::JobUser> owner);
  // Who still waits for a blob waits no longer: PrepareFailed.
  void Stop(Ticket ticket);
  void Clean(uint32_t slot);
  void BlobArrived();  // or was published here
  // The holder doesn't give it: the coordinator is asked to bring it.
  void FetchFailed(MeshId mesh, Digest digest, std::string reason);
  // Nobody can: who waits for it can't be prepared.
  void BlobFailed(Digest digest, std::string reason);

 private:
  struct Job {
    QueuedAttempt attempt;
    uint32_t slot = 0;
    std::string dir;
    std::optional<launcher::JobUser> owner;
  };
  struct NotFetched {
    MeshId mesh;
    Digest digest;
    std::string reason;
  };
  struct Refused {
    Digest digest;
    std::string reason;
  };
  struct CleanUp {
    uint32_t slot = 0;
    Mono at{};  // not before
  };
  struct GiveUp {
    Ticket ticket = 0;
  };
  struct Look {};
  using Command = std::variant<Job, CleanUp, GiveUp, Look, NotFetched, Refused>;

  void Run();
  void Take(Command command);
  void Stage(const Job& job);

  // BlobWaits::Edges.
  bool Has(const Digest& digest) override { return blobs_.Has(digest); }
  void Want(const MeshId& mesh, const Digest& digest) override { callbacks_.want_blob(mesh, digest); }
  bool Fetch(const MeshId& mesh, const LeaseInput& input) override;
  void IsHere(Ticket ticket) override;
  void GaveUp(Ticket ticket, const std::string& reason) override;

  Status Empty(uint32_t slot);
  void ServeDirty();
  void TrimBlobs();

  const Workspaces& workspaces_;
  BlobStore& blobs_;
  const int64_t blob_quota_bytes_;
  const Callbacks callbacks_;
  Mailbox<Command> inbox_;
  BlobWaits waits_;              // the thread's own
  std::map<Ticket, Job> jobs_;   // that wait in it; likewise
  std::list<CleanUp> dirty_;     // likewise
  std::optional<Mono> trim_at_;  // something has come since the last time; likewise
  Mono trimmed_at_{};
  std::thread thread_;
};

}  // namespace cromt
