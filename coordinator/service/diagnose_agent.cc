#include "coordinator/service/diagnose_agent.h"

#include <grpcpp/grpcpp.h>

#include "coordinator/service/agent_channel.h"
#include "cromt/v1/agent.grpc.pb.h"
#include "io/rpc/status.h"

namespace cromt {

Result<std::string> DiagnoseAgent(const AgentDialing& dialing, const std::string& address) {
  CROMT_ASSIGN(const service::AgentChannel opened, service::OpenAgent(dialing, address));
  const auto stub = v1::AgentService::NewStub(opened.channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDiagnosePatience);
  const auto reader = stub->Diagnose(&context, {});
  std::string text;
  for (v1::DiagnoseChunk chunk; reader->Read(&chunk);) {
    text += chunk.data();
    if (text.size() <= kMostDiagnosisBytes) continue;
    context.TryCancel();
    (void)reader->Finish();
    return Fail(ErrorCode::kExhausted, "it says more than any agent has to say");
  }
  const grpc::Status status = reader->Finish();
  if (status.ok()) return text;
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED)
    return Fail(ErrorCode::kUnavailable, "it is of a version that can't be asked");
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED)
    return Fail(ErrorCode::kTimeout, "it did not answer within " + FormatDuration(kDiagnosePatience));
  return tl::unexpected<Error>(rpc::FromStatus(status));
}

}  // namespace cromt
