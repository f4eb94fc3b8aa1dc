#include "io/transfer/blob_fetcher.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>

#include "cromt/v1/agent.grpc.pb.h"
#include "io/rpc/channel.h"
#include "io/rpc/status.h"
#include "io/rpc/tls.h"
#include "io/wire/task.h"

namespace cromt {
namespace {

constexpr int kFruitless = 3;             // calls in a row that bring nothing
constexpr int kReadAheadBytes = 4 << 20;  // in gRPC
constexpr size_t kChunks = 8;             // received and not written yet, half a megabyte each
constexpr Duration kFirstPause = milliseconds(200);

bool MayPass(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::CANCELLED ||
         code == grpc::StatusCode::UNKNOWN || code == grpc::StatusCode::INTERNAL ||
         code == grpc::StatusCode::RESOURCE_EXHAUSTED || code == grpc::StatusCode::DEADLINE_EXCEEDED;
}

}  // namespace

// One call. gRPC's thread receives while whoever waits digests and writes: these are two halves of the work.
class BlobFetcher::Read final : public grpc::ClientReadReactor<v1::BlobChunk>,
                                public std::enable_shared_from_this<Read> {
 public:
  Read(std::shared_ptr<grpc::Channel> channel, const LeaseInput& from, BlobWriter& writer)
      : stub_(v1::AgentService::NewStub(std::move(channel))), limit_(from.artifact.digest.size_bytes), writer_(writer) {
    wire::ToProto(from.artifact.digest, *request_.mutable_digest());
    wire::ToProto(from.ticket, *request_.mutable_ticket());
    request_.set_agent(from.holder.text());
    request_.set_offset(writer.size_bytes());
  }

  void Start() {
    self_ = shared_from_this();
    stub_->async()->GetBlob(&context_, &request_, this);
    AddHold();  // until a read has failed: reads are also started outside of its callbacks
    StartRead(&chunk_);
    StartCall();
  }

  // Blocks until the call is over and what came is written. `stopped` is asked now and then.
  grpc::Status Wait(const BlobFetcher::Options& options, const std::function<bool()>& stopped) {
    std::unique_lock<Mutex> lock(mutex_);
    int64_t seen = -1;
    Mono since = SystemClock().Read().mono;
    for (;;) {
      if (!chunks_.empty()) {
        WriteNext(lock);
      } else if (done_) {
        break;
      } else {
        changed_.wait_for(lock, std::chrono::milliseconds(100));
      }
      Mono now = SystemClock().Read().mono;
      if (bytes_ != seen) {
        seen = bytes_;
        since = now;
      } else if (now - since > (bytes_ == 0 ? options.first_byte : options.stall)) {
        if (!std::exchange(stalled_, true)) context_.TryCancel();
      }
      lock.unlock();
      bool stop = stopped();
      lock.lock();
      if (stop && !done_) context_.TryCancel();
    }
    if (stalled_ && status_.error_code() == grpc::StatusCode::CANCELLED)
      return {grpc::StatusCode::UNAVAILABLE, "nothing came any more"};
    return status_;
  }
  const Status& written() const { return written_; }  // after Wait: what went wrong here, on this disk

  void OnReadDone(bool ok) override {
    if (!ok) return RemoveHold();
    bool read_on;
    {
      MutexLock lock(mutex_);
      bytes_ += static_cast<int64_t>(chunk_.data().size());
      chunks_.push_back(std::move(*chunk_.mutable_data()));
      read_on = reading_ = chunks_.size() < kChunks;
      changed_.notify_all();
    }
    if (read_on) StartRead(&chunk_);
  }
  void OnDone(const grpc::Status& status) override {
    auto self = std::move(self_);  // whoever waits may let go of it first
    MutexLock lock(mutex_);
    status_ = status;
    done_ = true;
    changed_.notify_all();
  }

 private:
  // Takes the first chunk to the writer. After an error there, what comes is only let through until the call ends.
  void WriteNext(std::unique_lock<Mutex>& lock) CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) {
    const std::string chunk = std::move(chunks_.front());
    chunks_.pop_front();
    const bool read_on = !std::exchange(reading_, true);
    lock.unlock();
    if (read_on) StartRead(&chunk_);
    if (written_) {
      if (writer_.size_bytes() + static_cast<int64_t>(chunk.size()) > limit_)
        written_ = Fail(ErrorCode::kCorrupt, "more bytes came than the artifact has");
      else
        written_ = writer_.Append(chunk);
      if (!written_) context_.TryCancel();
    }
    lock.lock();
  }

  std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  v1::GetBlobRequest request_;
  v1::BlobChunk chunk_;
  const int64_t limit_;
  BlobWriter& writer_;
  Status written_;  // the waiting thread's
  Mutex mutex_;
  std::deque<std::string> chunks_;  // received, not written yet
  bool reading_ = true;             // a read is under way, or has failed
  std::condition_variable_any changed_;
  int64_t bytes_ = 0;
  bool stalled_ = false;
  bool done_ = false;
  grpc::Status status_;
  std::shared_ptr<Read> self_;
};

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
  for (auto& [hash, job] : jobs_)
    for (const auto& done : job.done) done(Fail(ErrorCode::kUnavailable, "the program is stopping"));
}

void BlobFetcher::Fetch(const LeaseInput& from, std::function<void(const Status&)> done) {
  MutexLock lock(mutex_);
  auto [job, is_new] = jobs_.try_emplace(from.artifact.digest.sha256);
  job->second.done.push_back(std::move(done));
  if (!is_new) return;
  job->second.from = from;
  line_.push_back(from.artifact.digest.sha256);
  if (idle_ > 0)
    changed_.notify_all();
  else if (threads_.size() < kAtOnce && !stopping_)
    threads_.emplace_back([this] { Run(); });
}

// The first whose holder has a place left; the end if there is none.
std::deque<std::string>::iterator BlobFetcher::NextInLine() {
  return std::find_if(line_.begin(), line_.end(),
                      [this](const std::string& hash) CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) {
                        const auto busy = under_way_.find(jobs_.at(hash).from.holder);
                        return busy == under_way_.end() || busy->second < kOfOneHolder;
                      });
}

void BlobFetcher::Run() {
  rpc::KeepCallbackThreads();
  for (;;) {
    LeaseInput from;
    {
      std::unique_lock<Mutex> lock(mutex_);
      ++idle_;
      changed_.wait(lock, [this]() CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) {
        return stopping_ || NextInLine() != line_.end();
      });
      --idle_;
      if (stopping_) return;
      const auto next = NextInLine();
      from = jobs_.at(*next).from;
      line_.erase(next);
      ++under_way_[from.holder];
    }
    Status fetched = FetchNow(from);
    Job job;
    {
      MutexLock lock(mutex_);
      job = std::move(jobs_.extract(from.artifact.digest.sha256).mapped());
      if (--under_way_[from.holder] == 0) under_way_.erase(from.holder);
      changed_.notify_all();
    }
    for (const auto& done : job.done) done(fetched);
  }
}

// False if the fetcher is being stopped.
bool BlobFetcher::Pause(Duration time) {
  std::unique_lock<Mutex> lock(mutex_);
  return !changed_.wait_for(lock, time,
                            [this]() CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) { return stopping_; });
}

Status BlobFetcher::FetchNow(const LeaseInput& from) {
  const Digest& digest = from.artifact.digest;
  if (store_.Has(digest)) return {};
  const std::string where = fmt::format("artifact '{}' of {} ({})", from.artifact.name, from.host, from.address);
  CROMT_ASSIGN(BlobWriter writer, store_.Write());
  const Mono began = SystemClock().Read().mono;
  const Mono turn_until = began + options_.turn;
  auto too_late = [&] { return SystemClock().Read().mono - began > options_.whole; };
  auto stopped = [&] {
    MutexLock lock(mutex_);
    return stopping_ || too_late();
  };
  for (int fruitless = 0;;) {
    rpc::ChannelOptions to{.insecure = options_.insecure, .read_ahead_bytes = kReadAheadBytes};
    if (options_.tls) to.credentials = options_.tls->ToPeer(PeerKind::kAgent, from.holder.text());
    auto channel = rpc::OpenChannel(from.address, to);
    if (!channel) return Fail(where, channel.error());
    const int64_t before = writer.size_bytes();
    auto read = std::make_shared<Read>(*channel, from, writer);
    read->Start();
    grpc::Status status = read->Wait(options_, stopped);
    if (!read->written()) return Fail(where, read->written().error());
    if (writer.size_bytes() == digest.size_bytes) break;  // however the call ended: the digest decides
    if (status.ok()) status = {grpc::StatusCode::UNAVAILABLE, "it ended before its end"};
    // One that serves others is not broken: large artifacts that many hosts take may take minutes.
    const bool in_turn =
        status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED && SystemClock().Read().mono < turn_until;
    if (writer.size_bytes() > before)
      fruitless = 0;
    else if (!in_turn)
      ++fruitless;
    if (!MayPass(status.error_code()) || fruitless >= kFruitless) return Fail(where, rpc::FromStatus(status));
    if (too_late())
      return Fail(ErrorCode::kTimeout,
                  fmt::format("{}: it has not all come within {}", where, FormatDuration(options_.whole)));
    if (!Pause(kFirstPause * (1 << fruitless))) return Fail(ErrorCode::kUnavailable, "the program is stopping");
  }
  auto committed = writer.Commit(digest);
  if (!committed) return Fail(where, committed.error());
  return {};
}

}  // namespace cromt
