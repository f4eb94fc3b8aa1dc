// What the scheduler asks for. Apply returns records, which the store must hold before anything else happens, and
// effects, which the edges then carry out. Every effect may be lost by a crash between the two: each is asked for
// again from the restored state (at start, or when the agent's next session begins).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/messages.h"
#include "core/plan.h"
#include "core/retention.h"

namespace cromt {

// ---- Records ----------------------------------------------------------------------------------

struct RunHeader {
  RunId id;
  RequestId request;
  std::string project;
  Trigger trigger = Trigger::kManual;
  uint64_t revision = 0;
  std::string author;
  Wall created_at;
};

struct RunCreated {
  RunHeader header;
  std::shared_ptr<const Plan> plan;  // all tasks are waiting
};

// The run's sources were resolved: its plan now names commits and trees.
struct RunPlanned {
  RunId run;
  std::shared_ptr<const Plan> plan;
};

// How far a run is to be stopped. A clean-up is what comes after others whether or not they succeeded: an instance
// whose `when` says so, and all that comes after it in turn.
enum class CancelWish { kNone, kAllButCleanups, kAll };

// The part of a run's row that changes.
struct RunStatus {
  RunState state = RunState::kQueued;
  std::optional<RunOutcome> outcome;
  std::string reason;
  CancelWish cancel = CancelWish::kNone;
  bool timed_out = false;  // its run_timeout has passed, which is its outcome; `cancel` says how far it was stopped
  std::optional<Wall> started_at;
  std::optional<Wall> finished_at;
  friend bool operator==(const RunStatus&, const RunStatus&) = default;
};
struct RunChanged {
  RunId run;
  RunStatus status;
};

// The part of a task's row that changes.
struct TaskStatus {
  TaskState state = TaskState::kWaiting;
  std::optional<TaskOutcome> outcome;
  uint32_t attempt = 0;  // number of the current or last attempt; 0 = never leased
  AgentId agent;         // who has or had that attempt
  JournalId journal;     // the agent's journal when it was leased
  std::optional<ExitStatus> exit;
  std::string reason;             // a sentence naming the project or host that caused the state
  bool stop_wanted = false;       // a stored wish, repeated at each session until the end is confirmed
  std::optional<Wall> queued_at;  // when it became ready
  std::optional<Wall> started_at;
  std::optional<Wall> finished_at;
  int64_t log_bytes = 0;
  uint32_t tries = 0;            // attempts that are known to have ended badly; `retries` counts them
  std::optional<Wall> retry_at;  // in retry_wait: when it will be ready again
  bool ignored = false;          // it failed, which by its plan counts as succeeded
  uint32_t losses = 0;           // attempts that were lost, after which on_lost had it tried again
  // It makes the run a failed one.
  bool failed() const { return outcome && IsFailure(*outcome) && !ignored; }
  friend bool operator==(const TaskStatus&, const TaskStatus&) = default;
};
struct TaskChanged {
  RunId run;
  TaskIndex task = 0;
  TaskStatus status;
};

// What a task that has succeeded published; its agent keeps the bytes.
struct ArtifactsPublished {
  RunId run;
  TaskIndex task = 0;
  uint32_t attempt = 0;
  AgentId agent;
  std::vector<PublishedArtifact> artifacts;
};

// What image the container of an attempt that has ended was made of.
struct ImageRan {
  RunId run;
  TaskIndex task = 0;
  uint32_t attempt = 0;  // 0: of the run before, from which the task was taken over
  std::string digest;    // see CheckImageDigest
  friend bool operator==(const ImageRan&, const ImageRan&) = default;
};

// An attempt was lost in its agent's silence, so its process may still run: until the agent confirms its end, or a
// person says that the agent won't come back, it keeps its lanes of the mesh. It outlives its run.
struct LaneHeld {
  AttemptId id;
  AgentId agent;
  std::string host;  // for people: "hostA (10.0.0.1:4000)"
  std::string project;
  std::vector<std::string> lanes;  // names of groups that are mesh-wide; not empty
  friend bool operator==(const LaneHeld&, const LaneHeld&) = default;
};
struct LaneFreed {
  AttemptId id;
};

// How far the reports of an agent's journal have been applied.
struct AgentSeen {
  AgentId agent;
  JournalId journal;
  std::string address;
  uint64_t applied_sequence = 0;
  std::map<std::string, std::string> labels;  // that it stated last
};

// A person took the agent at this address out of service: it finishes what it has, and gets nothing new.
struct AgentDrained {
  std::string address;
  std::string why;
  std::string author;
  Wall since;
  friend bool operator==(const AgentDrained&, const AgentDrained&) = default;
};
struct AgentResumed {
  std::string address;
};

// What an apply did to a file's projects; each stands in one of the lists.
struct ProjectChanges {
  std::vector<std::string> added;    // new in the file
  std::vector<std::string> changed;  // means something else than in the revision before
  std::vector<std::string> gone;     // left the file and is kept
  std::vector<std::string> removed;  // is not in the file and not kept any more
  friend bool operator==(const ProjectChanges&, const ProjectChanges&) = default;
};

// A job file was applied: its numbered revision. The registry (coordinator/registry.h) makes these.
struct FileApplied {
  std::string file;  // its `name:` or else its absolute path: who owns the projects
  std::string path;
  uint64_t revision = 0;
  std::string text;
  std::string author;
  RequestId request;
  Wall at;
  ProjectChanges changes;
  std::vector<std::string> projects;  // all that the file owns from now on
};

// How far a project's schedule has come. core/schedules.h makes these and the next four.
struct ScheduleSet {
  std::string project;
  uint64_t revision = 0;        // of the job file that gave it these ticks
  std::string ticks;            // Schedule::Ticks
  Wall handled;                 // all up to here have their lines
  std::string boot;             // of the host, whose @reboot tick has its line
  std::optional<Wall> waiting;  // a tick without a line, up to `handled`, that waits for a run to end
  friend bool operator==(const ScheduleSet&, const ScheduleSet&) = default;
};
struct ScheduleDropped {
  std::string project;
};

enum class TickOutcome { kStarted, kSkipped, kMissed };
std::string_view ToString(TickOutcome outcome);
std::optional<TickOutcome> TickOutcomeFrom(std::string_view word);
// A line of the ledger.
struct TickSettled {
  std::string project;
  uint64_t revision = 0;
  Wall first;
  Wall last;           // differs from `first` where more than one was missed
  uint64_t count = 1;  // 0: nobody knows
  TickOutcome outcome = TickOutcome::kStarted;
  RunId run;        // that it has started
  std::string why;  // a sentence, of one that has started none; of a push also which commit it was
  Wall at;          // of this line
  friend bool operator==(const TickSettled&, const TickSettled&) = default;
};

// No tick or trigger starts it.
struct Paused {
  std::string project;  // "" = all
  std::string why;
  std::string author;
  Wall since;
  std::optional<Wall> until;  // it ends by itself then
  friend bool operator==(const Paused&, const Paused&) = default;
};
struct Unpaused {
  std::string project;
};

// What is known of the ref whose pushes start a project. core/triggers.h makes these two.
struct TriggerSet {
  std::string project;
  std::string repository, ref;
  std::string seen;                 // the commit there that was last known; "" = none was
  std::string waiting = {};         // a commit whose run has not been started yet; "" = none
  Trigger trigger = Trigger::kScm;  // of that
  Wall since = {};                  // when it was found
  bool hooked = false;              // a hook has said that there is something new, and nobody has looked since
  friend bool operator==(const TriggerSet&, const TriggerSet&) = default;
};
struct TriggerDropped {
  std::string project;
};

using Record =
    std::variant<RunCreated, RunPlanned, RunChanged, TaskChanged, ArtifactsPublished, ImageRan, LaneHeld, LaneFreed,
                 AgentSeen, FileApplied, AgentDrained, AgentResumed, ScheduleSet, ScheduleDropped, TickSettled, Paused,
                 Unpaused, TriggerSet, TriggerDropped, RunRemoved, RemnantsSwept, OutputRemoved, TicksForgotten>;

// ---- Effects ----------------------------------------------------------------------------------

// Keep a session open with the agent at this address.
struct DialAgent {
  std::string address;
};
// Stop dialling it: the agent is reached by another address.
struct HangUpAgent {
  std::string address;
  std::string reason;
};
struct SendVerdicts {
  std::string address;
  std::vector<Verdict> verdicts;
};
struct SendLease {
  std::string address;
  Lease lease;
};
struct SendStop {
  std::string address;
  AttemptId id;
};
// Everything up to here is applied and, since effects leave after the commit, stored.
struct SendAck {
  std::string address;
  uint64_t sequence = 0;
};
// A repository to be resolved.
struct SourceWanted {
  std::string url;
  std::string ref;
  std::string commit;  // that was pushed to it, and is the one wanted; "" = whatever is there
  auto operator<=>(const SourceWanted&) const = default;
};
// Clone, resolve and pack the run's repositories; answer with SourcesResolved or SourcesFailed.
struct ResolveSources {
  RunId run;
  std::vector<SourceWanted> repositories;  // distinct
};
// The answer to StartRun, CancelRun or CancelTask: the run's id. Of those about agents: no id.
struct Reply {
  Result<RunId> result;
};

using Effect = std::variant<DialAgent, HangUpAgent, SendVerdicts, SendLease, SendStop, SendAck, ResolveSources, Reply>;

struct Decision {
  std::vector<Record> records;
  std::vector<Effect> effects;
};

}  // namespace cromt
