// The coordinator's end of one session with an agent: the counterpart of core/agent_session.h, used in the same way.
// What the scheduler wants sent is added; Poll gives it to the transport, batched, in the order of the protocol.
// Not thread-safe. After an error the session is over.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/messages.h"

namespace cromt {

class CoordinatorSession {
 public:
  // `batch`: so many items of a kind it puts into a message, 1 to kMaxBatch.
  CoordinatorSession(std::string address, CoordinatorHello hello, Now now, size_t batch = kMaxBatch);

  // What the message means for the scheduler: AgentUp once, then AgentReported and AgentRefuses. Errors as in
  // AgentSession.
  Result<std::vector<Event>> Receive(FromAgent message, Now now);

  void AddVerdicts(std::vector<Verdict> verdicts);  // the answer to AgentUp
  void AddLease(Lease lease);
  // Leaves in a message after those of all leases added before it, so that it never comes before what it stops.
  void AddStop(AttemptId id) { stops_.emplace_back(leases_added_, std::move(id)); }
  void AddAck(Ack ack);
  void AddBlobFailure(BlobFailure failure) { blob_failures_.push_back(std::move(failure)); }

  ToAgent Poll();
  std::vector<Digest> TakeWantedBlobs() { return std::exchange(wanted_, {}); }

  // From when on the agent counts as silent.
  Mono NextDeadline() const;
  // The agent said hello and its inventory is complete.
  bool greeted() const { return phase_ == Phase::kLive; }
  const AgentHello& agent() const { return agent_; }
  // REQUIRES: greeted().
  uint32_t level() const { return level_; }

 private:
  enum class Phase { kAwaitHello, kAwaitInventory, kLive };
  Status ReceiveHello(const AgentHello& hello);

  std::string address_;
  CoordinatorHello hello_;
  size_t batch_;
  bool hello_sent_ = false;
  Phase phase_ = Phase::kAwaitHello;
  AgentHello agent_;
  uint32_t level_ = 0;
  std::vector<InventoryItem> inventory_;
  std::deque<Verdict> verdicts_;
  bool verdicts_given_ = false;
  bool verdicts_sent_ = false;
  std::deque<Lease> leases_;
  uint64_t leases_added_ = 0;
  uint64_t leases_sent_ = 0;
  std::deque<std::pair<uint64_t, AttemptId>> stops_;  // with the number of leases that go before
  std::optional<Ack> ack_;
  std::deque<BlobFailure> blob_failures_;
  uint64_t last_sequence_ = 0;
  uint64_t echo_ = 0;
  std::vector<Digest> wanted_;
  std::string refusal_;
  std::string warning_;
  Mono heard_;
};

}  // namespace cromt
