#include "coordinator/notifier.h"

namespace cromt {

Notifier::Watch::Watch(Notifier& notifier, RunId run, Duration pause)
    : notifier_(notifier), run_(std::move(run)), pause_(pause) {
  MutexLock lock(notifier_.mutex_);
  Entry& entry = notifier_.watched_[run_];
  ++entry.watchers;
  seen_ = entry.changes;
}

Notifier::Watch::~Watch() {
  MutexLock lock(notifier_.mutex_);
  auto entry = notifier_.watched_.find(run_);
  if (--entry->second.watchers == 0) notifier_.watched_.erase(entry);
}

bool Notifier::Watch::Wait(Duration patience) {
  using Steady = std::chrono::steady_clock;
  MutexLock lock(notifier_.mutex_);
  const Entry& entry = notifier_.watched_.at(run_);
  const auto give_up = Steady::now() + patience;
  while (!notifier_.stopped_ && entry.changes == seen_ &&
         notifier_.changed_.wait_until(notifier_.mutex_, give_up) == std::cv_status::no_timeout) {
  }
  const auto pause_ends = woken_ + pause_;
  while (!notifier_.stopped_ && !entry.finished &&
         notifier_.changed_.wait_until(notifier_.mutex_, pause_ends) == std::cv_status::no_timeout) {
  }
  seen_ = entry.changes;
  woken_ = Steady::now();
  return !notifier_.stopped_;
}

void Notifier::Changed(std::span<const RunChange> changes) {
  MutexLock lock(mutex_);
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
  MutexLock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace cromt
