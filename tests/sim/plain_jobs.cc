#include "tests/sim/plain_jobs.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt::sim {
namespace {

constexpr Duration kLastSubmit = seconds(100), kPatience = seconds(3);

AttemptId IdOf(const RunId& job) {
  return {job, 0, 1};
}

}  // namespace

PlainJobs::PlainJobs(World& world, const std::vector<std::unique_ptr<SimHost>>& hosts, uint64_t seed)
    : world_(world), hosts_(hosts), dice_(seed), jobs_(dice_.Between(3, 12)) {
  for (size_t i = 0; i < jobs_.size(); ++i) {
    TaskSpec spec{.name = "job", .project = "", .work = Command{{"true"}}};
    spec.grace = seconds(2);
    if (dice_.PerCent(20)) spec.timeout = dice_.Between(milliseconds(10), seconds(10));
    Job& job = jobs_[i];
    job.at = dice_.Between(Duration(0), kLastSubmit);
    job.request = RequestId(fmt::format("job-{}", i));
    job.spec = std::make_shared<const TaskSpec>(std::move(spec));
    job.repeated = dice_.PerCent(20);
    if (dice_.PerCent(20)) job.stopped_after = dice_.Between(milliseconds(1), seconds(5));
  }
}

void PlainJobs::Begin() {
  const auto& only = world_.options.part.jobs;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    jobs_[i].host = dice_.Below(hosts_.size());
    jobs_[i].wanted = !only || only->contains(i + 1);
    if (!jobs_[i].wanted) continue;
    world_.timeline.At(jobs_[i].at, "submits", i, [this, i] {
      if (jobs_[i].repeated) Submit(i);  // both on their way at once
      Insist(i);
    });
  }
}

void PlainJobs::Insist(size_t i) {
  if (!jobs_[i].id.empty()) return;
  Submit(i);
  world_.timeline.After(kPatience, "submitter waits", i, [this, i] { Insist(i); });
}

// Over the network and back; either way may be lost, and is where the agent is down.
void PlainJobs::Submit(size_t i) {
  auto delay = [this] { return dice_.Between(Duration(100), milliseconds(20)); };
  const RunId id(dice_.Name());
  world_.ledger.JobOffered(id);
  if (dice_.PerCent(5)) return;
  world_.timeline.After(delay(), "submit", i, [this, i, id, delay] {
    SimHost& host = *hosts_[jobs_[i].host];
    auto reply = [this, i, delay, &host](const Result<RunId>& answer) {
      if (dice_.PerCent(10)) return;
      world_.timeline.After(delay(), "submitted", i, [this, i, answer, installation = host.installation()] {
        Answered(i, installation, answer);
      });
    };
    host.Post(agent_input::Tell{queue_event::JobSubmitted{id, jobs_[i].request, jobs_[i].spec}, std::move(reply)});
  });
}

void PlainJobs::Answered(size_t i, uint64_t installation, const Result<RunId>& answer) {
  Job& job = jobs_[i];
  if (!answer) {
    world_.situations.Saw("job", "refused");
    const ErrorCode code = answer.error().code;
    if (code != ErrorCode::kExhausted && code != ErrorCode::kUnavailable &&
        !answer.error().message.ends_with("Input/output error"))
      world_.ledger.Violation("a job was refused: " + answer.error().message);
    return;
  }
  if (!job.id.empty()) {
    world_.situations.Saw("job", "acknowledged again");
    if (job.id != *answer && job.installation == installation)
      world_.ledger.Violation(fmt::format("invariant 1: request {} was answered with job {} and then with {}",
                                          job.request.text(), job.id.text(), answer->text()));
    return;
  }
  job.id = *answer;
  job.installation = installation;
  world_.timeline.Note(
      fmt::format("{} is answered with job {} on host {}", job.request.text(), job.id.text(), job.host));
  if (job.repeated)
    world_.timeline.After(dice_.Between(Duration(0), seconds(30)), "again", i, [this, i] { Submit(i); });
  if (job.stopped_after) world_.timeline.After(*job.stopped_after, "stops a job", i, [this, i] { Stop(i); });
}

void PlainJobs::Stop(size_t i) {
  Job& job = jobs_[i];
  job.stop_sent = true;
  hosts_[job.host]->Post(agent_input::Tell{queue_event::StopWanted{kPlainMesh, IdOf(job.id)}, {}});
}

bool PlainJobs::done() const {
  for (const Job& job : jobs_) {
    if (!job.wanted) continue;
    if (job.id.empty() || !hosts_[job.host]->up()) return false;
    const QueuedAttempt* known = hosts_[job.host]->queue().Find(kPlainMesh, IdOf(job.id));
    if (known && known->phase != QueuedAttempt::Phase::kEnded) return false;
  }
  return true;
}

void PlainJobs::Check() {
  for (const Job& job : jobs_) {
    SimHost& host = *hosts_[job.host];
    if (job.id.empty() || !host.up() || host.installation() != job.installation) continue;
    const QueuedAttempt* known = host.queue().Find(kPlainMesh, IdOf(job.id));
    if (!known) {
      world_.ledger.Violation(
          fmt::format("invariant 1: job {} was acknowledged and host {} does not know it", job.id.text(), job.host));
      continue;
    }
    world_.situations.Saw("job ends", ToString(known->result.kind));
    if (std::string wrong = WhyWrong(job, *known); !wrong.empty())
      world_.ledger.Violation(fmt::format("job {} is {} ({}): {}", job.id.text(), ToString(known->result.kind),
                                          known->result.reason, wrong));
  }
}

std::string PlainJobs::WhyWrong(const Job& job, const QueuedAttempt& attempt) const {
  using Kind = AttemptResult::Kind;
  if (attempt.phase != QueuedAttempt::Phase::kEnded) return "invariant 4: it never ended";
  const ProcessRecord* process = world_.ledger.LastProcess(job.id, 0);
  const AttemptResult& result = attempt.result;
  switch (result.kind) {
    case Kind::kLost: return world_.ledger.MayLose(job.host) ? "" : "its host has lost nothing";
    case Kind::kNotStarted:
      if (process && !world_.ledger.MayBeForgotten(*process)) return "its process ran";
      return job.stop_sent || world_.ledger.MayNotStart(IdOf(job.id)) ? "" : "its host was there all the time";
    case Kind::kStopped:
      if (!job.stop_sent) return "invariant 8: nobody wished that";
      break;
    case Kind::kTimedOut:
      if (!job.spec->timeout) return "invariant 8: it has no time limit";
      break;
    default: break;
  }
  if (!process || !process->result) return "no process of it has ended";
  if (process->result->kind != result.kind) return fmt::format("its process {}", ToString(process->result->kind));
  return process->result->status == result.status ? "" : "it has not the exit status of its process";
}

}  // namespace cromt::sim
