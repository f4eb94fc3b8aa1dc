// The words of the domain as plain values: what a task does, how it ended, where it stands.
// Pure data; every layer includes this and nothing here knows a format, a wire or a table.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "core/container.h"
#include "core/secret.h"

namespace cromt {

// ---- What a task does -------------------------------------------------------------------------

// An argument vector, executed as it is; no shell.
struct Command {
  std::vector<std::string> argv;
  friend bool operator==(const Command&, const Command&) = default;
};

// `run:` of a job file: text for `/bin/sh -e -c`, or executed directly where it is one plain line (core/script.h).
struct Script {
  std::string text;
  friend bool operator==(const Script&, const Script&) = default;
};

// Scenario names of a repository, run in order by cromt-step, the first failure ends them.
struct Actions {
  std::vector<std::string> names;
  std::vector<std::string> options;  // as core/action.h reads them
  friend bool operator==(const Actions&, const Actions&) = default;
};

using Work = std::variant<Command, Script, Actions>;

// Names a blob: lower-case hex SHA-256 and size. Empty = none.
struct Digest {
  std::string sha256;
  int64_t size_bytes = 0;
  bool empty() const { return sha256.empty(); }
  friend bool operator==(const Digest&, const Digest&) = default;
};

// Where a task's files come from. Exactly one of directory and repository is set, or neither (an empty workspace).
struct Source {
  std::string directory;   // of the agent's own host, used in place; "~/" is the job user's home
  std::string repository;  // Git URL, cloned by the coordinator
  std::string ref;         // branch, tag or commit; empty = the remote's HEAD
  std::string commit;      // 40 hex digits: resolved once per run, or said before, by the push that started it
  std::string branch;      // what `ref` or HEAD named, if it was a branch
  Digest tree;             // the commit's files as one blob
  bool resolved() const { return repository.empty() || !tree.empty(); }
  friend bool operator==(const Source&, const Source&) = default;
};

// Which exit codes mean what. A signal is never a success.
struct ExitPolicy {
  std::vector<int> success = {0};  // succeeded
  std::vector<int> stop;           // stopped_early: a success that prunes what depends on it; looked at first
  friend bool operator==(const ExitPolicy&, const ExitPolicy&) = default;
};

// What is done about an attempt that failed or timed out.
struct RetryPolicy {
  uint32_t retries = 0;              // tries after the first
  Duration delay{0};                 // before the first of them
  uint32_t backoff_permille = 1000;  // by which each delay is longer than the one before
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};
// The longest pause between two tries, whatever the backoff.
inline constexpr Duration kMaxRetryDelay = std::chrono::hours(24);

// What becomes of a task whose agent is silent.
struct SilencePolicy {
  Duration unreachable = seconds(60);  // no attempt can have started: how long the agent is waited for; then it fails,
  bool skip_unreachable = false;       // or is skipped, which counts as succeeded
  Duration lost = std::chrono::hours(1);  // an attempt may have started: how long news of it is waited for; then the
  bool retry_lost = false;                // task is lost, or tried again though it may have run
  friend bool operator==(const SilencePolicy&, const SilencePolicy&) = default;
};

// A file, directory or pattern of the workspace that is published under a name once the task has succeeded.
struct ArtifactOut {
  std::string name;
  std::string path;  // relative to the task's directory; may hold * ? [ ] in any component
  friend bool operator==(const ArtifactOut&, const ArtifactOut&) = default;
};

// `${{ env.NAME }}`: a variable of the host's environment goes into a text before the job starts.
struct HostGap {
  enum class In { kVariable, kArtifactPath };
  In in = In::kVariable;
  uint32_t index = 0;   // of the spec's variable or artifact
  uint32_t offset = 0;  // bytes of its text before it
  std::string name;
  friend bool operator==(const HostGap&, const HostGap&) = default;
};
inline constexpr size_t kMaxHostGaps = 1000;  // of a task

// What a job on the host itself is kept from; each also from what the one before it is.
enum class Sandbox {
  kOff,
  kStandard,  // other users' jobs, and the workspaces of all others
  kStrict,    // the network, gaining rights, and writing anywhere but in its workspace and a /tmp of its own
};

// As whom a job on the host itself runs, and how far it is kept from the rest of the host.
struct Confinement {
  std::string user;  // empty = the agent's choice
  Sandbox sandbox = Sandbox::kStandard;
  friend bool operator==(const Confinement&, const Confinement&) = default;
};

std::string_view ToString(Sandbox sandbox);
std::optional<Sandbox> SandboxFrom(std::string_view word);
// kInvalid says what the name of a user looks like.
Status CheckUserName(std::string_view text);

using Variables = std::vector<std::pair<std::string, std::string>>;  // in file order, names unique

// What an agent needs to know of a task. Shared by all tasks of a plan that do the same.
struct TaskSpec {
  std::string name;     // for people: the title, by default the project's name
  std::string project;  // id
  Work work;
  Variables variables;
  Source source;
  std::optional<Duration> timeout;  // of one attempt, from its start
  Duration grace = seconds(10);     // between TERM and KILL
  int64_t log_limit_bytes = 256 << 20;
  ExitPolicy exit_policy;
  RetryPolicy retry;                   // the coordinator's business
  SilencePolicy silence;               // likewise
  int32_t priority = 0;                // of what waits for a slot, the higher goes first
  bool inherit_env = false;            // the job sees the agent's whole environment, too
  std::vector<ArtifactOut> publishes;  // names unique
  std::vector<HostGap> host_gaps;      // in the order of in, index and offset
  std::optional<Container> container;  // where it runs instead of on the host itself
  Resources limits;
  Confinement confinement;
  std::vector<SecretUse> secrets;  // variables and files unique
  friend bool operator==(const TaskSpec&, const TaskSpec&) = default;
};

// About what a spec takes in memory with its texts.
size_t BytesOf(const TaskSpec& spec);

// ---- How a process ended ----------------------------------------------------------------------

struct Exited {
  int code = 0;
  friend bool operator==(const Exited&, const Exited&) = default;
};
struct Signaled {
  int signal = 0;
  friend bool operator==(const Signaled&, const Signaled&) = default;
};
using ExitStatus = std::variant<Exited, Signaled>;

// 128+N for a signal, as a shell shows it.
int ShellCode(const ExitStatus& status);

// ---- Where a task or run stands ---------------------------------------------------------------

enum class TaskState {
  kWaiting,      // something it depends on has not ended
  kReady,        // may run; no agent has it yet
  kRetryWait,    // failed, will be tried again
  kLeased,       // an agent may start it
  kPreparing,    // the agent fetches what it needs
  kRunning,      // its process runs
  kPublishing,   // its process ended, its artifacts are published
  kStopping,     // told to stop
  kUnreachable,  // its agent is silent
  kFinished,
};

enum class TaskOutcome {
  kSucceeded,
  kFailed,
  kTimedOut,
  kCanceled,
  kLost,          // its agent is gone; final
  kSkipped,       // never started: what it depends on did not succeed
  kStoppedEarly,  // a success that prunes what depends on it
};

// When an instance runs that comes after another: by how the tasks of that one ended. What was skipped, canceled, timed
// out or lost counts as failed, what ended early as neither.
enum class When { kSuccess, kFailure, kAlways };

enum class RunState { kQueued, kRunning, kFinished };
enum class RunOutcome { kSucceeded, kFailed, kTimedOut, kCanceled };
enum class Trigger { kManual, kCron, kScm, kApi, kHook, kRerun };

// Failed, timed out or lost.
bool IsFailure(TaskOutcome outcome);
// An agent has an attempt of a task that stands so, or may have one.
bool InFlight(TaskState state);

std::string_view ToString(TaskState state);
std::string_view ToString(TaskOutcome outcome);
std::string_view ToString(When when);
std::string_view ToString(RunState state);
std::string_view ToString(RunOutcome outcome);
std::string_view ToString(Trigger trigger);
// The inverse; nullopt for an unknown word.
std::optional<TaskState> TaskStateFrom(std::string_view text);
std::optional<TaskOutcome> TaskOutcomeFrom(std::string_view text);
std::optional<When> WhenFrom(std::string_view text);
std::optional<RunState> RunStateFrom(std::string_view text);
std::optional<RunOutcome> RunOutcomeFrom(std::string_view text);
std::optional<Trigger> TriggerFrom(std::string_view text);

// ---- Artifacts --------------------------------------------------------------------------------

// What a task has published: bytes that its agent keeps in its blob store.
struct PublishedArtifact {
  std::string name;
  Digest digest;
  bool archive = false;  // a directory or several files, packed as io/archive does
  std::string grant;     // a word of the agent's to the coordinator, who makes tickets of it (io/blob/ticket.h)
  friend bool operator==(const PublishedArtifact&, const PublishedArtifact&) = default;
};

// The right to fetch a blob from the agent that holds it.
struct BlobTicket {
  AgentId consumer;                // to whom it was given; empty: the coordinator
  std::optional<Wall> expires_at;  // by the holder's clock; none: never
  std::string proof;               // see io/blob/ticket.h
  friend bool operator==(const BlobTicket&, const BlobTicket&) = default;
};

// An artifact that an attempt finds in its `.artifacts` directory, and who has it.
struct LeaseInput {
  std::string path;            // below `.artifacts`: NAME, or HOST/NAME
  PublishedArtifact artifact;  // at an agent without its grant
  AgentId holder;
  std::string address;  // of the holder, as the coordinator dials it; it may not be reachable for others
  std::string host;     // of the task that published it, for people
  BlobTicket ticket;    // put in by the coordinator as the lease leaves
  friend bool operator==(const LeaseInput&, const LeaseInput&) = default;
};
using LeaseInputs = std::shared_ptr<const std::vector<LeaseInput>>;  // null = none

// ---- How an attempt ended, as its agent reports it --------------------------------------------

struct AttemptResult {
  // What the agent can know; retries, ignoring and success codes are the coordinator's to decide.
  enum class Kind {
    kExited,        // the main process ended by itself: see status
    kStopped,       // ended after a stop that the coordinator or a caller wished
    kTimedOut,      // ended after its timeout
    kNotStarted,    // could not be prepared or spawned, or was stopped or expired before: see reason
    kLost,          // the launcher or host died; nobody knows its status
    kNotPublished,  // the main process succeeded, but an artifact could not be published: see reason
  };
  Kind kind = Kind::kNotStarted;
  std::optional<ExitStatus> status;  // of the main process, where there is one
  std::string reason;                // a sentence, for anything but a plain exit; of one, what more is known of why
  std::optional<Wall> started_at;    // the agent's wall clock, for display
  std::optional<Wall> ended_at;
  int64_t log_bytes = 0;  // how many bytes of output belong to the attempt, all streams
  // kNotStarted only: the attempt can't have begun through no fault of its task (its lease ran out in the queue,
  // the agent drains or is full); it may be leased again and counts as no try.
  bool returned = false;
  std::vector<PublishedArtifact> published;  // kExited only
  std::string image_digest;                  // see core/container.h; empty: it had no container, or nobody knows
  friend bool operator==(const AttemptResult&, const AttemptResult&) = default;
};

std::string_view ToString(AttemptResult::Kind kind);

}  // namespace cromt
