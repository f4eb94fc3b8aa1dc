#include "coordinator/blob_pushes.h"

#include <algorithm>
#include <utility>

namespace cromt {
namespace {

Duration PatienceWith(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kCanceled:
    case ErrorCode::kTimeout: return BlobPushes::kPatience;
    case ErrorCode::kExhausted: return BlobPushes::kFullPatience;
    default: return Duration(0);  // it would be the same again
  }
}

}  // namespace

void BlobPushes::Ask(Order order) {
  if (edges_.IsOpen(order.link) && asked_.insert(KeyOf(order)).second) line_.push_back(std::move(order));
}

void BlobPushes::Serve(Mono now) {
  for (size_t waits = 0; waits < line_.size() && under_way_.size() < kAtOnce;) {
    if (line_[waits].not_before > now) {
      ++waits;
      continue;
    }
    const Order order = std::move(line_[waits]);
    line_.erase(line_.begin() + static_cast<std::ptrdiff_t>(waits));
    if (!order.holder || edges_.Has(order.digest)) {
      Begin(order, now);
    } else {  // the two agents can't reach each other: the blob comes here first
      relays_[order.digest.sha256].insert(order.link);
      edges_.Fetch(order);
    }
  }
}

std::optional<Mono> BlobPushes::NextDeadline() const {
  std::optional<Mono> next;
  if (under_way_.size() < kAtOnce)
    for (const Order& order : line_) next = next ? std::min(*next, order.not_before) : order.not_before;
  return next;
}

void BlobPushes::Begin(const Order& order, Mono now) {
  under_way_.emplace(KeyOf(order), order);
  if (auto begun = edges_.Push(order); !begun) Pushed(order, begun, now);
}

// Who fetches has tried often enough.
void BlobPushes::Fetched(const Order& order, const Status& status, Mono now) {
  if (status && edges_.IsOpen(order.link))
    Begin(order, now);
  else
    End(order, status);
}

void BlobPushes::Pushed(const Order& order, const Status& status, Mono now) {
  under_way_.erase(KeyOf(order));
  const bool again = !status && now - order.failed_at.value_or(now) < PatienceWith(status.error());
  if (!again || !edges_.IsOpen(order.link)) return End(order, status);
  Order next = order;
  if (!next.failed_at) next.failed_at = now;
  next.not_before = now + std::min(kFirstPause * (1 << std::min(next.tries++, 10)), kLongestPause);
  line_.push_back(std::move(next));
}

void BlobPushes::End(const Order& order, const Status& status) {
  if (!status && edges_.IsOpen(order.link)) edges_.Undeliverable(order, status.error());
  Leave(order);
}

void BlobPushes::Leave(const Order& order) {
  asked_.erase(KeyOf(order));
  const auto relay = relays_.find(order.digest.sha256);
  if (relay == relays_.end() || relay->second.erase(order.link) == 0 || !relay->second.empty()) return;
  relays_.erase(relay);
  edges_.Remove(order.digest);  // its holder has it; should it stay, it is in nobody's way
}

void BlobPushes::LinkClosed(LinkId link) {
  std::deque<Order> line;
  for (Order& order : std::exchange(line_, {})) {
    if (order.link == link)
      Leave(order);
    else
      line.push_back(std::move(order));
  }
  line_ = std::move(line);
  for (const auto& [key, order] : under_way_)
    if (key.first == link) edges_.CancelPush(order);
}

}  // namespace cromt
