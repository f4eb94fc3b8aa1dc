// What a launcher knows: the attempts that run, and the results that its agent has not taken. Keeps what protocol.h
// promises of them, apart from processes, sockets and the log; the simulator's launchers have it, too. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "agent/launcher/protocol.h"
#include "base/time.h"

namespace cromt::launcher {

// True when `start` can be run at all: some argv, an absolute cwd, no NUL within a text.
bool IsValid(const Start& start);

// An attempt whose process could not be made, or is not: both its beginning and its end.
Known NotSpawned(const Start& start, int error, std::string reason, Wall now, LogPosition log_end);

class Roster {
 public:
  // What is done with a Start.
  enum class Verdict : uint8_t {
    kBegin,    // and Began follows, or Ended
    kKnown,    // nothing: it runs, or its result waits
    kLeaving,  // the agent is told so, and nothing is kept
    kFull,     // likewise
    kInvalid,  // the agent is told so until it forgets that
  };
  Verdict Judge(const Start& start) const;

  void Began(const Started& started) { known_[started.log_id] = {started, std::nullopt}; }
  // A result is kept until it is forgotten.
  void Keep(const Known& ended);
  // What is unknown or runs stays as it is.
  void Forget(uint64_t log_id);
  // Nothing begins from now on.
  void Leave() { leaves_ = true; }

  // What an agent is answered to its Hello.
  void Greet(Hello own, const std::function<void(const FromLauncher&)>& send) const;

  size_t results() const { return results_; }
  bool idle() const { return known_.empty(); }

 private:
  std::map<uint64_t, Known> known_;  // by log_id
  size_t results_ = 0;               // of these
  bool leaves_ = false;
};

}  // namespace cromt::launcher
