#include "agent/service/job_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>

#include "agent/service/log_wire.h"
#include "base/name.h"
#include "io/rpc/status.h"
#include "io/wire/task.h"

namespace cromt::service {
namespace {

grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext& context, const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

// A call that is answered from another thread. One that nobody answers, because the agent has stopped working, is
// refused when the last who could have done so lets go of it: the server can't end before all calls have.
class OpenCall {
 public:
  explicit OpenCall(grpc::CallbackServerContext& context) : reactor_(context.DefaultReactor()) {}
  ~OpenCall() {
    if (reactor_) Finish({grpc::StatusCode::UNAVAILABLE, "the agent has stopped working; its log says why"});
  }
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;
  void Finish(const grpc::Status& status) { std::exchange(reactor_, nullptr)->Finish(status); }
  grpc::ServerUnaryReactor* reactor() const { return reactor_; }

 private:
  grpc::ServerUnaryReactor* reactor_;
};

void Fill(const QueuedAttempt& job, v1::Job& message) {
  message.Clear();
  message.set_id(job.id.run.text());
  message.set_name(job.spec->name);
  using Phase = QueuedAttempt::Phase;
  message.set_state(job.phase == Phase::kQueued      ? v1::Job::QUEUED
                    : job.phase == Phase::kPreparing ? v1::Job::PREPARING
                    : job.phase == Phase::kEnded     ? v1::Job::ENDED
                                                     : v1::Job::RUNNING);
  if (job.phase == Phase::kEnded) wire::ToProto(job.result, *message.mutable_result());
  message.set_submitted_at_us(Micros(job.accepted_at));
  if (job.started_at) message.set_started_at_us(Micros(*job.started_at));
  message.set_stop_wanted(job.stop_wanted);
}

AttemptId PlainId(const std::string& job) {
  return {RunId(job), 0, 1};
}

grpc::Status NoSuchJob(const std::string& job) {
  return {grpc::StatusCode::NOT_FOUND, "there is no job " + Quote(job) + " on this agent"};
}

// The agent refuses here what only a coordinator can provide.
Status CheckSubmitted(const TaskSpec& spec) {
  if (!spec.source.repository.empty())
    return Fail(ErrorCode::kInvalid,
                "spec.source.repository: a Git repository is cloned by a coordinator; submit a directory");
  if (std::holds_alternative<Actions>(spec.work) && spec.source.directory.empty())
    return Fail(ErrorCode::kInvalid, "spec.actions: actions need source.directory, where their repository is");
  return {};
}

}  // namespace

grpc::ServerUnaryReactor* Submit(Agent& agent, grpc::CallbackServerContext& context, const v1::SubmitRequest& request,
                                 v1::SubmitResponse& response) {
  if (auto valid = CheckName("request_id", request.request_id()); !valid)
    return Answer(context, rpc::ToStatus(valid.error()));
  auto spec = wire::FromProto(request.spec());
  if (!spec) return Answer(context, rpc::ToStatus(spec.error()));
  if (auto valid = CheckSubmitted(*spec); !valid) return Answer(context, rpc::ToStatus(valid.error()));
  auto call = std::make_shared<OpenCall>(context);
  grpc::ServerUnaryReactor* reactor = call->reactor();
  queue_event::JobSubmitted event{agent.NewJobId(), RequestId(request.request_id()),
                                  std::make_shared<const TaskSpec>(std::move(*spec))};
  agent.Post(agent_input::Tell{std::move(event), [call, &response](Result<RunId> job) {
                                 if (job) response.set_job_id(job->text());
                                 call->Finish(job ? grpc::Status::OK : rpc::ToStatus(job.error()));
                               }});
  return reactor;
}

grpc::ServerUnaryReactor* Get(Agent& agent, grpc::CallbackServerContext& context, const v1::GetJobRequest& request,
                              v1::Job& response) {
  auto call = std::make_shared<OpenCall>(context);
  grpc::ServerUnaryReactor* reactor = call->reactor();
  agent.Post(agent_input::Inspect{[call, &response, id = request.job_id()](const AgentQueue& queue) {
    const QueuedAttempt* job = queue.Find(kPlainMesh, PlainId(id));
    if (job) Fill(*job, response);
    call->Finish(job ? grpc::Status::OK : NoSuchJob(id));
  }});
  return reactor;
}

grpc::ServerUnaryReactor* List(Agent& agent, grpc::CallbackServerContext& context, const v1::ListJobsRequest& request,
                               v1::ListJobsResponse& response) {
  size_t limit = request.limit() == 0 ? 50 : request.limit();
  if (limit > 1000) return Answer(context, {grpc::StatusCode::INVALID_ARGUMENT, "limit: at most 1000"});
  auto call = std::make_shared<OpenCall>(context);
  grpc::ServerUnaryReactor* reactor = call->reactor();
  agent.Post(agent_input::Inspect{[call, &response, limit](const AgentQueue& queue) {
    auto jobs = queue.Jobs();
    for (size_t i = 0; i < jobs.size() && i < limit; ++i) Fill(*jobs[i], *response.add_jobs());
    call->Finish(grpc::Status::OK);
  }});
  return reactor;
}

grpc::ServerUnaryReactor* Cancel(Agent& agent, grpc::CallbackServerContext& context,
                                 const v1::CancelJobRequest& request, v1::Job& response) {
  auto call = std::make_shared<OpenCall>(context);
  grpc::ServerUnaryReactor* reactor = call->reactor();
  agent.Post(agent_input::Tell{queue_event::StopWanted{kPlainMesh, PlainId(request.job_id())}, {}});
  agent.Post(agent_input::Inspect{[call, &response, id = request.job_id()](const AgentQueue& queue) {
    const QueuedAttempt* job = queue.Find(kPlainMesh, PlainId(id));
    if (job) Fill(*job, response);
    call->Finish(job ? grpc::Status::OK : NoSuchJob(id));
  }});
  return reactor;
}

grpc::ServerUnaryReactor* Drain(Agent& agent, grpc::CallbackServerContext& context, const v1::DrainRequest& request,
                                v1::DrainResponse& response) {
  auto call = std::make_shared<OpenCall>(context);
  grpc::ServerUnaryReactor* reactor = call->reactor();
  agent.Post(agent_input::Tell{queue_event::DrainWanted{!request.resume()}, {}});
  agent.Post(agent_input::Inspect{[call, &response](const AgentQueue& queue) {
    response.set_draining(queue.draining());
    response.set_attempts(static_cast<uint32_t>(queue.attempts()));
    call->Finish(grpc::Status::OK);
  }});
  return reactor;
}

// ---- Watch ------------------------------------------------------------------------------------

namespace {

// A stream of messages from other threads to one caller. A slow caller of Watch gets the newest state; Logs is
// bounded by the feed's credit. Kept alive by shared_ptr until its call is done and its sources are gone.
template <class Message>
class Writer : public grpc::ServerWriteReactor<Message>, public std::enable_shared_from_this<Writer<Message>> {
 public:
  void Add(Message message, bool only_newest) {
    MutexLock lock(mutex_);
    if (finished_) return;
    if (only_newest) queue_.clear();
    queue_.push_back(std::move(message));
    Next();
  }
  // Ends the call after what was added.
  void End(const grpc::Status& status) {
    MutexLock lock(mutex_);
    if (end_) return;
    end_ = status;
    Next();
  }
  void Keep() { self_ = this->shared_from_this(); }
  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    if (!ok) end_ = grpc::Status::CANCELLED;
    if (!ok) queue_.clear();
    Next();
    if (drained_ && queue_.empty() && !writing_) drained_();
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override {
    if (closed_) closed_();
    self_.reset();
  }
  void OnClosed(std::function<void()> closed) { closed_ = std::move(closed); }
  // Called when all that was added has been written.
  void OnDrained(std::function<void()> drained) { drained_ = std::move(drained); }

 private:
  void Next() CROMT_REQUIRES(mutex_) {
    if (writing_ || finished_) return;
    if (!queue_.empty()) {
      outgoing_ = std::move(queue_.front());
      queue_.pop_front();
      writing_ = true;
      this->StartWrite(&outgoing_);
    } else if (end_) {
      finished_ = true;
      this->Finish(*end_);
    }
  }
  Mutex mutex_;
  std::deque<Message> queue_ CROMT_GUARDED_BY(mutex_);
  Message outgoing_;
  bool writing_ CROMT_GUARDED_BY(mutex_) = false;
  bool finished_ CROMT_GUARDED_BY(mutex_) = false;
  std::optional<grpc::Status> end_ CROMT_GUARDED_BY(mutex_);
  std::function<void()> closed_, drained_;
  std::shared_ptr<Writer> self_;
};

// Those who watch jobs or read their output, each of whom holds memory for what is sent next.
constexpr int kMaxFollowers = 256;
std::atomic<int> followers = 0;

// Whether there is a place for one more, to be given back when its call is done; else it is told.
template <class Message>
bool Admit(Writer<Message>& writer) {
  if (++followers <= kMaxFollowers) return true;
  --followers;
  writer.End({grpc::StatusCode::RESOURCE_EXHAUSTED,
              fmt::format("{} callers follow jobs of this agent already, which is the limit", kMaxFollowers)});
  return false;
}

void Tell(const std::shared_ptr<Writer<v1::Job>>& writer, const QueuedAttempt& job) {
  v1::Job message;
  Fill(job, message);
  writer->Add(std::move(message), /*only_newest=*/true);
  if (job.phase == QueuedAttempt::Phase::kEnded) writer->End(grpc::Status::OK);
}

}  // namespace

grpc::ServerWriteReactor<v1::Job>* Watch(Agent& agent, const v1::WatchJobRequest& request) {
  auto writer = std::make_shared<Writer<v1::Job>>();
  writer->Keep();
  if (!Admit(*writer)) return writer.get();
  // Watching begins before the first look, so that no change falls in between.
  uint64_t watch = agent.WatchJob(RunId(request.job_id()), [writer](const QueuedAttempt& job) { Tell(writer, job); });
  writer->OnClosed([&agent, watch] {
    agent.UnwatchJob(watch);
    --followers;
  });
  agent.Post(agent_input::Inspect{[writer, id = request.job_id()](const AgentQueue& queue) {
    const QueuedAttempt* job = queue.Find(kPlainMesh, PlainId(id));
    if (job)
      Tell(writer, *job);
    else
      writer->End(NoSuchJob(id));
  }});
  return writer.get();
}

// ---- Logs -------------------------------------------------------------------------------------

namespace {

// One caller's reading of one job's output. The feed goes on once the caller has taken what it was given.
struct LogReading {
  uint64_t subscription = 0;
  int64_t skip = 0;
  std::atomic<uint64_t> delivered = 0;
};

void DeliverLogs(Agent& agent, LogReading& reading, const std::shared_ptr<Writer<v1::LogChunk>>& writer,
                 LogBatch batch) {
  reading.delivered = batch.position;
  bool added = false;
  for (LogChunk& chunk : batch.chunks) {
    int64_t known = std::clamp<int64_t>(reading.skip - chunk.offset, 0, static_cast<int64_t>(chunk.data.size()));
    if (known == static_cast<int64_t>(chunk.data.size())) continue;
    chunk.offset += known;
    chunk.data.erase(0, static_cast<size_t>(known));
    v1::LogChunk message;
    ToProto(std::move(chunk), message);
    writer->Add(std::move(message), /*only_newest=*/false);
    added = true;
  }
  // What is skipped is never written, and so would hold its credit for ever.
  if (!added) agent.logs().Acknowledge(reading.subscription, batch.position);
  if (!batch.done) return;
  writer->End(batch.problem.empty() ? grpc::Status::OK : rpc::ToStatus({ErrorCode::kCorrupt, batch.problem}));
}

}  // namespace

grpc::ServerWriteReactor<v1::LogChunk>* Logs(Agent& agent, const v1::LogsRequest& request) {
  auto writer = std::make_shared<Writer<v1::LogChunk>>();
  writer->Keep();
  if (request.offset() < 0) {
    writer->End(rpc::ToStatus(
        {ErrorCode::kInvalid, fmt::format("offset {}: bytes to skip can't be fewer than none", request.offset())}));
    return writer.get();
  }
  if (!Admit(*writer)) return writer.get();
  auto reading = std::make_shared<LogReading>();
  uint64_t subscription = reading->subscription = agent.logs().NewId();
  reading->skip = request.offset();
  writer->OnDrained([&agent, reading] { agent.logs().Acknowledge(reading->subscription, reading->delivered); });
  bool follow = request.follow();
  // The job's end, once known, is where the subscription ends.
  uint64_t watch =
      !follow ? 0 : agent.WatchJob(RunId(request.job_id()), [&agent, subscription](const QueuedAttempt& job) {
        if (job.phase == QueuedAttempt::Phase::kEnded) agent.logs().EndAt(subscription, job.log_end);
      });
  writer->OnClosed([&agent, watch, subscription] {
    agent.UnwatchJob(watch);
    agent.logs().Unsubscribe(subscription);
    --followers;
  });
  agent.Post(agent_input::Inspect{[&agent, writer, reading, follow, id = request.job_id()](const AgentQueue& queue) {
    const QueuedAttempt* job = queue.Find(kPlainMesh, PlainId(id));
    if (!job) return writer->End(NoSuchJob(id));
    bool ended = job->phase == QueuedAttempt::Phase::kEnded;
    if (ended && job->result.log_bytes == 0) return writer->End(grpc::Status::OK);
    LogSubscription wanted{.mesh = kPlainMesh, .ticket = job->ticket};
    // A job that ended while no agent looked has a begin in the log, though its start was never reported.
    wanted.from = ended || job->started_at ? job->log_begin : agent.log_end_heard();
    if (ended) wanted.until = job->log_end;
    if (!ended && !follow) wanted.until = agent.log_end();
    wanted.deliver = [&agent, writer, reading](LogBatch batch) {
      DeliverLogs(agent, *reading, writer, std::move(batch));
    };
    agent.logs().Subscribe(reading->subscription, std::move(wanted));
  }});
  return writer.get();
}

}  // namespace cromt::service
