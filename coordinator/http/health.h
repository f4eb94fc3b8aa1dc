// Whether the coordinator lives and is ready, for those who look after it. Any thread; nothing here waits.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/thread_annotations.h"
#include "base/time.h"
#include "io/http_server/message.h"
#include "io/process/workers.h"

namespace cromt {

class Health {
 public:
  static constexpr Duration kAskAgain = seconds(1);
  static constexpr Duration kPatience = seconds(5);  // with the loop

  // `loop_answers` is asked on a thread for that alone, may take its time, and says whether the loop has answered.
  Health(std::function<bool()> loop_answers, const Clock& clock);

  // 200 as long as the loop has answered within kPatience of being asked; it is asked when somebody looks.
  http::Response Lives() CROMT_EXCLUDES(mutex_);
  // 200 as long as it lives and nothing holds it.
  http::Response Ready() CROMT_EXCLUDES(mutex_);
  // "" = nothing does.
  void Held(const std::string& why) CROMT_EXCLUDES(mutex_);

 private:
  void Ask() CROMT_EXCLUDES(mutex_);
  bool Answers() CROMT_EXCLUDES(mutex_);

  const std::function<bool()> loop_answers_;
  const Clock& clock_;
  Mutex mutex_;
  bool asking_ CROMT_GUARDED_BY(mutex_) = false;
  bool dead_ CROMT_GUARDED_BY(mutex_) = false;  // it has said that it does not
  Mono asked_at_ CROMT_GUARDED_BY(mutex_){};    // last
  std::string held_ CROMT_GUARDED_BY(mutex_) = "the coordinator is starting";
  Workers asker_{"http-health", 1};  // last: it ends first
};

}  // namespace cromt
