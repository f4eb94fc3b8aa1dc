#include "core/coordinator_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "core/artifact.h"
#include "core/lease.h"

namespace cromt {
namespace {

// An agent's whole inventory; more than the queue's own limit is no honest one.
constexpr size_t kMaxInventory = 1'000'000;

template <class T>
std::vector<T> TakeUpTo(std::deque<T>& from, size_t limit) {
  auto end = from.begin() + static_cast<ptrdiff_t>(std::min(from.size(), limit));
  std::vector<T> taken(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
  return taken;
}

}  // namespace

CoordinatorSession::CoordinatorSession(std::string address, CoordinatorHello hello, Now now, size_t batch)
    : address_(std::move(address)), hello_(std::move(hello)), batch_(batch), heard_(now.mono) {}

Result<std::vector<Event>> CoordinatorSession::Receive(FromAgent message, Now now) {
  heard_ = now.mono;
  std::vector<Event> events;
  if (message.inventory.size() > kMaxBatch || message.reports.size() > kMaxBatch ||
      message.wanted_blobs.size() > kMaxBatch)
    return Fail(ErrorCode::kExhausted, fmt::format("a message may hold {} items of a kind", kMaxBatch));
  if (message.hello.has_value() != (phase_ == Phase::kAwaitHello))
    return Fail(ErrorCode::kInvalid,
                message.hello ? "a second hello in one session" : "the first message must be a hello");
  if (message.hello) CROMT_TRY(ReceiveHello(*message.hello));
  if (phase_ == Phase::kLive && (!message.inventory.empty() || message.inventory_done))
    return Fail(ErrorCode::kInvalid, "inventory after the last of it");
  if (!message.reports.empty() && !verdicts_sent_) return Fail(ErrorCode::kInvalid, "reports before the verdicts");
  if (message.heartbeat != 0) echo_ = message.heartbeat;
  wanted_.insert(wanted_.end(), message.wanted_blobs.begin(), message.wanted_blobs.end());
  if (wanted_.size() > kMaxBatch) return Fail(ErrorCode::kExhausted, "too many blobs are wanted at once");
  if (blob_failures_.size() > kMaxLeaseInputs)
    return Fail(ErrorCode::kExhausted, "it asks for blobs and does not hear that it can't have them");
  const bool was_live = phase_ == Phase::kLive;
  if (message.refuses) refusal_ = std::move(*message.refuses);
  if (message.warns) warning_ = std::move(*message.warns);
  if (phase_ == Phase::kAwaitInventory) {
    inventory_.insert(inventory_.end(), message.inventory.begin(), message.inventory.end());
    if (inventory_.size() > kMaxInventory) return Fail(ErrorCode::kExhausted, "the inventory is too large");
    if (message.inventory_done) {
      phase_ = Phase::kLive;
      events.push_back(AgentUp{address_, agent_, std::move(inventory_), hello_.session, refusal_, warning_});
    }
  }
  if ((message.refuses || message.warns) && was_live) events.push_back(AgentRefuses{address_, refusal_, warning_});
  for (const Report& report : message.reports) {
    if (last_sequence_ != 0 && report.sequence != last_sequence_ + 1)
      return Fail(ErrorCode::kInvalid,
                  fmt::format("report {} came where {} was due", report.sequence, last_sequence_ + 1));
    last_sequence_ = report.sequence;
  }
  if (!message.reports.empty()) events.push_back(AgentReported{address_, std::move(message.reports)});
  return events;
}

Status CoordinatorSession::ReceiveHello(const AgentHello& hello) {
  CROMT_TRY(CheckName("agent id", hello.agent.text()));
  CROMT_TRY(CheckName("journal id", hello.journal.text()));
  CROMT_ASSIGN(level_, CommonLevel(hello_.levels, hello.levels));
  if (hello.slots == 0 || hello.slots > 65'536) return Fail(ErrorCode::kInvalid, fmt::format("{} slots", hello.slots));
  agent_ = hello;
  phase_ = Phase::kAwaitInventory;
  return {};
}

void CoordinatorSession::AddVerdicts(std::vector<Verdict> verdicts) {
  verdicts_.insert(verdicts_.end(), std::make_move_iterator(verdicts.begin()), std::make_move_iterator(verdicts.end()));
  verdicts_given_ = true;
}

void CoordinatorSession::AddLease(Lease lease) {
  leases_.push_back(std::move(lease));
  ++leases_added_;
}

void CoordinatorSession::AddAck(Ack ack) {
  const Ack before = ack_.value_or(Ack{});
  ack_ = Ack{std::max(before.sequence, ack.sequence), std::max(before.commit, ack.commit)};
}

ToAgent CoordinatorSession::Poll() {
  ToAgent message;
  if (!std::exchange(hello_sent_, true)) {
    message.hello = hello_;
    return message;
  }
  message.heartbeat_echo = std::exchange(echo_, 0);
  if (verdicts_given_ && !verdicts_sent_) {
    message.verdicts = TakeUpTo(verdicts_, batch_);
    message.verdicts_done = verdicts_sent_ = verdicts_.empty();
  }
  if (!verdicts_sent_) return message;
  message.ack = std::exchange(ack_, std::nullopt);
  for (; !stops_.empty() && stops_.front().first <= leases_sent_ && message.stops.size() < batch_; stops_.pop_front())
    message.stops.push_back(std::move(stops_.front().second));
  // An agent asks for a blob again that it could not have, if a lease that comes after that needs it.
  message.blob_failures = TakeUpTo(blob_failures_, batch_);
  if (blob_failures_.empty()) message.leases = TakeUpTo(leases_, batch_);
  leases_sent_ += message.leases.size();
  return message;
}

Mono CoordinatorSession::NextDeadline() const {
  return heard_ + kUnreachableAfter;
}

}  // namespace cromt
