#include "agent/diagnosis.h"

#include <fmt/format.h>

#include "agent/agent.h"
#include "agent/engine_trace.h"
#include "io/diagnosis/diagnosis.h"

namespace cromt {
namespace {

using Json = nlohmann::ordered_json;

std::string_view ToString(QueuedAttempt::Phase phase) {
  switch (phase) {
    case QueuedAttempt::Phase::kQueued: return "queued";
    case QueuedAttempt::Phase::kPreparing: return "preparing";
    case QueuedAttempt::Phase::kLaunching: return "launching";
    case QueuedAttempt::Phase::kRunning: return "running";
    case QueuedAttempt::Phase::kPublishing: return "publishing";
    case QueuedAttempt::Phase::kEnded: break;
  }
  return "ended";
}

// Ids and where it stands; not what it does.
Json AttemptJson(const QueuedAttempt& attempt) {
  Json json = {{"ticket", attempt.ticket},
               {"mesh", attempt.mesh.text()},
               {"attempt", cromt::ToString(attempt.id)},
               {"phase", ToString(attempt.phase)},
               {"accepted_at", FormatRfc3339(attempt.accepted_at)}};
  if (attempt.slot) json["slot"] = *attempt.slot;
  if (attempt.started_at) json["started_at"] = FormatRfc3339(*attempt.started_at);
  if (attempt.stop_wanted) json["stop_wanted"] = true;
  if (attempt.phase != QueuedAttempt::Phase::kEnded) return json;
  json["end_acknowledged"] = attempt.end_acked;
  json["ended_as"] = cromt::ToString(attempt.result.kind);
  if (!attempt.result.reason.empty()) json["reason"] = attempt.result.reason;
  return json;
}

}  // namespace

Diagnosis::Diagnosis(const AgentIdentity& identity, const AgentQueue& queue, const AgentTrace& trace,
                     uint64_t journal_bytes)
    : trace_(&trace) {
  Json attempts = Json::array();
  size_t left_out = 0;
  for (const InventoryTicket& item : queue.Tickets()) {
    const QueuedAttempt& attempt = *queue.Find(item.ticket);
    if (attempt.secrets)
      for (const auto& [name, value] : *attempt.secrets) secrets_.push_back(value);
    if (attempts.size() < kMostAttempts)
      attempts.push_back(AttemptJson(attempt));
    else
      ++left_out;
  }
  state_ = {
      {"agent", identity.agent.text()},  {"version", identity.version},
      {"boot", identity.boot},           {"slots", identity.slots},
      {"labels", identity.labels},       {"draining", queue.draining()},
      {"refuses", queue.refusal()},      {"journal", {{"id", queue.journal().text()}, {"size_bytes", journal_bytes}}},
      {"attempts", std::move(attempts)}, {"attempts_left_out", left_out}};
}

void Agent::Diagnose(std::function<void(Diagnosis)> answer) {
  Post(agent_input::Inspect{[this, answer = std::move(answer)](const AgentQueue& queue) {
    answer(Diagnosis(identity_, queue, *trace_, journal_->size_bytes()));
  }});
}

std::string Diagnosis::Text() && {
  Json all = std::move(state_);
  all.update(EventsJson(trace_->events()));
  Hider(secrets_).HideIn(all);
  return DumpJson(all);
}

}  // namespace cromt
