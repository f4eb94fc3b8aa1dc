// How a simulated coordinator brings blobs to agents: files of repositories, which it has, and artifacts, which it
// fetches first. What is brought when are the transport's own orders; how a push goes is drawn.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "coordinator/blob_pushes.h"
#include "tests/sim/fetches.h"
#include "tests/sim/process.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class Network;

// What a repository has at its default branch, and elsewhere.
std::string TreeBytes(bool at_default_branch);
Digest TreeOf(bool at_default_branch);

class SimPushes final : private BlobPushes::Edges {
 public:
  struct Callbacks {
    std::function<bool(LinkId)> is_open;
    std::function<void(LinkId, BlobFailure)> undeliverable;
  };
  SimPushes(World& world, Network& network, Callbacks callbacks);
  ~SimPushes() override;

  void Ask(LinkId link, const std::string& address, const Digest& digest, const std::optional<LeaseInput>& holder);
  void LinkClosed(LinkId link);
  // The coordinator's process is gone; what it has on its disk stays.
  void Die();
  // Nothing is under way, nor kept for that.
  bool idle() const { return orders_->idle(); }

 private:
  // BlobPushes::Edges.
  bool Has(const Digest& digest) override { return blobs_.contains(digest.sha256); }
  Status Push(const BlobPushes::Order& order) override;
  void CancelPush(const BlobPushes::Order& order) override;
  void Fetch(const BlobPushes::Order& order) override;
  bool IsOpen(LinkId link) override { return callbacks_.is_open(link); }
  void Undeliverable(const BlobPushes::Order& order, const Error& why) override;
  void Remove(const Digest& digest) override { blobs_.erase(digest.sha256); }

  Status Arrive(const BlobPushes::Order& order);
  void Serve();
  Mono now() const { return MonoFromMicros(world_.timeline.now().count()); }
  // On the transport's thread, unless the process has died by then.
  void Later(Duration delay, std::function<void()> what);

  World& world_;
  Network& network_;
  const Callbacks callbacks_;
  std::map<std::string, std::string> blobs_;  // by SHA-256
  std::unique_ptr<BlobPushes> orders_;
  SimFetches fetches_;
  Waker waker_;
  std::map<std::pair<LinkId, std::string>, bool> calls_;  // under way: whether it was called off
  std::set<LinkId> closed_;
  uint64_t life_ = 0;
};

}  // namespace cromt::sim
