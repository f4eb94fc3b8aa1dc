#include "coordinator/http/health.h"

#include <utility>

namespace cromt {

Health::Health(std::function<bool()> loop_answers, const Clock& clock)
    : loop_answers_(std::move(loop_answers)), clock_(clock) {}

void Health::Ask() {
  const bool answers = loop_answers_();
  MutexLock lock(mutex_);
  asking_ = false;
  dead_ = !answers;
}

bool Health::Answers() {
  MutexLock lock(mutex_);
  const Mono now = clock_.Read().mono;
  if (asking_) return !dead_ && now - asked_at_ < kPatience;
  if (asked_at_ == Mono{} || now - asked_at_ >= kAskAgain) {
    asking_ = true;
    asked_at_ = now;
    asker_.Do([this](std::stop_token) { Ask(); });
  }
  return !dead_;
}

http::Response Health::Lives() {
  if (Answers()) return {.body = "ok\n"};
  return {.status = 503, .body = "the coordinator's loop does not answer\n"};
}

http::Response Health::Ready() {
  http::Response lives = Lives();
  if (lives.status != 200) return lives;
  MutexLock lock(mutex_);
  if (held_.empty()) return lives;
  return {.status = 503, .body = held_ + "\n"};
}

void Health::Held(const std::string& why) {
  MutexLock lock(mutex_);
  // What stands behind the colon may name files, and anybody may read this.
  held_ = why.substr(0, why.find(": "));
}

}  // namespace cromt
