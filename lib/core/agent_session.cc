#include "core/agent_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "core/lease.h"

namespace cromt {

Result<std::vector<QueueEvent>> AgentSession::Receive(const ToAgent& message, const AgentQueue& queue, Now now) {
  heard_ = now.mono;
  std::vector<QueueEvent> events;
  if (message.blob_failures.size() > kMaxBatch || message.leases.size() > kMaxBatch ||
      message.verdicts.size() > kMaxBatch || message.stops.size() > kMaxBatch)
    return Fail(ErrorCode::kExhausted, fmt::format("a message may hold {} items of a kind", kMaxBatch));
  if (message.hello.has_value() != (phase_ == Phase::kAwaitHello))
    return Fail(ErrorCode::kInvalid,
                message.hello ? "a second hello in one session" : "the first message must be a hello");
  if (inspected()) return Fail(ErrorCode::kInvalid, "who only asks what there is says nothing more");
  if (message.hello) {
    CROMT_TRY(ReceiveHello(message, queue, now, events));
    return events;
  }
  if (!queue.Knows(hello_.mesh)) return Fail(ErrorCode::kConflict, "the mesh was silent, and forgotten for another");
  if (phase_ == Phase::kLive && (!message.verdicts.empty() || message.verdicts_done))
    return Fail(ErrorCode::kInvalid, "verdicts after the last of them");
  bool orders = !message.leases.empty() || !message.stops.empty() || message.ack || !message.blob_failures.empty();
  if (phase_ == Phase::kAwaitVerdicts && orders && !message.verdicts_done)
    return Fail(ErrorCode::kInvalid, "leases, stops or acks before the verdicts");
  for (const Verdict& verdict : message.verdicts)
    if (verdict.kind == Verdict::Kind::kStop) events.push_back(queue_event::StopWanted{hello_.mesh, verdict.id});
  if (message.verdicts_done) phase_ = Phase::kLive;
  if (message.ack) {
    if (message.ack->sequence > sent_sequence_)
      return Fail(ErrorCode::kInvalid, fmt::format("report {} is acknowledged but {} was the last one sent",
                                                   message.ack->sequence, sent_sequence_));
    events.push_back(queue_event::ReportsAcked{hello_.mesh, message.ack->sequence, message.ack->commit});
  }
  if (message.heartbeat_echo != 0) CROMT_TRY(ReceiveEcho(message.heartbeat_echo, events));
  for (const Lease& lease : message.leases) {
    if (!IsName(lease.id.run.text()) || lease.id.attempt == 0)
      return Fail(ErrorCode::kInvalid, "a lease without a run id or an attempt number");
    events.push_back(queue_event::LeaseOffered{hello_.mesh, lease});
  }
  for (const AttemptId& id : message.stops) events.push_back(queue_event::StopWanted{hello_.mesh, id});
  blob_failures_.insert(blob_failures_.end(), message.blob_failures.begin(), message.blob_failures.end());
  return events;
}

Status AgentSession::ReceiveHello(const ToAgent& message, const AgentQueue& queue, Now now,
                                  std::vector<QueueEvent>& events) {
  const CoordinatorHello& hello = *message.hello;
  CROMT_TRY(CheckName("mesh id", hello.mesh.text()));
  if (hello.mesh == kPlainMesh) return Fail(ErrorCode::kInvalid, "'plain' is no mesh of a coordinator");
  CROMT_ASSIGN(level_, CommonLevel(hello.levels, identity_.levels));
  if (std::string why = queue.WhyNotMet(hello.mesh, now, hello.inspect); !why.empty())
    return Fail(ErrorCode::kExhausted, std::move(why));
  const uint64_t seen_epoch = queue.Seen(hello.mesh).first;
  hello_ = hello;
  stale_ = hello.epoch < seen_epoch;
  phase_ = Phase::kAwaitVerdicts;
  auto items = queue.Inventory(hello.mesh);
  inventory_.assign(items.begin(), items.end());
  sent_sequence_ = queue.AckedSequence(hello.mesh);
  if (!inspected()) events.push_back(queue_event::SessionBegan{hello.mesh, hello.epoch, hello.commit});
  return {};
}

Status AgentSession::ReceiveEcho(uint64_t number, std::vector<QueueEvent>& events) {
  auto echoed = std::find_if(heartbeats_.begin(), heartbeats_.end(), [&](const auto& h) { return h.first == number; });
  if (echoed == heartbeats_.end()) {
    if (number > heartbeat_) return Fail(ErrorCode::kInvalid, fmt::format("heartbeat {} was never sent", number));
    return {};  // an older one again
  }
  events.push_back(queue_event::LeasesExtended{hello_.mesh, echoed->second + kLeaseTime});
  heartbeats_.erase(heartbeats_.begin(), echoed + 1);
  return {};
}

FromAgent AgentSession::Poll(const AgentQueue& queue, Now now) {
  FromAgent message;
  if (phase_ == Phase::kAwaitHello) return message;
  if (!hello_sent_) {
    auto [epoch, commit] = queue.Seen(hello_.mesh);
    message.hello = AgentHello{identity_.agent,
                               queue.JournalOf(hello_.mesh),
                               identity_.boot,
                               identity_.levels,
                               identity_.slots,
                               identity_.labels,
                               identity_.version,
                               epoch,
                               commit,
                               queue.AckedSequence(hello_.mesh),
                               queue.LastSequence(hello_.mesh)};
    hello_sent_ = true;
    message.inventory_done = inventory_.empty();
  }
  if (!inventory_.empty()) {
    size_t count = std::min(inventory_.size(), batch_);
    message.inventory.assign(inventory_.begin(), inventory_.begin() + static_cast<ptrdiff_t>(count));
    inventory_.erase(inventory_.begin(), inventory_.begin() + static_cast<ptrdiff_t>(count));
    message.inventory_done = inventory_.empty();
  }
  AddSignsOfLife(message, queue, now);
  if (phase_ != Phase::kLive) return message;
  auto reports = queue.ReportsAfter(hello_.mesh, sent_sequence_, batch_);
  reports_due_.reset();
  if (!reports.empty()) {
    if (!reports_wait_) reports_wait_ = now.mono;
    Mono due = ReportsDue(reports);
    if (due > now.mono && message.empty()) {
      reports_due_ = due;
    } else {
      sent_sequence_ = reports.back().sequence;
      const Duration pause = static_cast<int64_t>(reports.size()) * kPausePerReport;
      next_reports_ = now.mono + std::clamp(pause, kReportPause, kLongestReportPause);
      reports_wait_.reset();
      message.reports = std::move(reports);
    }
  }
  auto asked = wanted_.begin() + static_cast<ptrdiff_t>(std::min(wanted_.size(), batch_));
  message.wanted_blobs.assign(wanted_.begin(), asked);
  wanted_.erase(wanted_.begin(), asked);
  return message;
}

FromAgent AgentSession::PollSignsOfLife(const AgentQueue& queue, Now now) {
  FromAgent message;
  if (told()) AddSignsOfLife(message, queue, now);
  return message;
}

void AgentSession::AddSignsOfLife(FromAgent& message, const AgentQueue& queue, Now now) {
  if (now.mono >= next_heartbeat_) {
    message.heartbeat = ++heartbeat_;
    heartbeats_.emplace_back(heartbeat_, now.mono);
    next_heartbeat_ = now.mono + kHeartbeatInterval;
    if (heartbeats_.size() > 64) heartbeats_.pop_front();  // unanswered for two minutes: long silent
  }
  if (queue.refusal() != refusal_told_) message.refuses = refusal_told_ = queue.refusal();
  if (queue.warning() != warning_told_) message.warns = warning_told_ = queue.warning();
}

Mono AgentSession::ReportsDue(const std::vector<Report>& reports) const {
  if (reports.size() == batch_) return *reports_wait_;
  bool ended = std::any_of(reports.begin(), reports.end(),
                           [](const Report& r) { return std::holds_alternative<AttemptResult>(r.fact); });
  return std::max(next_reports_, ended ? *reports_wait_ : *reports_wait_ + kStartPause);
}

Mono AgentSession::NextDeadline(bool writable) const {
  Mono next = heard_ + kUnreachableAfter;
  if (phase_ == Phase::kAwaitHello || !writable) return next;
  next = std::min(next, next_heartbeat_);
  return reports_due_ ? std::min(next, *reports_due_) : next;
}

bool AgentSession::Silent(Now now) const {
  return now.mono >= heard_ + kUnreachableAfter;
}

}  // namespace cromt
