// One request on the blob line, from the side of who fetches.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "core/model.h"
#include "io/rpc/mesh_tls.h"
#include "io/transfer/arrival.h"
#include "io/transfer/blob_line.h"

namespace cromt {

class BlobLineFetch final : public Arrival {
 public:
  struct Options {
    std::shared_ptr<rpc::MeshTls> tls;  // null: plaintext; else the holder must be the agent that is meant
    bool insecure = false;              // beyond loopback in plaintext
    Duration first_byte = seconds(10);
  };

  // Asks at once, on a thread of its own, for what the writer has not got yet.
  BlobLineFetch(const LeaseInput& from, BlobWriter& writer, const Options& options);
  ~BlobLineFetch() override;

  // After Wait: whether the holder is one that knows the line. If not, nothing was asked of it.
  bool is_known() const { return is_known_; }

 private:
  Status Run() CROMT_EXCLUDES(socket_mutex_);
  Status Shake(BlobLineEnd& end, Mono until);
  Status Ask(BlobLineEnd& end, Mono until);
  Status Receive(BlobLineEnd& end);
  Status Dial() CROMT_EXCLUDES(socket_mutex_);
  void Cancel() override CROMT_EXCLUDES(socket_mutex_);

  const LeaseInput from_;
  const int64_t offset_;
  const Options options_;
  bool is_known_ = true;  // the thread's, and then who has waited
  Mutex socket_mutex_;
  std::unique_ptr<BlobLineEnd> end_ CROMT_GUARDED_BY(socket_mutex_);
  bool canceled_ CROMT_GUARDED_BY(socket_mutex_) = false;
  std::thread thread_;
};

}  // namespace cromt
