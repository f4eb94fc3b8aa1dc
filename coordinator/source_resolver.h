// Turns the repositories of a run into commits and trees, on a few threads of its own: cloning takes its time and must
// not hold up the loop.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "base/thread_annotations.h"
#include "core/effect.h"
#include "core/event.h"
#include "io/git/cache.h"
#include "io/process/workers.h"

namespace cromt {

class SourceResolver {
 public:
  // `answer` gets SourcesResolved or SourcesFailed, on a resolver thread. The cache outlives the resolver.
  SourceResolver(GitCache& cache, std::function<void(Event)> answer, std::function<void(const std::string&)> note);
  // Both: any thread.
  void Resolve(ResolveSources wanted) CROMT_EXCLUDES(mutex_);
  // What is fetched for this run at the moment, in words; empty if nothing is.
  std::string Progress(const RunId& run) const CROMT_EXCLUDES(mutex_);

 private:
  static constexpr size_t kAtOnce = 16;  // most of the time of a slow one is waiting
  Event ResolveAll(const ResolveSources& wanted, std::stop_token stop);
  void Say(const RunId& run, std::string progress) CROMT_EXCLUDES(mutex_);

  GitCache& cache_;
  const std::function<void(Event)> answer_;
  const std::function<void(const std::string&)> note_;
  mutable Mutex mutex_;
  std::unordered_map<RunId, std::string> progress_ CROMT_GUARDED_BY(mutex_);
  Workers workers_{"sources", kAtOnce};  // what waits is bounded by the scheduler's unfinished runs
};

}  // namespace cromt
