#include "cli/remote.h"

#include <grpcpp/grpcpp.h>

#include <set>

#include "base/thread_annotations.h"
#include "cli/remote_channel.h"
#include "cromt/v1/coordinator.grpc.pb.h"
#include "cromt/v1/debug.grpc.pb.h"
#include "cromt/v1/schedule.grpc.pb.h"
#include "cromt/v1/secrets.grpc.pb.h"
#include "io/rpc/status.h"
#include "io/wire/control.h"
#include "io/wire/task.h"

namespace cromt {
namespace {

// Longer than the coordinator's own patience, so that its answer is the one that counts.
constexpr auto kPatience = std::chrono::seconds(40);
constexpr size_t kMostBundleFileBytes = 64 << 20;
constexpr auto kReconnectPatience = std::chrono::milliseconds(500);

Status StatusOf(const grpc::Status& status) {
  if (status.ok()) return {};
  return tl::unexpected<Error>(rpc::FromStatus(status));
}

class Context : public grpc::ClientContext {
 public:
  explicit Context(const std::string& token) {
    set_deadline(std::chrono::system_clock::now() + kPatience);
    ShowToken(*this, token);
  }
};

// The calls under way that last as long as a run, so that another thread can end them.
class Followed {
 public:
  void StopAll() CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    stopped_ = true;
    for (grpc::ClientContext* context : contexts_) context->TryCancel();
  }

  // One call's context, without deadline; canceled at once if all were stopped before.
  class Call {
   public:
    Call(Followed& all, const std::string& token) : all_(all) {
      ShowToken(context, token);
      MutexLock lock(all_.mutex_);
      all_.contexts_.insert(&context);
      if (all_.stopped_) context.TryCancel();
    }
    ~Call() {
      MutexLock lock(all_.mutex_);
      all_.contexts_.erase(&context);
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    grpc::ClientContext context;

   private:
    Followed& all_;
  };

 private:
  Mutex mutex_;
  bool stopped_ CROMT_GUARDED_BY(mutex_) = false;
  std::set<grpc::ClientContext*> contexts_ CROMT_GUARDED_BY(mutex_);
};

class Remote final : public Control {
 public:
  Remote(const std::shared_ptr<grpc::Channel>& channel, std::string token)
      : channel_(channel),
        token_(std::move(token)),
        stub_(v1::CoordinatorService::NewStub(channel)),
        secrets_(v1::SecretService::NewStub(channel)),
        schedules_(v1::ScheduleService::NewStub(channel)),
        debug_(v1::DebugService::NewStub(channel)) {}

  Result<ApplyAnswer> Apply(const ApplyRequest& request) override {
    v1::ApplyRequest message;
    message.set_request_id(request.request.text());
    message.set_path(request.path);
    message.set_text(request.text);
    message.set_prune(request.prune);
    message.set_dry_run(request.dry_run);
    message.set_author(request.author);
    if (request.if_revision) message.set_if_revision(*request.if_revision);
    v1::ApplyResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(stub_->Apply(&context, message, &answer)));
    auto list = [](const auto& names) { return std::vector<std::string>(names.begin(), names.end()); };
    return ApplyAnswer{answer.file(),          answer.revision(),   list(answer.added()),
                       list(answer.changed()), list(answer.gone()), list(answer.warnings())};
  }

  Result<RunId> Start(const StartRequest& request) override {
    v1::StartRequest message;
    message.set_request_id(request.request.text());
    message.set_project(request.project);
    message.set_action(request.action);
    wire::ToProto(request.variables, *message.mutable_variables());
    message.set_author(request.author);
    v1::StartResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(stub_->Start(&context, message, &answer)));
    return RunId(answer.run_id());
  }

  Result<RunId> Cancel(const std::string& run, const std::string& task, const std::string& author) override {
    v1::CancelRequest message;
    message.set_run(run);
    message.set_task(task);
    message.set_author(author);
    v1::CancelResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(stub_->Cancel(&context, message, &answer)));
    return RunId(answer.run_id());
  }

  Result<RunId> Rerun(const RerunRequest& request) override {
    v1::RerunRequest message;
    message.set_request_id(request.request.text());
    message.set_run(request.run);
    message.set_failed(request.failed);
    message.set_author(request.author);
    v1::StartResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(stub_->Rerun(&context, message, &answer)));
    return RunId(answer.run_id());
  }

  Result<WhyLines> Why(const std::string& run, const std::string& task, const std::string& author) override {
    v1::WhyRequest message;
    message.set_run(run);
    message.set_task(task);
    message.set_author(author);
    v1::WhyResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(stub_->Why(&context, message, &answer)));
    WhyLines lines;
    for (const auto& line : answer.lines())  // of a kind that we do not know: a newer coordinator's
      lines.push_back({WhyKindFrom(line.kind()).value_or(WhyKind::kProgress), line.text()});
    return lines;
  }

  Status ForgetAgent(const std::string& agent, const std::string& author) override {
    v1::ForgetAgentRequest message;
    message.set_agent(agent);
    message.set_author(author);
    v1::ForgetAgentResponse answer;
    Context context(token_);
    return StatusOf(stub_->ForgetAgent(&context, message, &answer));
  }

  Status DrainAgent(const std::string& agent, const std::string& why, const std::string& author) override {
    v1::DrainAgentRequest message;
    message.set_agent(agent);
    message.set_why(why);
    message.set_author(author);
    v1::DrainAgentResponse answer;
    Context context(token_);
    return StatusOf(stub_->DrainAgent(&context, message, &answer));
  }

  Status ResumeAgent(const std::string& agent) override {
    v1::ResumeAgentRequest message;
    message.set_agent(agent);
    v1::ResumeAgentResponse answer;
    Context context(token_);
    return StatusOf(stub_->ResumeAgent(&context, message, &answer));
  }

  // By the stream, whose messages are bounded however many tasks the run has.
  Result<RunView> GetRun(const std::string& run, const std::string& author) override {
    v1::WatchRunRequest message;
    message.set_run(run);
    message.set_author(author);
    message.set_once(true);
    Context context(token_);
    auto reader = stub_->WatchRun(&context, message);
    v1::RunUpdate update;
    if (!reader->Read(&update)) {
      CROMT_TRY(StatusOf(reader->Finish()));
      return Fail(ErrorCode::kInternal, "the coordinator said nothing of the run");
    }
    CROMT_ASSIGN(RunView view, wire::FromProto(update.run()));
    uint32_t tasks = update.task_count();
    for (;;) {
      for (const v1::Task& task : update.tasks()) {
        CROMT_ASSIGN(TaskView one, wire::FromProto(task));
        view.tasks.push_back(std::move(one));
      }
      if (view.tasks.size() >= tasks || !reader->Read(&update)) break;
    }
    CROMT_TRY(StatusOf(reader->Finish()));
    return view;
  }

  Result<std::vector<RunView>> ListRuns(const std::string& project, uint32_t limit) override {
    v1::ListRunsRequest message;
    message.set_project(project);
    message.set_limit(limit);
    v1::ListRunsResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(stub_->ListRuns(&context, message, &answer)));
    std::vector<RunView> runs;
    for (const v1::Run& run : answer.runs()) {
      CROMT_ASSIGN(RunView view, wire::FromProto(run));
      runs.push_back(std::move(view));
    }
    return runs;
  }

  Result<ProjectList> ListProjects() override {
    v1::ListProjectsResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(stub_->ListProjects(&context, {}, &answer)));
    std::vector<ProjectView> projects;
    for (const auto& one : answer.projects()) {
      projects.push_back({.name = one.name(),
                          .file = one.file(),
                          .revision = one.revision(),
                          .last_run = one.last_run(),
                          .schedule = one.schedule(),
                          .timezone = one.timezone(),
                          .next_tick_local = one.next_tick_local(),
                          .watches = one.watches(),
                          .trouble = one.trouble(),
                          .paused = one.paused()});
      if (one.next_tick_us() != 0) projects.back().next_tick = WallFromMicros(one.next_tick_us());
    }
    return ProjectList{std::move(projects), {answer.notices().begin(), answer.notices().end()}};
  }

  Result<std::vector<TickSettled>> ListTicks(const std::string& project, uint32_t limit) override {
    v1::ListTicksRequest message;
    message.set_project(project);
    message.set_limit(limit);
    v1::ListTicksResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(schedules_->ListTicks(&context, message, &answer)));
    std::vector<TickSettled> ticks;
    for (const v1::Tick& one : answer.ticks()) {
      const auto outcome = TickOutcomeFrom(one.outcome());
      if (!outcome)
        return Fail(ErrorCode::kInternal,
                    "the coordinator says of a tick what this program does not know: " + one.outcome());
      ticks.push_back({project, one.revision(), WallFromMicros(one.first_us()), WallFromMicros(one.last_us()),
                       one.count(), *outcome, RunId(one.run()), one.why(), WallFromMicros(one.at_us())});
    }
    return ticks;
  }

  Status Pause(const PauseRequest& request) override {
    v1::PauseRequest message;
    message.set_project(request.project);
    message.set_why(request.why);
    if (request.time) message.set_for_ms(std::chrono::ceil<milliseconds>(*request.time).count());
    message.set_author(request.author);
    v1::PauseResponse answer;
    Context context(token_);
    return StatusOf(schedules_->Pause(&context, message, &answer));
  }

  Status Unpause(const std::string& project, const std::string& author) override {
    v1::UnpauseRequest message;
    message.set_project(project);
    message.set_author(author);
    v1::UnpauseResponse answer;
    Context context(token_);
    return StatusOf(schedules_->Unpause(&context, message, &answer));
  }

  Result<std::vector<AgentView>> ListAgents() override {
    v1::ListAgentsResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(stub_->ListAgents(&context, {}, &answer)));
    std::vector<AgentView> agents;
    for (const auto& one : answer.agents()) agents.push_back(wire::FromProto(one));
    return agents;
  }

  Result<std::vector<RevisionView>> ListRevisions(const std::string& project, uint32_t limit) override {
    v1::ListRevisionsRequest message;
    message.set_project(project);
    message.set_limit(limit);
    Context context(token_);
    auto reader = stub_->ListRevisions(&context, message);
    std::vector<RevisionView> revisions;
    v1::Revision revision;
    while (reader->Read(&revision)) revisions.push_back(wire::FromProto(revision));
    CROMT_TRY(StatusOf(reader->Finish()));
    return revisions;
  }

  Result<RevisionText> GetRevision(uint64_t revision) override {
    v1::GetRevisionRequest message;
    message.set_revision(revision);
    v1::GetRevisionResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(stub_->GetRevision(&context, message, &answer)));
    return RevisionText{wire::FromProto(answer.revision()), std::move(*answer.mutable_text()), answer.before(),
                        answer.newest()};
  }

  Status DebugBundle(const std::function<Status(const BundleFile&)>& sink) override {
    Followed::Call call(followed_, token_);
    const auto reader = debug_->Bundle(&call.context, {});
    Status taken;
    BundleFile file;
    for (v1::BundleChunk chunk; taken && reader->Read(&chunk);) {
      if (!chunk.file().empty()) {
        if (!file.name.empty()) taken = sink(file);
        file = {chunk.file(), {}};
      }
      file.data += chunk.data();
      if (taken && file.data.size() > kMostBundleFileBytes)
        taken = Fail(ErrorCode::kExhausted, "the coordinator sends more than a bundle ever holds");
    }
    if (!taken) call.context.TryCancel();
    const Status finished = StatusOf(reader->Finish());
    if (taken && finished && !file.name.empty()) taken = sink(file);
    return taken ? finished : taken;
  }

  Result<std::vector<ArtifactView>> ListArtifacts(const std::string& run, const std::string& author) override {
    v1::ListArtifactsRequest message;
    message.set_run(run);
    message.set_author(author);
    Context context(token_);
    auto reader = stub_->ListArtifacts(&context, message);
    std::vector<ArtifactView> artifacts;
    for (v1::Artifact one; reader->Read(&one);) {
      CROMT_ASSIGN(ArtifactView view, wire::FromProto(one));
      artifacts.push_back(std::move(view));
    }
    CROMT_TRY(StatusOf(reader->Finish()));
    return artifacts;
  }

  Status GetArtifact(const std::string& run, const std::string& host, const std::string& name,
                     const std::string& author, const std::function<Status(const ArtifactView&)>& begin,
                     const std::function<Status(std::string_view)>& sink) override {
    v1::GetArtifactRequest message;
    message.set_run(run);
    message.set_host(host);
    message.set_name(name);
    message.set_author(author);
    Followed::Call call(followed_, token_);
    auto reader = stub_->GetArtifact(&call.context, message);
    Status taken;
    for (v1::ArtifactChunk chunk; taken && reader->Read(&chunk);) {
      if (chunk.has_artifact()) {
        auto view = wire::FromProto(chunk.artifact());
        taken = view ? begin(*view) : tl::unexpected<Error>(view.error());
      } else {
        taken = sink(chunk.data());
      }
    }
    if (!taken) call.context.TryCancel();
    auto finished = StatusOf(reader->Finish());
    return taken ? finished : taken;
  }

  Status WatchRun(const std::string& run, const std::string& author,
                  const std::function<bool(const RunUpdate&)>& sink) override {
    v1::WatchRunRequest message;
    message.set_run(run);
    message.set_author(author);
    Reconnect();
    Followed::Call call(followed_, token_);
    auto reader = stub_->WatchRun(&call.context, message);
    v1::RunUpdate update;
    while (reader->Read(&update)) {
      RunUpdate view;
      if (update.has_run()) {
        CROMT_ASSIGN(view.run, wire::FromProto(update.run()));
      }
      for (const v1::Task& task : update.tasks()) {
        CROMT_ASSIGN(TaskView one, wire::FromProto(task));
        view.tasks.push_back(std::move(one));
      }
      if (sink(view)) continue;
      call.context.TryCancel();
      (void)reader->Finish();
      return {};
    }
    return StatusOf(reader->Finish());
  }

  Status RunLogs(const std::string& run, const std::string& task, bool follow, const std::string& author,
                 const std::function<bool(const LogPiece&)>& sink) override {
    v1::RunLogsRequest message;
    message.set_run(run);
    message.set_task(task);
    message.set_follow(follow);
    message.set_author(author);
    Reconnect();
    Followed::Call call(followed_, token_);
    auto reader = stub_->RunLogs(&call.context, message);
    v1::LogChunk chunk;
    while (reader->Read(&chunk)) {
      if (sink(wire::PieceFromProto(chunk))) continue;
      call.context.TryCancel();
      (void)reader->Finish();
      return {};
    }
    return StatusOf(reader->Finish());
  }

  Result<std::vector<std::string>> SetSecret(const SecretRequest& request) override {
    v1::SetSecretRequest message;
    message.set_project(request.project);
    message.set_name(request.name);
    message.set_value(request.value);
    message.set_author(request.author);
    v1::SetSecretResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(secrets_->SetSecret(&context, message, &answer)));
    return std::vector<std::string>(answer.warnings().begin(), answer.warnings().end());
  }

  Result<std::vector<SecretView>> ListSecrets(const std::string& project) override {
    v1::ListSecretsRequest message;
    message.set_project(project);
    v1::ListSecretsResponse answer;
    Context context(token_);
    CROMT_TRY(StatusOf(secrets_->ListSecrets(&context, message, &answer)));
    std::vector<SecretView> secrets;
    for (const v1::Secret& one : answer.secrets())
      secrets.push_back({one.project(), one.name(), WallFromMicros(one.set_at_us()), one.author()});
    return secrets;
  }

  Status RemoveSecret(const std::string& project, const std::string& name) override {
    v1::RemoveSecretRequest message;
    message.set_project(project);
    message.set_name(name);
    v1::RemoveSecretResponse answer;
    Context context(token_);
    return StatusOf(secrets_->RemoveSecret(&context, message, &answer));
  }

  void StopFollowing() override { followed_.StopAll(); }

 private:
  // For a call that is made again since its connection broke: calls on a channel that could not connect end at once,
  // and without one that waits nobody looks after its next try; gRPC itself does so every five seconds only.
  void Reconnect() { channel_->WaitForConnected(std::chrono::system_clock::now() + kReconnectPatience); }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string token_;
  const std::unique_ptr<v1::CoordinatorService::Stub> stub_;
  const std::unique_ptr<v1::SecretService::Stub> secrets_;
  const std::unique_ptr<v1::ScheduleService::Stub> schedules_;
  const std::unique_ptr<v1::DebugService::Stub> debug_;
  Followed followed_;
};

}  // namespace

Result<std::unique_ptr<Control>> ConnectRemote(const CoordinatorTarget& target, Duration patience) {
  CROMT_ASSIGN(const auto channel, OpenRemote(target, patience));
  return std::make_unique<Remote>(channel, target.token);
}

}  // namespace cromt
