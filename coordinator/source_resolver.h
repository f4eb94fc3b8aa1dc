// Turns the repositories of a run into commits and trees, on a few threads of its own: cloning takes its time and must
// not hold up the loop.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "core/effect.h"
#include "core/event.h"
#include "io/git/cache.h"

namespace cromt {

class SourceResolver {
 public:
  // `answer` gets SourcesResolved or SourcesFailed, on a resolver thread. The cache outlives the resolver.
  SourceResolver(GitCache& cache, std::function<void(Event)> answer, std::function<void(const std::string&)> note);
  // Stops what is under way.
  ~SourceResolver();

  // Both: any thread.
  void Resolve(ResolveSources wanted) CROMT_EXCLUDES(mutex_);
  // What is fetched for this run at the moment, in words; empty if nothing is.
  std::string Progress(const RunId& run) const CROMT_EXCLUDES(mutex_);

 private:
  static constexpr size_t kAtOnce = 16;  // most of the time of a slow one is waiting
  void Run();
  Event ResolveAll(const ResolveSources& wanted);
  void Say(const RunId& run, std::string progress) CROMT_EXCLUDES(mutex_);

  GitCache& cache_;
  const std::function<void(Event)> answer_;
  const std::function<void(const std::string&)> note_;
  std::stop_source stop_;
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<ResolveSources> line_ CROMT_GUARDED_BY(mutex_);  // bounded by the scheduler's unfinished runs
  std::unordered_map<RunId, std::string> progress_ CROMT_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ CROMT_GUARDED_BY(mutex_);  // made when they are needed
  size_t idle_ CROMT_GUARDED_BY(mutex_) = 0;
};

}  // namespace cromt
