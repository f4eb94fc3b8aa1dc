#include "io/rpc/server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>

#include <chrono>
#include <optional>

#include "io/rpc/refusals.h"
#include "io/rpc/tls.h"

namespace cromt::rpc {

namespace {

constexpr int kHandshakePatienceMs = 10'000;
// How long a connection without a call is kept: whoever opens one holds memory here.
constexpr int kIdleConnectionMs = 30 * 60 * 1000;

}  // namespace

struct Server::Impl {
  // A listener, and who takes what it hands over; null: gRPC, in plaintext.
  struct Port {
    std::unique_ptr<Listener> listener;
    std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> tls;
  };
  std::vector<Port> ports;
  std::unique_ptr<grpc::Server> server;
};

Server::Server() : impl_(std::make_unique<Impl>()) {}

Result<std::unique_ptr<Server>> Server::Start(std::vector<grpc::Service*> services,
                                              const std::vector<ListenOptions>& listen,
                                              std::function<void(const std::string&)> refused) {
  std::unique_ptr<Server> server(new Server());
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  std::optional<Duration> connection_age;
  for (const ListenOptions& options : listen) {
    CROMT_ASSIGN(auto listener, Listener::Open(options));
    server->impl_->ports.push_back({std::move(listener), nullptr});
    Impl::Port& port = server->impl_->ports.back();
    if (!options.tls) continue;
    connection_age = std::min(connection_age.value_or(Duration::max()), options.connection_age);
    port.tls = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        options.tls->OfServer(options.certificates_needed));
  }
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakePatienceMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleConnectionMs);
  if (connection_age) {
    // Without GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS calls that are under way are left alone.
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                               static_cast<int>(std::chrono::ceil<milliseconds>(*connection_age).count()));
  }
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
  for (const Impl::Port& port : server->impl_->ports)
    port.listener->Start(
        [raw = server->impl_->server.get(), tls = port.tls.get()](UniqueFd fd) {
          if (!tls) return grpc::AddInsecureChannelFromFd(raw, fd.release());
          grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
          connection.fd = fd.release();
          tls->HandleNewConnection(&connection);
        },
        refused);
  return server;
}

Server::~Server() {
  for (auto& port : impl_->ports) port.listener->Stop();
  if (impl_->server) impl_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
}

void Server::SetServing(const std::string& service, bool serving) {
  if (auto* health = impl_->server->GetHealthCheckService()) health->SetServingStatus(service, serving);
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> addresses;
  for (const Impl::Port& port : impl_->ports) addresses.push_back(port.listener->address());
  return addresses;
}

}  // namespace cromt::rpc
