// The agent's end of one session with a coordinator, as a state machine over whatever transport carries it.
//
// The transport hands in each message as it arrives and, whenever it could write, takes what Poll returns: so what
// gathers during a write leaves as one batch, as do reports that follow each other closely (lease.h). Not thread-safe.
// After an error the session is over.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/messages.h"
#include "core/queue.h"

namespace cromt {

// What an agent says of itself in every session.
struct AgentIdentity {
  AgentId agent;
  std::string boot;
  uint32_t slots = 0;
  std::map<std::string, std::string> labels;
  std::string version;
  SessionLevels levels = {};
};

class AgentSession {
 public:
  // `batch`: so many items of a kind it puts into a message, 1 to kMaxBatch.
  AgentSession(AgentIdentity identity, Now now, size_t batch = kMaxBatch)
      : identity_(std::move(identity)), batch_(batch), heard_(now.mono) {}

  // What the message means for the queue, in order. kInvalid for a message out of order, kExhausted for one beyond the
  // limits, kConflict for a coordinator older than one that was here before.
  Result<std::vector<QueueEvent>> Receive(const ToAgent& message, const AgentQueue& queue, Now now);

  // What is to be sent now; empty if nothing is.
  FromAgent Poll(const AgentQueue& queue, Now now);
  // Likewise, of what does not follow from what the journal holds: that the agent is there, and what it refuses.
  FromAgent PollSignsOfLife(const AgentQueue& queue, Now now);

  // When Poll (if the transport could write) or a check of silence is next due.
  Mono NextDeadline(bool writable) const;
  // Nothing was heard for kUnreachableAfter.
  bool Silent(Now now) const;

  // Asks for a blob that a leased attempt needs; asked again in every new session by whoever still needs it.
  void WantBlob(Digest digest) { wanted_.push_back(std::move(digest)); }
  // What the coordinator said since the last call can't be brought.
  std::vector<BlobFailure> TakeBlobFailures() { return std::exchange(blob_failures_, {}); }

  bool greeted() const { return phase_ != Phase::kAwaitHello; }
  // Its hello and all that it knows have been said.
  bool told() const { return hello_sent_ && inventory_.empty(); }
  // Who opened it only asks: it takes no part in which session of a mesh is the newest.
  bool inspected() const { return hello_.inspect || stale_; }
  // It asks what there is once no other session of its mesh is obeyed any more.
  bool ends_others() const { return hello_.inspect; }
  // REQUIRES: greeted(), as for what follows.
  const MeshId& mesh() const { return hello_.mesh; }
  uint32_t level() const { return level_; }
  std::pair<uint64_t, uint64_t> order() const { return {hello_.epoch, hello_.session}; }

 private:
  enum class Phase { kAwaitHello, kAwaitVerdicts, kLive };
  Status ReceiveHello(const ToAgent& message, const AgentQueue& queue, Now now, std::vector<QueueEvent>& events);
  Status ReceiveEcho(uint64_t number, std::vector<QueueEvent>& events);
  void AddSignsOfLife(FromAgent& message, const AgentQueue& queue, Now now);
  Mono ReportsDue(const std::vector<Report>& reports) const;

  AgentIdentity identity_;
  size_t batch_;
  Phase phase_ = Phase::kAwaitHello;
  CoordinatorHello hello_;
  bool stale_ = false;  // its store went back: it is told so, and has no more to say
  uint32_t level_ = 0;
  bool hello_sent_ = false;
  std::deque<InventoryItem> inventory_;
  uint64_t sent_sequence_ = 0;
  Mono next_reports_{};               // not before
  std::optional<Mono> reports_wait_;  // since when there are some to be sent
  std::optional<Mono> reports_due_;
  uint64_t heartbeat_ = 0;
  std::deque<std::pair<uint64_t, Mono>> heartbeats_;  // sent and not yet echoed
  Mono next_heartbeat_{};
  Mono heard_;
  std::vector<Digest> wanted_;
  std::vector<BlobFailure> blob_failures_;
  std::string refusal_told_;
  std::string warning_told_;
};

}  // namespace cromt
