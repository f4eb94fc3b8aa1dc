#include "agent/engine_trace.h"

#include <fmt/format.h>

namespace cromt {
namespace {

// Words for each input. Those that say nothing of themselves (that a stream is writable, that somebody looks) have
// none.
struct InputWords {
  EventRing& ring;
  Wall now;

  void operator()(const agent_input::StreamOpened& a) const { Stream("session.opened", a.stream); }
  void operator()(const agent_input::StreamClosed& a) const { Stream("session.ended", a.stream); }
  void operator()(const agent_input::StreamMessage& a) const {
    const ToAgent& message = a.message;
    if (message.hello)
      Stream("session.hello", a.stream,
             fmt::format("mesh {}, session {}, commit {}", message.hello->mesh.text(), message.hello->session,
                         message.hello->commit));
    for (const Lease& lease : message.leases) Attempt("lease.offered", lease.id, lease.wrong);
    for (const AttemptId& stop : message.stops) Attempt("stop.wanted", stop);
    if (message.verdicts_done) Stream("session.verdicts", a.stream);
    for (const BlobFailure& failure : message.blob_failures) Stream("blob.failed", a.stream, failure.reason);
  }
  void operator()(const agent_input::Tell& a) const { std::visit(*this, a.event); }
  void operator()(const agent_input::OutputBlocked& a) const {
    ring.Add(now, {.kind = a.reason.empty() ? "output.flows" : "output.blocked", .reason = a.reason});
  }
  void operator()(const agent_input::DiskChanged& a) const {
    if (!a.refusal.empty()) return ring.Add(now, {.kind = "disk.critical", .reason = a.refusal});
    ring.Add(now, {.kind = a.warning.empty() ? "disk.ok" : "disk.warning", .reason = a.warning});
  }
  void operator()(const agent_input::LauncherConnected& a) const {
    ring.Add(now, {.kind = "launcher.connected", .reason = fmt::format("process {}", a.pid)});
  }

  // What launcher, preparer and publisher tell the queue.
  void operator()(const queue_event::LauncherUp& a) const {
    ring.Add(now, {.kind = "launcher.up", .of = a.incarnation, .reason = a.remains});
  }
  void operator()(const queue_event::LauncherDown& a) const {
    ring.Add(now, {.kind = "launcher.down", .reason = a.reason});
  }
  void operator()(const queue_event::JobSubmitted& a) const {
    ring.Add(now, {.kind = "job.submitted", .of = a.job.text()});
  }
  void operator()(const queue_event::DrainWanted& a) const {
    ring.Add(now, {.kind = a.drain ? "asked.drain" : "asked.resume"});
  }
  void operator()(const queue_event::Prepared& a) const { Ticketed("attempt.prepared", a.ticket); }
  void operator()(const queue_event::PrepareFailed& a) const { Ticketed("attempt.unprepared", a.ticket, a.reason); }
  void operator()(const queue_event::Published& a) const { Ticketed("attempt.published", a.ticket); }
  void operator()(const queue_event::PublishFailed& a) const { Ticketed("attempt.unpublished", a.ticket, a.reason); }
  template <class Other>
  void operator()(const Other&) const {}

 private:
  void Stream(std::string_view kind, StreamId stream, std::string_view reason = "") const {
    ring.Add(now, {.kind = kind, .of = fmt::format("session {}", stream), .reason = reason});
  }
  void Attempt(std::string_view kind, const AttemptId& id, std::string_view reason = "") const {
    ring.Add(now, {.kind = kind, .of = id.run.text(), .task = id.task + 1, .attempt = id.attempt, .reason = reason});
  }
  void Ticketed(std::string_view kind, Ticket ticket, std::string_view reason = "") const {
    ring.Add(now, {.kind = kind, .of = fmt::format("ticket {}", ticket), .reason = reason});
  }
};

// Words for each record of the journal. Those that count what was acknowledged say nothing to people.
struct RecordWords {
  EventRing& ring;
  Wall now;

  void operator()(const journal::Opened& a) const { ring.Add(now, {.kind = "journal.opened", .of = a.journal.text()}); }
  void operator()(const journal::Accepted& a) const {
    ring.Add(now, {.kind = "attempt.accepted",
                   .of = a.id.run.text(),
                   .task = a.id.task + 1,
                   .attempt = a.id.attempt,
                   .reason = fmt::format("ticket {} of mesh {}", a.ticket, a.mesh.text())});
  }
  void operator()(const journal::Launching& a) const {
    Ticketed("attempt.launching", a.ticket, "", fmt::format("slot {}", a.slot));
  }
  void operator()(const journal::Started& a) const { Ticketed("attempt.started", a.ticket); }
  void operator()(const journal::StopAsked& a) const { Ticketed("attempt.stop_asked", a.ticket); }
  void operator()(const journal::Ended& a) const {
    Ticketed("attempt.ended", a.ticket, ToString(a.result.kind), a.result.reason);
  }
  void operator()(const journal::Forgotten& a) const { Ticketed("attempt.forgotten", a.ticket); }
  template <class Other>
  void operator()(const Other&) const {}

 private:
  void Ticketed(std::string_view kind, Ticket ticket, std::string_view state = "", std::string_view reason = "") const {
    ring.Add(now, {.kind = kind, .state = state, .of = fmt::format("ticket {}", ticket), .reason = reason});
  }
};

}  // namespace

void AgentTrace::TookIn(std::span<const AgentInput> inputs, Wall now) {
  for (const AgentInput& input : inputs) std::visit(InputWords{events_, now}, input);
}

void AgentTrace::Journaled(std::span<const JournalRecord> records, Wall now) {
  for (const JournalRecord& record : records) std::visit(RecordWords{events_, now}, record);
}

void AgentTrace::Closed(StreamId stream, const std::string& why, Wall now) {
  events_.Add(now, {.kind = "session.closed", .of = fmt::format("session {}", stream), .reason = why});
}

void AgentTrace::Refuses(const std::string& why, Wall now) {
  events_.Add(now, {.kind = why.empty() ? "goes_on" : "refuses", .reason = why});
}

}  // namespace cromt
