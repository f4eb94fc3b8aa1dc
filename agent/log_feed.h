// Brings what jobs print to whoever collects or reads it: one thread that follows the host's segmented log and serves
// any number of subscriptions, each with a position of its own and a bound on what may be under way.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/thread_annotations.h"
#include "core/queue_event.h"
#include "io/process/mailbox.h"
#include "io/seglog/frame.h"

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
  // Called on the feed's thread; must not block.
  std::function<void(LogBatch)> deliver;
};

// Thread-safe.
class LogFeed {
 public:
  // `dir` is the segmented log; it need not exist yet.
  explicit LogFeed(std::string dir);
  ~LogFeed();

  // What a frame's log_id means; from before the attempt's first frame until its output is needed by nobody.
  void Register(Ticket ticket, const MeshId& mesh, const AttemptId& id) CROMT_EXCLUDES(mutex_);
  void Unregister(Ticket ticket) CROMT_EXCLUDES(mutex_);

  // The launcher has written up to here.
  void Advanced(uint64_t position);

  // An id for Subscribe: known before the subscription begins, so that it can be ended at any time.
  uint64_t NewId() CROMT_EXCLUDES(mutex_);
  void Subscribe(uint64_t id, LogSubscription subscription);
  void Unsubscribe(uint64_t id);
  // The subscriber has dealt with everything before this position.
  void Acknowledge(uint64_t id, uint64_t position);
  // A following subscription now knows its end.
  void EndAt(uint64_t id, uint64_t position);

 private:
  struct Follower;
  struct Add {
    uint64_t id;
    std::shared_ptr<LogSubscription> subscription;
  };
  struct Drop {
    uint64_t id;
  };
  struct Acked {
    uint64_t id, position;
  };
  struct End {
    uint64_t id, position;
  };
  struct Moved {
    uint64_t position;
  };
  using Command = std::variant<Add, Drop, Acked, End, Moved>;
  struct Owner {
    MeshId mesh;
    AttemptId id;
  };

  void Run();
  void Handle(const Command& command);
  // True if the follower may have more to give right away.
  bool Serve(Follower& follower) CROMT_EXCLUDES(mutex_);

  const std::string dir_;
  Mutex mutex_;
  std::unordered_map<Ticket, Owner> owners_ CROMT_GUARDED_BY(mutex_);
  uint64_t next_id_ CROMT_GUARDED_BY(mutex_) = 1;
  Mailbox<Command> inbox_;
  std::map<uint64_t, std::unique_ptr<Follower>> followers_;  // the thread's own
  std::thread thread_;
};

}  // namespace cromt
