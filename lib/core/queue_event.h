// What the agent's queue hears, stores and asks for. See core/queue.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/messages.h"

namespace cromt {

// Names an attempt on its host: in the journal, to the launcher and in the log. Never used twice within a journal.
using Ticket = uint64_t;

// The mesh of jobs that came by plain Submit, without a coordinator.
inline const MeshId kPlainMesh{"plain"};

// What the host's log has of an attempt's output.
struct OutputInLog {
  int64_t bytes = 0;
  uint64_t begin = 0;  // positions in the log: of the first of it, and behind the last
  uint64_t end = 0;
  friend bool operator==(const OutputInLog&, const OutputInLog&) = default;
};
using OutputsInLog = std::unordered_map<Ticket, OutputInLog>;

// ---- Events -----------------------------------------------------------------------------------

namespace queue_event {

struct SessionBegan {
  MeshId mesh;
  uint64_t epoch = 0;
  uint64_t commit = 0;
};
struct LeaseOffered {
  MeshId mesh;
  Lease lease;
};
// What of this mesh has not started may start until then.
struct LeasesExtended {
  MeshId mesh;
  Mono until;
};
struct StopWanted {
  MeshId mesh;
  AttemptId id;
};
struct ReportsAcked {
  MeshId mesh;
  uint64_t sequence = 0;
  uint64_t commit = 0;
};
// All output before this position that belongs to the mesh is kept elsewhere.
struct LogsStored {
  MeshId mesh;
  uint64_t position = 0;
};
struct JobSubmitted {
  RunId job;  // new and random
  RequestId request;
  std::shared_ptr<const TaskSpec> spec;
};
struct DrainWanted {
  bool drain = true;
};
// Nothing new is taken or begun, for this reason; empty = it is again. Not remembered over a restart.
struct Refuse {
  std::string reason;
  std::string warning = {};  // what will soon be such a reason, for people; empty = nothing
};
struct Prepared {
  Ticket ticket = 0;
};
struct PrepareFailed {
  Ticket ticket = 0;
  std::string reason;
};
// The launcher answered and said what it knows; `incarnation` is new with every launcher process.
struct LauncherUp {
  struct Known {
    Ticket ticket = 0;
    bool running = true;
  };
  std::string incarnation;
  std::vector<Known> known;   // a running one is followed by LauncherStarted, an ended one by LauncherEnded
  std::string remains;        // what became of what a dead launcher left running; told with what is lost; may be empty
  OutputsInLog written = {};  // what dead launchers have written of attempts that are lost by this
  uint64_t log_end = 0;
};
struct LauncherDown {
  std::string reason;
};
// The effect to launch it was not carried out, and will not be: it goes back to its place in the line.
struct LaunchHeld {
  Ticket ticket = 0;
};
struct LauncherStarted {
  Ticket ticket = 0;
  Wall at;
  uint64_t log_begin = 0;
};
struct LauncherEnded {
  Ticket ticket = 0;
  AttemptResult result;
  uint64_t log_begin = 0;
  uint64_t log_end = 0;
  bool workspace_clean = true;
};
struct SlotCleaned {
  uint32_t slot = 0;
};
// The answers to Publish.
struct Published {
  Ticket ticket = 0;
  std::vector<PublishedArtifact> artifacts;
};
struct PublishFailed {
  Ticket ticket = 0;
  std::string reason;
};
struct Tick {};

}  // namespace queue_event

using QueueEvent =
    std::variant<queue_event::SessionBegan, queue_event::LeaseOffered, queue_event::LeasesExtended,
                 queue_event::StopWanted, queue_event::ReportsAcked, queue_event::LogsStored, queue_event::JobSubmitted,
                 queue_event::DrainWanted, queue_event::Refuse, queue_event::Prepared, queue_event::PrepareFailed,
                 queue_event::LauncherUp, queue_event::LauncherDown, queue_event::LaunchHeld,
                 queue_event::LauncherStarted, queue_event::LauncherEnded, queue_event::SlotCleaned,
                 queue_event::Published, queue_event::PublishFailed, queue_event::Tick>;

// ---- Journal records --------------------------------------------------------------------------

namespace journal {

// First record of every journal file; another one where the host was restarted, with a new id: from there on the
// reports that were not acknowledged are numbered from 1 again.
struct Opened {
  JournalId journal;
  std::string boot;
  Ticket next_ticket = 1;
};
struct MeshSeen {
  MeshId mesh;
  uint64_t epoch = 0;
  uint64_t commit = 0;
  uint64_t acked_sequence = 0;
  uint64_t next_sequence = 1;
  uint64_t logs_stored = 0;
  Ticket met = 0;  // see AgentQueue::JournalOf
};
struct Accepted {
  Ticket ticket = 0;
  MeshId mesh;
  AttemptId id;
  std::shared_ptr<const TaskSpec> spec;
  std::string host;
  RequestId request;
  Wall at;
  LeaseInputs inputs;
};
// Written before the launcher is asked: from here on the attempt may have started.
struct Launching {
  Ticket ticket = 0;
  uint32_t slot = 0;
  std::string incarnation;  // of the launcher
};
struct Started {
  Ticket ticket = 0;
  uint64_t sequence = 0;
  Wall at;
  uint64_t log_begin = 0;
};
struct StopAsked {
  Ticket ticket = 0;
};
// Of an attempt that has ended already it says only how far its output reaches since.
struct Ended {
  Ticket ticket = 0;
  uint64_t sequence = 0;
  AttemptResult result;
  uint64_t log_begin = 0;
  uint64_t log_end = 0;
};
struct Acked {
  MeshId mesh;
  uint64_t sequence = 0;
  uint64_t commit = 0;
};
struct Stored {
  MeshId mesh;
  uint64_t position = 0;
};
struct Forgotten {
  Ticket ticket = 0;
};

}  // namespace journal

using JournalRecord =
    std::variant<journal::Opened, journal::MeshSeen, journal::Accepted, journal::Launching, journal::Started,
                 journal::StopAsked, journal::Ended, journal::Acked, journal::Stored, journal::Forgotten>;

// ---- Effects ----------------------------------------------------------------------------------

namespace queue_effect {

// Fetch and stage what the attempt needs into its slot's workspace; answer Prepared or PrepareFailed.
struct Prepare {
  Ticket ticket = 0;
  uint32_t slot = 0;
};
// It is not wanted any more: answer PrepareFailed soon, or what has been answered already.
struct StopPreparing {
  Ticket ticket = 0;
};
struct Launch {
  Ticket ticket = 0;
  uint32_t slot = 0;
};
struct StopProcess {
  Ticket ticket = 0;
};
// The process has succeeded: keep its artifacts as blobs; answer Published or PublishFailed. May be asked twice.
struct Publish {
  Ticket ticket = 0;
  uint32_t slot = 0;
};
// The result is in the journal: the launcher may drop it.
struct ForgetResult {
  Ticket ticket = 0;
};
// Empty the slot's workspace; answer SlotCleaned.
struct CleanSlot {
  uint32_t slot = 0;
};
// There is something new to report to this mesh.
struct ReportsReady {
  MeshId mesh;
};
// Something about the job has changed that a watcher may want to know.
struct JobChanged {
  Ticket ticket = 0;
};
// The answer to JobSubmitted. A success leaves only after the journal has been synced to disk.
struct SubmitReply {
  Result<RunId> result;
};

}  // namespace queue_effect

using QueueEffect =
    std::variant<queue_effect::Prepare, queue_effect::StopPreparing, queue_effect::Launch, queue_effect::StopProcess,
                 queue_effect::Publish, queue_effect::ForgetResult, queue_effect::CleanSlot, queue_effect::ReportsReady,
                 queue_effect::JobChanged, queue_effect::SubmitReply>;

struct QueueDecision {
  std::vector<JournalRecord> records;  // to be written to the journal before any effect is carried out
  std::vector<QueueEffect> effects;
};

}  // namespace cromt
