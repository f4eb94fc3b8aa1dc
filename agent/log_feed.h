// Brings what jobs print to whoever collects or reads it: one thread that follows the host's segmented log and serves
// any number of subscriptions, each with a position of its own and a bound on what may be under way.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>

#include "agent/log_follower.h"
#include "base/thread_annotations.h"
#include "io/process/mailbox.h"

namespace cromt {

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
  // Its `deliver` is called on the feed's thread, and must not block.
  void Subscribe(uint64_t id, LogSubscription subscription);
  void Unsubscribe(uint64_t id);
  // The subscriber has dealt with everything before this position.
  void Acknowledge(uint64_t id, uint64_t position);
  // A following subscription now knows its end.
  void EndAt(uint64_t id, uint64_t position);

 private:
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
  std::optional<AttemptId> AttemptOf(Ticket ticket, const MeshId& mesh) CROMT_EXCLUDES(mutex_);

  const std::string dir_;
  Mutex mutex_;
  std::unordered_map<Ticket, Owner> owners_ CROMT_GUARDED_BY(mutex_);
  uint64_t next_id_ CROMT_GUARDED_BY(mutex_) = 1;
  Mailbox<Command> inbox_;
  std::map<uint64_t, LogFollower> followers_;  // the thread's own
  std::thread thread_;
};

}  // namespace cromt
