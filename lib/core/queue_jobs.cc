// Plain jobs, which come without a coordinator.
#include <fmt/format.h>

#include "core/queue_state.h"

namespace cromt {

void AgentQueue::State::On(const queue_event::JobSubmitted& event) {
  auto reply = [&](Result<RunId> result) { out.effects.push_back(queue_effect::SubmitReply{std::move(result)}); };
  if (auto known = by_request.find(event.request); known != by_request.end())
    return reply(attempts.at(known->second).id.run);
  if (draining) return reply(Fail(ErrorCode::kUnavailable, "the agent drains and takes nothing new"));
  if (!refusal.empty()) return reply(Fail(ErrorCode::kExhausted, "the agent takes nothing new: " + refusal));
  if (std::string why = WhyFull(*event.spec); !why.empty()) return reply(Fail(ErrorCode::kExhausted, std::move(why)));
  if (!event.spec->secrets.empty())
    return reply(Fail(ErrorCode::kInvalid, "secrets: a coordinator has them, and this job comes from none"));
  Accept({next_ticket, kPlainMesh, AttemptId{event.job, 0, 1}, event.spec, "", event.request, now.wall});
  reply(event.job);
}

// Ended plain jobs beyond those that stay readable.
void AgentQueue::State::ForgetOldJobs() {
  while (kept_jobs.size() > limits.kept_jobs) {
    out.records.push_back(journal::Forgotten{kept_jobs.front()});
    Forget(kept_jobs.front());
  }
}

}  // namespace cromt
