// Blobs on their way from the coordinator to agents: files of repositories, which are here, and artifacts of agents
// that the other can't reach, which are brought here first. Each is brought once, however often it is asked for; a push
// that breaks is tried again, and the agent is told of what it can't have. Deterministic, no thread or socket: the
// transport and the simulator run it. Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/result.h"
#include "coordinator/transport.h"
#include "core/model.h"

namespace cromt {

class BlobPushes {
 public:
  // Under way at once, each with a chunk in memory; the rest waits in line.
  static constexpr size_t kAtOnce = 64;
  // One that breaks for what may pass is tried again for so long, as long as the link is open, before the agent is told
  // that it can't have the blob; after such pauses, each twice the one before.
  static constexpr Duration kPatience = std::chrono::minutes(5);
  static constexpr Duration kFullPatience = seconds(20);  // likewise, where the agent has no room for it
  static constexpr Duration kFirstPause = milliseconds(200);
  static constexpr Duration kLongestPause = seconds(10);

  struct Order {
    LinkId link = 0;
    std::string address;
    Digest digest;
    std::optional<LeaseInput> holder = {};  // of an artifact
    std::optional<Mono> failed_at = {};     // first
    int tries = 0;                          // that have failed
    Mono not_before{};
  };

  // Called from the functions below; must not call back.
  class Edges {
   public:
    virtual ~Edges() = default;
    virtual bool Has(const Digest& digest) = 0;
    // Pushed follows, unless this fails.
    virtual Status Push(const Order& order) = 0;
    virtual void CancelPush(const Order& order) = 0;
    // From its holder into the store here: Fetched follows.
    virtual void Fetch(const Order& order) = 0;
    virtual bool IsOpen(LinkId link) = 0;
    virtual void Undeliverable(const Order& order, const Error& why) = 0;
    // It was here only to be passed on.
    virtual void Remove(const Digest& digest) = 0;
  };

  // `edges` outlives this.
  explicit BlobPushes(Edges& edges) : edges_(edges) {}

  void Ask(Order order);
  void Fetched(const Order& order, const Status& status, Mono now);
  void Pushed(const Order& order, const Status& status, Mono now);
  // Whoever still needs something asks again in the next session.
  void LinkClosed(LinkId link);
  // Begins what may begin. To be called after any of these, and at NextDeadline.
  void Serve(Mono now);
  std::optional<Mono> NextDeadline() const;
  // Nothing is asked for, under way or kept.
  bool idle() const { return asked_.empty() && relays_.empty(); }

 private:
  using Key = std::pair<LinkId, std::string>;  // the digest's hash
  static Key KeyOf(const Order& order) { return {order.link, order.digest.sha256}; }
  void Begin(const Order& order, Mono now);
  void End(const Order& order, const Status& status);
  void Leave(const Order& order);

  Edges& edges_;
  std::set<Key> asked_;  // and neither brought nor refused yet
  std::deque<Order> line_;
  std::map<Key, Order> under_way_;
  std::map<std::string, std::set<LinkId>> relays_;  // by hash: orders of a blob that is here only for them
};

}  // namespace cromt
