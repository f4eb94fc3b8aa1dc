#include "base/event_ring.h"

namespace cromt {

void EventRing::Add(Wall at, const Line& line) {
  MutexLock lock(mutex_);
  if (events_.size() < kMost) events_.emplace_back();
  Event& event = events_[count_++ % kMost];
  event.at = at;
  event.kind = line.kind;
  event.state = line.state;
  event.of = line.of;
  event.task = line.task;
  event.attempt = line.attempt;
  event.agent = line.agent;
  if (line.reason.size() <= kMostReasonBytes)
    event.reason = line.reason;
  else
    event.reason = "(longer than is kept)";
}

std::vector<EventRing::Event> EventRing::Last() const {
  MutexLock lock(mutex_);
  std::vector<Event> events;
  events.reserve(events_.size());
  const uint64_t first = count_ < kMost ? 0 : count_ % kMost;
  for (uint64_t i = 0; i < events_.size(); ++i) events.push_back(events_[(first + i) % events_.size()]);
  return events;
}

uint64_t EventRing::count() const {
  MutexLock lock(mutex_);
  return count_;
}

}  // namespace cromt
