#include "tests/sim/launcher.h"

#include <fmt/format.h>

#include "tests/sim/files.h"

namespace cromt::sim {

SimLauncher::SimLauncher(World& world, size_t host, std::string incarnation, HostLog& log)
    : world_(world), host_(host), incarnation_(std::move(incarnation)), log_(log) {}

SimLauncher::~SimLauncher() {
  *alive_ = false;
  for (const auto& [ticket, job] : jobs_)
    if (!job.ended) world_.ledger.ProcessEnded(job.process, {.kind = AttemptResult::Kind::kLost});
}

void SimLauncher::Connect(ToAgent agent) {
  agent_ = std::move(agent);
  queue_event::LauncherUp up{.incarnation = incarnation_, .known = {}, .written = log_.outputs, .log_end = log_.end};
  for (const auto& [ticket, job] : jobs_) up.known.push_back({ticket, !job.ended});
  std::vector<QueueEvent> events = {std::move(up)};
  for (const auto& [ticket, job] : jobs_) {
    if (job.ended)
      events.push_back(job.end);
    else
      events.push_back(queue_event::LauncherStarted{ticket, job.started_at, job.log_begin});
  }
  agent_(std::move(events));
}

void SimLauncher::Tell(QueueEvent event) {
  if (agent_) agent_({std::move(event)});
}

void SimLauncher::Start(Ticket ticket, const AttemptId& id, std::shared_ptr<const TaskSpec> spec) {
  bool known = jobs_.contains(ticket);
  if (known && !world_.options.bugs.forgetful_launcher) return;
  Job& job = jobs_[ticket];
  if (known && !job.ended) world_.ledger.ProcessEnded(job.process, {.kind = AttemptResult::Kind::kLost});
  job = Job{.id = id, .spec = std::move(spec)};
  if (world_.dice.PerMille(5)) {
    world_.ledger.CouldNotStart(id);
    AttemptResult result{.kind = AttemptResult::Kind::kNotStarted, .reason = "its process could not be made"};
    job.ended = true;
    job.end = {ticket, std::move(result), log_.end, log_.end, true};
    return Tell(job.end);
  }
  Begin(ticket, job);
}

void SimLauncher::Begin(Ticket ticket, Job& job) {
  job.process = world_.ledger.ProcessStarted(job.id, host_);
  job.started_at = WallFromMicros(world_.timeline.now().count());
  job.log_begin = log_.end;
  Tell(queue_event::LauncherStarted{ticket, job.started_at, job.log_begin});
  Dice& dice = world_.dice;
  Duration length = dice.PerCent(60)   ? dice.Between(Duration(200), milliseconds(50))
                    : dice.PerCent(80) ? dice.Between(milliseconds(50), seconds(5))
                                       : dice.Between(seconds(5), seconds(60));
  if (job.spec->timeout && length > *job.spec->timeout) {
    AttemptResult late{.kind = AttemptResult::Kind::kTimedOut, .status = Signaled{15}, .reason = "it ran too long"};
    return EndAfter(*job.spec->timeout + dice.Between(Duration(0), job.spec->grace), ticket, std::move(late));
  }
  EndAfter(length, ticket, OwnEnd(*job.spec));
}

// Mostly well; sometimes as its exit policy knows it, by a signal, or badly.
AttemptResult SimLauncher::OwnEnd(const TaskSpec& spec) {
  AttemptResult result{.kind = AttemptResult::Kind::kExited, .status = Exited{0}};
  uint64_t draw = world_.dice.Below(100);
  const auto& policy = spec.exit_policy;
  if (draw < 3) result.status = Exited{7};
  if (draw == 3) result.status = Signaled{11};
  if (draw > 80) result.status = Exited{policy.success.back()};
  if (draw > 95 && !policy.stop.empty()) result.status = Exited{policy.stop.front()};
  return result;
}

void SimLauncher::EndAfter(Duration delay, Ticket ticket, AttemptResult result) {
  size_t process = jobs_.at(ticket).process;
  world_.timeline.After(delay, "process ends", ticket, [this, alive = alive_, ticket, process, result] {
    if (!*alive) return;
    auto job = jobs_.find(ticket);
    if (job == jobs_.end() || job->second.process != process || job->second.ended) return;
    if (result.kind == AttemptResult::Kind::kExited && none_ends_before_ > world_.timeline.now())
      return EndAfter(none_ends_before_ - world_.timeline.now() + world_.dice.Between(Duration(0), seconds(60)), ticket,
                      result);
    End(ticket, result);
  });
}

void SimLauncher::End(Ticket ticket, AttemptResult result) {
  Job& job = jobs_.at(ticket);
  if (job.stopping) {
    result.kind = AttemptResult::Kind::kStopped;
    result.reason = "stopped";
  }
  result.started_at = job.started_at;
  result.ended_at = WallFromMicros(world_.timeline.now().count());
  result.log_bytes = static_cast<int64_t>(world_.dice.Below(2) * world_.dice.Below(1000));
  log_.end += static_cast<uint64_t>(result.log_bytes);
  if (result.log_bytes > 0) log_.outputs[ticket] = {result.log_bytes, job.log_begin, log_.end};
  AttemptResult truth = result;
  const TaskOutcome meaning = Meaning(job.spec->exit_policy, result);
  const bool ended_well = meaning == TaskOutcome::kSucceeded || meaning == TaskOutcome::kStoppedEarly;
  if (ended_well && !job.spec->publishes.empty() && CantPublish(job.id))
    truth.kind = AttemptResult::Kind::kNotPublished;
  world_.ledger.ProcessEnded(job.process, truth);
  job.ended = true;
  job.end = {ticket, std::move(result), job.log_begin, log_.end, world_.dice.PerCent(70)};
  Tell(job.end);
}

void SimLauncher::Stop(Ticket ticket) {
  auto found = jobs_.find(ticket);
  if (found == jobs_.end() || found->second.ended || found->second.stopping) return;
  found->second.stopping = true;
  bool obeys = world_.dice.PerCent(80);
  Duration delay = obeys ? world_.dice.Between(Duration(100), milliseconds(200)) : found->second.spec->grace;
  EndAfter(delay, ticket, {.kind = AttemptResult::Kind::kStopped, .status = Signaled{obeys ? 15 : 9}});
}

void SimLauncher::Forget(Ticket ticket) {
  auto found = jobs_.find(ticket);
  if (found != jobs_.end() && found->second.ended) jobs_.erase(found);
}

}  // namespace cromt::sim
