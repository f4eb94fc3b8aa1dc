#include "coordinator/service/coordinator_service.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <atomic>

#include "base/name.h"
#include "coordinator/coordinator.h"
#include "cromt/v1/coordinator.grpc.pb.h"
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

// An author is a name that people see; what a caller says of himself is only as good as the transport's word for him.
Status CheckAuthor(const std::string& author) {
  if (author.empty() || IsTitle(author)) return {};
  return Fail(ErrorCode::kInvalid, "author: not a name that can be shown");
}
Status CheckRequestId(const std::string& id) {
  return id.empty() ? Status{} : CheckName("request_id", id);
}

grpc::Status StatusOf(const Status& status) {
  return status ? grpc::Status::OK : rpc::ToStatus(status.error());
}

// Calls block their thread until the loop has answered; gRPC's thread pool is bounded (io/rpc/server.cc).
class CoordinatorServiceImpl final : public v1::CoordinatorService::Service {
 public:
  explicit CoordinatorServiceImpl(Coordinator& coordinator) : coordinator_(coordinator) {}

  grpc::Status Apply(grpc::ServerContext*, const v1::ApplyRequest* request, v1::ApplyResponse* response) override {
    return StatusOf(DoApply(*request, *response));
  }
  grpc::Status Start(grpc::ServerContext*, const v1::StartRequest* request, v1::StartResponse* response) override {
    return StatusOf(DoStart(*request, *response));
  }
  grpc::Status Cancel(grpc::ServerContext*, const v1::CancelRequest* request, v1::CancelResponse* response) override {
    auto run = coordinator_.Cancel(request->run(), request->task(), request->author());
    if (!run) return rpc::ToStatus(run.error());
    response->set_run_id(run->text());
    return grpc::Status::OK;
  }
  grpc::Status Rerun(grpc::ServerContext*, const v1::RerunRequest* request, v1::StartResponse* response) override {
    return StatusOf(DoRerun(*request, *response));
  }
  grpc::Status Why(grpc::ServerContext*, const v1::WhyRequest* request, v1::WhyResponse* response) override {
    auto lines = coordinator_.Why(request->run(), request->task(), request->author());
    if (!lines) return rpc::ToStatus(lines.error());
    for (const WhyLine& line : *lines) {
      auto& to = *response->add_lines();
      to.set_kind(std::string(ToString(line.kind)));
      to.set_text(line.text);
    }
    return grpc::Status::OK;
  }
  grpc::Status ForgetAgent(grpc::ServerContext*, const v1::ForgetAgentRequest* request,
                           v1::ForgetAgentResponse*) override {
    if (auto good = CheckAuthor(request->author()); !good) return rpc::ToStatus(good.error());
    return StatusOf(coordinator_.ForgetAgent(request->agent(), request->author()));
  }
  grpc::Status GetRun(grpc::ServerContext*, const v1::GetRunRequest* request, v1::Run* response) override {
    auto run = coordinator_.GetRun(request->run(), request->author());
    if (!run) return rpc::ToStatus(run.error());
    wire::ToProto(*run, *response);
    return grpc::Status::OK;
  }
  grpc::Status ListRuns(grpc::ServerContext*, const v1::ListRunsRequest* request,
                        v1::ListRunsResponse* response) override {
    uint32_t limit = request->limit() == 0 ? kDefaultLimit : request->limit();
    if (limit > kMaxLimit) return {grpc::StatusCode::INVALID_ARGUMENT, "limit: at most 10,000"};
    auto runs = coordinator_.ListRuns(request->project(), limit);
    if (!runs) return rpc::ToStatus(runs.error());
    for (const RunView& run : *runs) wire::ToProto(run, *response->add_runs());
    return grpc::Status::OK;
  }
  grpc::Status ListProjects(grpc::ServerContext*, const v1::ListProjectsRequest*,
                            v1::ListProjectsResponse* response) override {
    auto projects = coordinator_.ListProjects();
    if (!projects) return rpc::ToStatus(projects.error());
    for (const ProjectView& project : *projects) {
      auto& one = *response->add_projects();
      one.set_name(project.name);
      one.set_file(project.file);
      one.set_revision(project.revision);
      one.set_last_run(project.last_run);
    }
    return grpc::Status::OK;
  }
  grpc::Status ListAgents(grpc::ServerContext*, const v1::ListAgentsRequest*,
                          v1::ListAgentsResponse* response) override {
    auto agents = coordinator_.ListAgents();
    if (!agents) return rpc::ToStatus(agents.error());
    for (const AgentView& agent : *agents) wire::ToProto(agent, *response->add_agents());
    return grpc::Status::OK;
  }
  // A message a revision: one may name thousands of projects.
  grpc::Status ListRevisions(grpc::ServerContext*, const v1::ListRevisionsRequest* request,
                             grpc::ServerWriter<v1::Revision>* writer) override {
    uint32_t limit = request->limit() == 0 ? kDefaultLimit : request->limit();
    if (limit > kMaxLimit) return {grpc::StatusCode::INVALID_ARGUMENT, "limit: at most 10,000"};
    auto revisions = coordinator_.ListRevisions(request->project(), limit);
    if (!revisions) return rpc::ToStatus(revisions.error());
    for (const RevisionView& revision : *revisions) {
      v1::Revision message;
      wire::ToProto(revision, message);
      if (!writer->Write(message)) break;
    }
    return grpc::Status::OK;
  }
  grpc::Status ListArtifacts(grpc::ServerContext*, const v1::ListArtifactsRequest* request,
                             grpc::ServerWriter<v1::Artifact>* writer) override {
    auto artifacts = coordinator_.ListArtifacts(request->run(), request->author());
    if (!artifacts) return rpc::ToStatus(artifacts.error());
    for (const ArtifactView& artifact : *artifacts) {
      v1::Artifact message;
      wire::ToProto(artifact, message);
      if (!writer->Write(message)) break;
    }
    return grpc::Status::OK;
  }
  grpc::Status GetArtifact(grpc::ServerContext*, const v1::GetArtifactRequest* request,
                           grpc::ServerWriter<v1::ArtifactChunk>* writer) override {
    Follower follower(followers_, true);
    if (!follower.admitted()) return TooManyFollowers();
    auto send = [&](const v1::ArtifactChunk& chunk) -> Status {
      return writer->Write(chunk) ? Status{} : Fail(ErrorCode::kCanceled, "the caller has left");
    };
    return StatusOf(coordinator_.GetArtifact(
        request->run(), request->host(), request->name(), request->author(),
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
    Follower follower(followers_, !request->once());
    if (!follower.admitted()) return TooManyFollowers();
    return StatusOf(coordinator_.WatchRun(
        request->run(), request->author(),
        [&](const RunUpdate& update) { return Write(update, *writer) && !request->once(); },
        [&] { return context->IsCancelled(); }));
  }
  grpc::Status RunLogs(grpc::ServerContext* context, const v1::RunLogsRequest* request,
                       grpc::ServerWriter<v1::LogChunk>* writer) override {
    Follower follower(followers_, request->follow());
    if (!follower.admitted()) return TooManyFollowers();
    auto send = [&](const LogPiece& piece) {
      v1::LogChunk chunk;
      wire::ToProto(piece, "", chunk);
      return writer->Write(chunk);
    };
    return StatusOf(coordinator_.RunLogs(request->run(), request->task(), request->follow(), request->author(), send,
                                         [&] { return context->IsCancelled(); }));
  }

 private:
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

  Status DoApply(const v1::ApplyRequest& request, v1::ApplyResponse& response) {
    CROMT_TRY(CheckRequestId(request.request_id()));
    CROMT_TRY(CheckAuthor(request.author()));
    if (!request.path().starts_with("/") || request.path().size() > 4096)
      return Fail(ErrorCode::kInvalid, "path: an absolute path is needed");
    ApplyRequest apply{RequestId(request.request_id()),
                       request.path(),
                       request.text(),
                       request.prune(),
                       request.dry_run(),
                       request.author(),
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
  Status DoStart(const v1::StartRequest& request, v1::StartResponse& response) {
    CROMT_TRY(CheckRequestId(request.request_id()));
    CROMT_TRY(CheckAuthor(request.author()));
    CROMT_ASSIGN(Variables variables, wire::FromProto(request.variables()));
    CROMT_ASSIGN(RunId run, coordinator_.Start({RequestId(request.request_id()), request.project(), request.action(),
                                                std::move(variables), request.author()}));
    response.set_run_id(run.text());
    return {};
  }
  Status DoRerun(const v1::RerunRequest& request, v1::StartResponse& response) {
    CROMT_TRY(CheckRequestId(request.request_id()));
    CROMT_TRY(CheckAuthor(request.author()));
    CROMT_ASSIGN(const RunId run, coordinator_.Rerun({RequestId(request.request_id()), request.run(), request.failed(),
                                                      request.author()}));
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
  std::atomic<int> followers_ = 0;
};

}  // namespace

rpc::ServicePtr MakeCoordinatorService(Coordinator& coordinator) {
  return {new CoordinatorServiceImpl(coordinator), [](grpc::Service* service) { delete service; }};
}

}  // namespace cromt
