#include "io/rpc/server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>

#include <cerrno>
#include <chrono>
#include <deque>

#include "io/rpc/address.h"
#include "io/rpc/refusals.h"
#include "io/rpc/tls.h"

namespace cromt::rpc {

namespace {

constexpr int kHandshakePatienceMs = 10'000;
// How long a connection without a call is kept: whoever opens one holds memory here.
constexpr int kIdleConnectionMs = 30 * 60 * 1000;

// A port of gRPC's own, which has TLS.
struct TlsPort {
  size_t position = 0;  // among the addresses
  std::string address;
  int port = 0;  // set once the server has started
};

// gRPC says only that it failed; so it is tried before, for the reason.
Result<std::string> Bindable(const std::string& address) {
  CROMT_ASSIGN(const Endpoint endpoint, ResolveEndpoint(address));
  UniqueFd probe(::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.size) != 0 ||
      ::listen(probe.get(), 1) != 0)
    return tl::unexpected<Error>(ErrnoError("can't listen on " + address, errno));
  return FormatAddress(endpoint.address);
}

std::string WithPort(const std::string& address, int port) {
  return address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

}  // namespace

struct Server::Impl {
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::string> addresses;
  std::unique_ptr<grpc::Server> server;
};

Server::Server() : impl_(std::make_unique<Impl>()) {}

Result<std::unique_ptr<Server>> Server::Start(std::vector<grpc::Service*> services,
                                              const std::vector<ListenOptions>& listen,
                                              std::function<void(const std::string&)> refused) {
  std::unique_ptr<Server> server(new Server());
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  std::deque<TlsPort> tls_ports;  // gRPC writes into them when it starts
  Duration connection_age = Duration::max();
  for (const ListenOptions& options : listen) {
    if (options.tls) {
      connection_age = std::min(connection_age, options.connection_age);
      CROMT_ASSIGN(std::string address, Bindable(options.address));
      TlsPort& port = tls_ports.emplace_back(server->impl_->addresses.size(), address);
      builder.AddListeningPort(address, options.tls->OfServer(options.certificates_needed), &port.port);
      server->impl_->addresses.push_back(std::move(address));
      continue;
    }
    CROMT_ASSIGN(auto listener, Listener::Open(options));
    server->impl_->addresses.push_back(listener->address());
    server->impl_->listeners.push_back(std::move(listener));
  }
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // else two programs share a port unseen
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakePatienceMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleConnectionMs);
  if (!tls_ports.empty()) {
    // Without GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS calls that are under way are left alone.
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                               static_cast<int>(std::chrono::ceil<milliseconds>(connection_age).count()));
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
  for (const TlsPort& port : tls_ports) server->impl_->addresses[port.position] = WithPort(port.address, port.port);
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
  return impl_->addresses;
}

}  // namespace cromt::rpc
