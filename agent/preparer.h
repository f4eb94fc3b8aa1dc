// Stages workspaces and empties them, off the supervisor's thread: fetching a tree may wait, unpacking takes time.
// One thread; what waits for a blob does not hold up the others.
#pragma once

#include <functional>
#include <list>
#include <thread>
#include <variant>

#include "agent/workspaces.h"
#include "core/queue_event.h"
#include "io/process/mailbox.h"

namespace cromt {

class Preparer {
 public:
  // How long an attempt waits for its files before it is given up.
  static constexpr Duration kPatience = std::chrono::minutes(10);

  struct Callbacks {
    std::function<void(QueueEvent)> tell;  // Prepared, PrepareFailed, SlotCleaned
    std::function<void(const MeshId&, const Digest&)> want_blob;
    std::function<void(const std::string&)> warn;  // for the operator
  };
  // Both outlive the preparer.
  Preparer(const Workspaces& workspaces, const BlobStore& blobs, Callbacks callbacks);
  ~Preparer();

  // Any thread.
  void Prepare(Ticket ticket, MeshId mesh, uint32_t slot, std::shared_ptr<const TaskSpec> spec);
  void Clean(uint32_t slot);
  void BlobArrived();

 private:
  struct Job {
    Ticket ticket = 0;
    MeshId mesh;
    uint32_t slot = 0;
    std::shared_ptr<const TaskSpec> spec;
    Mono give_up_at{};
  };
  struct CleanUp {
    uint32_t slot = 0;
    Mono at{};  // not before
  };
  struct Look {};
  using Command = std::variant<Job, CleanUp, Look>;

  void Run();
  void Stage(const Job& job);
  void ServeWaiting();
  void ServeDirty();

  const Workspaces& workspaces_;
  const BlobStore& blobs_;
  const Callbacks callbacks_;
  Mailbox<Command> inbox_;
  std::list<Job> waiting_;    // for a blob; the thread's own
  std::list<CleanUp> dirty_;  // likewise
  std::thread thread_;
};

}  // namespace cromt
