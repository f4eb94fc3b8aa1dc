// Lets the past go (core/retention.h says what of it): looks for it on a thread of its own, and has it removed in small
// steps, each one commit of the loop, with a pause behind it. The loop decides again about each run; a run's file goes
// once its rows have, and what a crash has left in between the next look finds.
//
// It looks when runs have ended or much was printed, at once but not more often than each kPause, and at all there is
// each kFullLook.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"
#include "coordinator/log_store.h"
#include "coordinator/store/retention_reader.h"
#include "core/retention.h"
#include "io/blob/store.h"

namespace cromt {

class Retainer {
 public:
  static constexpr Duration kPause = seconds(2);
  static constexpr Duration kFullLook = std::chrono::minutes(10);
  // Of one commit: the loop does nothing else for so long. Rows are what else the runs have.
  static constexpr size_t kRunsAtOnce = 25;
  static constexpr int64_t kRowsAtOnce = 500;
  static constexpr Duration kStepPause = milliseconds(5);
  // Output of nobody that has not changed for so long goes: whose run is not in the store may be on its way there.
  static constexpr Duration kStrayKept = kDay;

  struct Options {
    Retention retention;
    std::string store_path;
    Duration first_look = seconds(5);  // a start has better things to do
    Duration blob_look = kDay;         // how often blobs are looked at, the first time after kFullLook or so
    Duration blob_idle = kDay;         // those that nobody has used for so long go, unless a plan names them
    std::function<Wall()> now;
  };
  // Called on the retainer's thread.
  struct Edges {
    // How many finished runs the project wants to keep; nullopt: it does not say.
    std::function<std::optional<int64_t>(const std::string& project)> keep;
    // Has the loop remove them, but for what it still needs: on disk when it returns.
    std::function<Status(std::vector<Record> records)> remove;
    std::function<void(const std::string&)> warn;
    std::function<void(const std::string&)> note;  // what has been removed
  };

  // `logs` and `blobs` outlive it.
  Retainer(Options options, LogStore& logs, BlobStore& blobs, Edges edges);
  ~Retainer();

  // What is on disk now. One thread at a time, any.
  void Committed(std::span<const Record> records) CROMT_EXCLUDES(mutex_);

 private:
  // What to look at.
  struct Wanted {
    bool all = true;
    std::set<std::string> projects;
  };
  void Run();
  std::optional<Wanted> Wait() CROMT_EXCLUDES(mutex_);
  Status Look(const Wanted& wanted);
  Status LookAtRuns(RetentionReader& reader, const std::string& project);
  Status LookAtTicks(RetentionReader& reader, const std::string& project);
  Status SweepRemnants(RetentionReader& reader);
  Status LookAtOutput(RetentionReader& reader, bool strays);
  Status LookAtBlobs(RetentionReader& reader);
  void Tell();
  Status Step(std::vector<Record> records) CROMT_EXCLUDES(mutex_);
  RemnantsSwept Sweep() const { return {kRowsAtOnce, options_.now() - kRemovedKnown}; }

  const Options options_;
  LogStore& logs_;
  BlobStore& blobs_;
  const Edges edges_;
  int64_t output_bytes_ = 0;   // when it was looked at last,
  int64_t appended_then_ = 0;  // and what had been appended then
  Mono blobs_due_;             // to be looked at
  int64_t runs_removed_ = 0;   // since that was told
  int64_t outputs_removed_ = 0;

  Mutex mutex_;
  std::condition_variable_any changed_;
  bool stopping_ CROMT_GUARDED_BY(mutex_) = false;
  Wanted wanted_ CROMT_GUARDED_BY(mutex_);
  Mono looked_ CROMT_GUARDED_BY(mutex_){};  // when the last look began
  Mono looked_full_ CROMT_GUARDED_BY(mutex_){};
  std::map<std::string, Mono> later_ CROMT_GUARDED_BY(mutex_);   // when to look again at what had just ended
  std::map<RunId, std::string> going_ CROMT_GUARDED_BY(mutex_);  // whose they are, of those that began here
  std::thread thread_;
};

}  // namespace cromt
