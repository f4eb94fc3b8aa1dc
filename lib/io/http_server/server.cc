#include "io/http_server/server.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <exception>
#include <list>
#include <optional>
#include <set>
#include <thread>

#include "base/unique_fd.h"
#include "io/http_server/tls_side.h"
#include "io/process/workers.h"
#include "io/rpc/address.h"

namespace cromt::http {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr int kBacklog = 1024;
constexpr size_t kReadBytes = 16 << 10;
constexpr int kTurns = 32;  // of one connection, before others have theirs
constexpr Duration kAcceptAgain = milliseconds(100);
constexpr Duration kLingers = seconds(2);
constexpr Duration kLastWords = seconds(1);  // for answers that are under way when the server ends

std::string Date() {
  const time_t now = ::time(nullptr);
  tm utc{};
  ::gmtime_r(&now, &utc);
  char text[64];
  return {text, ::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

std::string Written(const Response& response, bool with_body, bool keep_alive) {
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nConnection: {}\r\n",
      response.status, NameOf(response.status), Date(), response.type, response.body.size(),
      keep_alive ? "keep-alive" : "close");
  for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
  text += "\r\n";
  if (with_body) text += response.body;
  return text;
}

// A connection that still has to show that it wants something stands in this line, oldest first.
class Connection;
using Line = std::list<Connection*>;

Result<UniqueFd> Bind(const ServerOptions& options) {
  CROMT_ASSIGN(const rpc::Endpoint endpoint, rpc::ResolveEndpoint(options.address));
  if (!endpoint.loopback && options.identity.empty() && !options.insecure)
    return Fail(ErrorCode::kInvalid,
                fmt::format("{} is reachable from other hosts, and this would be plaintext. Found a mesh, which brings "
                            "TLS, or listen on 127.0.0.1; --insecure allows it in plaintext",
                            options.address));
  UniqueFd socket(::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int one = 1;
  // Only lets a restarted program have its port back while old connections fade out; two listeners never share one.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.size) != 0 ||
      ::listen(socket.get(), kBacklog) != 0)
    return tl::unexpected<Error>(ErrnoError("can't listen on " + options.address, errno));
  return socket;
}

}  // namespace

struct Loop {
  Loop(ServerOptions given, std::vector<Route> all) : options(std::move(given)), routes(std::move(all)) {}
  void Accept();
  void Take(tcp::socket socket);
  void MakeRoom();
  void Warn(const std::string& why);
  void Gone(const std::shared_ptr<Connection>& connection);
  void Run();
  void Stop();

  const ServerOptions options;
  const std::vector<Route> routes;
  std::string address;
  const SystemClock clock;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::unique_ptr<TlsSide> tls;
  // The loop's own, all of it.
  std::set<std::shared_ptr<Connection>> connections;
  Line line;
  size_t held_bytes = 0;
  size_t answering = 0;
  bool stopping = false;
  Mono warned_at{};
  std::unique_ptr<Workers> answerers;
  std::thread thread;
};

namespace {

// One client. The loop's thread only.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Loop& server, tcp::socket socket, std::unique_ptr<Stream> stream, std::string place)
      : server_(server),
        socket_(std::move(socket)),
        timer_(server.io),
        stream_(std::move(stream)),
        place_(std::move(place)),
        reader_(server.options.limits.request) {}

  void Begin() {
    Enter(Phase::kGreet);
    Run();
  }
  void Close();
  bool asked() const { return phase_ == Phase::kAsked; }
  bool answers() const { return phase_ == Phase::kAsked || phase_ == Phase::kAnswer; }

 private:
  enum class Phase {
    kGreet,
    kIdle,  // no byte of a request
    kHead,
    kBody,
    kLeave,   // telling it to send the body
    kAsked,   // on another thread
    kAnswer,  // writing it
    kLinger,  // until the other side has read the answer, or so it is hoped
    kClosed,
  };
  using Step = Stream::Step;

  bool reads() const { return phase_ == Phase::kIdle || phase_ == Phase::kHead || phase_ == Phase::kBody; }
  Duration Patience() const;
  void Enter(Phase phase);
  void Late();
  void Run();
  void WaitFor(Step step);
  // One thing that can be done at once; or what it has to wait for.
  std::optional<Step> Turn();
  std::optional<Step> Greet();
  std::optional<Step> Read();
  std::optional<Step> Write();
  std::optional<Step> Linger();
  void Parse();
  void HoldBody();
  void Ask();
  void Answer(const Response& response, bool keep_alive);
  void Refuse(int status, std::string_view why) { Answer(Refusal(status, why), false); }
  void EndAnswer();

  Loop& server_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::unique_ptr<Stream> stream_;
  const std::string place_;
  RequestReader reader_;
  Phase phase_ = Phase::kClosed;
  std::optional<Line::iterator> in_line_;
  uint64_t deadline_ = 0;  // the number of the one that counts
  std::string in_;         // has come and is not read
  bool fresh_ = false;     // some of it was not looked at
  size_t held_ = 0;        // of the server's held_bytes
  bool head_only_ = false;
  bool keep_alive_ = false;
  std::string out_;
  size_t sent_ = 0;
};

Duration Connection::Patience() const {
  const Limits& limits = server_.options.limits;
  switch (phase_) {
    case Phase::kGreet:
    case Phase::kHead: return limits.head;
    case Phase::kIdle: return limits.idle;
    case Phase::kBody: return limits.body;
    case Phase::kLinger: return kLingers;
    default: return limits.write;
  }
}

void Connection::Enter(Phase phase) {
  phase_ = phase;
  const bool waits = phase == Phase::kGreet || phase == Phase::kIdle || phase == Phase::kHead;
  if (waits && !in_line_) {
    in_line_ = server_.line.insert(server_.line.end(), this);
  } else if (!waits && in_line_) {
    server_.line.erase(*in_line_);
    in_line_.reset();
  }
  const uint64_t number = ++deadline_;
  if (phase == Phase::kClosed || phase == Phase::kAsked) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(Patience());
  timer_.async_wait([self = shared_from_this(), number](error_code error) {
    if (!error && number == self->deadline_) self->Late();
  });
}

void Connection::Late() {
  if (phase_ != Phase::kHead && phase_ != Phase::kBody) return Close();
  Refuse(408, "the request took too long");
  Run();
}

void Connection::Close() {
  if (phase_ == Phase::kClosed) return;
  Enter(Phase::kClosed);
  HoldBody();
  error_code ignored;
  socket_.close(ignored);
  server_.Gone(shared_from_this());
}

// Counts what it holds of a body, or has let go of.
void Connection::HoldBody() {
  const size_t now = phase_ == Phase::kBody ? reader_.body_bytes() : phase_ == Phase::kAsked ? held_ : 0;
  server_.held_bytes += now;
  server_.held_bytes -= held_;
  held_ = now;
}

void Connection::Run() {
  for (int turn = 0; phase_ != Phase::kClosed && phase_ != Phase::kAsked; ++turn) {
    if (turn == kTurns) return asio::post(server_.io, [self = shared_from_this()] { self->Run(); });
    if (const auto step = Turn()) return WaitFor(*step);
  }
}

void Connection::WaitFor(Step step) {
  const auto direction = step == Step::kNeedsInput ? tcp::socket::wait_read : tcp::socket::wait_write;
  const Phase phase = phase_;
  socket_.async_wait(direction, [self = shared_from_this(), phase](error_code error) {
    // Since then it may have been closed, or be answering that it came too late.
    if (!error && self->phase_ == phase) self->Run();
  });
}

std::optional<Stream::Step> Connection::Turn() {
  switch (phase_) {
    case Phase::kGreet: return Greet();
    case Phase::kIdle:
    case Phase::kHead:
    case Phase::kBody: return Read();
    case Phase::kLeave:
    case Phase::kAnswer: return Write();
    case Phase::kLinger: return Linger();
    default: return std::nullopt;
  }
}

std::optional<Stream::Step> Connection::Greet() {
  const Step step = stream_->Greet();
  if (step == Step::kNeedsInput || step == Step::kNeedsOutput) return step;
  step == Step::kMoved ? Enter(Phase::kIdle) : Close();
  return std::nullopt;
}

std::optional<Stream::Step> Connection::Read() {
  if (fresh_) {
    Parse();
    return std::nullopt;
  }
  char bytes[kReadBytes];
  const Stream::Move move = stream_->Read(bytes, sizeof bytes);
  if (move.step == Step::kEnded) {
    Close();
    return std::nullopt;
  }
  if (move.step != Step::kMoved) return move.step;
  in_.append(bytes, move.bytes);
  fresh_ = true;
  return std::nullopt;
}

void Connection::Parse() {
  if (phase_ == Phase::kIdle) Enter(Phase::kHead);
  in_.erase(0, reader_.Put(in_));
  if (in_.empty()) in_ = {};
  fresh_ = false;
  const auto state = reader_.state();
  if (state == RequestReader::State::kBad) return Refuse(reader_.problem().status, reader_.problem().why);
  if (state == RequestReader::State::kHead) return;
  const bool begins = phase_ == Phase::kHead;
  if (begins) Enter(Phase::kBody);
  HoldBody();
  if (server_.held_bytes > server_.options.limits.held_bytes) return Refuse(503, "too much is being sent here already");
  if (state == RequestReader::State::kDone) return Ask();
  if (!begins || !reader_.wants_leave()) return;
  out_ = "HTTP/1.1 100 Continue\r\n\r\n";
  sent_ = 0;
  Enter(Phase::kLeave);
}

void Connection::Ask() {
  const bool keep_alive = reader_.keep_alive() && !server_.stopping;
  const auto request = std::make_shared<Request>(reader_.Take());
  request->place = place_;
  head_only_ = request->method == "HEAD";
  const Routed found = Find(server_.routes, *request);
  if (!found.route) return Answer(found.refusal, keep_alive);
  auto answer = [request, route = found.route, parts = found.parts]() -> Response {
    try {
      return route->answer(*request, parts);
    } catch (const std::exception&) {
      return Refusal(500, "this could not be answered");
    }
  };
  if (!found.route->waits) return Answer(answer(), keep_alive);
  if (server_.answering >= server_.options.limits.answering) {
    Response busy = Refusal(503, "too many requests wait here already");
    busy.headers.emplace_back("Retry-After", "1");
    return Answer(busy, keep_alive);
  }
  ++server_.answering;
  Enter(Phase::kAsked);
  server_.answerers->Do([self = shared_from_this(), answer = std::move(answer), keep_alive](std::stop_token) {
    asio::post(self->server_.io, [self, response = answer(), keep_alive] {
      --self->server_.answering;
      if (self->phase_ != Phase::kAsked) return;
      self->Answer(response, keep_alive);
      self->Run();
    });
  });
}

void Connection::Answer(const Response& response, bool keep_alive) {
  keep_alive_ = keep_alive && !server_.stopping;
  out_ = Written(response, !head_only_, keep_alive_);
  sent_ = 0;
  Enter(Phase::kAnswer);
  HoldBody();
}

std::optional<Stream::Step> Connection::Write() {
  const Stream::Move move = stream_->Write(std::string_view(out_).substr(sent_));
  if (move.step == Step::kNeedsInput || move.step == Step::kNeedsOutput) return move.step;
  if (move.step == Step::kEnded) {
    Close();
    return std::nullopt;
  }
  sent_ += move.bytes;
  if (sent_ == out_.size()) EndAnswer();
  return std::nullopt;
}

void Connection::EndAnswer() {
  out_ = {};
  if (phase_ == Phase::kLeave) return Enter(Phase::kBody);
  head_only_ = false;
  if (keep_alive_ && !server_.stopping) {
    fresh_ = !in_.empty();
    return Enter(Phase::kIdle);
  }
  // Closing while something unread has come would take the answer back before the client has seen it.
  stream_->EndWriting();
  Enter(Phase::kLinger);
}

std::optional<Stream::Step> Connection::Linger() {
  char bytes[kReadBytes];
  const ssize_t count = ::recv(socket_.native_handle(), bytes, sizeof bytes, 0);
  if (count > 0) return std::nullopt;
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return Step::kNeedsInput;
  Close();
  return std::nullopt;
}

}  // namespace

// ---- The server ---------------------------------------------------------------------------------

void Loop::Warn(const std::string& why) {
  const Mono now = clock.Read().mono;
  if (!options.warn || now - warned_at < seconds(1)) return;
  warned_at = now;
  options.warn(why);
}

void Loop::Accept() {
  acceptor.async_accept([this](error_code error, tcp::socket socket) {
    if (stopping || error == asio::error::operation_aborted) return;
    if (!error) {
      Take(std::move(socket));
      return Accept();
    }
    if (error == asio::error::connection_aborted) return Accept();
    Warn("HTTP: can't accept a connection: " + error.message());
    pause.expires_after(kAcceptAgain);  // out of descriptors: it stays pending, so don't spin on it
    pause.async_wait([this](error_code ended) {
      if (!ended) Accept();
    });
  });
}

void Loop::Take(tcp::socket socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;  // gone already
  socket.non_blocking(true, error);
  socket.set_option(tcp::no_delay(true), error);
  MakeRoom();
  const int descriptor = socket.native_handle();
  if (connections.size() >= options.limits.connections) {
    Warn("HTTP: all connections are busy; a new one was refused");
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n";
    if (!tls) ::send(descriptor, kBusy.data(), kBusy.size(), MSG_NOSIGNAL);
    return;
  }
  std::string problem;
  auto stream = tls ? tls->Accept(descriptor, clock.Read().mono, problem) : PlainStream(descriptor);
  if (!problem.empty()) Warn("HTTP: " + problem);
  if (!stream) return;
  auto connection =
      std::make_shared<Connection>(*this, std::move(socket), std::move(stream), peer.address().to_string(error));
  connections.insert(connection);
  connection->Begin();
}

void Loop::MakeRoom() {
  if (connections.size() < options.limits.connections || line.empty()) return;
  Warn("HTTP: there are too many connections; the one that has waited longest without a request makes room");
  line.front()->Close();
}

void Loop::Gone(const std::shared_ptr<Connection>& connection) {
  connections.erase(connection);
  if (stopping && connections.empty()) io.stop();
}

void Loop::Run() {
  ::pthread_setname_np(::pthread_self(), "http");
  sigset_t all;  // others take them; and OpenSSL writes without MSG_NOSIGNAL
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  const auto goes_on = asio::make_work_guard(io);  // also while all that it has to do is on other threads
  io.run();
}

void Loop::Stop() {
  asio::post(io, [this] {
    stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    pause.cancel();
    const auto all = connections;
    for (const auto& connection : all)
      if (!connection->answers()) connection->Close();
  });
  answerers.reset();  // whose answers are posted then
  asio::post(io, [this] {
    const auto all = connections;
    for (const auto& connection : all)
      if (connection->asked()) connection->Close();  // nobody came to it
    if (connections.empty()) return io.stop();
    pause.expires_after(kLastWords);
    pause.async_wait([this](error_code) { io.stop(); });
  });
  thread.join();
}

Server::Server(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

Server::~Server() {
  loop_->Stop();
}

const std::string& Server::address() const {
  return loop_->address;
}

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, std::vector<Route> routes) {
  auto loop = std::make_unique<Loop>(std::move(options), std::move(routes));
  if (!loop->options.identity.empty()) {
    CROMT_ASSIGN(loop->tls, TlsSide::Open(loop->options.identity));
  }
  CROMT_ASSIGN(UniqueFd socket, Bind(loop->options));
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  loop->address = rpc::FormatAddress(bound);
  error_code error;
  loop->acceptor.assign(bound.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), socket.get(), error);
  if (error) return Fail(ErrorCode::kInternal, "can't listen on " + loop->address + ": " + error.message());
  (void)socket.release();
  loop->answerers = std::make_unique<Workers>("http-answer", loop->options.limits.answerers);
  loop->Accept();
  loop->thread = std::thread([raw = loop.get()] { raw->Run(); });
  return std::unique_ptr<Server>(new Server(std::move(loop)));
}

}  // namespace cromt::http
