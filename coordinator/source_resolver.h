// Turns the repositories of a run into commits and trees, on a few threads of its own: cloning takes its time and must
// not hold up the loop.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "core/effect.h"
#include "core/event.h"
#include "io/git/cache.h"
#include "io/process/mailbox.h"

namespace cromt {

class SourceResolver {
 public:
  // `answer` gets SourcesResolved or SourcesFailed, on a resolver thread. The cache outlives the resolver.
  SourceResolver(GitCache& cache, std::function<void(Event)> answer, std::function<void(const std::string&)> note);
  // Stops what is under way.
  ~SourceResolver();
  // Any thread.
  void Resolve(ResolveSources wanted);

 private:
  static constexpr size_t kThreads = 4;
  void Run(Mailbox<ResolveSources>& inbox);
  Event ResolveAll(const ResolveSources& wanted);

  GitCache& cache_;
  const std::function<void(Event)> answer_;
  const std::function<void(const std::string&)> note_;
  std::stop_source stop_;
  std::vector<std::unique_ptr<Mailbox<ResolveSources>>> inboxes_;  // one a thread; runs are dealt out in turn
  std::atomic<size_t> next_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace cromt
