#include "agent/service/agent_service.h"

#include <grpcpp/grpcpp.h>

#include "agent/agent.h"
#include "agent/service/job_calls.h"
#include "agent/service/streams.h"
#include "cromt/v1/agent.grpc.pb.h"
#include "io/rpc/status.h"
#include "io/transfer/blob_fetcher.h"

namespace cromt {
namespace {

class AgentServiceImpl final : public v1::AgentService::CallbackService {
 public:
  explicit AgentServiceImpl(Agent& agent) : agent_(agent) {}

  grpc::ServerUnaryReactor* Submit(grpc::CallbackServerContext* context, const v1::SubmitRequest* request,
                                   v1::SubmitResponse* response) override {
    return service::Submit(agent_, *context, *request, *response);
  }
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const v1::GetJobRequest* request,
                                v1::Job* response) override {
    return service::Get(agent_, *context, *request, *response);
  }
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context, const v1::ListJobsRequest* request,
                                 v1::ListJobsResponse* response) override {
    return service::List(agent_, *context, *request, *response);
  }
  grpc::ServerUnaryReactor* Cancel(grpc::CallbackServerContext* context, const v1::CancelJobRequest* request,
                                   v1::Job* response) override {
    return service::Cancel(agent_, *context, *request, *response);
  }
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context, const v1::DrainRequest* request,
                                  v1::DrainResponse* response) override {
    return service::Drain(agent_, *context, *request, *response);
  }
  grpc::ServerWriteReactor<v1::Job>* Watch(grpc::CallbackServerContext*, const v1::WatchJobRequest* request) override {
    return service::Watch(agent_, *request);
  }
  grpc::ServerWriteReactor<v1::LogChunk>* Logs(grpc::CallbackServerContext*, const v1::LogsRequest* request) override {
    return service::Logs(agent_, *request);
  }
  grpc::ServerBidiReactor<v1::ToAgent, v1::FromAgent>* Session(grpc::CallbackServerContext*) override {
    return service::Session(agent_);
  }
  grpc::ServerBidiReactor<v1::LogCredit, v1::LogBatch>* CollectLogs(grpc::CallbackServerContext*) override {
    return service::CollectLogs(agent_);
  }
  grpc::ServerReadReactor<v1::BlobChunk>* PutBlob(grpc::CallbackServerContext*, v1::PutBlobResponse*) override {
    return service::PutBlob(agent_);
  }
  grpc::ServerWriteReactor<v1::BlobChunk>* GetBlob(grpc::CallbackServerContext*,
                                                   const v1::GetBlobRequest* request) override {
    return service::GetBlob(agent_, *request);
  }

 private:
  Agent& agent_;
};

}  // namespace

std::function<AgentOptions::Fetch(BlobStore&)> GrpcFetch(bool insecure) {
  return [insecure](BlobStore& store) -> AgentOptions::Fetch {
    BlobFetcher::Options options;
    options.insecure = insecure;
    return [fetcher = std::make_shared<BlobFetcher>(store, options)](const LeaseInput& input,
                                                                     std::function<void(const Status&)> done) {
      fetcher->Fetch(input, std::move(done));
    };
  };
}

rpc::ServicePtr MakeAgentService(Agent& agent) {
  return {new AgentServiceImpl(agent), [](grpc::Service* service) { delete service; }};
}

}  // namespace cromt
