#include "coordinator/service/grpc_transport.h"

#include <fmt/format.h>

#include <condition_variable>
#include <map>
#include <thread>
#include <variant>

#include "coordinator/blob_pushes.h"
#include "coordinator/service/agent_channel.h"
#include "coordinator/service/blob_push.h"
#include "coordinator/service/logs_call.h"
#include "coordinator/service/session_call.h"
#include "io/blob/ticket.h"
#include "io/process/mailbox.h"
#include "io/rpc/channel.h"
#include "io/transfer/blob_fetcher.h"

namespace cromt {
namespace {

// A push of which nothing has left for so long is given up.
constexpr Duration kPushPatience = seconds(30);
constexpr Duration kLogsAgain = seconds(1);

// Commands go to one thread, which resolves names and opens channels: both may block, and the engine must not.
class GrpcTransport final : public AgentTransport, private BlobPushes::Edges {
 public:
  GrpcTransport(GrpcTransportOptions options, LogCollector& logs, BlobStore& blobs)
      : options_(std::move(options)),
        logs_(logs),
        blobs_(blobs),
        orders_(static_cast<BlobPushes::Edges&>(*this)),
        fetcher_(blobs, {.insecure = options_.dialing.insecure, .tls = options_.dialing.tls}),
        thread_([this] { Run(); }) {
    rpc::KeepCallbackThreads();
  }
  ~GrpcTransport() override;

  void Dial(const std::string& address, LinkId link) override { inbox_.Post(DialCommand{address, link}); }
  void Close(LinkId link, const std::string&) override;
  void Send(LinkId link, ToAgent message) override;
  void CollectLogs(LinkId link, const MeshId& mesh, const AgentId& agent) override {
    inbox_.Post(CollectCommand{link, mesh, agent});
  }
  void PushBlob(LinkId link, const std::string& address, const Digest& digest,
                const std::optional<LeaseInput>& holder) override {
    inbox_.Post(PushCommand{{link, address, digest, holder}});
  }

  void FetchBlob(const LeaseInput& from, std::function<void(const Status&)> done) override {
    LeaseInput ours = from;
    ours.ticket = MakeTicket(from.artifact.grant, from.artifact.digest, /*consumer=*/{}, /*expires_at=*/std::nullopt);
    fetcher_.Fetch(ours, std::move(done));
  }

 private:
  struct DialCommand {
    std::string address;
    LinkId link = 0;
  };
  struct CollectCommand {
    LinkId link = 0;
    MeshId mesh;
    AgentId agent;
    Mono at{};
  };
  struct ClosedCommand {
    LinkId link = 0;
  };
  struct PushCommand {
    BlobPushes::Order order;
  };
  // The blob of a push was brought here from its holder, or could not be.
  struct FetchedCommand {
    BlobPushes::Order order;
    Status status;
  };
  struct PushedCommand {
    BlobPushes::Order order;
    Status status;
  };
  using Command = std::variant<DialCommand, CollectCommand, ClosedCommand, PushCommand, FetchedCommand, PushedCommand>;
  using PushKey = std::pair<LinkId, std::string>;  // the digest's hash
  static PushKey KeyOf(const BlobPushes::Order& order) { return {order.link, order.digest.sha256}; }
  struct Link {
    std::string address;
    std::shared_ptr<service::SessionCall> session;
    std::shared_ptr<service::LogsCall> logs;
  };

  void Run();
  std::optional<Mono> NextDeadline() const;
  void CheckTimes();
  void DialNow(const DialCommand& command) CROMT_EXCLUDES(mutex_);
  void CollectNow(const CollectCommand& command) CROMT_EXCLUDES(mutex_);
  void Drop(LinkId link) CROMT_EXCLUDES(mutex_);
  void FromLink(EngineInput input);
  std::shared_ptr<service::SessionCall> SessionOf(LinkId link) CROMT_EXCLUDES(mutex_);

  // BlobPushes::Edges, on the thread.
  bool Has(const Digest& digest) override { return blobs_.Has(digest); }
  Status Push(const BlobPushes::Order& order) override CROMT_EXCLUDES(mutex_);
  void CancelPush(const BlobPushes::Order& order) override;
  void Fetch(const BlobPushes::Order& order) override;
  bool IsOpen(LinkId link) override { return SessionOf(link) != nullptr; }
  void Undeliverable(const BlobPushes::Order& order, const Error& why) override;
  void Remove(const Digest& digest) override { (void)blobs_.Remove(digest); }

  const GrpcTransportOptions options_;
  LogCollector& logs_;
  BlobStore& blobs_;
  Mutex mutex_;
  std::map<LinkId, Link> links_ CROMT_GUARDED_BY(mutex_);
  std::condition_variable_any idle_;
  size_t calls_ CROMT_GUARDED_BY(mutex_) = 0;  // sessions, log calls and pushes that are not done
  bool stopping_ CROMT_GUARDED_BY(mutex_) = false;
  Mailbox<Command> inbox_;
  // The thread's own.
  std::vector<CollectCommand> later_;
  BlobPushes orders_;
  std::map<PushKey, std::shared_ptr<service::BlobPush>> pushes_;  // their calls
  BlobFetcher fetcher_;
  std::thread thread_;
};

GrpcTransport::~GrpcTransport() {
  inbox_.Close();
  std::vector<Link> links;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (auto& [id, link] : links_) links.push_back(link);
  }
  for (Link& link : links) {
    link.session->Cancel();
    if (link.logs) link.logs->Cancel();
  }
  thread_.join();
  for (auto& [key, push] : pushes_) push->Cancel();
  // Calls refer to us until they are done.
  std::unique_lock<Mutex> lock(mutex_);
  idle_.wait(lock, [this]() CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) { return calls_ == 0; });
}

void GrpcTransport::Run() {
  while (!inbox_.closed()) {
    for (Command& command : inbox_.WaitAndTakeAll(NextDeadline())) {
      if (auto* dial = std::get_if<DialCommand>(&command)) DialNow(*dial);
      if (auto* collect = std::get_if<CollectCommand>(&command)) later_.push_back(*collect);
      if (auto* push = std::get_if<PushCommand>(&command)) orders_.Ask(push->order);
      if (auto* fetched = std::get_if<FetchedCommand>(&command))
        orders_.Fetched(fetched->order, fetched->status, SystemClock().Read().mono);
      if (auto* pushed = std::get_if<PushedCommand>(&command)) {
        pushes_.erase(KeyOf(pushed->order));
        orders_.Pushed(pushed->order, pushed->status, SystemClock().Read().mono);
      }
      if (auto* closed = std::get_if<ClosedCommand>(&command)) orders_.LinkClosed(closed->link);
    }
    CheckTimes();
    orders_.Serve(SystemClock().Read().mono);
  }
}

std::optional<Mono> GrpcTransport::NextDeadline() const {
  std::optional<Mono> next = orders_.NextDeadline();
  auto at = [&](Mono t) { next = next ? std::min(*next, t) : t; };
  for (const CollectCommand& collect : later_) at(collect.at);
  for (const auto& [key, push] : pushes_) at(push->progress_at() + kPushPatience);
  return next;
}

void GrpcTransport::CheckTimes() {
  Mono now = SystemClock().Read().mono;
  for (const CollectCommand& collect : later_)
    if (collect.at <= now) CollectNow(collect);
  std::erase_if(later_, [&](const CollectCommand& collect) { return collect.at <= now; });
  std::vector<PushKey> stuck;
  for (const auto& [key, push] : pushes_)
    if (push->progress_at() + kPushPatience <= now) stuck.push_back(key);
  for (const PushKey& key : stuck) {
    pushes_.at(key)->Cancel();
    pushes_.erase(key);
  }
}

void GrpcTransport::DialNow(const DialCommand& command) {
  auto opened = service::OpenAgent(options_.dialing, command.address);
  if (!opened) return options_.post(engine_input::LinkClosed{command.link, opened.error().message});
  auto call = std::make_shared<service::SessionCall>(opened->channel, opened->agent, options_.dialing, command.link,
                                                     [this](EngineInput input) { FromLink(std::move(input)); });
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    links_[command.link] = {command.address, call, nullptr};
    ++calls_;
  }
  call->Start();
}

// A session's input on its way to the engine. Its last one also ends what belongs to the link here.
void GrpcTransport::FromLink(EngineInput input) {
  const auto* closed = std::get_if<engine_input::LinkClosed>(&input);
  LinkId link = closed ? closed->link : 0;
  bool last = closed != nullptr;
  options_.post(std::move(input));
  if (!last) return;
  Drop(link);
  inbox_.Post(ClosedCommand{link});
  MutexLock lock(mutex_);
  --calls_;
  idle_.notify_all();
}

void GrpcTransport::Drop(LinkId id) {
  std::shared_ptr<service::LogsCall> logs;
  {
    MutexLock lock(mutex_);
    auto found = links_.find(id);
    if (found == links_.end()) return;
    logs = std::move(found->second.logs);
    links_.erase(found);
  }
  if (logs) logs->Cancel();
}

std::shared_ptr<service::SessionCall> GrpcTransport::SessionOf(LinkId link) {
  MutexLock lock(mutex_);
  auto found = links_.find(link);
  return found == links_.end() ? nullptr : found->second.session;
}

void GrpcTransport::Close(LinkId link, const std::string&) {
  if (auto session = SessionOf(link)) session->Cancel();
}

void GrpcTransport::Send(LinkId link, ToAgent message) {
  if (auto session = SessionOf(link)) session->Send(message);
}

void GrpcTransport::CollectNow(const CollectCommand& command) {
  const LinkId id = command.link;
  std::string address;
  {
    MutexLock lock(mutex_);
    auto found = links_.find(id);
    if (found == links_.end() || found->second.logs) return;
    address = found->second.address;
  }
  auto opened = service::OpenAgent(options_.dialing, address);
  if (!opened) return;  // the session has the same trouble and says so
  auto done = [this, id, command](const std::string& reason) {
    MutexLock lock(mutex_);
    auto found = links_.find(id);
    if (found != links_.end() && !stopping_) {
      found->second.logs.reset();
      if (!reason.empty())
        options_.warn(
            fmt::format("the logs of {} broke off and are asked for again: {}", found->second.address, reason));
      inbox_.Post(CollectCommand{id, command.mesh, command.agent, SystemClock().Read().mono + kLogsAgain});
    }
    --calls_;
    idle_.notify_all();
  };
  auto call = std::make_shared<service::LogsCall>(opened->channel, command.mesh, command.agent, logs_, done);
  {
    MutexLock lock(mutex_);
    auto found = links_.find(id);
    if (found == links_.end() || stopping_) return;
    found->second.logs = call;
    ++calls_;
  }
  call->Start();
}

// ---- Blobs ------------------------------------------------------------------------------------

Status GrpcTransport::Push(const BlobPushes::Order& order) {
  CROMT_ASSIGN(const service::AgentChannel opened, service::OpenAgent(options_.dialing, order.address));
  CROMT_ASSIGN(UniqueFd blob, blobs_.Read(order.digest));
  auto done = [this, order](Status status) {
    inbox_.Post(PushedCommand{order, std::move(status)});
    MutexLock lock(mutex_);
    --calls_;
    idle_.notify_all();
  };
  auto push = std::make_shared<service::BlobPush>(opened.channel, order.digest, std::move(blob), done);
  {
    MutexLock lock(mutex_);
    if (stopping_) return {};
    ++calls_;
  }
  pushes_.emplace(KeyOf(order), push);
  push->Start();
  return {};
}

void GrpcTransport::CancelPush(const BlobPushes::Order& order) {
  if (const auto push = pushes_.find(KeyOf(order)); push != pushes_.end()) push->second->Cancel();
}

void GrpcTransport::Fetch(const BlobPushes::Order& order) {
  FetchBlob(*order.holder, [this, order](const Status& status) { inbox_.Post(FetchedCommand{order, status}); });
}

void GrpcTransport::Undeliverable(const BlobPushes::Order& order, const Error& why) {
  options_.warn(fmt::format("files for {} could not be brought there: {}", order.address, why.message));
  options_.post(engine_input::BlobUndeliverable{order.link, {order.digest, why.message}});
}

}  // namespace

std::unique_ptr<AgentTransport> MakeGrpcTransport(GrpcTransportOptions options, LogCollector& logs, BlobStore& blobs) {
  return std::make_unique<GrpcTransport>(std::move(options), logs, blobs);
}

}  // namespace cromt
