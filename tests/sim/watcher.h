// Sees what the coordinator commits, what agents do with attempts and what the two say to each other, and notes which
// situations that are (situations.h). Changes nothing.
#pragma once

#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "coordinator/store/store.h"
#include "core/effect.h"
#include "core/messages.h"
#include "core/queue.h"
#include "tests/sim/situations.h"

namespace cromt::sim {

// Of one coordinator's store.
class CommitWatcher {
 public:
  explicit CommitWatcher(Situations& situations) : situations_(situations) {}
  // These were committed.
  void See(std::span<const Record> records);
  // What was there when it was opened.
  void TakeUp(const StoredState& state);

 private:
  void See(const RunCreated& record);
  void See(const RunChanged& record);
  void See(const TaskChanged& record);
  void SeeStart(const TickSettled& record);

  Situations& situations_;
  std::map<std::pair<RunId, TaskIndex>, TaskState> tasks_;
  std::map<RunId, RunState> runs_;
};

// Of one host's agent.
class QueueWatcher {
 public:
  explicit QueueWatcher(Situations& situations) : situations_(situations) {}
  // How it stands after a step.
  void See(const AgentQueue& queue);
  // A new one, from the journal or without one: what it does not know is not forgotten properly.
  void Forget() { phases_.clear(); }

 private:
  Situations& situations_;
  std::map<Ticket, QueuedAttempt::Phase> phases_;
};

// Of one link, both ends.
class SessionWatcher {
 public:
  explicit SessionWatcher(Situations& situations) : situations_(&situations) {}
  void Opened() { GoTo("opened"); }
  // It has arrived.
  void See(const ToAgent& message);
  void See(const FromAgent& message);
  // For an end that takes part in it, no matter why.
  void Ended();

 private:
  void GoTo(std::string_view phase);

  Situations* situations_;
  std::string_view phase_ = "dialled";
};

}  // namespace cromt::sim
