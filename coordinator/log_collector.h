// Writes what agents send of their jobs' output into the log store: one thread, whose every round appends all that has
// gathered, syncs once, and then acknowledges. What an agent may have under way is bounded by the credit it was given.
// What can't be written (a full disk) is kept and tried again, before anything that came after it.
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
    // Called on the collector's thread once they are on disk. Until then the agent keeps them too.
    std::function<void()> stored;
  };

  static constexpr Duration kRetryPause = seconds(1);

  // The store outlives the collector. `failed` is called when the disk begins to fail, and once a minute while it does.
  LogCollector(LogStore& store, std::function<void(const Error&)> failed);
  ~LogCollector();
  // Any thread.
  void Post(Batch batch) { inbox_.Post(std::move(batch)); }

 private:
  void Run();
  Status Write(const std::vector<Batch>& batches);
  LogStore& store_;
  const std::function<void(const Error&)> failed_;
  Mailbox<Batch> inbox_;
  std::thread thread_;
};

}  // namespace cromt
