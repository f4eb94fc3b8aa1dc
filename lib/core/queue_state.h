// The agent queue's inside; only core/queue*.cc include this.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "core/queue.h"

namespace cromt {

// A place in the line: the higher priority first, then in the order in which they came.
struct InLine {
  int32_t priority = 0;
  Ticket ticket = 0;
  friend bool operator<(const InLine& a, const InLine& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.ticket < b.ticket;
  }
};

// No session hears nothing for so long (kUnreachableAfter): a mesh that was not heard for it has none.
inline constexpr Duration kMeshSilence = seconds(20);

struct MeshState {
  Ticket met = 0;  // tickets given when it came: where it was forgotten and came back, another number
  Mono heard{};    // since the agent started
  uint64_t epoch = 0;
  uint64_t commit = 0;
  uint64_t next_sequence = 1;
  uint64_t acked = 0;
  uint64_t logs_stored = 0;
  std::deque<Report> unacked;
  std::deque<InLine> line;  // sorted
  Mono lease_until{};
};

struct AgentQueue::State {
  QueueLimits limits;
  std::string boot;
  JournalId journal;
  Ticket next_ticket = 1;
  Ticket passed_over = 0;
  bool draining = false;
  std::string refusal;
  std::string warning;
  std::optional<std::string> launcher;  // incarnation, while it answers
  std::set<Ticket> orphans;             // that run there, of a journal that is gone
  std::map<Ticket, QueuedAttempt> attempts;
  std::unordered_map<MeshId, std::unordered_map<AttemptId, Ticket>> by_id;
  std::unordered_map<RequestId, Ticket> by_request;  // plain jobs
  std::map<MeshId, MeshState> meshes;
  MeshId served_last;
  std::set<uint32_t> free_slots;
  std::set<uint32_t> dirty_slots;   // being emptied
  std::set<std::string> used_dirs;  // in place, by attempts with artifacts that hold a slot
  std::deque<Ticket> kept_jobs;     // ended plain jobs, oldest first
  size_t active = 0;                // not ended
  size_t bytes = 0;                 // of the specs and secrets of all attempts

  Now now;
  QueueDecision out;

  void On(const queue_event::SessionBegan& event);
  void On(const queue_event::LeaseOffered& event);
  void On(const queue_event::LeasesExtended& event);
  void On(const queue_event::StopWanted& event);
  void On(const queue_event::ReportsAcked& event);
  void On(const queue_event::LogsStored& event);
  void On(const queue_event::JobSubmitted& event);
  void On(const queue_event::DrainWanted& event);
  void On(const queue_event::Refuse& event);
  void On(const queue_event::Prepared& event);
  void On(const queue_event::PrepareFailed& event);
  void On(const queue_event::LauncherUp& event);
  void On(const queue_event::LauncherDown& event);
  void On(const queue_event::LaunchHeld& event);
  void On(const queue_event::LauncherStarted& event);
  void On(const queue_event::LauncherEnded& event);
  void On(const queue_event::SlotCleaned& event);
  void On(const queue_event::Published& event);
  void On(const queue_event::PublishFailed& event);
  void On(const queue_event::Tick& event);

  // Replays one record; no effects.
  void Replay(const JournalRecord& record);
  // An order that the launcher never got was taken back, of which there is no record: that shows when another takes its
  // slot or its directory, or it is launched once more.
  void ReplayReturn(QueuedAttempt& attempt);
  void ReplaySlotFree(QueuedAttempt& attempt);
  void Recover(const OutputsInLog& outputs);

  size_t Met() const;
  MeshState& Meet(const MeshId& id);
  // The mesh to be forgotten for another; null if each has something here or may have a session.
  const MeshId* Forgettable() const;
  // Down to so many, as far as they are forgettable.
  void ForgetMeshes(size_t kept);
  std::string WhyFull(const TaskSpec& spec);
  QueuedAttempt& Accept(journal::Accepted record);
  void EndUntaken(const queue_event::LeaseOffered& event, AttemptResult result);
  QueuedAttempt* FindById(const MeshId& mesh, const AttemptId& id);
  void FillSlots();
  std::optional<Ticket> NextInLine();
  void EndPublishing(QueuedAttempt& attempt, AttemptResult result);
  void Launch(QueuedAttempt& attempt);
  void BackInLine(QueuedAttempt& attempt);
  void End(QueuedAttempt& attempt, AttemptResult result);
  void ReportEnd(QueuedAttempt& attempt, AttemptResult result);
  void SayEndAgain(QueuedAttempt& attempt);
  void ReplayEndAgain(QueuedAttempt& attempt, const journal::Ended& record);
  void EndLost(QueuedAttempt& attempt, AttemptResult result, const OutputsInLog& outputs);
  void AddReport(QueuedAttempt& attempt, uint64_t sequence);
  void KeepSecrets(QueuedAttempt& attempt, SecretValues values);
  void DropSecrets(QueuedAttempt& attempt);
  void ReleaseSlot(QueuedAttempt& attempt, bool clean);
  void ReturnExpired(MeshState& mesh);
  void ForgetIfDone(QueuedAttempt& attempt);
  void ForgetAllDone();
  void ForgetOldJobs();
  void Forget(Ticket ticket);
  void JoinLine(const QueuedAttempt& attempt);
  void DropFromLine(const QueuedAttempt& attempt);
};

journal::MeshSeen SeenRecord(const MeshId& id, const MeshState& mesh);
InLine PlaceOf(const QueuedAttempt& attempt);
// True if the attempt's files, script or artifacts must be staged before it can be launched.
bool NeedsPreparing(const QueuedAttempt& attempt);
// The directory that nobody else with artifacts may use at the same time; empty = none.
const std::string& OwnDirectory(const QueuedAttempt& attempt);

}  // namespace cromt
