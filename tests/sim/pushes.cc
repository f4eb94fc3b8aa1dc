#include "tests/sim/pushes.h"

#include "io/blob/sha256.h"
#include "tests/sim/host.h"
#include "tests/sim/network.h"

namespace cromt::sim {

std::string TreeBytes(bool at_default_branch) {
  return std::string(100, at_default_branch ? 'a' : 'b');
}

Digest TreeOf(bool at_default_branch) {
  const std::string bytes = TreeBytes(at_default_branch);
  return {Sha256Hex(bytes), static_cast<int64_t>(bytes.size())};
}

SimPushes::SimPushes(World& world, Network& network, Callbacks callbacks)
    : world_(world),
      network_(network),
      callbacks_(std::move(callbacks)),
      fetches_(world, network),
      waker_(world.timeline, "pushes", 0, [this] { Serve(); }) {
  for (const bool at_default_branch : {true, false})
    blobs_[TreeOf(at_default_branch).sha256] = TreeBytes(at_default_branch);
  Die();
}

SimPushes::~SimPushes() = default;

void SimPushes::Die() {
  ++life_;
  waker_.Cancel();
  fetches_.Die();
  calls_.clear();
  closed_.clear();
  orders_ = std::make_unique<BlobPushes>(static_cast<BlobPushes::Edges&>(*this));
}

void SimPushes::Later(Duration delay, std::function<void()> what) {
  world_.timeline.After(delay, "push", 0, [this, life = life_, what = std::move(what)] {
    if (life == life_) what();
  });
}

void SimPushes::Ask(LinkId link, const std::string& address, const Digest& digest,
                    const std::optional<LeaseInput>& holder) {
  Later(world_.dice.Between(Duration(10), milliseconds(5)),
        [this, order = BlobPushes::Order{link, address, digest, holder}] {
          orders_->Ask(order);
          Serve();
        });
}

void SimPushes::LinkClosed(LinkId link) {
  Later(world_.dice.Between(Duration(10), milliseconds(5)), [this, link] {
    closed_.insert(link);
    orders_->LinkClosed(link);
    Serve();
  });
}

void SimPushes::Serve() {
  orders_->Serve(now());
  const auto next = orders_->NextDeadline();
  if (next) waker_.WakeAt(Duration(Micros(*next)));
}

// ---- BlobPushes::Edges ------------------------------------------------------------------------

Status SimPushes::Push(const BlobPushes::Order& order) {
  if (closed_.contains(order.link)) world_.ledger.Violation("something is brought for a session that is over");
  if (order.tries > 0) world_.situations.Saw("artifact", "pushed again");
  if (world_.dice.PerMille(10)) return Fail(ErrorCode::kUnavailable, "no channel");
  const auto call = std::pair(order.link, order.digest.sha256);
  calls_[call] = false;
  Later(world_.dice.Between(milliseconds(1), seconds(2)), [this, order, call] {
    const bool called_off = calls_.extract(call).mapped();
    const Status pushed = called_off ? Fail(ErrorCode::kCanceled, "called off") : Arrive(order);
    orders_->Pushed(order, pushed, now());
    Serve();
  });
  return {};
}

Status SimPushes::Arrive(const BlobPushes::Order& order) {
  SimHost* host = network_.HostAt(order.address);
  const auto blob = blobs_.find(order.digest.sha256);
  if (!host || !host->up() || network_.IsStalled(*host)) return Fail(ErrorCode::kUnavailable, "nobody answers");
  if (blob == blobs_.end()) return Fail(ErrorCode::kNotFound, "it is not here any more");
  const bool breaks = world_.dice.PerCent(5);
  // It may have come, and nobody has heard of that.
  if (!breaks || world_.dice.PerCent(50)) {
    if (order.holder) world_.situations.Saw("artifact", "brought by the coordinator");
    host->TakeBlob(order.digest, blob->second);
  }
  return breaks ? Fail(ErrorCode::kUnavailable, "the connection broke") : Status();
}

void SimPushes::CancelPush(const BlobPushes::Order& order) {
  if (const auto call = calls_.find({order.link, order.digest.sha256}); call != calls_.end()) call->second = true;
}

void SimPushes::Fetch(const BlobPushes::Order& order) {
  fetches_.Fetch(*order.holder, [this, order](const Result<std::string>& fetched) {
    if (fetched) blobs_[order.digest.sha256] = *fetched;
    const Status status = fetched ? Status() : tl::unexpected<Error>(fetched.error());
    Later(world_.dice.Between(Duration(10), milliseconds(5)), [this, order, status] {
      orders_->Fetched(order, status, now());
      Serve();
    });
  });
}

void SimPushes::Undeliverable(const BlobPushes::Order& order, const Error& why) {
  if (order.holder) world_.situations.Saw("artifact", "the coordinator can't bring it");
  callbacks_.undeliverable(order.link, {order.digest, why.message});
}

}  // namespace cromt::sim
