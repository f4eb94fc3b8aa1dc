#include "coordinator/notifier.h"

namespace cromt {

Notifier::Watch::Watch(Notifier& notifier, RunId run) : notifier_(notifier), run_(std::move(run)) {
  std::lock_guard lock(notifier_.mutex_);
  Entry& entry = notifier_.watched_[run_];
  ++entry.watchers;
  seen_ = entry.changes;
}

Notifier::Watch::~Watch() {
  std::lock_guard lock(notifier_.mutex_);
  auto entry = notifier_.watched_.find(run_);
  if (--entry->second.watchers == 0) notifier_.watched_.erase(entry);
}

bool Notifier::Watch::Wait(Duration patience) {
  std::unique_lock lock(notifier_.mutex_);
  const Entry& entry = notifier_.watched_.at(run_);
  notifier_.changed_.wait_for(lock, patience, [&] { return notifier_.stopped_ || entry.changes != seen_; });
  seen_ = entry.changes;
  return !notifier_.stopped_;
}

void Notifier::Changed(std::span<const RunId> runs) {
  std::lock_guard lock(mutex_);
  bool any = false;
  for (const RunId& run : runs) {
    auto entry = watched_.find(run);
    if (entry == watched_.end()) continue;
    ++entry->second.changes;
    any = true;
  }
  if (any) changed_.notify_all();
}

void Notifier::Stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace cromt
