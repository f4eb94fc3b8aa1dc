#include "coordinator/service/coordinator_service.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <iterator>

#include "base/name.h"
#include "coordinator/coordinator.h"
#include "coordinator/service/gate.h"
#include "cromt/v1/coordinator.grpc.pb.h"
#include "io/config/job_reader.h"
#include "io/rpc/server.h"
#include "io/rpc/status.h"
#include "io/wire/control.h"
#include "io/wire/task.h"

namespace cromt {
namespace {

constexpr uint32_t kDefaultLimit = 50;
constexpr uint32_t kMaxLimit = 10'000;
// Who follows holds a thread; half of them stay for everybody else (io/rpc/server.cc).
constexpr int kMaxFollowers = rpc::kServerThreads / 2;

Status CheckRequestId(const std::string& id) {
  return id.empty() ? Status{} : CheckName("request_id", id);
}

grpc::Status StatusOf(const Status& status) {
  return status ? grpc::Status::OK : rpc::ToStatus(status.error());
}

// Calls block their thread until the loop has answered; gRPC's thread pool is bounded (io/rpc/server.cc).
class CoordinatorServiceImpl final : public v1::CoordinatorService::Service {
 public:
  CoordinatorServiceImpl(Coordinator& coordinator, Gate& gate) : coordinator_(coordinator), gate_(gate) {}

  grpc::Status Apply(grpc::ServerContext* context, const v1::ApplyRequest* request,
                     v1::ApplyResponse* response) override {
    return StatusOf(DoApply(*context, *request, *response));
  }
  grpc::Status Start(grpc::ServerContext* context, const v1::StartRequest* request,
                     v1::StartResponse* response) override {
    return StatusOf(DoStart(*context, *request, *response));
  }
  grpc::Status Cancel(grpc::ServerContext* context, const v1::CancelRequest* request,
                      v1::CancelResponse* response) override {
    auto author = EnterRun(*context, "CoordinatorService/Cancel", request->run(), request->author());
    if (!author) return rpc::ToStatus(author.error());
    auto run = coordinator_.Cancel(request->run(), request->task(), *author);
    if (!run) return rpc::ToStatus(run.error());
    response->set_run_id(run->text());
    return grpc::Status::OK;
  }
  grpc::Status Rerun(grpc::ServerContext* context, const v1::RerunRequest* request,
                     v1::StartResponse* response) override {
    return StatusOf(DoRerun(*context, *request, *response));
  }
  grpc::Status Why(grpc::ServerContext* context, const v1::WhyRequest* request, v1::WhyResponse* response) override {
    auto author = EnterRun(*context, "CoordinatorService/Why", request->run(), request->author());
    if (!author) return rpc::ToStatus(author.error());
    auto lines = coordinator_.Why(request->run(), request->task(), *author);
    if (!lines) return rpc::ToStatus(lines.error());
    for (const WhyLine& line : *lines) {
      auto& to = *response->add_lines();
      to.set_kind(std::string(ToString(line.kind)));
      to.set_text(line.text);
    }
    return grpc::Status::OK;
  }
  grpc::Status ForgetAgent(grpc::ServerContext* context, const v1::ForgetAgentRequest* request,
                           v1::ForgetAgentResponse*) override {
    auto author = EnterMesh(*context, "CoordinatorService/ForgetAgent", request->author(), request->agent());
    if (!author) return rpc::ToStatus(author.error());
    return StatusOf(coordinator_.ForgetAgent(request->agent(), *author));
  }
  grpc::Status DrainAgent(grpc::ServerContext* context, const v1::DrainAgentRequest* request,
                          v1::DrainAgentResponse*) override {
    auto author = EnterMesh(*context, "CoordinatorService/DrainAgent", request->author(), request->agent());
    if (!author) return rpc::ToStatus(author.error());
    if (!request->why().empty() && !IsTitle(request->why()))
      return rpc::ToStatus(Error{ErrorCode::kInvalid, "reason: not a text that can be shown, of at most 1 KiB"});
    return StatusOf(coordinator_.DrainAgent(request->agent(), request->why(), *author));
  }
  grpc::Status ResumeAgent(grpc::ServerContext* context, const v1::ResumeAgentRequest* request,
                           v1::ResumeAgentResponse*) override {
    auto author = EnterMesh(*context, "CoordinatorService/ResumeAgent", request->author(), request->agent());
    if (!author) return rpc::ToStatus(author.error());
    return StatusOf(coordinator_.ResumeAgent(request->agent()));
  }
  grpc::Status GetRun(grpc::ServerContext* context, const v1::GetRunRequest* request, v1::Run* response) override {
    auto author = EnterRun(*context, "CoordinatorService/GetRun", request->run(), request->author());
    if (!author) return rpc::ToStatus(author.error());
    auto run = coordinator_.GetRun(request->run(), *author);
    if (!run) return rpc::ToStatus(run.error());
    wire::ToProto(*run, *response);
    return grpc::Status::OK;
  }
  grpc::Status ListRuns(grpc::ServerContext* context, const v1::ListRunsRequest* request,
                        v1::ListRunsResponse* response) override {
    auto limit = LimitOf(request->limit());
    if (!limit) return rpc::ToStatus(limit.error());
    auto caller = gate_.Enter(*context, "CoordinatorService/ListRuns");
    if (!caller) return rpc::ToStatus(caller.error());
    auto runs = VisibleRuns(*caller, request->project(), *limit);
    if (!runs) return rpc::ToStatus(runs.error());
    for (const RunView& run : *runs) wire::ToProto(run, *response->add_runs());
    return grpc::Status::OK;
  }
  grpc::Status ListProjects(grpc::ServerContext* context, const v1::ListProjectsRequest*,
                            v1::ListProjectsResponse* response) override {
    auto caller = gate_.Enter(*context, "CoordinatorService/ListProjects");
    if (!caller) return rpc::ToStatus(caller.error());
    auto projects = coordinator_.ListProjects();
    if (!projects) return rpc::ToStatus(projects.error());
    for (const ProjectView& project : projects->projects) {
      if (!caller->MaySee(project.name)) continue;
      auto& one = *response->add_projects();
      one.set_name(project.name);
      one.set_file(project.file);
      one.set_revision(project.revision);
      one.set_last_run(project.last_run);
      if (project.next_tick) one.set_next_tick_us(Micros(*project.next_tick));
      one.set_next_tick_local(project.next_tick_local);
      one.set_timezone(project.timezone);
      one.set_schedule(project.schedule);
      one.set_trouble(project.trouble);
      one.set_watches(project.watches);
      one.set_paused(project.paused);
    }
    if (!caller->MaySee("")) return grpc::Status::OK;  // what of all projects is told there names some
    for (const std::string& notice : projects->notices) response->add_notices(notice);
    return grpc::Status::OK;
  }
  grpc::Status ListAgents(grpc::ServerContext* context, const v1::ListAgentsRequest*,
                          v1::ListAgentsResponse* response) override {
    if (auto caller = gate_.Enter(*context, "CoordinatorService/ListAgents"); !caller)
      return rpc::ToStatus(caller.error());
    auto agents = coordinator_.ListAgents();
    if (!agents) return rpc::ToStatus(agents.error());
    for (const AgentView& agent : *agents) wire::ToProto(agent, *response->add_agents());
    return grpc::Status::OK;
  }
  // A message a revision: one may name thousands of projects.
  grpc::Status ListRevisions(grpc::ServerContext* context, const v1::ListRevisionsRequest* request,
                             grpc::ServerWriter<v1::Revision>* writer) override {
    auto limit = LimitOf(request->limit());
    if (!limit) return rpc::ToStatus(limit.error());
    auto caller = gate_.Enter(*context, "CoordinatorService/ListRevisions");
    if (!caller) return rpc::ToStatus(caller.error());
    auto revisions = coordinator_.ListRevisions(request->project(), *limit);
    if (!revisions) return rpc::ToStatus(revisions.error());
    for (RevisionView& revision : *revisions) {
      if (!KeepVisible(*caller, revision)) continue;
      v1::Revision message;
      wire::ToProto(revision, message);
      if (!writer->Write(message)) break;
    }
    return grpc::Status::OK;
  }
  grpc::Status GetRevision(grpc::ServerContext* context, const v1::GetRevisionRequest* request,
                           v1::GetRevisionResponse* response) override {
    return StatusOf(DoGetRevision(*context, *request, *response));
  }
  grpc::Status ListArtifacts(grpc::ServerContext* context, const v1::ListArtifactsRequest* request,
                             grpc::ServerWriter<v1::Artifact>* writer) override {
    auto author = EnterRun(*context, "CoordinatorService/ListArtifacts", request->run(), request->author());
    if (!author) return rpc::ToStatus(author.error());
    auto artifacts = coordinator_.ListArtifacts(request->run(), *author);
    if (!artifacts) return rpc::ToStatus(artifacts.error());
    for (const ArtifactView& artifact : *artifacts) {
      v1::Artifact message;
      wire::ToProto(artifact, message);
      if (!writer->Write(message)) break;
    }
    return grpc::Status::OK;
  }
  grpc::Status GetArtifact(grpc::ServerContext* context, const v1::GetArtifactRequest* request,
                           grpc::ServerWriter<v1::ArtifactChunk>* writer) override {
    Follower follower(followers_, true);
    if (!follower.admitted()) return TooManyFollowers();
    auto author = EnterRun(*context, "CoordinatorService/GetArtifact", request->run(), request->author());
    if (!author) return rpc::ToStatus(author.error());
    auto send = [&](const v1::ArtifactChunk& chunk) -> Status {
      return writer->Write(chunk) ? Status{} : Fail(ErrorCode::kCanceled, "the caller has left");
    };
    return StatusOf(coordinator_.GetArtifact(
        request->run(), request->host(), request->name(), *author,
        [&](const ArtifactView& artifact) {
          v1::ArtifactChunk chunk;
          wire::ToProto(artifact, *chunk.mutable_artifact());
          return send(chunk);
        },
        [&](std::string_view data) {
          v1::ArtifactChunk chunk;
          chunk.set_data(data.data(), data.size());
          return send(chunk);
        }));
  }
  grpc::Status WatchRun(grpc::ServerContext* context, const v1::WatchRunRequest* request,
                        grpc::ServerWriter<v1::RunUpdate>* writer) override {
    constexpr std::string_view kMethod = "CoordinatorService/WatchRun";
    Follower follower(followers_, !request->once());
    if (!follower.admitted()) return TooManyFollowers();
    auto entered = EnterRunOf(*context, kMethod, request->run(), request->author());
    if (!entered) return rpc::ToStatus(entered.error());
    return StatusOf(coordinator_.WatchRun(
        request->run(), entered->author,
        [&](const RunUpdate& update) { return Write(update, *writer) && !request->once(); },
        [&] { return context->IsCancelled() || !gate_.MayStay(*context, kMethod, entered->project); }));
  }
  grpc::Status RunLogs(grpc::ServerContext* context, const v1::RunLogsRequest* request,
                       grpc::ServerWriter<v1::LogChunk>* writer) override {
    constexpr std::string_view kMethod = "CoordinatorService/RunLogs";
    Follower follower(followers_, request->follow());
    if (!follower.admitted()) return TooManyFollowers();
    auto entered = EnterRunOf(*context, kMethod, request->run(), request->author());
    if (!entered) return rpc::ToStatus(entered.error());
    auto send = [&](const LogPiece& piece) {
      v1::LogChunk chunk;
      wire::ToProto(piece, "", chunk);
      return writer->Write(chunk);
    };
    return StatusOf(coordinator_.RunLogs(
        request->run(), request->task(), request->follow(), entered->author, send,
        [&] { return context->IsCancelled() || !gate_.MayStay(*context, kMethod, entered->project); }));
  }

 private:
  Result<std::string> EnterMesh(const grpc::ServerContext& context, std::string_view method, const std::string& said,
                                const std::string& subject) {
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, method));
    CROMT_TRY(gate_.Record(caller, method, subject));
    return AuthorOf(caller, said);
  }
  struct Entered {
    std::string author;
    std::string project;
  };
  // For a call about a run, which is its project's.
  Result<Entered> EnterRunOf(const grpc::ServerContext& context, std::string_view method, const std::string& run,
                             const std::string& said) {
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, method));
    Entered entered;
    CROMT_ASSIGN(entered.author, AuthorOf(caller, said));
    if (caller.local) return entered;
    CROMT_ASSIGN(entered.project, coordinator_.ProjectOf(run, entered.author));
    CROMT_TRY(gate_.Into(context, method, caller, entered.project, run));
    return entered;
  }
  Result<std::string> EnterRun(const grpc::ServerContext& context, std::string_view method, const std::string& run,
                               const std::string& said) {
    CROMT_ASSIGN(Entered entered, EnterRunOf(context, method, run, said));
    return std::move(entered.author);
  }

  static Result<uint32_t> LimitOf(uint32_t asked) {
    if (asked > kMaxLimit) return Fail(ErrorCode::kInvalid, "limit: at most 10,000");
    return asked == 0 ? kDefaultLimit : asked;
  }
  Result<std::vector<RunView>> VisibleRuns(const Principal& caller, const std::string& project, uint32_t limit) {
    if (caller.all_projects) return coordinator_.ListRuns(project, limit);
    std::vector<RunView> runs;
    for (const std::string& visible : caller.projects) {
      if (!project.empty() && visible != project) continue;
      auto some = coordinator_.ListRuns(visible, limit);
      if (!some && some.error().code == ErrorCode::kNotFound) continue;
      if (!some) return tl::unexpected(some.error());
      std::move(some->begin(), some->end(), std::back_inserter(runs));
    }
    std::stable_sort(runs.begin(), runs.end(),
                     [](const RunView& a, const RunView& b) { return a.header.created_at > b.header.created_at; });
    if (runs.size() > limit) runs.resize(limit);
    return runs;
  }
  // Leaves of a revision what the caller may see; false if that is nothing.
  static bool KeepVisible(const Principal& caller, RevisionView& revision) {
    if (caller.all_projects) return true;
    size_t left = 0;
    for (auto* names :
         {&revision.changes.added, &revision.changes.changed, &revision.changes.gone, &revision.changes.removed}) {
      std::erase_if(*names, [&](const std::string& name) { return !caller.MaySee(name); });
      left += names->size();
    }
    return left > 0;
  }

  // The text tells of all projects of its file, so each must be the caller's to see; of one that names none, or can't
  // be read any more, nobody knows whose it is.
  Status CheckVisible(const grpc::ServerContext& context, const Principal& caller, const RevisionText& revision) {
    constexpr std::string_view kMethod = "CoordinatorService/GetRevision";
    if (caller.all_projects) return {};
    const JobFileReading reading = ReadJobFile(revision.text, revision.view.path);
    if (!reading.file || reading.file->projects.empty())
      return gate_.Refuse(context, kMethod, caller.name, HasRoleInAll(caller, RuleOf(kMethod)->least).error());
    const std::string subject = fmt::format("revision {}", revision.view.revision);
    for (const Project& project : reading.file->projects)
      CROMT_TRY(gate_.Into(context, kMethod, caller, project.name, subject));
    return {};
  }
  Status DoGetRevision(const grpc::ServerContext& context, const v1::GetRevisionRequest& request,
                       v1::GetRevisionResponse& response) {
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, "CoordinatorService/GetRevision"));
    CROMT_ASSIGN(RevisionText revision, coordinator_.GetRevision(request.revision()));
    CROMT_TRY(CheckVisible(context, caller, revision));
    wire::ToProto(revision.view, *response.mutable_revision());
    response.set_text(std::move(revision.text));
    response.set_before(revision.before);
    response.set_newest(revision.newest);
    return {};
  }

  // A place among those who follow, while it lives; who only looks needs none.
  class Follower {
   public:
    Follower(std::atomic<int>& count, bool stays)
        : count_(count), stays_(stays), admitted_(!stays || ++count_ <= kMaxFollowers) {}
    ~Follower() { count_ -= stays_; }
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;
    bool admitted() const { return admitted_; }

   private:
    std::atomic<int>& count_;
    const bool stays_;
    const bool admitted_;
  };
  static grpc::Status TooManyFollowers() {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED,
            fmt::format("{} callers follow runs already, which is the limit", kMaxFollowers)};
  }

  Status DoApply(const grpc::ServerContext& context, const v1::ApplyRequest& request, v1::ApplyResponse& response) {
    CROMT_TRY(CheckRequestId(request.request_id()));
    CROMT_ASSIGN(const std::string author,
                 EnterMesh(context, "CoordinatorService/Apply", request.author(), request.path()));
    if (!request.path().starts_with("/") || request.path().size() > 4096)
      return Fail(ErrorCode::kInvalid, "path: an absolute path is needed");
    ApplyRequest apply{RequestId(request.request_id()),
                       request.path(),
                       request.text(),
                       request.prune(),
                       request.dry_run(),
                       author,
                       {}};
    if (request.has_if_revision()) apply.if_revision = request.if_revision();
    CROMT_ASSIGN(ApplyAnswer answer, coordinator_.Apply(apply));
    response.set_file(answer.file);
    response.set_revision(answer.revision);
    for (const std::string& name : answer.added) response.add_added(name);
    for (const std::string& name : answer.changed) response.add_changed(name);
    for (const std::string& name : answer.gone) response.add_gone(name);
    for (const std::string& warning : answer.warnings) response.add_warnings(warning);
    return {};
  }
  Status DoStart(const grpc::ServerContext& context, const v1::StartRequest& request, v1::StartResponse& response) {
    constexpr std::string_view kMethod = "CoordinatorService/Start";
    CROMT_TRY(CheckRequestId(request.request_id()));
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, kMethod));
    CROMT_ASSIGN(const std::string author, AuthorOf(caller, request.author()));
    CROMT_TRY(gate_.Into(context, kMethod, caller, request.project(), request.project()));
    CROMT_ASSIGN(Variables variables, wire::FromProto(request.variables()));
    CROMT_ASSIGN(RunId run, coordinator_.Start({RequestId(request.request_id()), request.project(), request.action(),
                                                std::move(variables), author}));
    response.set_run_id(run.text());
    return {};
  }
  Status DoRerun(const grpc::ServerContext& context, const v1::RerunRequest& request, v1::StartResponse& response) {
    CROMT_TRY(CheckRequestId(request.request_id()));
    CROMT_ASSIGN(const std::string author,
                 EnterRun(context, "CoordinatorService/Rerun", request.run(), request.author()));
    CROMT_ASSIGN(const RunId run,
                 coordinator_.Rerun({RequestId(request.request_id()), request.run(), request.failed(), author}));
    response.set_run_id(run.text());
    return {};
  }
  // A run of many tasks goes out in messages of a bounded size.
  static bool Write(const RunUpdate& update, grpc::ServerWriter<v1::RunUpdate>& writer) {
    constexpr size_t kTasksAMessage = 1000;
    size_t next = 0;
    do {
      v1::RunUpdate message;
      if (next == 0 && update.run) wire::ToProto(*update.run, *message.mutable_run());
      if (next == 0) message.set_task_count(static_cast<uint32_t>(update.tasks.size()));
      for (size_t end = std::min(update.tasks.size(), next + kTasksAMessage); next < end; ++next)
        wire::ToProto(update.tasks[next], *message.add_tasks());
      if (!writer.Write(message)) return false;
    } while (next < update.tasks.size());
    return true;
  }

  Coordinator& coordinator_;
  Gate& gate_;
  std::atomic<int> followers_ = 0;
};

}  // namespace

rpc::ServicePtr MakeCoordinatorService(Coordinator& coordinator, Gate& gate) {
  return {new CoordinatorServiceImpl(coordinator, gate), [](grpc::Service* service) { delete service; }};
}

}  // namespace cromt
