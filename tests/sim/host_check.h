// Looks over an agent's shoulder. Changes nothing and draws nothing.
//
// Checked: nothing is launched, and no result forgotten, before that is in the journal; an attempt is forgotten when
// its output is stored; who has the higher priority begins first, else who came first; a stop that has arrived ends its
// process, unless the agent, its launcher or its disk was in trouble meanwhile; who has answered a coordinator takes no
// attempt and no stop from one whose epoch is lower; what it was told to stop it stops, and launches no more.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "agent/engine.h"
#include "agent/launcher/protocol.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class HostCheck {
 public:
  explicit HostCheck(World& world) : world_(world) {}

  // An agent comes up with these.
  void Boots(const std::vector<JournalRecord>& records);
  void Dies() { Disturbed(Duration(0)); }
  // The log of its host may end before what was in it.
  void HostCrashes() { outputs_.clear(); }
  // It knows less than before.
  void JournalIsCut() { launchers_.clear(); }
  // A stop may not get through before then.
  void Disturbed(Duration until);
  // `log` is what the host's launchers have written.
  void Journaled(std::span<const JournalRecord> records, const HostLogContents& log);
  // A coordinator of this epoch speaks on it, by what was sent, whatever has become of that on its way.
  void Greeted(StreamId stream, uint64_t epoch, bool second);
  void Answers(StreamId stream);
  // What it is about to take in.
  void Takes(const std::vector<AgentInput>& inputs);
  void Closes(StreamId stream) {
    std::erase_if(said_, [&](const Said& said) { return said.stream == stream; });
  }
  void Stepped(const AgentQueue& queue);
  // It begins to prepare it, or lets it be launched.
  void Begins(const AgentQueue& queue, const QueuedAttempt& attempt);
  void Launches(const QueuedAttempt& attempt);
  void Stops(const AttemptId& id);
  void ForgetsResult(Ticket ticket);
  void Forgets(Ticket ticket);
  // What the launcher says, as it says it.
  void Launcher(const AgentQueue* queue, const launcher::Ended& ended);

 private:
  // Stops of one message; obeyed unless its session is closed for it.
  struct Said {
    StreamId stream = 0;
    std::vector<AttemptId> stops;
  };
  bool IsOlder(StreamId stream) const;
  void Violation(const std::string& what);

  World& world_;
  void Replays(std::span<const JournalRecord> records);

  std::set<Ticket> accepted_, launching_, ended_;  // by the journal
  std::string launcher_, launcher_before_;         // the incarnation heard of last, and before this step
  std::map<Ticket, std::string> launchers_;        // heard of when it was accepted by this agent's installation
  bool refused_before_ = false;                    // the step before this
  std::map<Ticket, QueuedAttempt::Phase> before_;  // after the step before
  std::vector<Said> said_;
  std::map<AttemptId, Duration> stops_;                // when they were told to stop
  std::map<Ticket, HostLogContents::Output> outputs_;  // of what has ended
  std::map<StreamId, uint64_t> epochs_;
  uint64_t answered_epoch_ = 0;  // the highest, as far as the journal knows
  uint64_t second_epoch_ = 0;
  std::set<AttemptId> older_leases_, older_stops_;  // only an older coordinator has just said so
  uint64_t stored_ = 0;                             // of the host's output, as far as the journal knows
  std::set<Ticket> told_to_stop_;  // in this life; of a store that went back an id may mean another attempt
  Duration calm_since_{0};
  int told_ = 0;
};

}  // namespace cromt::sim
