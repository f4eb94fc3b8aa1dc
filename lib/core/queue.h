// The agent's queue: every attempt that this host knows, its slots, and what is to be reported.
//
// Facts in, records and effects out, like the scheduler: no thread, clock, socket or file. Records are appended to the
// journal before the effects are carried out; a process that dies in between comes up again with Restore and is told
// the rest by the launcher. Not thread-safe.
//
//   leased ─▶ (preparing) ─▶ launching ─▶ running ─▶ (publishing) ─▶ ended ─▶ forgotten (its end acknowledged, its
//   output stored)
//
// Rules:
// - A lease is the right to start: what is still in line, or being prepared, when its mesh's leases have run out is
//   returned, not started.
// - Once "launching" is in the journal the attempt may have started; a launcher of another incarnation then means lost.
//   One that lives and does not know of it has not begun it.
// - Publishing leaves no trace in the journal: after a restart the launcher tells the end again, and it is done again.
// - Of attempts that use one directory in place and have artifacts, one holds a slot at a time.
// - The values of secrets stand in no record: what is in line after a restart of the agent has lost them, and is
// returned,
//   so that it is leased again with them.
// - While nothing new is to be begun (Refuse), what is in line stays there; what has begun goes on.
// - A launcher may have outlived the journal (the agent was installed anew): what it still runs is stopped, and nothing
//   is begun, and no mesh met for the first time, before that has ended.
// - Each mesh has a line, slots go to the meshes in turn, within a mesh first come, first served.
// - Reports are numbered per mesh without gaps and kept until acknowledged.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/queue_event.h"

namespace cromt {

struct QueueLimits {
  uint32_t slots = 8;
  uint32_t attempts = 65'536;  // known at a time; more is returned or refused
  size_t bytes = 128 << 20;    // of what is known, likewise: a compacted journal takes about as much
  uint32_t kept_jobs = 1'000;  // ended plain jobs that stay readable
  uint32_t meshes = 1'024;     // remembered; one more takes the place of one that has nothing here and is silent
};

// An attempt as the queue knows it.
struct QueuedAttempt {
  enum class Phase { kQueued, kPreparing, kLaunching, kRunning, kPublishing, kEnded };
  Ticket ticket = 0;
  MeshId mesh;
  AttemptId id;
  std::shared_ptr<const TaskSpec> spec;
  std::string host;
  RequestId request;  // plain jobs only
  LeaseInputs inputs;
  SecretValues secrets;  // until its process runs; null: it needs none, or has lost them
  Phase phase = Phase::kQueued;
  std::optional<uint32_t> slot;
  std::string incarnation;  // of the launcher that was asked
  bool stop_wanted = false;
  bool end_acked = false;
  Wall accepted_at;
  std::optional<Wall> started_at;
  uint64_t log_begin = 0;
  uint64_t log_end = 0;
  AttemptResult result;  // once ended; of its process while publishing
};

// Of what a launcher that has come up knows nothing: whether that is lost. If not, it was not to be begun yet, or the
// order to begin it never arrived, and goes out again.
bool IsLost(const QueuedAttempt& attempt, const std::string& incarnation);

// Which attempt a ticket names.
struct InventoryTicket {
  Ticket ticket = 0;
  MeshId mesh;
  AttemptId id;
};

class AgentQueue {
 public:
  // `boot` is the kernel's boot id; `journal` a new id, taken for a journal that is empty or of another boot (a host
  // crash may have cost it its end, so that it would say things twice under one number). `first`: the first ticket of
  // an empty journal. `passed_over`: so many tickets of one that is not empty are never given, which it may have lost
  // and of which a launcher, or the host's log, may still tell.
  AgentQueue(QueueLimits limits, std::string boot, JournalId journal, Ticket first = 1, Ticket passed_over = 0);
  ~AgentQueue();

  // Takes up the journal's records, oldest first; empty for a new one. Call once, first.
  // The decision's records must be written like any other. A slot that no attempt holds may be dirty: the caller
  // empties those before the first Apply. `outputs`: what the log has of attempts that a crash of the host has ended.
  QueueDecision Restore(const std::vector<JournalRecord>& records, Now now, const OutputsInLog& outputs = {});

  QueueDecision Apply(const QueueEvent& event, Now now);

  // When Apply(Tick) is next needed.
  std::optional<Mono> NextDeadline() const;

  // The records from which Restore makes this state again: a compacted journal.
  std::vector<JournalRecord> Snapshot() const;

  const JournalId& journal() const;
  // In which the reports of this mesh are numbered: another one where it was forgotten and has come back.
  JournalId JournalOf(const MeshId& mesh) const;
  bool Knows(const MeshId& mesh) const;
  // Why this mesh gets no session: others have all places; or it is new to this journal, and the launcher may run what
  // an earlier one knew. Empty = it gets one. `inspect`: a session that only asks takes no place.
  std::string WhyNotMet(const MeshId& mesh, Now now, bool inspect = false) const;
  // What the mesh's newest session must exceed.
  std::pair<uint64_t, uint64_t> Seen(const MeshId& mesh) const;  // (epoch, commit)
  std::vector<InventoryItem> Inventory(const MeshId& mesh) const;
  // Unacknowledged reports after `sequence`, at most `limit`.
  std::vector<Report> ReportsAfter(const MeshId& mesh, uint64_t sequence, size_t limit) const;
  uint64_t AckedSequence(const MeshId& mesh) const;
  uint64_t LastSequence(const MeshId& mesh) const;  // of all that were made
  uint64_t LogsStoredTo(const MeshId& mesh) const;
  // Output before this position is needed by nobody: not by a mesh, not by a kept job.
  uint64_t LogNeededFrom(uint64_t log_end) const;

  const QueuedAttempt* Find(Ticket ticket) const;
  const QueuedAttempt* Find(const MeshId& mesh, const AttemptId& id) const;
  // All attempts, by ticket.
  std::vector<InventoryTicket> Tickets() const;
  // Plain jobs, oldest first.
  std::vector<const QueuedAttempt*> Jobs() const;
  bool draining() const;
  // Why nothing new is begun; empty = it is.
  const std::string& refusal() const;
  // What will soon be a reason not to.
  const std::string& warning() const;
  size_t attempts() const;
  // It knows twice as much as its limits allow: somebody offers leases and takes none back.
  bool overfull() const;
  // No attempt is queued, preparing, launching or running.
  bool idle() const;

  // A sentence for the first cross-reference that does not hold, else empty.
  std::string Check() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cromt
