// Values of the domain with every member set to something that is not its default.
#pragma once

#include <vector>

#include "core/messages.h"
#include "core/plan.h"
#include "core/queue_event.h"

namespace cromt::wire {

Digest FullDigest();
AttemptId FullId();
TaskSpec FullSpec(Work work = Command{{"/bin/echo", "h\xFFi", ""}});  // an argument that is not UTF-8
std::shared_ptr<const TaskSpec> SharedSpec(Work work = Command{{"/bin/true"}});
SecretValues FullSecrets();
std::vector<Work> EveryWork();

// Every kind, every member set in at least one of them.
std::vector<AttemptResult> EveryResult();

Plan FullPlan();
ToAgent FullToAgent();
FromAgent FullFromAgent();
std::vector<JournalRecord> EveryRecord();

}  // namespace cromt::wire
