// One blob on its way to one agent: the coordinator's end of a PutBlob call. Included by this folder's .cc files only.
#pragma once

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "cromt/v1/agent.grpc.pb.h"
#include "io/rpc/status.h"
#include "io/wire/task.h"

namespace cromt::service {

// Lives until its call is done, by a reference to itself. One chunk is in memory at a time; the call's own thread reads
// the next from the disk when the last has left.
class BlobPush final : public grpc::ClientWriteReactor<v1::BlobChunk>, public std::enable_shared_from_this<BlobPush> {
 public:
  static constexpr size_t kChunkBytes = 256 << 10;

  // `blob` is open at its beginning. `done` is called once, when the agent has the blob, has refused it or is gone.
  BlobPush(std::shared_ptr<grpc::Channel> channel, const Digest& digest, UniqueFd blob,
           std::function<void(Status)> done)
      : stub_(v1::AgentService::NewStub(std::move(channel))), blob_(std::move(blob)), done_(std::move(done)) {
    wire::ToProto(digest, *chunk_.mutable_digest());
  }

  void Start() {
    self_ = shared_from_this();
    stub_->async()->PutBlob(&context_, &response_, this);
    WriteNext();
    StartCall();
  }
  void Cancel() { context_.TryCancel(); }
  // When the last chunk left.
  Mono progress_at() const { return progress_at_; }

  void OnWriteDone(bool ok) override {
    progress_at_ = SystemClock().Read().mono;
    if (ok && !last_) WriteNext();  // not ok: OnDone says why
  }
  void OnDone(const grpc::Status& status) override {
    if (!problem_ && status.ok())
      done_({});
    else
      done_(tl::unexpected<Error>(problem_ ? *problem_ : rpc::FromStatus(status)));
    self_.reset();
  }

 private:
  void WriteNext() {
    std::string& data = *chunk_.mutable_data();
    data.resize(kChunkBytes);
    ssize_t n;
    do n = ::read(blob_.get(), data.data(), data.size());
    while (n < 0 && errno == EINTR);
    if (n < 0) {
      problem_ = ErrnoError("can't read a blob", errno);
      last_ = true;
      return Cancel();
    }
    data.resize(static_cast<size_t>(n));
    const bool last = last_ = n == 0;
    // Nothing of ours is looked at after a StartWrite: the next OnWriteDone may be running by then.
    if (!last) {
      StartWrite(&sent_.emplace(std::exchange(chunk_, {})));
    } else if (chunk_.has_digest()) {  // an empty blob, too, has a first chunk
      StartWriteLast(&sent_.emplace(std::exchange(chunk_, {})), grpc::WriteOptions());
    } else {
      StartWritesDone();
    }
  }

  std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  v1::PutBlobResponse response_;
  v1::BlobChunk chunk_;                // the next; the first also names the blob
  std::optional<v1::BlobChunk> sent_;  // being written
  bool last_ = false;
  UniqueFd blob_;
  std::optional<Error> problem_;
  const std::function<void(Status)> done_;
  std::atomic<Mono> progress_at_ = SystemClock().Read().mono;
  std::shared_ptr<BlobPush> self_;
};

}  // namespace cromt::service
