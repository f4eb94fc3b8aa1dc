#include "agent/service/agent_service.h"

#include <grpcpp/grpcpp.h>

#include "agent/agent.h"
#include "agent/service/agent_gate.h"
#include "agent/service/artifact_source.h"
#include "agent/service/diagnose_call.h"
#include "agent/service/job_calls.h"
#include "agent/service/streams.h"
#include "cromt/v1/agent.grpc.pb.h"
#include "io/rpc/status.h"
#include "io/transfer/blob_fetcher.h"
#include "io/transfer/blob_line_server.h"

namespace cromt {
namespace {

// Ends a call at once.
template <class Reactor>
class Refused final : public Reactor {
 public:
  explicit Refused(const Error& why) { this->Finish(rpc::ToStatus(why)); }
  void OnDone() override { delete this; }
};

class AgentServiceImpl final : public v1::AgentService::CallbackService {
 public:
  AgentServiceImpl(Agent& agent, const AgentGate& gate, service::ArtifactSource& artifacts)
      : agent_(agent), gate_(gate), artifacts_(artifacts) {}

  grpc::ServerUnaryReactor* Submit(grpc::CallbackServerContext* context, const v1::SubmitRequest* request,
                                   v1::SubmitResponse* response) override {
    return Unary(*context, [&] { return service::Submit(agent_, *context, *request, *response); });
  }
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const v1::GetJobRequest* request,
                                v1::Job* response) override {
    return Unary(*context, [&] { return service::Get(agent_, *context, *request, *response); });
  }
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context, const v1::ListJobsRequest* request,
                                 v1::ListJobsResponse* response) override {
    return Unary(*context, [&] { return service::List(agent_, *context, *request, *response); });
  }
  grpc::ServerUnaryReactor* Cancel(grpc::CallbackServerContext* context, const v1::CancelJobRequest* request,
                                   v1::Job* response) override {
    return Unary(*context, [&] { return service::Cancel(agent_, *context, *request, *response); });
  }
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context, const v1::DrainRequest* request,
                                  v1::DrainResponse* response) override {
    return Unary(*context, [&] { return service::Drain(agent_, *context, *request, *response); });
  }
  grpc::ServerWriteReactor<v1::Job>* Watch(grpc::CallbackServerContext* context,
                                           const v1::WatchJobRequest* request) override {
    return Stream<grpc::ServerWriteReactor<v1::Job>>(*context, AgentCall::kJobs,
                                                     [&] { return service::Watch(agent_, *request); });
  }
  grpc::ServerWriteReactor<v1::LogChunk>* Logs(grpc::CallbackServerContext* context,
                                               const v1::LogsRequest* request) override {
    return Stream<grpc::ServerWriteReactor<v1::LogChunk>>(*context, AgentCall::kJobs,
                                                          [&] { return service::Logs(agent_, *request); });
  }
  grpc::ServerBidiReactor<v1::ToAgent, v1::FromAgent>* Session(grpc::CallbackServerContext* context) override {
    return Stream<grpc::ServerBidiReactor<v1::ToAgent, v1::FromAgent>>(*context, AgentCall::kCoordinator,
                                                                       [&] { return service::Session(agent_, gate_); });
  }
  grpc::ServerBidiReactor<v1::LogCredit, v1::LogBatch>* CollectLogs(grpc::CallbackServerContext* context) override {
    return Stream<grpc::ServerBidiReactor<v1::LogCredit, v1::LogBatch>>(
        *context, AgentCall::kCoordinator, [&] { return service::CollectLogs(agent_, gate_); });
  }
  grpc::ServerReadReactor<v1::BlobChunk>* PutBlob(grpc::CallbackServerContext* context, v1::PutBlobResponse*) override {
    return Stream<grpc::ServerReadReactor<v1::BlobChunk>>(*context, AgentCall::kCoordinator,
                                                          [&] { return service::PutBlob(agent_); });
  }
  grpc::ServerWriteReactor<v1::BlobChunk>* GetBlob(grpc::CallbackServerContext* context,
                                                   const v1::GetBlobRequest* request) override {
    auto caller = gate_.CallerOf(*context);
    auto given = caller ? artifacts_.Open(*caller, *request) : tl::unexpected(caller.error());
    if (!given && given.error().code == ErrorCode::kDenied) gate_.Refused(*context, given.error());
    return service::GetBlob(std::move(given));
  }
  grpc::ServerWriteReactor<v1::DiagnoseChunk>* Diagnose(grpc::CallbackServerContext* context,
                                                        const v1::DiagnoseRequest*) override {
    return Stream<grpc::ServerWriteReactor<v1::DiagnoseChunk>>(*context, AgentCall::kCoordinator,
                                                               [&] { return service::Diagnose(agent_); });
  }

 private:
  template <class F>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext& context, F serve) {
    const Status may = gate_.Check(context, AgentCall::kJobs);
    if (may) return serve();
    gate_.Refused(context, may.error());
    grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
    reactor->Finish(rpc::ToStatus(may.error()));
    return reactor;
  }
  template <class Reactor, class F>
  Reactor* Stream(const grpc::CallbackServerContext& context, AgentCall call, F serve) {
    const Status may = gate_.Check(context, call);
    if (may) return serve();
    gate_.Refused(context, may.error());
    return new Refused<Reactor>(may.error());
  }

  Agent& agent_;
  const AgentGate& gate_;
  service::ArtifactSource& artifacts_;
};

}  // namespace

std::function<AgentOptions::Fetch(BlobStore&)> GrpcFetch(bool insecure, std::shared_ptr<rpc::Tls> tls) {
  return [insecure, tls = std::move(tls)](BlobStore& store) -> AgentOptions::Fetch {
    const BlobFetcher::Options options{.insecure = insecure, .tls = tls};
    return [fetcher = std::make_shared<BlobFetcher>(store, options)](const LeaseInput& input,
                                                                     std::function<void(const Status&)> done) {
      fetcher->Fetch(input, std::move(done));
    };
  };
}

struct AgentFront::Impl {
  Impl(Agent& agent, MeshMember& mesh)
      : gate(mesh, agent.warn()),
        artifacts(agent, gate),
        service(agent, gate, artifacts),
        line([this](const AgentGate::Caller& caller,
                    const v1::GetBlobRequest& request) { return Open(caller, request); },
             {.tls = mesh.tls() ? mesh.tls()->direct() : nullptr,
              .denied = [this](const std::string& from, const Error& why) { gate.Refused(from, why); }}) {}

  Result<BlobLineServer::Blob> Open(const AgentGate::Caller& caller, const v1::GetBlobRequest& request) {
    CROMT_ASSIGN(service::GivenArtifact given, artifacts.Open(caller, request));
    return BlobLineServer::Blob{std::move(given.file), given.offset, given.size_bytes, std::move(given.place)};
  }

  const AgentGate gate;
  service::ArtifactSource artifacts;
  AgentServiceImpl service;
  BlobLineServer line;  // the last: it ends what it serves of the others
};

AgentFront::AgentFront(Agent& agent, MeshMember& mesh) : impl_(std::make_unique<Impl>(agent, mesh)) {}
AgentFront::~AgentFront() = default;

grpc::Service* AgentFront::service() {
  return &impl_->service;
}

rpc::Beside AgentFront::blob_line() {
  return {kBlobLineHello.front(), [this](UniqueFd socket) { impl_->line.Take(std::move(socket)); }};
}

}  // namespace cromt
