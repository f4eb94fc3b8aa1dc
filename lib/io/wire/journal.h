// Records of the agent's journal (core/queue_event.h) to and from proto/cromt/v1/journal.proto. Pure.
//
// An Accepted whose task is that of the Accepted before it carries no spec, and whoever reads it shares that task: so
// file and memory grow with the tasks that differ.
#pragma once

#include <memory>

#include "base/result.h"
#include "core/queue_event.h"
#include "cromt/v1/journal.pb.h"

namespace cromt::wire {

// Fills a message that is empty. `previous` is the task of the last Accepted before this record; null = none, or write
// it out. REQUIRES: an Accepted has a spec.
void ToProto(const JournalRecord& record, v1::JournalRecord& proto, const TaskSpec* previous = nullptr);

// Checks the shape only, and no rule that may be tightened one day: the file is this host's own and its frames carry
// sums. kInvalid for what no version has written: an unknown record, a missing task or id.
Result<JournalRecord> FromProto(const v1::JournalRecord& proto,
                                const std::shared_ptr<const TaskSpec>& previous = nullptr);

}  // namespace cromt::wire
