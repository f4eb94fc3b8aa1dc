#include "io/rpc/server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>

#include <chrono>

#include "io/rpc/refusals.h"

namespace cromt::rpc {

struct Server::Impl {
  std::vector<std::unique_ptr<Listener>> listeners;
  std::unique_ptr<grpc::Server> server;
};

Server::Server() : impl_(std::make_unique<Impl>()) {}

Result<std::unique_ptr<Server>> Server::Start(std::vector<grpc::Service*> services,
                                              const std::vector<ListenOptions>& listen,
                                              std::function<void(const std::string&)> refused) {
  std::unique_ptr<Server> server(new Server());
  for (const ListenOptions& options : listen) {
    CROMT_ASSIGN(auto listener, Listener::Open(options));
    server->impl_->listeners.push_back(std::move(listener));
  }
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1000);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 << 10);
  // What waits unread on a stream; else gRPC guesses, into the megabytes.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 1 << 20);
  grpc::ResourceQuota quota("cromt");
  quota.Resize(512 << 20).SetMaxThreads(kServerThreads);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 4);
  ExplainRefusals(builder);
  for (grpc::Service* service : services) builder.RegisterService(service);
  server->impl_->server = builder.BuildAndStart();
  if (!server->impl_->server) return Fail(ErrorCode::kInternal, "gRPC could not start a server");
  for (auto& listener : server->impl_->listeners)
    listener->Start(
        [raw = server->impl_->server.get()](UniqueFd fd) { grpc::AddInsecureChannelFromFd(raw, fd.release()); },
        refused);
  return server;
}

Server::~Server() {
  for (auto& listener : impl_->listeners) listener->Stop();
  if (impl_->server) impl_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
}

void Server::SetServing(const std::string& service, bool serving) {
  if (auto* health = impl_->server->GetHealthCheckService()) health->SetServingStatus(service, serving);
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& listener : impl_->listeners) addresses.push_back(listener->address());
  return addresses;
}

}  // namespace cromt::rpc
