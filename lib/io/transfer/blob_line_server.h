// The holder's side of the blob line: a thread for each connection, and few connections.
//
// Until it is known who asks and that he may, a connection is worth little: there are at most kGreeting of them, each
// for as long as Options::greeting. A further one takes the place of the one that has waited longest among those of the
// address that has most, so that who opens many gets in his own way. How many are served is for `Open` to bound.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "io/pki/certificate.h"
#include "io/rpc/mesh_tls.h"
#include "io/transfer/blob_line.h"

namespace cromt {
namespace v1 {
class GetBlobRequest;
}

class BlobLineServer {
 public:
  static constexpr size_t kGreeting = 64;

  // A blob that is given out.
  struct Blob {
    UniqueFd file;
    int64_t offset = 0;
    int64_t end = 0;              // the file's size
    std::shared_ptr<void> place;  // held until all is sent
  };
  // Who asks; nothing: in plaintext, whoever got through to us.
  using Caller = std::optional<Identity>;
  // Any thread, several at once.
  using Open = std::function<Result<Blob>(const Caller&, const v1::GetBlobRequest&)>;
  struct Options {
    std::shared_ptr<rpc::MeshTls> tls;  // null: plaintext
    Duration greeting = seconds(10);    // until it is asked for something
    Duration stall = seconds(60);       // who takes no byte for so long is left
    // Of each that was denied something: from where, and why. Any thread.
    std::function<void(const std::string& from, const Error& why)> denied = [](const std::string&, const Error&) {};
  };

  BlobLineServer(Open open, Options options) : open_(std::move(open)), options_(std::move(options)) {}
  // Breaks off what is under way.
  ~BlobLineServer();

  // A connection, from its first byte on. Any thread.
  void Take(UniqueFd socket) CROMT_EXCLUDES(mutex_);

 private:
  struct Connection {
    std::unique_ptr<BlobLineEnd> end;  // null: it is over
    std::string from;                  // "127.0.0.1:34567"
    bool is_greeting = true;
    std::thread thread;
  };
  using Connections = std::list<Connection>;

  void Run(Connection& connection) CROMT_EXCLUDES(mutex_);
  void Serve(Connection& connection, BlobLineEnd& end) CROMT_EXCLUDES(mutex_);
  Result<std::optional<pki::Certificate>> Greet(BlobLineEnd& end, v1::GetBlobRequest& request) const;
  Status Send(BlobLineEnd& end, const Blob& blob, const std::optional<pki::Certificate>& caller) const;
  void MakeRoom(Connections& over) CROMT_REQUIRES(mutex_);

  const Open open_;
  const Options options_;
  Mutex mutex_;
  Connections connections_ CROMT_GUARDED_BY(mutex_);  // in the order in which they came
};

}  // namespace cromt
