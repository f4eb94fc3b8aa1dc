// Reads what is committed: lists, runs and what has changed since. A connection of its own each; one thread at a time.
#pragma once

#include <string>
#include <vector>

#include "coordinator/why.h"
#include "core/control.h"
#include "core/retention.h"
#include "io/sqlite/database.h"

namespace cromt {

class StoreReader {
 public:
  static Result<StoreReader> Open(const std::string& path, const FileSystem& files = SystemFiles());

  // `run` is an id, a unique prefix of one, or "last": the newest of `author`. kNotFound, kInvalid (ambiguous).
  Result<RunId> Resolve(const std::string& run, const std::string& author);
  Result<RunState> StateOf(const RunId& run);
  // That the output of this run was removed; nullopt if it was not.
  Result<std::optional<OutputRemoved>> OutputGone(const RunId& run);
  Result<std::string> ProjectOf(const RunId& run);
  // With its tasks and instances.
  Result<RunView> Run(const RunId& run);
  // As a starting coordinator would take it up.
  Result<StoredRun> Stored(const RunId& run);
  // What became of a task, in order.
  Result<std::vector<TaskTransition>> History(const RunId& run, TaskIndex task);
  // How long this task ran when it succeeded in the newest runs before, of the same project and job file.
  Result<std::vector<Duration>> TookBefore(const RunId& run, TaskIndex task);
  // Newest first, without tasks and instances.
  Result<std::vector<RunView>> Runs(const std::string& project, uint32_t limit);
  // Without what their files say of schedules.
  Result<std::vector<ProjectView>> Projects(Wall now);
  // Newest first.
  Result<std::vector<TickSettled>> Ticks(const std::string& project, uint32_t limit);
  // Newest first; with `project` only those that changed it in some way.
  Result<std::vector<RevisionView>> Revisions(const std::string& project, uint32_t limit);
  // kNotFound; kCorrupt for a text that is not what was stored.
  Result<RevisionText> Revision(uint64_t revision);
  // The newest first.
  Result<std::vector<RunId>> Unfinished(uint32_t limit);
  // What a run has published, with the addresses at which its holders were seen last; by task and name.
  struct StoredArtifact {
    ArtifactView view;
    LeaseInput from;
  };
  Result<std::vector<StoredArtifact>> Artifacts(const RunId& run);
  // To whom this attempt was leased; empty if it never was.
  Result<AgentId> AgentOf(const AttemptId& attempt);

  // What has changed in a run since the transition `seq`, and the newest transition. First call: Snapshot.
  struct Changes {
    RunUpdate update;
    int64_t seq = 0;
    bool finished = false;
  };
  Result<Changes> Snapshot(const RunId& run);
  Result<Changes> Since(const RunView& known, int64_t seq);

 private:
  Result<int64_t> NumberOf(const RunId& run);
  Error NoRun(const RunId& run);
  Result<RunView> ReadHeader(int64_t n);
  Status AddImages(int64_t n, RunView& view);
  sqlite::Database db_;
};

}  // namespace cromt
