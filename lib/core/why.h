// Why a task or a run stands where it does, in sentences for people, the cause first. What the store remembers of a
// finished one is told by the same words (coordinator/why.h).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/effect.h"
#include "core/plan.h"

namespace cromt {

// What kind of answer it is; tests walk all of them (tests/unit/coordinator/why_walk_test.cc).
enum class WhyKind {
  kHeld,         // nothing at all is leased: the store went back, or its disk is full
  kSources,      // the run's repositories are being resolved
  kNeeds,        // waits for projects that come before
  kAfter,        // waits for the tasks of the project it comes after
  kLane,         // somebody else has its lane
  kLaneLost,     // an attempt that was lost in silence keeps its lane
  kParallel,     // as many of its project run as may
  kBehind,       // others are before it in its lane
  kSlots,        // its agent has enough to do
  kPaused,       // its agent has just given back a lease
  kRefuses,      // its agent takes nothing new, and says why
  kUnreachable,  // nobody answers at its address
  kRetry,        // waits for its next try
  kLeased,       // its agent has it, and has not said that it began
  kRunning,      // its process runs
  kStopping,     // it was told to stop
  kSilent,       // its agent is silent, and it may be running
  kEnded,        // how it ended, and why
  kEarlier,      // how an earlier attempt of it ended
  kWaited,       // how long it waited before
  kOutput,       // of a running one: when it said something last, and how long it took before
  kProgress,     // of a run: how many of its tasks stand where, or wait for what was not told
};

struct WhyLine {
  WhyKind kind;
  std::string text;  // a sentence without a full stop
};
using WhyLines = std::vector<WhyLine>;

// A longer one is cut: it may hold reasons that agents gave.
inline constexpr size_t kMaxWhyText = 1000;
std::string CutWhy(std::string text);

// How a person finds the host again: by the name in the file and the address it stands for.
std::string HostText(const PlannedHost& host);

// What names this host in a reason is taken out: who is alike but for the host has the same. To compare, not to show.
std::string WithoutHost(std::string_view reason, const PlannedHost& host);

// The hosts of tasks for which one sentence is told.
class ToldHosts {
 public:
  void Add(const PlannedHost& host);
  size_t addresses() const { return addresses_.size(); }
  // The sentence of `host`, which is one of them, told for all: it names the address where several hosts are one, and
  // the first few of several addresses.
  std::string Tell(std::string sentence, const PlannedHost& host) const;

 private:
  std::vector<PlannedHost> first_;  // of the first addresses; an id is empty where there are several
  std::set<std::string, std::less<>> addresses_;
};

// "failed: exit code 5", "canceled by eve": how a task ended, in words that say each thing once.
std::string EndText(const TaskStatus& status);

std::string_view ToString(WhyKind kind);
std::optional<WhyKind> WhyKindFrom(std::string_view text);

}  // namespace cromt
