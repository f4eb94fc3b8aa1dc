// How a project is started by pushes to its repository: what its `trigger`, `poll_interval` and `hook` say. Immutable.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "core/polls.h"
#include "core/schedule.h"

namespace cromt {

struct JobFile;
struct Project;

struct PushTrigger {
  static constexpr Duration kDefaultInterval = seconds(60);
  static constexpr Duration kShortestInterval = seconds(1);

  bool poll = false;  // it looks for itself; else only when a hook says so
  Duration interval = kDefaultInterval;
  std::string hook_secret;  // name of the secret that signs its hooks; "" = none is taken
  // What comes while a run goes on waits, unless the file says otherwise: a push that is passed over would be lost.
  Overlap overlap = Overlap::kQueue;

  friend bool operator==(const PushTrigger&, const PushTrigger&) = default;
};

// The ref that starts `project`, with its variables filled in, as its plan has it.
Result<WatchedRef> WatchedBy(const JobFile& file, const Project& project);

}  // namespace cromt
