// The coordinator's durable state behind a small interface. SQLite is the real one (sqlite_store.h).
//
// One writer: the loop thread calls Load once and then Commit. Readers (store/reader.h) have connections of their own
// and see what was committed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/effect.h"
#include "core/scheduler.h"

namespace cromt {

// A revision of a job file that projects are planned from. There is one for each file's newest revision, and one for
// each older revision that was the last to hold a project which left the file and is kept.
struct StoredFile {
  std::string file;
  std::string path;
  uint64_t revision = 0;
  std::string text;
  std::vector<std::string> projects;  // those that are planned from it
};

// The revision that a request has made.
struct StoredApply {
  RequestId request;
  std::string file;
  uint64_t revision = 0;
};

// So many requests are known again when they are repeated.
inline constexpr size_t kRememberedApplies = 1000;

// An attempt that an agent had when the store was recovered, and that fits nothing in it: left alone until it ends, or
// a person decides.
struct KeptAttempt {
  AgentId agent;
  AttemptId id;
  friend auto operator<=>(const KeptAttempt&, const KeptAttempt&) = default;
};

// What a starting coordinator takes up.
struct StoredState {
  MeshId mesh;
  uint64_t epoch = 0;      // of this incarnation: already raised and stored
  uint64_t commit = 0;     // number of the last commit
  bool went_back = false;  // the store is older than what was made of it: nothing may be leased until it is recovered
  uint64_t revision = 0;
  std::vector<StoredRun> runs;  // unfinished, oldest first
  std::vector<AgentSeen> agents;
  std::vector<LaneHeld> held;
  std::vector<KeptAttempt> kept;
  std::vector<AgentDrained> drained;
  std::vector<ScheduleSet> schedules;
  std::vector<Paused> pauses;
  std::vector<TriggerSet> triggers;
  std::vector<StoredFile> files;     // oldest first
  std::vector<StoredApply> applies;  // the last kRememberedApplies
};

class Store {
 public:
  virtual ~Store() = default;
  // Raises the epoch and reads the state. kCorrupt or kConflict (a newer schema) say what to do.
  virtual Result<StoredState> Load() = 0;
  // All of `records` or nothing, on disk when it returns: the commit's number. After an error the process must end;
  // it never goes on with state that is not on disk.
  virtual Result<uint64_t> Commit(std::span<const Record> records) = 0;
  // Whether the room that is kept for a full disk is there, enough for a commit of this size: one that finds no other
  // takes it. Gets it if it can; else kExhausted says what is full, and what can wait should not be begun: there may be
  // no room for the next commit. Cheap; call it after Load and each Commit.
  virtual Status KeepReserve(size_t commit_bytes) {
    (void)commit_bytes;
    return {};
  }
  // Remembers that the store is older than what was made of it: from the next Load on, StoredState::went_back.
  virtual Status WentBack() { return {}; }
  // The run that this request id has started; an empty id if none.
  virtual Result<RunId> FindRequest(const RequestId& request) = 0;
};

}  // namespace cromt
