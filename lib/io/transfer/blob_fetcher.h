// Brings blobs from the agents that hold them into a blob store, by the blob line (blob_line.h), or by
// AgentService.GetBlob from those that do not know that yet.
//
// The bytes are digested as they come and get their name only when they are what was asked for. A call from which
// nothing comes is broken off; when it is made again, and in which order blobs are fetched, core/blob_fetches.h says.
// Each that is under way has a few chunks in memory.
//
// Thread-safe. Its threads are made when they are first needed.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "core/blob_fetches.h"
#include "core/model.h"
#include "io/blob/store.h"

namespace cromt {
namespace rpc {
class Tls;
}

class BlobFetcher {
 public:
  struct Options {
    bool insecure = false;              // holders beyond loopback are dialled in plaintext
    std::shared_ptr<rpc::Tls> tls;      // null: plaintext; else each holder must be the agent that is meant
    Duration stall = seconds(30);       // nothing comes for so long: the call is broken off
    Duration first_byte = seconds(10);  // likewise, before its first byte
    FetchTry::Limits limits = {};
  };

  // The store outlives the fetcher.
  BlobFetcher(BlobStore& store, Options options);
  // Breaks off what is under way; its `done` is called with an error before this returns.
  ~BlobFetcher();

  // `done` is called once, on one of the fetcher's threads: the blob is in the store, or why it is not, naming the
  // holder's host and address. Asked twice for one blob, it is fetched once.
  void Fetch(const LeaseInput& from, std::function<void(const Status&)> done) CROMT_EXCLUDES(mutex_);

 private:
  struct Call {
    Status ended;
    Status written;
  };
  using Done = std::vector<std::function<void(const Status&)>>;

  void Run() CROMT_EXCLUDES(mutex_);
  Status FetchNow(const LeaseInput& from) CROMT_EXCLUDES(mutex_);
  Call CallOnce(const LeaseInput& from, BlobWriter& writer, const std::function<bool()>& stopped);
  bool Pause(Duration time) CROMT_EXCLUDES(mutex_);

  BlobStore& store_;
  const Options options_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  FetchLine line_ CROMT_GUARDED_BY(mutex_);
  std::map<std::string, Done> done_ CROMT_GUARDED_BY(mutex_);  // by hash; waiting or under way
  std::vector<std::thread> threads_ CROMT_GUARDED_BY(mutex_);
  size_t idle_ CROMT_GUARDED_BY(mutex_) = 0;  // threads that wait for work
  bool stopping_ CROMT_GUARDED_BY(mutex_) = false;
};

}  // namespace cromt
