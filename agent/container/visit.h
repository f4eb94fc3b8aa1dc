// A job in a container that ran before it came, and runs on after it. Everything of ours there lies in one directory,
// the order's `place`: cromt-step, by which all else is done (agent/step/inside.h), the script, and the workspace,
// which the engine unpacks there; what it has become comes back as an archive and is checked as one from a stranger.
//
// Other processes and files of the container are not touched. The job's processes are found below cromt-step, and where
// that was killed by the mark in their environment.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "agent/container/order.h"
#include "io/archive/writer.h"
#include "io/container/engine.h"

namespace cromt::container {

class Visit {
 public:
  // In the container that `state` tells of. `engine` and `stopping` outlive it; `say` tells the person who reads the
  // log. Prepare, Run and BringBack end early, with kCanceled, once `stopping` is set.
  Visit(ContainerEngine& engine, EntryOrder order, bool records, std::string box, ContainerState state,
        const std::atomic<bool>& stopping, std::function<void(const std::string&)> say);

  // Puts there what the job needs. What there is then is noted in the box.
  Status Prepare();
  // The job's exit code, with its output on descriptors 1, 2 and 3. Errors: the container or the engine went away.
  Result<int> Run();
  // Its workspace, as it has become.
  Status BringBack();
  // Removes all that is left there.
  Status Leave();
  // To all of the job's processes. Any thread; blocks for a moment.
  void Signal(int signal);

  // What a runner that was killed has left in a container; a container that is gone or has ended holds nothing that
  // runs.
  static Status CleanUp(ContainerEngine& engine, const VisitNote& note, bool thorough);

 private:
  Status NotStopped() const;
  // Numbers of the user that it runs as.
  Result<ArchiveOwner> Owner();
  Status CanRun();
  Status PutWorkspace(const ArchiveOwner& owner);
  bool IsGone(const Result<ContainerState>& now) const;
  // Why a job that was begun has no exit code, in words; waits for an engine that is away.
  Error WhyEnded(const Error& error);

  ContainerEngine& engine_;
  const std::string address_;
  const EntryOrder order_;
  const bool records_;
  const std::string box_;
  const ContainerState state_;
  const std::atomic<bool>& stopping_;
  const std::function<void(const std::string&)> say_;
  std::vector<std::string> sent_;  // paths of the workspace
  std::atomic<bool> inside_ = false;
  bool clean_end_ = false;  // cromt-step itself has ended the job
};

}  // namespace cromt::container
