// One who collects or reads what jobs print: where in the host's segmented log it is, and what of it is under way.
// Deterministic; one thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/queue_event.h"
#include "io/seglog/reader.h"

namespace cromt {

// Output of one attempt, as it was read: see io/seglog/frame.h.
struct LogChunk {
  AttemptId attempt;
  seglog::Stream stream = seglog::Stream::kStdout;
  int64_t offset = 0;
  Wall at;
  std::string data;
};

struct LogBatch {
  std::vector<LogChunk> chunks;
  uint64_t position = 0;  // of the host's log after them
  bool done = false;      // nothing more will come: the subscription is over
  std::string problem;    // with done: why it ended early
};

struct LogSubscription {
  MeshId mesh;  // whose attempts; for one of them also `ticket`
  std::optional<Ticket> ticket;
  uint64_t from = 0;               // position in the host's log; 0, or one that is gone = its beginning
  std::optional<uint64_t> until;   // done at this position; nullopt = follow
  int64_t credit_bytes = 1 << 20;  // given out and not yet acknowledged, at most
  std::function<void(LogBatch)> deliver;
};

class LogFollower {
 public:
  using OpenLog = std::function<Result<std::unique_ptr<seglog::FrameSource>>(seglog::Position)>;
  // What a frame's log_id means to a mesh; nullopt if nothing.
  using AttemptOf = std::function<std::optional<AttemptId>(Ticket, const MeshId&)>;

  LogFollower(LogSubscription subscription, OpenLog open, AttemptOf attempt_of)
      : subscription_(std::move(subscription)),
        open_(std::move(open)),
        attempt_of_(std::move(attempt_of)),
        told_(subscription_.from) {}

  // The subscriber has dealt with everything before this position.
  void Acknowledge(uint64_t position);
  // It now knows its end.
  void EndAt(uint64_t position) { subscription_.until = position; }
  // Gives the subscriber what comes next, as far as that is there and it has credit. True if there may be more right
  // away.
  bool Serve();
  bool done() const { return done_; }

 private:
  bool Finish(LogBatch batch, std::string problem);

  LogSubscription subscription_;
  const OpenLog open_;
  const AttemptOf attempt_of_;
  std::unique_ptr<seglog::FrameSource> log_;
  std::deque<std::pair<uint64_t, int64_t>> under_way_;  // (position after, bytes)
  int64_t under_way_bytes_ = 0;
  uint64_t told_ = 0;
  bool skipped_ = false;  // something that is damaged, since then
  bool done_ = false;
};

}  // namespace cromt
