// Records to write, and what was read as text to compare.
#pragma once

#include <string>
#include <vector>

#include "agent/journal.h"
#include "io/wire/journal.h"

namespace cromt {

inline std::shared_ptr<const TaskSpec> SpecOf(std::string script) {
  return std::make_shared<const TaskSpec>(
      TaskSpec{.name = "n", .project = "p", .work = Script{std::move(script)}, .variables = {}});
}

inline JournalRecord Accepted(Ticket ticket, std::shared_ptr<const TaskSpec> spec) {
  return journal::Accepted{.ticket = ticket,
                           .mesh = MeshId("mesh"),
                           .id = {RunId("run"), static_cast<TaskIndex>(ticket), 1},
                           .spec = std::move(spec),
                           .host = "host"};
}

inline JournalRecord Forgotten(Ticket ticket) {
  return journal::Forgotten{ticket};
}

// One line a record, its task written out.
inline std::vector<std::string> Text(const std::vector<JournalRecord>& records) {
  std::vector<std::string> lines;
  for (const JournalRecord& record : records) {
    v1::JournalRecord proto;
    wire::ToProto(record, proto);
    lines.push_back(proto.ShortDebugString());
  }
  return lines;
}

inline Status Append(JournalStore& store, const std::vector<JournalRecord>& records) {
  return store.Append(records);
}

}  // namespace cromt
