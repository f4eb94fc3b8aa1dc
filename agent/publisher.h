// Keeps what tasks publish as blobs, off the supervisor's thread: reading, digesting and writing take time. Two
// threads, so that a small artifact need not wait for a large one.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "core/queue_event.h"
#include "io/blob/store.h"
#include "io/blob/ticket.h"
#include "io/process/mailbox.h"

namespace cromt {

class Publisher {
 public:
  // `tell` gets Published or PublishFailed, on a thread of the publisher. All references outlive it.
  Publisher(BlobStore& blobs, const HolderKey& key, std::function<void(QueueEvent)> tell);
  ~Publisher();

  // `dir` is the task's directory. One thread calls it. Its own threads are made when they are first needed.
  void Publish(Ticket ticket, std::string dir, std::shared_ptr<const TaskSpec> spec);

 private:
  struct Job {
    Ticket ticket = 0;
    std::string dir;
    std::shared_ptr<const TaskSpec> spec;
  };

  void Run(Mailbox<Job>& inbox);
  QueueEvent Collected(const Job& job);

  BlobStore& blobs_;
  const HolderKey& key_;
  const std::function<void(QueueEvent)> tell_;
  struct Worker {
    Mailbox<Job> inbox;
    std::thread thread;
  };
  std::vector<std::unique_ptr<Worker>> workers_;
  size_t next_ = 0;
};

}  // namespace cromt
