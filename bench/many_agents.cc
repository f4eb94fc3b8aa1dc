// Many agents in one process, each on a loopback port of its own, for measuring a coordinator: they take its sessions
// over real gRPC, and say of each lease at once that its job has started and exited with 0. Nothing runs, nothing is
// kept; with a new process they have new journals.
//
//   many_agents COUNT      prints {"addresses": […]}; then, whenever the number of sessions that are live (their state
//                          is exchanged, so leases may follow) reaches COUNT, {"live_at": seconds of CLOCK_MONOTONIC}
//   many_agents COUNT COORDINATOR FINGERPRINT FOLDER
//                          the same as members of a mesh, agent0, agent1, …: reads the token of each one's invitation,
//                          a line each, has each join, with its keys in FOLDER, and serves by mutual TLS
//
// SIGUSR1 breaks all sessions. Ends when its standard input does.
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service/membership_client.h"
#include "base/thread_annotations.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "core/lease.h"
#include "cromt/v1/agent.grpc.pb.h"
#include "io/config/read_file.h"
#include "io/pki/certificate.h"
#include "io/process/data_dir.h"
#include "io/rpc/prepare.h"

namespace cromt {
namespace {

constexpr uint32_t kSlots = 64;

[[noreturn]] void Die(const std::string& why) {
  fmt::print(stderr, "many_agents: {}\n", why);
  std::exit(1);
}

class SessionReactor;

// All sessions, by the agent. Thread-safe.
class Sessions {
 public:
  explicit Sessions(size_t count) : count_(count), sequences_(count) {}

  // By the descriptor of its connection, which is how gRPC names the other end of what was accepted for it.
  void Connected(int fd, size_t agent) CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    agent_of_fd_[fd] = agent;
  }
  size_t AgentOf(const std::string& peer) CROMT_EXCLUDES(mutex_) {
    int fd = -1;
    const std::string_view number = std::string_view(peer).substr(peer.find(':') + 1);
    std::from_chars(number.data(), number.data() + number.size(), fd);
    MutexLock lock(mutex_);
    const auto found = agent_of_fd_.find(fd);
    if (found == agent_of_fd_.end()) Die("a call from nowhere: " + peer);
    return found->second;
  }

  void Opened(SessionReactor* session) CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    open_.insert(session);
  }
  void Closed(SessionReactor* session, bool was_live) CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    open_.erase(session);
    if (was_live) --live_;
  }
  void Live() CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (++live_ != count_) return;
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    fmt::print("{{\"live_at\": {:.6f}}}\n", std::chrono::duration<double>(now).count());
    std::fflush(stdout);
  }
  // For a report of this agent. Takes no lock: sessions call it with theirs held, and ForEach takes theirs.
  uint64_t NextSequence(size_t agent) { return ++sequences_[agent]; }
  template <class F>
  void ForEach(F f) CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    for (SessionReactor* session : open_) f(*session);
  }

 private:
  const size_t count_;
  std::deque<std::atomic<uint64_t>> sequences_;
  Mutex mutex_;
  std::map<int, size_t> agent_of_fd_ CROMT_GUARDED_BY(mutex_);
  std::set<SessionReactor*> open_ CROMT_GUARDED_BY(mutex_);
  size_t live_ CROMT_GUARDED_BY(mutex_) = 0;
};

// One Session call. What is to be said gathers in one message while the one before is being written.
class SessionReactor final : public grpc::ServerBidiReactor<v1::ToAgent, v1::FromAgent> {
 public:
  SessionReactor(Sessions& sessions, size_t agent) : sessions_(sessions), agent_(agent) {
    sessions_.Opened(this);
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return End(grpc::Status::CANCELLED);
    {
      MutexLock lock(mutex_);
      Answer();
      WriteIfFree();
    }
    if (incoming_.verdicts_done()) {
      live_ = true;
      sessions_.Live();
    }
    StartRead(&incoming_);
  }
  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    if (ok) WriteIfFree();
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override {
    sessions_.Closed(this, live_);
    delete this;
  }

  void Beat() {
    MutexLock lock(mutex_);
    if (!greeted_) return;
    waiting_.set_heartbeat(++heartbeat_);
    WriteIfFree();
  }
  void End(const grpc::Status& status) {
    MutexLock lock(mutex_);
    if (!std::exchange(finished_, true)) Finish(status);
  }

 private:
  void Answer() CROMT_REQUIRES(mutex_) {
    if (incoming_.has_hello()) {
      v1::FromAgent::Hello& hello = *waiting_.mutable_hello();
      hello.set_agent(fmt::format("agent{}", agent_));
      hello.set_journal(fmt::format("journal{}-{}", agent_, ::getpid()));
      hello.set_boot("boot");
      hello.set_protocol(incoming_.hello().protocol());
      hello.set_slots(kSlots);
      waiting_.set_inventory_done(true);
      waiting_.set_heartbeat(++heartbeat_);
      greeted_ = true;
    }
    for (const v1::ToAgent::Lease& lease : incoming_.leases()) {
      v1::FromAgent::Report& report = *waiting_.add_reports();
      report.set_sequence(sessions_.NextSequence(agent_));
      *report.mutable_id() = lease.id();
      v1::AttemptResult& result = *report.mutable_ended();
      const int64_t now = Micros(SystemClock().Read().wall);
      result.set_kind(v1::AttemptResult::EXITED);
      result.mutable_status()->set_code(0);
      result.set_started_at_us(now);
      result.set_ended_at_us(now);
    }
  }
  void WriteIfFree() CROMT_REQUIRES(mutex_) {
    if (writing_ || finished_ || waiting_.ByteSizeLong() == 0) return;
    outgoing_.Swap(&waiting_);
    waiting_.Clear();
    writing_ = true;
    StartWrite(&outgoing_);
  }

  Sessions& sessions_;
  const size_t agent_;
  v1::ToAgent incoming_;
  bool live_ = false;
  Mutex mutex_;
  v1::FromAgent outgoing_;
  v1::FromAgent waiting_ CROMT_GUARDED_BY(mutex_);
  uint64_t heartbeat_ CROMT_GUARDED_BY(mutex_) = 0;
  bool greeted_ CROMT_GUARDED_BY(mutex_) = false;
  bool writing_ CROMT_GUARDED_BY(mutex_) = false;
  bool finished_ CROMT_GUARDED_BY(mutex_) = false;
};

// Stays open and says nothing: there is no output.
class LogsReactor final : public grpc::ServerBidiReactor<v1::LogCredit, v1::LogBatch> {
 public:
  LogsReactor() { StartRead(&incoming_); }
  void OnReadDone(bool ok) override {
    if (ok) return StartRead(&incoming_);
    Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  v1::LogCredit incoming_;
};

class Service final : public v1::AgentService::CallbackService {
 public:
  // Without `agent`: whose the connection is.
  explicit Service(Sessions& sessions, std::optional<size_t> agent = {}) : sessions_(sessions), agent_(agent) {}
  grpc::ServerBidiReactor<v1::ToAgent, v1::FromAgent>* Session(grpc::CallbackServerContext* context) override {
    return new SessionReactor(sessions_, agent_ ? *agent_ : sessions_.AgentOf(context->peer()));
  }
  grpc::ServerBidiReactor<v1::LogCredit, v1::LogBatch>* CollectLogs(grpc::CallbackServerContext*) override {
    return new LogsReactor;
  }

 private:
  Sessions& sessions_;
  const std::optional<size_t> agent_;
};

UniqueFd Listen(int& port) {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (!listener || ::bind(listener.get(), plain, size) != 0 || ::listen(listener.get(), 16) != 0 ||
      ::getsockname(listener.get(), plain, &size) != 0)
    Die("can't listen");
  port = ntohs(address.sin_port);
  return listener;
}

void Accept(int listener, size_t agent, Sessions& sessions, grpc::Server& server) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  sessions.Connected(fd, agent);
  grpc::AddInsecureChannelFromFd(&server, fd);
}

// Until standard input ends: connections, heartbeats, and SIGUSR1.
void Serve(const std::vector<UniqueFd>& listeners, int signals, Sessions& sessions, grpc::Server* server) {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  const auto watch = [&](int fd, uint64_t who) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = who;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl");
  };
  for (size_t agent = 0; agent < listeners.size(); ++agent) watch(listeners[agent].get(), agent);
  watch(signals, listeners.size());
  watch(STDIN_FILENO, listeners.size() + 1);
  const SystemClock clock;
  for (Mono beat = clock.Read().mono + kHeartbeatInterval;;) {
    const auto left = std::chrono::ceil<milliseconds>(beat - clock.Read().mono).count();
    epoll_event events[64];
    const int got = ::epoll_wait(epoll.get(), events, std::size(events), static_cast<int>(std::max<int64_t>(left, 0)));
    for (int i = 0; i < got; ++i) {
      const uint64_t who = events[i].data.u64;
      if (who < listeners.size()) Accept(listeners[who].get(), who, sessions, *server);
      if (who == listeners.size()) {
        signalfd_siginfo info;
        if (::read(signals, &info, sizeof info) < 0) Die("signalfd");
        sessions.ForEach([](SessionReactor& session) { session.End({grpc::StatusCode::UNAVAILABLE, "broken"}); });
      }
      if (who == listeners.size() + 1) return;
    }
    if (clock.Read().mono < beat) continue;
    sessions.ForEach([](SessionReactor& session) { session.Beat(); });
    beat += kHeartbeatInterval;
  }
}

// As a certificate shows it, for gRPC itself: nobody renews anything here, and so no files are watched.
std::shared_ptr<grpc::ServerCredentials> CredentialsOf(const MemberFiles& files) {
  const auto identity = ReadFile(files.identity(), pki::kMostPemBytes);
  const auto authorities = ReadFile(files.authorities(), pki::kMostPemBytes);
  const auto key = identity ? pki::KeyOf(*identity) : tl::unexpected(identity.error());
  if (!key || !authorities) Die("no identity in " + files.folder());
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = *authorities;
  options.pem_key_cert_pairs = {{*key, identity->substr(identity->find("-----BEGIN CERTIFICATE"))}};
  return grpc::SslServerCredentials(options);
}

struct MeshToJoin {
  std::string coordinator, fingerprint, folder;
};

struct MemberServer {
  std::unique_ptr<Service> service;
  std::unique_ptr<grpc::Server> server;
};

// Each has a certificate, and so a server, of its own.
std::vector<MemberServer> JoinAll(const MeshToJoin& mesh, std::vector<UniqueFd> listeners,
                                  const std::vector<std::string>& addresses, Sessions& sessions) {
  std::vector<MemberServer> servers;
  for (size_t agent = 0; agent < addresses.size(); ++agent) {
    const std::string name = fmt::format("agent{}", agent), folder = mesh.folder + "/" + name;
    std::string token;
    if (!std::getline(std::cin, token) || !MakeDirs(folder)) Die("no token for " + name + ", or no folder");
    const MemberFiles files(folder);
    if (auto joined = Join({mesh.coordinator, mesh.fingerprint, name, token}, files); !joined)
      Die(joined.error().message);
    listeners[agent].reset();
    MemberServer one{std::make_unique<Service>(sessions, agent), nullptr};
    grpc::ServerBuilder builder;
    builder.AddListeningPort(addresses[agent], CredentialsOf(files));
    builder.RegisterService(one.service.get());
    one.server = builder.BuildAndStart();
    if (!one.server) Die("can't serve at " + addresses[agent]);
    servers.push_back(std::move(one));
  }
  return servers;
}

void AllowManyFiles() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

int Main(size_t count, const std::optional<MeshToJoin>& mesh) {
  AllowManyFiles();
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  const UniqueFd signals(::signalfd(-1, &blocked, SFD_CLOEXEC));

  Sessions sessions(count);
  std::vector<UniqueFd> listeners;
  std::vector<std::string> addresses;
  for (size_t agent = 0; agent < count; ++agent) {
    int port = 0;
    listeners.push_back(Listen(port));
    addresses.push_back(fmt::format("127.0.0.1:{}", port));
  }
  fmt::print("{{\"addresses\": [\"{}\"]}}\n", fmt::join(addresses, "\", \""));
  std::fflush(stdout);
  if (mesh) {
    const auto servers = JoinAll(*mesh, std::move(listeners), addresses, sessions);
    Serve({}, signals.get(), sessions, nullptr);
  } else {
    Service service(sessions);
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(4 << 20);
    builder.RegisterService(&service);
    const auto server = builder.BuildAndStart();
    Serve(listeners, signals.get(), sessions, server.get());
  }
  std::_Exit(0);  // whoever has sessions sees them break, as with a host that goes down
}

}  // namespace
}  // namespace cromt

int main(int argc, char** argv) {
  cromt::rpc::Prepare();
  size_t count = 0;
  const std::string_view text = argc > 1 ? argv[1] : "";
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || last != text.data() + text.size() || count == 0 || (argc != 2 && argc != 5)) {
    std::fputs("usage: many_agents COUNT [COORDINATOR FINGERPRINT FOLDER]\n", stderr);
    return 2;
  }
  if (argc == 2) return cromt::Main(count, {});
  return cromt::Main(count, cromt::MeshToJoin{argv[2], argv[3], argv[4]});
}
