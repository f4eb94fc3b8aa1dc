// Writes what agents send of their jobs' output into the log store: one thread, whose every round appends all that has
// gathered, syncs once, and then acknowledges. What an agent may have under way is bounded by the credit it was given.
#pragma once

#include <functional>
#include <thread>
#include <vector>

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
    std::vector<Chunk> chunks;
    // Called on the collector's thread once they are on disk; not if that failed: the agent will send them again.
    std::function<void()> stored;
  };

  // The store outlives the collector. `failed` is called for each error of the disk.
  LogCollector(LogStore& store, std::function<void(const Error&)> failed);
  ~LogCollector();
  // Any thread.
  void Post(Batch batch) { inbox_.Post(std::move(batch)); }

 private:
  void Run();
  LogStore& store_;
  const std::function<void(const Error&)> failed_;
  Mailbox<Batch> inbox_;
  std::thread thread_;
};

}  // namespace cromt
