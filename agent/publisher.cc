#include "agent/publisher.h"

#include "agent/collect.h"

namespace cromt {
namespace {

constexpr size_t kThreads = 2;

}  // namespace

Publisher::Publisher(BlobStore& blobs, const HolderKey& key, std::function<void(QueueEvent)> tell)
    : blobs_(blobs), key_(key), tell_(std::move(tell)) {}

Publisher::~Publisher() {
  for (auto& worker : workers_) worker->inbox.Close();
  for (auto& worker : workers_) worker->thread.join();
}

void Publisher::Publish(Ticket ticket, std::string dir, std::shared_ptr<const TaskSpec> spec) {
  if (workers_.empty()) {
    for (size_t i = 0; i < kThreads; ++i) workers_.push_back(std::make_unique<Worker>());
    for (auto& worker : workers_) worker->thread = std::thread([this, raw = worker.get()] { Run(raw->inbox); });
  }
  workers_[next_++ % workers_.size()]->inbox.Post({ticket, std::move(dir), std::move(spec)});
}

void Publisher::Run(Mailbox<Job>& inbox) {
  while (!inbox.closed())
    for (const Job& job : inbox.WaitAndTakeAll(std::nullopt)) {
      if (inbox.closed()) return;  // the launcher will tell the end again
      tell_(Collected(job));
    }
}

QueueEvent Publisher::Collected(const Job& job) {
  queue_event::Published published{job.ticket, {}};
  for (const ArtifactOut& out : job.spec->publishes) {
    auto artifact = Collect(job.dir, !job.spec->source.directory.empty(), out, blobs_);
    if (!artifact) return queue_event::PublishFailed{job.ticket, artifact.error().message};
    auto grant = key_.GrantFor(artifact->digest);
    if (!grant) return queue_event::PublishFailed{job.ticket, grant.error().message};
    artifact->grant = std::move(*grant);
    published.artifacts.push_back(std::move(*artifact));
  }
  return published;
}

}  // namespace cromt
