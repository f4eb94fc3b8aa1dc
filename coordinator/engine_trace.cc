#include "coordinator/engine_trace.h"

#include <fmt/format.h>

namespace cromt {
namespace {

// Words for each input. Those that say nothing of themselves (that a link is writable, that somebody looks) have none.
struct InputWords {
  EventRing& ring;
  Wall now;

  void operator()(const engine_input::LinkOpened& a) const { Link("link.opened", a.link); }
  void operator()(const engine_input::LinkClosed& a) const {
    Link("link.closed", a.link, a.reason, a.misbehaved ? "misbehaved" : "");
  }
  void operator()(const engine_input::LinkMessage& a) const {
    const FromAgent& message = a.message;
    const std::string link = LinkName(a.link);
    if (message.hello)
      ring.Add(now, {.kind = "agent.hello",
                     .of = link,
                     .agent = message.hello->agent.text(),
                     .reason =
                         fmt::format("version {}, journal {}", message.hello->version, message.hello->journal.text())});
    if (message.inventory_done) ring.Add(now, {.kind = "agent.inventory", .of = link});
    if (message.refuses) ring.Add(now, {.kind = "agent.refuses", .of = link, .reason = *message.refuses});
    for (const Report& report : message.reports) Reported(report);
    if (!message.wanted_blobs.empty())
      ring.Add(now, {.kind = "agent.wants_blobs", .of = link, .reason = std::to_string(message.wanted_blobs.size())});
  }
  void operator()(const engine_input::BlobUndeliverable& a) const {
    Link("blob.undeliverable", a.link, a.failure.reason);
  }
  void operator()(const engine_input::Ask& a) const { std::visit(*this, a.event); }
  void operator()(const engine_input::Apply& a) const {
    ring.Add(now, {.kind = "asked.apply", .state = a.request.dry_run ? "dry run" : "", .of = a.request.path});
  }
  void operator()(const engine_input::TickPlanned& a) const {
    ring.Add(now, {.kind = "tick.planned", .of = a.tick.project, .reason = a.start ? "" : a.start.error().message});
  }
  void operator()(const engine_input::SetPause& a) const {
    ring.Add(now, {.kind = a.pause ? "asked.pause" : "asked.unpause", .of = a.project});
  }
  void operator()(const engine_input::AgentKnown& a) const { ring.Add(now, {.kind = "agent.known", .of = a.address}); }

  // Events that people or threads of ours have sent.
  void operator()(const StartRun& a) const {
    ring.Add(now, {.kind = "asked.start", .state = ToString(a.trigger), .of = a.run.text()});
  }
  void operator()(const SourcesResolved& a) const { ring.Add(now, {.kind = "sources.resolved", .of = a.run.text()}); }
  void operator()(const SourcesFailed& a) const {
    ring.Add(now, {.kind = "sources.failed", .of = a.run.text(), .reason = a.reason});
  }
  void operator()(const CancelRun& a) const { ring.Add(now, {.kind = "asked.cancel", .of = a.run.text()}); }
  void operator()(const CancelTask& a) const {
    ring.Add(now, {.kind = "asked.cancel", .of = a.run.text(), .task = a.task + 1});
  }
  void operator()(const ForgetAgent& a) const { ring.Add(now, {.kind = "asked.forget", .of = a.address}); }
  void operator()(const DrainAgent& a) const { ring.Add(now, {.kind = "asked.drain", .of = a.address}); }
  void operator()(const ResumeAgent& a) const { ring.Add(now, {.kind = "asked.resume", .of = a.address}); }
  template <class Other>
  void operator()(const Other&) const {}

 private:
  static std::string LinkName(LinkId link) { return fmt::format("link {}", link); }
  void Link(std::string_view kind, LinkId link, std::string_view reason = "", std::string_view state = "") const {
    ring.Add(now, {.kind = kind, .state = state, .of = LinkName(link), .reason = reason});
  }
  void Reported(const Report& report) const {
    const AttemptId& id = report.id;
    EventRing::Line line{.kind = "report.started", .of = id.run.text(), .task = id.task + 1, .attempt = id.attempt};
    const auto* result = std::get_if<AttemptResult>(&report.fact);
    if (result) {
      line.kind = "report.ended";
      line.state = ToString(result->kind);
      line.reason = result->reason;
    }
    ring.Add(now, line);
  }
};

// Words for each record.
struct RecordWords {
  EventRing& ring;
  Wall now;

  void operator()(const RunCreated& a) const {
    ring.Add(now, {.kind = "run.created",
                   .state = ToString(a.header.trigger),
                   .of = a.header.id.text(),
                   .reason = a.header.project});
  }
  void operator()(const RunPlanned& a) const { ring.Add(now, {.kind = "run.planned", .of = a.run.text()}); }
  void operator()(const RunChanged& a) const {
    ring.Add(now, {.kind = "run.changed",
                   .state = a.status.outcome ? ToString(*a.status.outcome) : ToString(a.status.state),
                   .of = a.run.text(),
                   .reason = a.status.reason});
  }
  void operator()(const TaskChanged& a) const {
    ring.Add(now, {.kind = "task.changed",
                   .state = a.status.outcome ? ToString(*a.status.outcome) : ToString(a.status.state),
                   .of = a.run.text(),
                   .task = a.task + 1,
                   .attempt = a.status.attempt,
                   .agent = a.status.agent.text(),
                   .reason = a.status.reason});
  }
  void operator()(const ArtifactsPublished& a) const {
    ring.Add(now, {.kind = "task.published",
                   .of = a.run.text(),
                   .task = a.task + 1,
                   .attempt = a.attempt,
                   .agent = a.agent.text(),
                   .reason = std::to_string(a.artifacts.size())});
  }
  void operator()(const LaneHeld& a) const { Lane("lane.held", a.id, a.agent.text()); }
  void operator()(const LaneFreed& a) const { Lane("lane.freed", a.id, ""); }
  void operator()(const FileApplied& a) const {
    ring.Add(now, {.kind = "file.applied", .of = a.file, .reason = fmt::format("revision {}", a.revision)});
  }
  void operator()(const RunRemoved& a) const {
    ring.Add(now, {.kind = "run.removed", .of = a.run.text(), .reason = a.why});
  }
  void operator()(const OutputRemoved& a) const {
    ring.Add(now, {.kind = "output.removed", .of = a.run.text(), .reason = a.why});
  }
  void operator()(const AgentDrained& a) const { ring.Add(now, {.kind = "agent.drained", .of = a.address}); }
  void operator()(const AgentResumed& a) const { ring.Add(now, {.kind = "agent.resumed", .of = a.address}); }
  void operator()(const TickSettled& a) const {
    ring.Add(now, {.kind = "tick.settled",
                   .state = ToString(a.outcome),
                   .of = a.project,
                   .reason = a.run.empty() ? a.why : a.run.text()});
  }
  void operator()(const Paused& a) const { ring.Add(now, {.kind = "project.paused", .of = a.project}); }
  void operator()(const Unpaused& a) const { ring.Add(now, {.kind = "project.unpaused", .of = a.project}); }
  // Of which one comes with each of the others, or which is told by one.
  template <class Other>
  void operator()(const Other&) const {}

 private:
  void Lane(std::string_view kind, const AttemptId& id, std::string_view agent) const {
    ring.Add(now, {.kind = kind, .of = id.run.text(), .task = id.task + 1, .attempt = id.attempt, .agent = agent});
  }
};

}  // namespace

void EngineTrace::TookIn(std::span<const EngineInput> inputs, Wall now) {
  for (const EngineInput& input : inputs) std::visit(InputWords{events_, now}, input);
}

void EngineTrace::Committed(std::span<const Record> records, Wall now) {
  for (const Record& record : records) std::visit(RecordWords{events_, now}, record);
}

void EngineTrace::Dialled(const std::string& address, LinkId link, Wall now) {
  events_.Add(now, {.kind = "link.dialled", .of = fmt::format("link {}", link), .reason = address});
}

void EngineTrace::Held(const std::string& why, Wall now) {
  events_.Add(now, {.kind = why.empty() ? "goes_on" : "held", .reason = why});
}

void EngineTrace::Misbehaved(const std::string& address, const std::string& what, Wall now) {
  events_.Add(now, {.kind = "agent.misbehaved", .of = address, .reason = what});
}

}  // namespace cromt
