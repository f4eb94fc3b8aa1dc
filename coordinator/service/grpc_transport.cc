#include "coordinator/service/grpc_transport.h"

#include <fmt/format.h>

#include <condition_variable>
#include <map>
#include <set>
#include <thread>
#include <variant>

#include "coordinator/service/logs_call.h"
#include "coordinator/service/session_call.h"
#include "io/process/mailbox.h"
#include "io/rpc/channel.h"

namespace cromt {
namespace {

constexpr size_t kBlobChunk = 256 << 10;
constexpr auto kBlobPatience = std::chrono::minutes(10);
constexpr Duration kLogsAgain = seconds(1);

// Commands go to one thread, which resolves names and opens channels: both may block, and the engine must not.
class GrpcTransport final : public AgentTransport {
 public:
  GrpcTransport(GrpcTransportOptions options, LogCollector& logs, BlobStore& blobs)
      : options_(std::move(options)), logs_(logs), blobs_(blobs), thread_([this] { Run(); }), blob_thread_([this] {
          RunBlobs();
        }) {
    rpc::KeepCallbackThreads();
  }
  ~GrpcTransport() override;

  void Dial(const std::string& address, LinkId link) override { inbox_.Post(DialCommand{address, link}); }
  void Close(LinkId link, const std::string&) override;
  void Send(LinkId link, ToAgent message) override;
  void CollectLogs(LinkId link, const MeshId& mesh) override { inbox_.Post(CollectCommand{link, mesh}); }
  void PushBlob(LinkId link, const std::string& address, const Digest& digest) override;

 private:
  struct DialCommand {
    std::string address;
    LinkId link = 0;
  };
  struct CollectCommand {
    LinkId link = 0;
    MeshId mesh;
    Mono at{};
  };
  struct ClosedCommand {
    LinkId link = 0;
  };
  using Command = std::variant<DialCommand, CollectCommand, ClosedCommand>;
  struct BlobJob {
    LinkId link = 0;
    std::string address;
    Digest digest;
  };
  struct Link {
    std::string address;
    std::shared_ptr<service::SessionCall> session;
    std::shared_ptr<service::LogsCall> logs;
  };

  void Run();
  void RunBlobs();
  // Lets the destructor break off the push under way.
  struct PushGuard {
    PushGuard(GrpcTransport& t, grpc::ClientContext& context) : transport(t) {
      MutexLock lock(transport.mutex_);
      transport.push_ = &context;
      if (transport.stopping_) context.TryCancel();
    }
    ~PushGuard() {
      MutexLock lock(transport.mutex_);
      transport.push_ = nullptr;
    }
    GrpcTransport& transport;
  };
  void DialNow(const DialCommand& command) CROMT_EXCLUDES(mutex_);
  void CollectNow(LinkId link, const MeshId& mesh) CROMT_EXCLUDES(mutex_);
  void Drop(LinkId link) CROMT_EXCLUDES(mutex_);
  void FromLink(EngineInput input);
  Status Push(const BlobJob& job);
  std::shared_ptr<service::SessionCall> SessionOf(LinkId link) CROMT_EXCLUDES(mutex_);

  const GrpcTransportOptions options_;
  LogCollector& logs_;
  BlobStore& blobs_;
  Mutex mutex_;
  std::map<LinkId, Link> links_ CROMT_GUARDED_BY(mutex_);
  std::set<std::pair<LinkId, std::string>> pushing_ CROMT_GUARDED_BY(mutex_);
  std::condition_variable_any idle_;
  size_t calls_ CROMT_GUARDED_BY(mutex_) = 0;  // sessions and log calls that are not done
  bool stopping_ CROMT_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* push_ CROMT_GUARDED_BY(mutex_) = nullptr;
  Mailbox<Command> inbox_;
  Mailbox<BlobJob> blob_inbox_;
  std::thread thread_;
  std::thread blob_thread_;
};

GrpcTransport::~GrpcTransport() {
  inbox_.Close();
  blob_inbox_.Close();
  std::vector<Link> links;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (push_) push_->TryCancel();
    for (auto& [id, link] : links_) links.push_back(link);
  }
  for (Link& link : links) {
    link.session->Cancel();
    if (link.logs) link.logs->Cancel();
  }
  thread_.join();
  blob_thread_.join();
  // Calls refer to us until they are done.
  std::unique_lock<Mutex> lock(mutex_);
  idle_.wait(lock, [this]() CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) { return calls_ == 0; });
}

void GrpcTransport::Run() {
  std::vector<CollectCommand> later;
  while (!inbox_.closed()) {
    std::optional<Mono> deadline;
    for (const CollectCommand& collect : later) deadline = deadline ? std::min(*deadline, collect.at) : collect.at;
    for (Command& command : inbox_.WaitAndTakeAll(deadline)) {
      if (auto* dial = std::get_if<DialCommand>(&command)) DialNow(*dial);
      if (auto* collect = std::get_if<CollectCommand>(&command)) later.push_back(*collect);
      if (auto* closed = std::get_if<ClosedCommand>(&command)) Drop(closed->link);
    }
    Mono now = SystemClock().Read().mono;
    for (const CollectCommand& collect : later)
      if (collect.at <= now) CollectNow(collect.link, collect.mesh);
    std::erase_if(later, [&](const CollectCommand& collect) { return collect.at <= now; });
  }
}

void GrpcTransport::DialNow(const DialCommand& command) {
  auto channel = rpc::OpenChannel(command.address, {options_.insecure});
  if (!channel) return options_.post(engine_input::LinkClosed{command.link, channel.error().message});
  auto call = std::make_shared<service::SessionCall>(*channel, command.link,
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

void GrpcTransport::CollectNow(LinkId id, const MeshId& mesh) {
  std::string address;
  {
    MutexLock lock(mutex_);
    auto found = links_.find(id);
    if (found == links_.end() || found->second.logs) return;
    address = found->second.address;
  }
  auto channel = rpc::OpenChannel(address, {options_.insecure});
  if (!channel) return;  // the session has the same trouble and says so
  auto done = [this, id, mesh](const std::string& reason) {
    MutexLock lock(mutex_);
    auto found = links_.find(id);
    if (found != links_.end() && !stopping_) {
      found->second.logs.reset();
      if (!reason.empty())
        options_.warn(
            fmt::format("the logs of {} broke off and are asked for again: {}", found->second.address, reason));
      inbox_.Post(CollectCommand{id, mesh, SystemClock().Read().mono + kLogsAgain});
    }
    --calls_;
    idle_.notify_all();
  };
  auto call = std::make_shared<service::LogsCall>(*channel, mesh, logs_, done);
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

void GrpcTransport::PushBlob(LinkId link, const std::string& address, const Digest& digest) {
  {
    MutexLock lock(mutex_);
    if (!pushing_.emplace(link, digest.sha256).second) return;
  }
  blob_inbox_.Post({link, address, digest});
}

void GrpcTransport::RunBlobs() {
  while (!blob_inbox_.closed())
    for (const BlobJob& job : blob_inbox_.WaitAndTakeAll(std::nullopt)) {
      if (blob_inbox_.closed()) return;
      if (auto pushed = Push(job); !pushed)
        options_.warn(fmt::format("files for {} could not be brought there: {}", job.address, pushed.error().message));
      MutexLock lock(mutex_);
      pushing_.erase({job.link, job.digest.sha256});
    }
}

Status GrpcTransport::Push(const BlobJob& job) {
  CROMT_ASSIGN(auto channel, rpc::OpenChannel(job.address, {options_.insecure}));
  CROMT_ASSIGN(UniqueFd blob, blobs_.Read(job.digest));
  auto stub = v1::AgentService::NewStub(channel);
  grpc::ClientContext context;
  PushGuard guard(*this, context);
  context.set_deadline(std::chrono::system_clock::now() + kBlobPatience);
  v1::PutBlobResponse response;
  auto writer = stub->PutBlob(&context, &response);
  v1::BlobChunk chunk;
  wire::ToProto(job.digest, *chunk.mutable_digest());
  std::string buffer(kBlobChunk, '\0');
  for (bool more = true; more;) {
    ssize_t n = ::read(blob.get(), buffer.data(), buffer.size());
    if (n < 0) return tl::unexpected<Error>(ErrnoError("can't read a blob", errno));
    more = n > 0;
    if (!more && !chunk.has_digest()) break;  // an empty blob still needs its first chunk
    chunk.set_data(buffer.data(), static_cast<size_t>(n));
    if (!writer->Write(chunk)) break;  // Finish says why
    chunk.clear_digest();
  }
  writer->WritesDone();
  grpc::Status status = writer->Finish();
  if (!status.ok()) return tl::unexpected<Error>(rpc::FromStatus(status));
  return {};
}

}  // namespace

std::unique_ptr<AgentTransport> MakeGrpcTransport(GrpcTransportOptions options, LogCollector& logs, BlobStore& blobs) {
  return std::make_unique<GrpcTransport>(std::move(options), logs, blobs);
}

}  // namespace cromt
