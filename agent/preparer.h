// Stages workspaces and empties them, off the supervisor's thread: fetching a tree may wait, unpacking takes time.
// One thread; what waits for a blob does not hold up the others.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <thread>
#include <variant>

#include "agent/workspaces.h"
#include "core/queue.h"
#include "io/process/mailbox.h"

namespace cromt {

class Preparer {
 public:
  // How long an attempt waits for its files before it is given up.
  static constexpr Duration kPatience = std::chrono::minutes(10);
  // Artifacts may be large; that something comes is watched by who brings them.
  static constexpr Duration kArtifactPatience = std::chrono::hours(6);

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
  ~Preparer();

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
    Ticket ticket = 0;
    MeshId mesh;
    uint32_t slot = 0;
    std::shared_ptr<const TaskSpec> spec;
    LeaseInputs inputs;
    std::string dir;
    std::optional<launcher::JobUser> owner;
    Mono give_up_at{};
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
  void Take(Job job);
  void Take(const NotFetched& failed);
  void Take(const Refused& refused);
  void Take(const GiveUp& stop);
  const Digest* Missing(const Job& job) const;
  void Stage(const Job& job);
  void ServeWaiting();
  Status Empty(uint32_t slot);
  void ServeDirty();
  void TrimBlobs();

  const Workspaces& workspaces_;
  BlobStore& blobs_;
  const int64_t blob_quota_bytes_;
  const Callbacks callbacks_;
  Mailbox<Command> inbox_;
  std::list<Job> waiting_;                          // for a blob; the thread's own
  std::map<std::string, std::string> not_fetched_;  // by hash: why its holder did not give it; likewise
  std::list<CleanUp> dirty_;                        // likewise
  std::optional<Mono> trim_at_;                     // something has come since the last time; likewise
  Mono trimmed_at_{};
  std::thread thread_;
};

}  // namespace cromt
