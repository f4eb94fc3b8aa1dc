#include "coordinator/service/secret_service.h"

#include <grpcpp/grpcpp.h>

#include "base/name.h"
#include "coordinator/coordinator.h"
#include "coordinator/service/gate.h"
#include "cromt/v1/secrets.grpc.pb.h"
#include "io/rpc/status.h"

namespace cromt {
namespace {

grpc::Status StatusOf(const Status& status) {
  return status ? grpc::Status::OK : rpc::ToStatus(status.error());
}

// Each call blocks its thread for a small file at most.
class SecretServiceImpl final : public v1::SecretService::Service {
 public:
  SecretServiceImpl(Coordinator& coordinator, Gate& gate) : coordinator_(coordinator), gate_(gate) {}

  grpc::Status SetSecret(grpc::ServerContext* context, const v1::SetSecretRequest* request,
                         v1::SetSecretResponse* response) override {
    return StatusOf(DoSet(*context, *request, *response));
  }
  grpc::Status ListSecrets(grpc::ServerContext* context, const v1::ListSecretsRequest* request,
                           v1::ListSecretsResponse* response) override {
    return StatusOf(DoList(*context, *request, *response));
  }
  grpc::Status RemoveSecret(grpc::ServerContext* context, const v1::RemoveSecretRequest* request,
                            v1::RemoveSecretResponse*) override {
    return StatusOf(DoRemove(*context, *request));
  }

 private:
  // In whose name; `project` empty concerns all of them.
  Result<std::string> Enter(const grpc::ServerContext& context, std::string_view method, const std::string& project,
                            const std::string& name, const std::string& said) {
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, method));
    if (!project.empty()) CROMT_TRY(CheckName("project", project));
    CROMT_TRY(CheckName("secret", name));
    CROMT_TRY(gate_.Into(context, method, caller, project, project + "/" + name));
    return AuthorOf(caller, said);
  }

  Status DoSet(const grpc::ServerContext& context, const v1::SetSecretRequest& request,
               v1::SetSecretResponse& response) {
    CROMT_ASSIGN(std::string author,
                 Enter(context, "SecretService/SetSecret", request.project(), request.name(), request.author()));
    CROMT_ASSIGN(const auto warnings,
                 coordinator_.SetSecret({request.project(), request.name(), request.value(), std::move(author)}));
    for (const std::string& warning : warnings) response.add_warnings(warning);
    return {};
  }

  Status DoList(const grpc::ServerContext& context, const v1::ListSecretsRequest& request,
                v1::ListSecretsResponse& response) {
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, "SecretService/ListSecrets"));
    if (!request.project().empty()) CROMT_TRY(CheckName("project", request.project()));
    CROMT_ASSIGN(const auto secrets, coordinator_.ListSecrets(request.project()));
    for (const SecretView& secret : secrets) {
      if (!caller.local && !secret.project.empty() && !caller.MaySee(secret.project)) continue;
      v1::Secret& to = *response.add_secrets();
      to.set_project(secret.project);
      to.set_name(secret.name);
      to.set_set_at_us(Micros(secret.at));
      to.set_author(secret.author);
    }
    return {};
  }

  Status DoRemove(const grpc::ServerContext& context, const v1::RemoveSecretRequest& request) {
    CROMT_TRY(Enter(context, "SecretService/RemoveSecret", request.project(), request.name(), request.author()));
    return coordinator_.RemoveSecret(request.project(), request.name());
  }

  Coordinator& coordinator_;
  Gate& gate_;
};

}  // namespace

rpc::ServicePtr MakeSecretService(Coordinator& coordinator, Gate& gate) {
  return rpc::ServicePtr(new SecretServiceImpl(coordinator, gate), [](grpc::Service* service) { delete service; });
}

}  // namespace cromt
