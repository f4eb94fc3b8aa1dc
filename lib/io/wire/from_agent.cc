#include <fmt/format.h>

#include "base/name.h"
#include "io/wire/field.h"
#include "io/wire/session.h"
#include "io/wire/task.h"

namespace cromt::wire {
namespace {

void Write(const AgentHello& hello, v1::FromAgent::Hello& proto) {
  proto.set_agent(ToText(hello.agent.text()));
  proto.set_journal(ToText(hello.journal.text()));
  proto.set_boot(ToText(hello.boot));
  proto.set_protocol(hello.levels.newest);
  proto.set_oldest_protocol(hello.levels.oldest);
  proto.set_slots(hello.slots);
  for (const auto& [name, value] : hello.labels) (*proto.mutable_labels())[ToText(name)] = ToText(value);
  proto.set_version(ToText(hello.version));
  proto.set_seen_epoch(hello.seen_epoch);
  proto.set_seen_commit(hello.seen_commit);
  proto.set_acked_sequence(hello.acked_sequence);
  if (hello.last_sequence) proto.set_last_sequence(*hello.last_sequence);
}

Result<std::map<std::string, std::string>> ReadLabels(const google::protobuf::Map<std::string, std::string>& from) {
  if (from.size() > kMaxLabels)
    return Invalid("labels", fmt::format("{} labels; at most {} are allowed", from.size(), kMaxLabels));
  std::map<std::string, std::string> labels(from.begin(), from.end());
  for (const auto& [name, value] : labels) {
    CROMT_TRY(In("labels: ", CheckName("name", name)));
    if (!value.empty() && !IsTitle(value))
      return Invalid("labels", fmt::format("{}: the value {} is no title", Quote(name), Quote(value)));
  }
  return labels;
}

Result<AgentHello> Read(const v1::FromAgent::Hello& proto) {
  CROMT_TRY(CheckName("agent", proto.agent()));
  CROMT_TRY(CheckName("journal", proto.journal()));
  CROMT_TRY(CheckName("boot", proto.boot()));
  if (!proto.version().empty() && !IsTitle(proto.version()))
    return Invalid("version", fmt::format("{} is no title", Quote(proto.version())));
  CROMT_ASSIGN(auto labels, ReadLabels(proto.labels()));
  CROMT_ASSIGN(const SessionLevels levels, ReadLevels(proto.protocol(), proto.oldest_protocol()));
  return AgentHello{.agent = AgentId(proto.agent()),
                    .journal = JournalId(proto.journal()),
                    .boot = proto.boot(),
                    .levels = levels,
                    .slots = proto.slots(),
                    .labels = std::move(labels),
                    .version = proto.version(),
                    .seen_epoch = proto.seen_epoch(),
                    .seen_commit = proto.seen_commit(),
                    .acked_sequence = proto.acked_sequence(),
                    .last_sequence = proto.has_last_sequence() ? std::optional(proto.last_sequence()) : std::nullopt};
}

v1::FromAgent::Item::Phase PhaseToWire(InventoryItem::Phase phase) {
  switch (phase) {
    case InventoryItem::Phase::kLeased: return v1::FromAgent::Item::LEASED;
    case InventoryItem::Phase::kRunning: return v1::FromAgent::Item::RUNNING;
    case InventoryItem::Phase::kEnded: return v1::FromAgent::Item::ENDED;
  }
  return v1::FromAgent::Item::LEASED;
}

Result<InventoryItem> Read(const v1::FromAgent::Item& proto) {
  CROMT_ASSIGN(AttemptId id, In("id.", FromProto(proto.id())));
  switch (proto.phase()) {
    case v1::FromAgent::Item::LEASED: return InventoryItem{std::move(id), InventoryItem::Phase::kLeased};
    case v1::FromAgent::Item::RUNNING: return InventoryItem{std::move(id), InventoryItem::Phase::kRunning};
    case v1::FromAgent::Item::ENDED: return InventoryItem{std::move(id), InventoryItem::Phase::kEnded};
    default: return Invalid("phase", fmt::format("{} is unknown", static_cast<int>(proto.phase())));
  }
}

void Write(const Report& report, v1::FromAgent::Report& proto) {
  proto.set_sequence(report.sequence);
  ToProto(report.id, *proto.mutable_id());
  if (const auto* started = std::get_if<Report::Started>(&report.fact))
    proto.set_started_at_us(WallToWire(started->at));
  else
    ToProto(std::get<AttemptResult>(report.fact), *proto.mutable_ended());
}

Result<Report> Read(const v1::FromAgent::Report& proto) {
  Report report;
  if (proto.sequence() == 0) return Invalid("sequence", "0; reports are numbered from 1");
  report.sequence = proto.sequence();
  CROMT_ASSIGN(report.id, In("id.", FromProto(proto.id())));
  switch (proto.fact_case()) {
    case v1::FromAgent::Report::kStartedAtUs: {
      CROMT_TRY(CheckWall("started_at_us", proto.started_at_us()));
      report.fact = Report::Started{WallFromMicros(proto.started_at_us())};
      return report;
    }
    case v1::FromAgent::Report::kEnded: {
      CROMT_ASSIGN(report.fact, In("ended.", FromProto(proto.ended())));
      return report;
    }
    case v1::FromAgent::Report::FACT_NOT_SET: break;
  }
  return Invalid("fact", "neither started nor ended");
}

}  // namespace

void ToProto(const FromAgent& message, v1::FromAgent& proto) {
  if (message.hello) Write(*message.hello, *proto.mutable_hello());
  proto.mutable_inventory()->Reserve(static_cast<int>(message.inventory.size()));
  for (const InventoryItem& item : message.inventory) {
    v1::FromAgent::Item& to = *proto.add_inventory();
    ToProto(item.id, *to.mutable_id());
    to.set_phase(PhaseToWire(item.phase));
  }
  proto.set_inventory_done(message.inventory_done);
  proto.mutable_reports()->Reserve(static_cast<int>(message.reports.size()));
  for (const Report& report : message.reports) Write(report, *proto.add_reports());
  proto.set_heartbeat(message.heartbeat);
  proto.mutable_wanted_blobs()->Reserve(static_cast<int>(message.wanted_blobs.size()));
  for (const Digest& digest : message.wanted_blobs) ToProto(digest, *proto.add_wanted_blobs());
  if (message.refuses) proto.set_refuses(ToText(*message.refuses, kMaxReasonBytes));
  if (message.warns) proto.set_warns(ToText(*message.warns, kMaxReasonBytes));
}

Result<FromAgent> FromProto(const v1::FromAgent& proto) {
  FromAgent message;
  if (proto.has_hello()) {
    CROMT_ASSIGN(message.hello, In("hello.", Read(proto.hello())));
  }
  CROMT_TRY(CheckBatch("inventory", proto.inventory_size()));
  CROMT_TRY(CheckBatch("reports", proto.reports_size()));
  CROMT_TRY(CheckBatch("wanted_blobs", proto.wanted_blobs_size()));
  auto read = [](const auto& item) { return Read(item); };
  CROMT_TRY(ReadItems("inventory item", proto.inventory(), message.inventory, read));
  message.inventory_done = proto.inventory_done();
  CROMT_TRY(ReadItems("report", proto.reports(), message.reports, read));
  message.heartbeat = proto.heartbeat();
  CROMT_TRY(ReadItems("wanted blob", proto.wanted_blobs(), message.wanted_blobs,
                      [](const auto& item) { return FromProto(item); }));
  if (proto.has_refuses()) {
    CROMT_TRY(CheckReason("refuses", proto.refuses()));
    message.refuses = proto.refuses();
  }
  if (proto.has_warns()) {
    CROMT_TRY(CheckReason("warns", proto.warns()));
    message.warns = proto.warns();
  }
  return message;
}

}  // namespace cromt::wire
