// What a person or program can ask of a coordinator, as plain values. The coordinator implements it
// (coordinator/control.h); `cromt run` calls that directly, everyone else over gRPC (cli/remote.h).
// All calls block, with the deadline that the implementation was given. Thread-safe.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/effect.h"
#include "core/scheduler.h"

namespace cromt {

struct ApplyRequest {
  RequestId request;
  std::string path;  // absolute, as shown and as owner where the file has no name
  std::string text;
  bool prune = false;
  bool dry_run = false;
  std::string author;
  std::optional<uint64_t> if_revision;
};
struct ApplyAnswer {
  std::string file;
  uint64_t revision = 0;
  std::vector<std::string> added, changed, gone, warnings;
};

// Starts the tasks of an earlier run again: its plan, the same commits.
struct RerunRequest {
  RequestId request;
  std::string run;      // id, unique prefix or "last"
  bool failed = false;  // only what has not succeeded; the rest is taken over with its artifacts
  std::string author;
};

struct StartRequest {
  RequestId request;
  std::string project;
  std::string action;
  Variables variables;
  std::string author;
  Trigger trigger = Trigger::kManual;
};

// A new value of a secret; what it was is forgotten.
struct SecretRequest {
  std::string project;  // empty = all projects may name it
  std::string name;
  std::string value;
  std::string author;
};
// All that is told of one.
struct SecretView {
  std::string project;  // empty = all
  std::string name;
  Wall at;  // when its value was set
  std::string author;
  friend bool operator==(const SecretView&, const SecretView&) = default;
};

// How a task is kept apart from its host, where it is.
struct ConfinedView {
  std::optional<Container> container;
  Resources limits;
  Confinement confinement;
  bool any() const { return container || limits.any() || confinement != Confinement(); }
  friend bool operator==(const ConfinedView&, const ConfinedView&) = default;
};
ConfinedView ConfinedBy(const TaskSpec& spec);

struct TaskView {
  TaskIndex index = 0;
  InstanceIndex instance = 0;
  std::string name;
  std::string project;
  std::string host;
  TaskStatus status;
  std::string address;                                // of its agent; only within a coordinator
  std::shared_ptr<const ConfinedView> confined = {};  // null = it is not; shared by tasks that do the same
  std::string image_digest = {};                      // see CheckImageDigest; of the attempt, once that has ended
};
struct InstanceView {
  std::string project;
  std::vector<InstanceIndex> needs;
};
struct RunView {
  RunHeader header;
  RunStatus status;
  std::string commit;  // of the first repository, "" if there is none
  std::vector<InstanceView> instances;
  std::vector<TaskView> tasks;
};

struct ProjectView {
  std::string name;
  std::string file;
  uint64_t revision = 0;
  std::string last_run;
  std::string schedule = {};  // its crontab; "" = it does not start by itself
  std::string timezone = {};  // of it
  std::optional<Wall> next_tick = {};
  std::string next_tick_local = {};  // RFC 3339, by the clocks of `timezone`
  std::string watches = {};          // what starts it by pushes, in words
  std::string trouble = {};          // why the schedule can't be followed, or what it watches is not known
  std::string paused = {};           // why, and by whom
};

struct ProjectList {
  std::vector<ProjectView> projects;
  std::vector<std::string> notices = {};  // what is to be known of all of them, a sentence each
};

struct PauseRequest {
  std::string project;  // "" = all
  std::string why;
  std::optional<Duration> time;  // how long; nullopt = until it is ended
  std::string author;
};

// A job file as it was applied once.
struct RevisionView {
  uint64_t revision = 0;
  std::string file;
  std::string path;
  std::string author;
  Wall at;
  ProjectChanges changes;
};

// One with its text.
struct RevisionText {
  RevisionView view;  // without what it did to which project
  std::string text;
  uint64_t before = 0;  // the file's revision before it; 0 = there is none
  uint64_t newest = 0;  // the file's
};

// A file of a debug bundle: JSON, in which all known secrets are masked.
struct BundleFile {
  std::string name;  // a relative path
  std::string data;
};

// What a task of a run has published.
struct ArtifactView {
  TaskIndex task = 0;
  std::string task_name;
  std::string host;  // the host entry's id
  std::string name;
  Digest digest;
  bool archive = false;  // a directory or several files, as a tar
};

// Of one run. The first update holds everything; later ones only what has changed.
struct RunUpdate {
  std::optional<RunView> run;  // without tasks
  std::vector<TaskView> tasks;
};

// As in the segmented log: see lib/io/seglog/frame.h for streams.
struct LogPiece {
  TaskIndex task = 0;
  uint32_t attempt = 0;
  uint8_t stream = 1;
  int64_t offset = 0;
  Wall at;
  std::string data;
};

// Where a note lies of which nobody knows behind how much output it stands: behind all that there can be.
inline constexpr int64_t kNoteOffset = int64_t{1} << 40;

// How much of an attempt's output somebody has seen. Where bytes are missing, more came behind them: nobody has them.
class SeenExtent {
 public:
  void Add(const LogPiece& piece) {
    const auto size = static_cast<int64_t>(piece.data.size());
    if (piece.offset >= kNoteOffset)
      notes_ = std::max(notes_, piece.offset + size - kNoteOffset);
    else
      end_ = std::max(end_, piece.offset + size);
  }
  int64_t bytes() const { return end_ + notes_; }

 private:
  int64_t end_ = 0, notes_ = 0;
};

// The task that a caller's word means: an id counted from 1, or a unique name; none for an empty word. kNotFound,
// kInvalid (several have this name).
Result<std::optional<TaskIndex>> TaskNamed(const RunView& run, const std::string& task);

class Control {
 public:
  virtual ~Control() = default;
  virtual Result<ApplyAnswer> Apply(const ApplyRequest& request) = 0;
  virtual Result<RunId> Start(const StartRequest& request) = 0;
  // `run` is an id, a unique prefix or "last" (the author's newest); `task` an id (from 1) or a unique name, or empty.
  virtual Result<RunId> Cancel(const std::string& run, const std::string& task, const std::string& author) = 0;
  virtual Result<RunId> Rerun(const RerunRequest& request) = 0;
  // As the scheduler's Why for what has not finished; else from what the store remembers.
  virtual Result<WhyLines> Why(const std::string& run, const std::string& task, const std::string& author) = 0;
  // `agent` is a name of the configuration or an address. kConflict while it is up.
  virtual Status ForgetAgent(const std::string& agent, const std::string& author) = 0;
  // `agent` as above. It finishes what it has and gets nothing new, until it is resumed. Resume: kConflict if it is
  // not.
  virtual Status DrainAgent(const std::string& agent, const std::string& why, const std::string& author) = 0;
  virtual Status ResumeAgent(const std::string& agent) = 0;
  virtual Result<RunView> GetRun(const std::string& run, const std::string& author) = 0;
  virtual Result<std::vector<RunView>> ListRuns(const std::string& project, uint32_t limit) = 0;
  virtual Result<ProjectList> ListProjects() = 0;
  virtual Result<std::vector<AgentView>> ListAgents() = 0;
  // The newest first; with `project` only those that changed it in some way.
  virtual Result<std::vector<RevisionView>> ListRevisions(const std::string& project, uint32_t limit) = 0;
  // kNotFound.
  virtual Result<RevisionText> GetRevision(uint64_t revision) = 0;
  // The newest lines of its ledger first.
  virtual Result<std::vector<TickSettled>> ListTicks(const std::string& project, uint32_t limit) = 0;
  // On disk when they return. kNotFound; Unpause: kConflict if it is not paused.
  virtual Status Pause(const PauseRequest& request) = 0;
  virtual Status Unpause(const std::string& project, const std::string& author) = 0;
  // Calls `sink` with each update until the run has finished, the sink returns false, or the connection is lost.
  virtual Status WatchRun(const std::string& run, const std::string& author,
                          const std::function<bool(const RunUpdate&)>& sink) = 0;
  // Calls `sink` with the output in the order in which it came; with `follow` until all of a finished run was given.
  virtual Status RunLogs(const std::string& run, const std::string& task, bool follow, const std::string& author,
                         const std::function<bool(const LogPiece&)>& sink) = 0;
  // By task and name.
  virtual Result<std::vector<ArtifactView>> ListArtifacts(const std::string& run, const std::string& author) = 0;
  // Calls `begin` with what was found, then `sink` with its bytes, until all is given or one of the two fails, whose
  // error is returned. An empty `host`: the last listed one that has published it. kNotFound; kUnavailable if its agent
  // does not give it.
  virtual Status GetArtifact(const std::string& run, const std::string& host, const std::string& name,
                             const std::string& author, const std::function<Status(const ArtifactView&)>& begin,
                             const std::function<Status(std::string_view)>& sink) = 0;
  // On disk when it returns. The answer says what is to be known of the value, a sentence each.
  virtual Result<std::vector<std::string>> SetSecret(const SecretRequest& request) = 0;
  // Those that the project may name; all if it is empty. By project and name.
  virtual Result<std::vector<SecretView>> ListSecrets(const std::string& project) = 0;
  // `project` empty: one of all projects. kNotFound.
  virtual Status RemoveSecret(const std::string& project, const std::string& name) = 0;
  // Calls `sink` with each file of a bundle, manifest.json last, until one of the two fails, whose error is returned.
  // Agents that do not answer soon are left out; the manifest names them.
  virtual Status DebugBundle(const std::function<Status(const BundleFile&)>& sink) = 0;
  // Ends the calls of WatchRun and RunLogs that are under way, and later ones at once, with an error.
  virtual void StopFollowing() = 0;
};

}  // namespace cromt
