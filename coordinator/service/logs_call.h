// The coordinator's end of one CollectLogs call. Included by this folder's .cc files only.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>

#include "base/thread_annotations.h"
#include "coordinator/log_collector.h"
#include "cromt/v1/agent.grpc.pb.h"
#include "io/rpc/status.h"
#include "io/wire/task.h"

namespace cromt::service {

// Lives until its call is done and its batches are stored, by references to itself.
class LogsCall final : public grpc::ClientBidiReactor<v1::LogCredit, v1::LogBatch>,
                       public std::enable_shared_from_this<LogsCall> {
 public:
  static constexpr int64_t kCreditBytes = 4 << 20;
  static constexpr int64_t kMaxOffset = int64_t{1} << 50;  // more than any job prints; sums stay far from overflow

  // `done` is called once, with the reason, when the call has ended.
  LogsCall(std::shared_ptr<grpc::Channel> channel, const MeshId& mesh, AgentId agent, LogCollector& logs,
           std::function<void(std::string)> done)
      : stub_(v1::AgentService::NewStub(std::move(channel))),
        agent_(std::move(agent)),
        logs_(logs),
        done_(std::move(done)) {
    outgoing_.set_mesh(mesh.text());
    outgoing_.set_agent(agent_.text());
    outgoing_.set_credit_bytes(kCreditBytes);
  }

  void Start() {
    self_ = shared_from_this();
    stub_->async()->CollectLogs(&context_, this);
    AddHold();
    {
      MutexLock lock(mutex_);
      writing_ = true;
    }
    StartWrite(&outgoing_);
    StartRead(&incoming_);
    StartCall();
  }
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (ok && Take()) return StartRead(&incoming_);
    if (ok) Cancel();
    {
      MutexLock lock(mutex_);
      ended_ = true;
    }
    RemoveHold();
  }
  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    if (ok) Acknowledge();
  }
  void OnDone(const grpc::Status& status) override {
    done_(rpc::PlainWords(status.error_message()));
    self_.reset();
  }

 private:
  // False for a message that no honest agent sends.
  bool Take() {
    LogCollector::Batch batch{agent_, {}, {}};
    int64_t bytes = 0;
    for (v1::LogChunk& chunk : *incoming_.mutable_chunks()) {
      auto attempt = wire::FromProto(chunk.attempt());
      bool known_stream = chunk.stream() >= v1::STDOUT && chunk.stream() <= v1::NOTE;
      if (!attempt || !known_stream || chunk.offset() < 0 || chunk.offset() > kMaxOffset ||
          chunk.data().size() > seglog::kMaxDataBytes)
        return false;
      bytes += static_cast<int64_t>(chunk.data().size());
      batch.chunks.push_back({std::move(*attempt), static_cast<seglog::Stream>(chunk.stream()), chunk.offset(),
                              WallFromMicros(chunk.at_us()), std::move(*chunk.mutable_data())});
    }
    if (unstored_bytes_.fetch_add(bytes) + bytes > 2 * kCreditBytes) return false;
    batch.stored = [self = shared_from_this(), position = incoming_.position(), bytes] {
      self->unstored_bytes_ -= bytes;
      self->Stored(position);
    };
    logs_.Post(std::move(batch));
    return true;
  }
  void Stored(uint64_t position) CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    stored_ = std::max(stored_, position);
    Acknowledge();
  }
  void Acknowledge() CROMT_REQUIRES(mutex_) {
    if (writing_ || ended_ || stored_ <= acknowledged_) return;
    acknowledged_ = stored_;
    outgoing_.Clear();
    outgoing_.set_stored_to(acknowledged_);
    writing_ = true;
    StartWrite(&outgoing_);
  }

  std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  const AgentId agent_;
  LogCollector& logs_;
  const std::function<void(std::string)> done_;
  v1::LogBatch incoming_;
  std::atomic<int64_t> unstored_bytes_ = 0;  // sent, and not yet on disk: an honest agent keeps to its credit
  Mutex mutex_;
  v1::LogCredit outgoing_;
  uint64_t stored_ CROMT_GUARDED_BY(mutex_) = 0;
  uint64_t acknowledged_ CROMT_GUARDED_BY(mutex_) = 0;
  bool writing_ CROMT_GUARDED_BY(mutex_) = false;
  bool ended_ CROMT_GUARDED_BY(mutex_) = false;
  std::shared_ptr<LogsCall> self_;
};

}  // namespace cromt::service
