// What agents send of their jobs' output, on its way into the log store: each round appends all that has gathered,
// syncs once, and then acknowledges. What an agent may have under way is bounded by the credit it was given. What can't
// be written (a full disk, or one that output would fill) is kept and tried again, before anything that came after it.
// Output of an attempt that the sending agent never had, or the store does not know, is dropped, with a warning.
// Deterministic; one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/log_store.h"

namespace cromt {

class LogIntake {
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
    // Called once they are on disk. Until then the agent keeps them too.
    std::function<void()> stored;
  };

  // Which agent has or had this attempt; empty if none.
  using OwnerOf = std::function<Result<AgentId>(const AttemptId&)>;

  // The store outlives it. `warn` is called when the disk begins to fail or something is dropped, and at most once a
  // minute while that goes on.
  LogIntake(LogStore& store, OwnerOf owner_of, std::function<void(const std::string&)> warn)
      : store_(store), owner_of_(std::move(owner_of)), warn_(std::move(warn)) {}

  void Add(Batch batch) { batches_.push_back(std::move(batch)); }
  // An error: nothing was acknowledged, and all waits for the next round.
  Status Round(Mono now);

 private:
  Status Write(Mono now);
  Result<bool> Has(const AgentId& agent, const AttemptId& attempt);
  void WarnOfForeign(const AgentId& agent, const AttemptId& attempt, Mono now);

  LogStore& store_;
  const OwnerOf owner_of_;
  const std::function<void(const std::string&)> warn_;
  std::vector<Batch> batches_;
  std::unordered_map<AttemptId, AgentId> owners_;  // asked for lately
  std::optional<Mono> told_at_;                    // of a disk that fails, and still does
  std::optional<Mono> told_of_foreign_at_;
};

}  // namespace cromt
