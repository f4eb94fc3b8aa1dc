#include "io/transfer/blob_fetcher.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "cromt/v1/agent.grpc.pb.h"
#include "io/rpc/channel.h"
#include "io/rpc/status.h"
#include "io/rpc/tls.h"
#include "io/transfer/arrival.h"
#include "io/transfer/blob_line_fetch.h"
#include "io/wire/task.h"

namespace cromt {
namespace {

constexpr int kReadAheadBytes = 4 << 20;  // in gRPC

// The call by gRPC, of a holder that does not know the blob line.
class GrpcFetch final : public Arrival, public grpc::ClientReadReactor<v1::BlobChunk> {
 public:
  GrpcFetch(std::shared_ptr<grpc::Channel> channel, const LeaseInput& from, BlobWriter& writer)
      : Arrival(writer, from.artifact.digest.size_bytes), stub_(v1::AgentService::NewStub(std::move(channel))) {
    wire::ToProto(from.artifact.digest, *request_.mutable_digest());
    wire::ToProto(from.ticket, *request_.mutable_ticket());
    request_.set_agent(from.holder.text());
    request_.set_offset(writer.size_bytes());
  }

  // It lives until the call is over, at least.
  static std::shared_ptr<GrpcFetch> Start(std::shared_ptr<GrpcFetch> fetch) {
    fetch->self_ = fetch;
    fetch->stub_->async()->GetBlob(&fetch->context_, &fetch->request_, fetch.get());
    fetch->AddHold();  // until a read has failed: reads are also started outside of its callbacks
    fetch->StartRead(&fetch->chunk_);
    fetch->StartCall();
    return fetch;
  }

  void OnReadDone(bool ok) override {
    if (!ok) return RemoveHold();
    if (Came(std::move(*chunk_.mutable_data()))) StartRead(&chunk_);
  }
  void OnDone(const grpc::Status& status) override {
    const auto self = std::move(self_);  // whoever waits may let go of it first
    Ended(status.ok() ? Status() : tl::unexpected(rpc::FromStatus(status)));
  }

 private:
  void Cancel() override { context_.TryCancel(); }
  void GoOn() override { StartRead(&chunk_); }

  std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  v1::GetBlobRequest request_;
  v1::BlobChunk chunk_;
  std::shared_ptr<GrpcFetch> self_;
};

}  // namespace

BlobFetcher::BlobFetcher(BlobStore& store, Options options) : store_(store), options_(options) {}

BlobFetcher::~BlobFetcher() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    threads = std::move(threads_);
    changed_.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& [hash, waiting] : done_)
    for (const auto& done : waiting) done(Fail(ErrorCode::kUnavailable, "the program is stopping"));
}

void BlobFetcher::Fetch(const LeaseInput& from, std::function<void(const Status&)> done) {
  MutexLock lock(mutex_);
  done_[from.artifact.digest.sha256].push_back(std::move(done));
  if (!line_.Add(from)) return;
  if (idle_ > 0)
    changed_.notify_all();
  else if (threads_.size() < FetchLine::kAtOnce && !stopping_)
    threads_.emplace_back([this] { Run(); });
}

void BlobFetcher::Run() CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) {
  rpc::KeepCallbackThreads();
  for (;;) {
    LeaseInput from;
    {
      std::unique_lock<Mutex> lock(mutex_);
      ++idle_;
      changed_.wait(
          lock, [this]() CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) { return stopping_ || line_.has_next(); });
      --idle_;
      if (stopping_) return;
      from = *line_.Next();
    }
    Status fetched = FetchNow(from);
    Done waiting;
    {
      MutexLock lock(mutex_);
      waiting = std::move(done_.extract(from.artifact.digest.sha256).mapped());
      line_.Done(from.artifact.digest);
      changed_.notify_all();
    }
    for (const auto& done : waiting) done(fetched);
  }
}

// False if the fetcher is being stopped.
bool BlobFetcher::Pause(Duration time) {
  std::unique_lock<Mutex> lock(mutex_);
  return !changed_.wait_for(lock, time,
                            [this]() CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) { return stopping_; });
}

// One call: by the blob line, or by gRPC where that is all the holder knows. With what it ended, or why what came could
// not be written.
BlobFetcher::Call BlobFetcher::CallOnce(const LeaseInput& from, BlobWriter& writer,
                                        const std::function<bool()>& stopped) {
  const Arrival::Patience patience{.stall = options_.stall, .first_byte = options_.first_byte};
  if (!from.address.starts_with("/")) {
    BlobLineFetch fetch(from, writer,
                        {.tls = options_.tls ? options_.tls->direct() : nullptr,
                         .insecure = options_.insecure,
                         .first_byte = options_.first_byte});
    Status ended = fetch.Wait(patience, stopped);
    if (fetch.is_known()) return {std::move(ended), fetch.written()};
  }
  rpc::ChannelOptions to{.insecure = options_.insecure, .read_ahead_bytes = kReadAheadBytes};
  if (options_.tls) to.credentials = options_.tls->ToPeer(PeerKind::kAgent, from.holder.text());
  auto channel = rpc::OpenChannel(from.address, to);
  if (!channel) return {tl::unexpected(channel.error()), {}};
  const auto fetch = GrpcFetch::Start(std::make_shared<GrpcFetch>(*channel, from, writer));
  Status ended = fetch->Wait(patience, stopped);
  return {std::move(ended), fetch->written()};
}

Status BlobFetcher::FetchNow(const LeaseInput& from) {
  const Digest& digest = from.artifact.digest;
  if (store_.Has(digest)) return {};
  const std::string where = fmt::format("artifact '{}' of {} ({})", from.artifact.name, from.host, from.address);
  CROMT_ASSIGN(BlobWriter writer, store_.Write());
  FetchTry attempt(digest.size_bytes, options_.limits, SystemClock().Read().mono);
  auto stopped = [&] {
    MutexLock lock(mutex_);
    return stopping_ || attempt.is_late(SystemClock().Read().mono);
  };
  for (;;) {
    auto [ended, written] = CallOnce(from, writer, stopped);
    if (!written) return Fail(where, written.error());
    const auto pause = attempt.CallEnded(writer.size_bytes(), std::move(ended), SystemClock().Read().mono);
    if (!pause) return Fail(where, pause.error());
    if (!*pause) break;
    if (!Pause(**pause)) return Fail(ErrorCode::kUnavailable, "the program is stopping");
  }
  auto committed = writer.Commit(digest);
  if (!committed) return Fail(where, committed.error());
  return {};
}

}  // namespace cromt
