// Writes what agents send of their jobs' output into the log store: one thread, whose every round appends all that has
// gathered, syncs once, and then acknowledges. What an agent may have under way is bounded by the credit it was given.
// What can't be written (a full disk, or one that output would fill) is kept and tried again, before anything that came
// after it. Output of an attempt that the sending agent never had, or the store does not know, is dropped, with a
// warning.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "coordinator/log_store.h"
#include "io/process/mailbox.h"

namespace cromt {

class LogCollector {
 public:
  struct Chunk {
    AttemptId attempt;
    seglog::Stream stream = seglog::Stream::kStdout;
    int64_t offset = 0;
    Wall at;
    std::string data;
  };
  struct Batch {
    AgentId agent;  // who sent it
    std::vector<Chunk> chunks;
    // Called on the collector's thread once they are on disk. Until then the agent keeps them too.
    std::function<void()> stored;
  };

  static constexpr Duration kRetryPause = seconds(1);

  // Which agent has or had this attempt; empty if none. Called on the collector's thread.
  using OwnerOf = std::function<Result<AgentId>(const AttemptId&)>;

  // The store outlives the collector. `warn` is called when the disk begins to fail or something is dropped, and at
  // most once a minute while that goes on.
  LogCollector(LogStore& store, OwnerOf owner_of, std::function<void(const std::string&)> warn);
  ~LogCollector();
  // Any thread.
  void Post(Batch batch) { inbox_.Post(std::move(batch)); }
  // Why output is not kept just now, and waits; empty if it is. Any thread.
  std::string waits_for() const CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return waits_for_;
  }

 private:
  void Run();
  Status Write(const std::vector<Batch>& batches);
  Result<bool> Has(const AgentId& agent, const AttemptId& attempt);
  void WarnOfForeign(const AgentId& agent, const AttemptId& attempt);
  void WaitsFor(std::string what) CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    waits_for_ = std::move(what);
  }

  LogStore& store_;
  const OwnerOf owner_of_;
  const std::function<void(const std::string&)> warn_;
  std::unordered_map<AttemptId, AgentId> owners_;  // asked for lately
  std::optional<Mono> told_of_foreign_at_;
  mutable Mutex mutex_;
  std::string waits_for_ CROMT_GUARDED_BY(mutex_);
  Mailbox<Batch> inbox_;
  std::thread thread_;
};

}  // namespace cromt
