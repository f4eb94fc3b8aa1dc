#include "io/wire/journal.h"

#include "io/wire/field.h"
#include "io/wire/task.h"

namespace cromt::wire {
namespace {

struct Writer {
  v1::JournalRecord& proto;
  const TaskSpec* previous;

  void operator()(const journal::Opened& record) const {
    auto& to = *proto.mutable_opened();
    to.set_journal(ToText(record.journal.text()));
    to.set_boot(ToText(record.boot));
    to.set_next_ticket(record.next_ticket);
  }
  void operator()(const journal::MeshSeen& record) const {
    auto& to = *proto.mutable_mesh_seen();
    to.set_mesh(ToText(record.mesh.text()));
    to.set_epoch(record.epoch);
    to.set_commit(record.commit);
    to.set_acked_sequence(record.acked_sequence);
    to.set_next_sequence(record.next_sequence);
    to.set_logs_stored(record.logs_stored);
    to.set_met(record.met);
  }
  void operator()(const journal::Accepted& record) const {
    auto& to = *proto.mutable_accepted();
    to.set_ticket(record.ticket);
    to.set_mesh(ToText(record.mesh.text()));
    ToProto(record.id, *to.mutable_id());
    bool repeats = previous && (record.spec.get() == previous || *record.spec == *previous);
    if (!repeats) ToProto(*record.spec, *to.mutable_spec());
    to.set_host(ToText(record.host));
    to.set_request(ToText(record.request.text()));
    to.set_at_us(WallToWire(record.at));
    ToProto(record.inputs, *to.mutable_inputs());
  }
  void operator()(const journal::Launching& record) const {
    auto& to = *proto.mutable_launching();
    to.set_ticket(record.ticket);
    to.set_slot(record.slot);
    to.set_incarnation(ToText(record.incarnation));
  }
  void operator()(const journal::Started& record) const {
    auto& to = *proto.mutable_started();
    to.set_ticket(record.ticket);
    to.set_sequence(record.sequence);
    to.set_at_us(WallToWire(record.at));
    to.set_log_begin(record.log_begin);
  }
  void operator()(const journal::StopAsked& record) const { proto.mutable_stop_asked()->set_ticket(record.ticket); }
  void operator()(const journal::Ended& record) const {
    auto& to = *proto.mutable_ended();
    to.set_ticket(record.ticket);
    to.set_sequence(record.sequence);
    ToProto(record.result, *to.mutable_result());
    to.set_log_begin(record.log_begin);
    to.set_log_end(record.log_end);
  }
  void operator()(const journal::Acked& record) const {
    auto& to = *proto.mutable_acked();
    to.set_mesh(ToText(record.mesh.text()));
    to.set_sequence(record.sequence);
    to.set_commit(record.commit);
  }
  void operator()(const journal::Stored& record) const {
    auto& to = *proto.mutable_stored();
    to.set_mesh(ToText(record.mesh.text()));
    to.set_position(record.position);
  }
  void operator()(const journal::Forgotten& record) const { proto.mutable_forgotten()->set_ticket(record.ticket); }
};

Result<std::shared_ptr<const TaskSpec>> ReadSpec(const v1::JournalRecord::Accepted& proto,
                                                 const std::shared_ptr<const TaskSpec>& previous) {
  if (!proto.has_spec()) {
    if (previous) return previous;
    return Invalid("spec", "is missing, and no record before it has one");
  }
  CROMT_ASSIGN(TaskSpec spec, In("spec.", ReadUnchecked(proto.spec())));
  return std::make_shared<const TaskSpec>(std::move(spec));
}

Result<JournalRecord> Read(const v1::JournalRecord::Accepted& proto, const std::shared_ptr<const TaskSpec>& previous) {
  if (proto.id().run().empty() || proto.id().attempt() == 0) return Invalid("id", "is missing");
  CROMT_ASSIGN(auto spec, ReadSpec(proto, previous));
  return journal::Accepted{.ticket = proto.ticket(),
                           .mesh = MeshId(proto.mesh()),
                           .id = {RunId(proto.id().run()), proto.id().task(), proto.id().attempt()},
                           .spec = std::move(spec),
                           .host = proto.host(),
                           .request = RequestId(proto.request()),
                           .at = WallFromMicros(proto.at_us()),
                           .inputs = ReadUnchecked(proto.inputs())};
}

Result<JournalRecord> Read(const v1::JournalRecord::Ended& proto) {
  CROMT_ASSIGN(AttemptResult result, In("result.", ReadUnchecked(proto.result())));
  return journal::Ended{proto.ticket(), proto.sequence(), std::move(result), proto.log_begin(), proto.log_end()};
}

journal::MeshSeen Read(const v1::JournalRecord::MeshSeen& proto) {
  return {.mesh = MeshId(proto.mesh()),
          .epoch = proto.epoch(),
          .commit = proto.commit(),
          .acked_sequence = proto.acked_sequence(),
          .next_sequence = proto.next_sequence(),
          .logs_stored = proto.logs_stored(),
          .met = proto.met()};
}

journal::Started Read(const v1::JournalRecord::Started& proto) {
  return {proto.ticket(), proto.sequence(), WallFromMicros(proto.at_us()), proto.log_begin()};
}

}  // namespace

void ToProto(const JournalRecord& record, v1::JournalRecord& proto, const TaskSpec* previous) {
  std::visit(Writer{proto, previous}, record);
}

Result<JournalRecord> FromProto(const v1::JournalRecord& proto, const std::shared_ptr<const TaskSpec>& previous) {
  using Kind = v1::JournalRecord;
  switch (proto.kind_case()) {
    case Kind::kOpened:
      return journal::Opened{JournalId(proto.opened().journal()), proto.opened().boot(), proto.opened().next_ticket()};
    case Kind::kMeshSeen: return Read(proto.mesh_seen());
    case Kind::kAccepted: return In("accepted.", Read(proto.accepted(), previous));
    case Kind::kLaunching:
      return journal::Launching{proto.launching().ticket(), proto.launching().slot(), proto.launching().incarnation()};
    case Kind::kStarted: return Read(proto.started());
    case Kind::kStopAsked: return journal::StopAsked{proto.stop_asked().ticket()};
    case Kind::kEnded: return In("ended.", Read(proto.ended()));
    case Kind::kAcked:
      return journal::Acked{MeshId(proto.acked().mesh()), proto.acked().sequence(), proto.acked().commit()};
    case Kind::kStored: return journal::Stored{MeshId(proto.stored().mesh()), proto.stored().position()};
    case Kind::kForgotten: return journal::Forgotten{proto.forgotten().ticket()};
    case Kind::KIND_NOT_SET: break;
  }
  return Invalid("kind", "no record that this version knows");
}

}  // namespace cromt::wire
