#include "coordinator/notifier.h"

namespace cromt {

Notifier::Watch::Watch(Notifier& notifier, RunId run, Duration pause)
    : notifier_(notifier), run_(std::move(run)), pause_(pause) {
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
  notifier_.changed_.wait_until(lock, woken_ + pause_, [&] { return notifier_.stopped_ || entry.finished; });
  seen_ = entry.changes;
  woken_ = std::chrono::steady_clock::now();
  return !notifier_.stopped_;
}

void Notifier::Changed(std::span<const RunChange> changes) {
  std::lock_guard lock(mutex_);
  bool any = false;
  for (const RunChange& change : changes) {
    auto entry = watched_.find(change.run);
    if (entry == watched_.end()) continue;
    ++entry->second.changes;
    entry->second.finished |= change.finished;
    any = true;
  }
  if (any) changed_.notify_all();
}

void Notifier::OutputCame(const RunId& run) {
  RunChange change{run, false};
  Changed({&change, 1});
}

void Notifier::Stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace cromt
