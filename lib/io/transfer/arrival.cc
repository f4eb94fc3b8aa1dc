#include "io/transfer/arrival.h"

#include <utility>

namespace cromt {

Status Arrival::Wait(const Patience& patience, const std::function<bool()>& stopped)
    CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) {
  std::unique_lock<Mutex> lock(mutex_);
  int64_t seen = -1;
  bool stalled = false;
  Mono since = SystemClock().Read().mono;
  for (;;) {
    if (!pieces_.empty()) {
      WriteNext(lock);
      since = SystemClock().Read().mono;  // a slow disk is not the holder's fault
    } else if (done_) {
      break;
    } else {
      changed_.wait_for(lock, std::chrono::milliseconds(100));
    }
    const Mono now = SystemClock().Read().mono;
    if (bytes_ != seen) {
      seen = bytes_;
      since = now;
    }
    const bool is_over = now - since > (bytes_ == 0 ? patience.first_byte : patience.stall);
    stalled = stalled || is_over;
    lock.unlock();
    const bool stop = stopped();
    if (stop || is_over) Cancel();
    lock.lock();
  }
  if (stalled && !status_) return Fail(ErrorCode::kUnavailable, "nothing came any more");
  return status_;
}

// Takes the first piece to the writer. After an error there, what comes is only let through until the call ends.
void Arrival::WriteNext(std::unique_lock<Mutex>& lock) CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) {
  std::string piece = std::move(pieces_.front());
  pieces_.pop_front();
  const bool go_on = std::exchange(held_back_, false);
  if (go_on) changed_.notify_all();
  lock.unlock();
  if (go_on) GoOn();
  if (written_) {
    if (writer_.size_bytes() + static_cast<int64_t>(piece.size()) > limit_)
      written_ = Fail(ErrorCode::kCorrupt, "more bytes came than the artifact has");
    else
      written_ = writer_.Append(piece);
    if (!written_) Cancel();
  }
  lock.lock();
  if (uses_again_ && used_.size() < kPieces) used_.push_back(std::move(piece));
}

bool Arrival::Came(std::string piece) {
  MutexLock lock(mutex_);
  bytes_ += static_cast<int64_t>(piece.size());
  pieces_.push_back(std::move(piece));
  held_back_ = pieces_.size() >= kPieces;
  changed_.notify_all();
  return !held_back_;
}

void Arrival::AwaitRoom() {
  std::unique_lock<Mutex> lock(mutex_);
  changed_.wait(lock, [this]() CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) { return !held_back_; });
}

std::string Arrival::Used() {
  MutexLock lock(mutex_);
  uses_again_ = true;
  if (used_.empty()) return "";
  std::string piece = std::move(used_.back());
  used_.pop_back();
  return piece;
}

void Arrival::Ended(const Status& status) {
  MutexLock lock(mutex_);
  status_ = status;
  done_ = true;
  changed_.notify_all();
}

}  // namespace cromt
