#include "agent/service/streams.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/service/log_wire.h"
#include "base/name.h"
#include "io/rpc/status.h"
#include "io/wire/session.h"
#include "io/wire/task.h"

namespace cromt::service {
namespace {

// gRPC does not tell a stream that its caller closed from a message that can't be read. A coordinator cancels and
// never closes, so whoever gets this sent something else.
grpc::Status EndOfStream() {
  return rpc::ToStatus({ErrorCode::kInvalid, "the stream was closed, or what came is not a message of this service"});
}

// ---- Session ----------------------------------------------------------------------------------

class SessionReactor final : public grpc::ServerBidiReactor<v1::ToAgent, v1::FromAgent> {
 public:
  // So many messages may wait until the supervisor has taken them in; what comes next waits at the coordinator.
  static constexpr int kMostUntaken = 8;

  SessionReactor(Agent& agent, const AgentGate& gate) : agent_(agent), gate_(gate) {
    handle_ = std::make_shared<Handle>(*this);
    id_ = agent_.OpenStream(handle_);
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return FinishOnce(EndOfStream());
    auto message = wire::FromProto(incoming_);
    if (!message) return FinishOnce(rpc::ToStatus(message.error()));
    if (message->hello)
      if (Status ours = gate_.CheckMesh(message->hello->mesh); !ours) return FinishOnce(rpc::ToStatus(ours.error()));
    if (Status taken = gate_.Trust(incoming_); !taken) return FinishOnce(rpc::ToStatus(taken.error()));
    agent_.Post(agent_input::StreamMessage{id_, std::move(*message), Untaken()});
    ReadOn();
  }
  void OnWriteDone(bool ok) override {
    if (ok) agent_.Post(agent_input::StreamWritable{id_});
  }
  void OnCancel() override { FinishOnce(grpc::Status::CANCELLED); }
  void OnDone() override {
    handle_->Detach();
    agent_.CloseStream(id_);
    delete this;
  }

 private:
  // What the supervisor holds: it may outlive the call by a moment.
  class Handle final : public CoordinatorStream {
   public:
    explicit Handle(SessionReactor& reactor) : reactor_(&reactor) {}
    void Send(FromAgent message) override {
      MutexLock lock(mutex_);
      if (reactor_) reactor_->Write(message);
    }
    void Close(const Error& why) override {
      MutexLock lock(mutex_);
      if (reactor_) reactor_->FinishOnce(rpc::ToStatus(why));
    }
    void Taken() {
      MutexLock lock(mutex_);
      if (reactor_) reactor_->Taken();
    }
    void Detach() {
      MutexLock lock(mutex_);
      reactor_ = nullptr;
    }

   private:
    Mutex mutex_;
    SessionReactor* reactor_ CROMT_GUARDED_BY(mutex_);
  };

  std::shared_ptr<void> Untaken() {
    MutexLock lock(mutex_);
    ++untaken_;
    return {nullptr, [handle = handle_](std::nullptr_t) { handle->Taken(); }};
  }
  void ReadOn() {
    MutexLock lock(mutex_);
    held_back_ = untaken_ >= kMostUntaken;
    if (!held_back_) StartRead(&incoming_);
  }
  void Taken() {
    MutexLock lock(mutex_);
    --untaken_;
    if (std::exchange(held_back_, false) && !finished_) StartRead(&incoming_);
  }

  // The supervisor sends one message at a time, so `outgoing_` is free when it does.
  void Write(const FromAgent& message) {
    MutexLock lock(mutex_);
    if (finished_) return;
    outgoing_.Clear();
    wire::ToProto(message, outgoing_);
    StartWrite(&outgoing_);
  }
  void FinishOnce(const grpc::Status& status) {
    MutexLock lock(mutex_);
    if (std::exchange(finished_, true)) return;
    Finish(status);
  }

  Agent& agent_;
  const AgentGate& gate_;
  std::shared_ptr<Handle> handle_;
  StreamId id_ = 0;
  v1::ToAgent incoming_;
  v1::FromAgent outgoing_;
  Mutex mutex_;
  bool finished_ CROMT_GUARDED_BY(mutex_) = false;
  int untaken_ CROMT_GUARDED_BY(mutex_) = 0;
  bool held_back_ CROMT_GUARDED_BY(mutex_) = false;  // no read is under way
};

// ---- Logs -------------------------------------------------------------------------------------

constexpr int64_t kMaxCredit = 64 << 20;

class CollectLogsReactor final : public grpc::ServerBidiReactor<v1::LogCredit, v1::LogBatch> {
 public:
  CollectLogsReactor(Agent& agent, const AgentGate& gate) : agent_(agent), gate_(gate) { StartRead(&incoming_); }

  void OnReadDone(bool ok) override {
    if (!ok) return FinishOnce(EndOfStream());
    if (auto taken = Take(); !taken) return FinishOnce(rpc::ToStatus(taken.error()));
    StartRead(&incoming_);
  }
  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    if (ok) WriteNext();
  }
  void OnCancel() override { FinishOnce(grpc::Status::CANCELLED); }
  void OnDone() override {
    if (link_) link_->Detach();
    if (subscription_ != 0) agent_.logs().Unsubscribe(subscription_);
    delete this;
  }

 private:
  // What the feed's thread holds.
  class Link {
   public:
    explicit Link(CollectLogsReactor& reactor) : reactor_(&reactor) {}
    void Deliver(LogBatch batch) {
      MutexLock lock(mutex_);
      if (reactor_) reactor_->Deliver(std::move(batch));
    }
    void Detach() {
      MutexLock lock(mutex_);
      reactor_ = nullptr;
    }

   private:
    Mutex mutex_;
    CollectLogsReactor* reactor_ CROMT_GUARDED_BY(mutex_);
  };

  Status Take() {
    if (subscription_ == 0) {
      CROMT_TRY(CheckName("mesh id", incoming_.mesh()));
      if (incoming_.credit_bytes() <= 0 || incoming_.credit_bytes() > kMaxCredit)
        return Fail(ErrorCode::kInvalid, "credit_bytes must be between 1 and 64 MiB");
      if (!incoming_.agent().empty() && incoming_.agent() != agent_.identity().agent.text())
        return Fail(ErrorCode::kConflict,
                    "this is agent " + agent_.identity().agent.text() + ", not " + incoming_.agent());
      mesh_ = MeshId(incoming_.mesh());
      CROMT_TRY(gate_.CheckMesh(mesh_));
      Subscribe();
      return {};
    }
    if (MutexLock lock(mutex_); incoming_.stored_to() > sent_to_)
      return Fail(ErrorCode::kInvalid, "stored_to is " + std::to_string(incoming_.stored_to()) +
                                           ", but only what lies before " + std::to_string(sent_to_) + " was sent");
    // Within a mesh positions only grow; the queue ignores one that goes back.
    agent_.logs().Acknowledge(subscription_, incoming_.stored_to());
    agent_.Post(agent_input::Tell{queue_event::LogsStored{mesh_, incoming_.stored_to()}, {}});
    return {};
  }

  void Subscribe() {
    link_ = std::make_shared<Link>(*this);
    LogSubscription wanted{.mesh = mesh_, .credit_bytes = incoming_.credit_bytes()};
    wanted.deliver = [link = link_](LogBatch batch) { link->Deliver(std::move(batch)); };
    // Where this mesh's unstored output begins is the queue's to say.
    subscription_ = agent_.logs().NewId();
    agent_.Post(agent_input::Inspect{
        [&agent = agent_, id = subscription_, mesh = mesh_, wanted](const AgentQueue& queue) mutable {
          wanted.from = queue.LogsStoredTo(mesh);
          agent.logs().Subscribe(id, std::move(wanted));
        }});
  }

  void Deliver(LogBatch batch) {
    if (batch.done) return FinishOnce(rpc::ToStatus({ErrorCode::kCorrupt, batch.problem}));
    MutexLock lock(mutex_);
    if (finished_) return;
    batches_.push_back(std::move(batch));  // bounded by the credit
    if (!writing_) WriteNext();
  }
  void WriteNext() CROMT_REQUIRES(mutex_) {
    if (batches_.empty() || finished_) return;
    outgoing_.Clear();
    for (LogChunk& chunk : batches_.front().chunks) ToProto(std::move(chunk), *outgoing_.add_chunks());
    outgoing_.set_position(sent_to_ = batches_.front().position);
    batches_.pop_front();
    writing_ = true;
    StartWrite(&outgoing_);
  }
  void FinishOnce(const grpc::Status& status) {
    MutexLock lock(mutex_);
    if (std::exchange(finished_, true)) return;
    Finish(status);
  }

  Agent& agent_;
  const AgentGate& gate_;
  MeshId mesh_;
  std::shared_ptr<Link> link_;
  uint64_t subscription_ = 0;
  v1::LogCredit incoming_;
  v1::LogBatch outgoing_;
  Mutex mutex_;
  std::deque<LogBatch> batches_ CROMT_GUARDED_BY(mutex_);
  uint64_t sent_to_ CROMT_GUARDED_BY(mutex_) = 0;  // the position of the last batch that was sent
  bool writing_ CROMT_GUARDED_BY(mutex_) = false;
  bool finished_ CROMT_GUARDED_BY(mutex_) = false;
};

// ---- Blobs ------------------------------------------------------------------------------------

constexpr size_t kMaxBlobChunk = 1 << 20;

// Writes on gRPC's thread: chunks are small and the disk's write cache takes them.
class PutBlobReactor final : public grpc::ServerReadReactor<v1::BlobChunk> {
 public:
  static constexpr int kAtOnce = 64;

  explicit PutBlobReactor(Agent& agent) : agent_(agent) {
    if (++open_ <= kAtOnce)
      StartRead(&incoming_);
    else
      FinishOnce({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many blobs are being put here at once"});
  }

  void OnReadDone(bool ok) override {
    if (canceled_) return FinishOnce(grpc::Status::CANCELLED);
    auto taken = ok ? Take() : End();
    if (!taken) return FinishOnce(rpc::ToStatus(taken.error()));
    if (!ok) return FinishOnce(grpc::Status::OK);
    StartRead(&incoming_);
  }
  void OnCancel() override { canceled_ = true; }
  void OnDone() override {
    --open_;
    delete this;
  }

 private:
  Status Take() {
    if (incoming_.data().size() > kMaxBlobChunk) return Fail(ErrorCode::kExhausted, "a blob chunk may hold 1 MiB");
    if (!writer_) {
      CROMT_ASSIGN(digest_, wire::FromProto(incoming_.digest()));
      CROMT_ASSIGN(auto writer, agent_.blobs().Write());
      writer_.emplace(std::move(writer));
    }
    if (writer_->size_bytes() + static_cast<int64_t>(incoming_.data().size()) > digest_.size_bytes)
      return Fail(ErrorCode::kCorrupt, "more bytes than the blob's digest says");
    return writer_->Append(incoming_.data());
  }
  Status End() {
    if (!writer_) return Fail(ErrorCode::kInvalid, "a blob without a first chunk");
    CROMT_ASSIGN(digest_, writer_->Commit(digest_));
    agent_.BlobArrived(digest_);
    return {};
  }
  void FinishOnce(const grpc::Status& status) {
    if (!std::exchange(finished_, true)) Finish(status);
  }

  static inline std::atomic<int> open_ = 0;
  Agent& agent_;
  v1::BlobChunk incoming_;
  Digest digest_;
  std::optional<BlobWriter> writer_;
  bool finished_ = false;
  std::atomic<bool> canceled_ = false;
};

// Reads on gRPC's thread, a chunk at a time, as the caller takes them.
class GetBlobReactor final : public grpc::ServerWriteReactor<v1::BlobChunk> {
 public:
  static constexpr size_t kChunkBytes = 512 << 10;

  explicit GetBlobReactor(Result<GivenArtifact> given) {
    if (!given) {
      Finish(rpc::ToStatus(given.error()));
      return;
    }
    given_ = std::move(*given);
    WriteNext();
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    WriteNext();
  }
  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    std::string& data = *chunk_.mutable_data();
    data.resize(kChunkBytes);
    ssize_t n;
    do n = ::pread(given_.file.get(), data.data(), data.size(), given_.offset);
    while (n < 0 && errno == EINTR);
    if (n < 0) return Finish(rpc::ToStatus(ErrnoError("can't read the artifact", errno)));
    if (n == 0) return Finish(grpc::Status::OK);
    data.resize(static_cast<size_t>(n));
    given_.offset += n;
    StartWrite(&chunk_);
  }

  GivenArtifact given_;
  v1::BlobChunk chunk_;
};

}  // namespace

grpc::ServerBidiReactor<v1::ToAgent, v1::FromAgent>* Session(Agent& agent, const AgentGate& gate) {
  return new SessionReactor(agent, gate);
}
grpc::ServerBidiReactor<v1::LogCredit, v1::LogBatch>* CollectLogs(Agent& agent, const AgentGate& gate) {
  return new CollectLogsReactor(agent, gate);
}
grpc::ServerReadReactor<v1::BlobChunk>* PutBlob(Agent& agent) {
  return new PutBlobReactor(agent);
}
grpc::ServerWriteReactor<v1::BlobChunk>* GetBlob(Result<GivenArtifact> given) {
  return new GetBlobReactor(std::move(given));
}

}  // namespace cromt::service
