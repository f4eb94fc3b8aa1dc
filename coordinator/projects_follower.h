// A job file that lives in Git: its newest commit is applied as `cromt --conf` would, and again after each push.
// One that can't be applied is refused, what was applied before stays, and it is said until a better one comes.
#pragma once

#include <condition_variable>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "base/time.h"

namespace cromt {

class ProjectsFollower {
 public:
  // Failures to reach the repository come at most this far apart.
  static constexpr Duration kLongestBackoff = std::chrono::minutes(10);

  struct Edges {
    std::function<Result<std::string>(std::stop_token)> look;                             // the commit that is there
    std::function<Result<std::string>(const std::string& commit, std::stop_token)> read;  // the file's text in it
    // kExhausted, kUnavailable and kTimeout mean that the same may be taken later, all else that it is refused.
    std::function<Status(const std::string& commit, const std::string& text)> apply;
    std::function<void(const std::string&)> note;  // for the operator: what is wrong, and that it is right again
  };
  // `name` names the file for people. The edges are called on the follower's thread.
  ProjectsFollower(std::string name, Duration interval, Edges edges);
  ~ProjectsFollower();

  // What is wrong with what is there now, a sentence; "" = nothing. Any thread.
  std::string trouble() const CROMT_EXCLUDES(mutex_);

 private:
  void Run(std::stop_token stop);
  bool Follow(std::stop_token stop);
  void Tell(const std::string& trouble) CROMT_EXCLUDES(mutex_);

  const std::string name_;
  const Duration interval_;
  const Edges edges_;
  std::string settled_;  // the commit that was applied or refused; the thread's own, as the next
  std::string refused_;  // why that was; "" = it was applied
  mutable Mutex mutex_;
  std::string trouble_ CROMT_GUARDED_BY(mutex_);
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace cromt
