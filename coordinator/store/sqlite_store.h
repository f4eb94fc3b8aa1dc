// The store in one SQLite file: WAL, synchronous=FULL unless it need not outlive the host. See schema.h for the tables.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/durability.h"
#include "base/random.h"
#include "base/time.h"
#include "coordinator/store/commit_mark.h"
#include "coordinator/store/disk_reserve.h"
#include "coordinator/store/remover.h"
#include "coordinator/store/store.h"
#include "coordinator/store/store_sums.h"
#include "io/sqlite/database.h"

namespace cromt {

class SqliteStore final : public Store {
 public:
  // Kept free beside a store that is to outlive the host, in STORE-reserve, in pieces of so much: for the largest
  // commit that may come, and for some that are as usual.
  static constexpr int64_t kReserveBytes = 8 << 20;

  // Opens or creates `path`; one of an older version is copied to PATH.vN and then changed to this one. A foreign file
  // or one of a newer version is refused, untouched. `random` names a new mesh, and says by how much
  // Load raises the epoch (stamp.h). It lies among `files`; `clock` (null = the system's) dates what becomes of tasks.
  static Result<std::unique_ptr<SqliteStore>> Open(const std::string& path, Random& random,
                                                   Durability durability = Durability::kHost,
                                                   FileSystem& files = SystemFiles(), const Clock* clock = nullptr);
  ~SqliteStore() override;

  // Until it has succeeded nothing in the file is changed.
  Result<StoredState> Load() override;
  Result<uint64_t> Commit(std::span<const Record> records) override;
  Status KeepReserve(size_t commit_bytes) override;
  Status WentBack() override;

  // Instead of Load, for who then calls Recover: it need not be the last commit that was made, and the epoch stays.
  Result<StoredState> LoadToRecover();
  // Makes it the store that others go on with: these records and kept attempts (instead of those before), under numbers
  // above all that were used.
  Status Recover(uint64_t epoch, uint64_t commit, std::span<const Record> records, std::span<const KeptAttempt> kept);

  Result<RunId> FindRequest(const RequestId& request) override;

 private:
  struct Statements;
  SqliteStore(std::string path, Durability durability, FileSystem& files, const Clock* clock);
  Status OpenFile(Random& random);
  Status Prepare();
  Result<StoredState> CheckedLoad(bool last_commit);
  Status OpenMark();
  Status WriteStamp();
  Status CommitOnce(std::span<const Record> records);
  bool MakeRoom(const Status& failed);
  Result<int64_t> NumberOf(const RunId& run);
  Status WriteAll(std::span<const Record> records);
  Status WriteKept(std::span<const KeptAttempt> kept);
  Status Finish(const Status& written);
  Status Write(const Record& record);
  Status Write(const RunCreated& record);
  Status Write(const RunPlanned& record);
  Status Write(const RunChanged& record);
  Status Write(const TaskChanged& record);
  Status Write(const ArtifactsPublished& record);
  Status Write(const ImageRan& record);
  Status Write(const LaneHeld& record);
  Status Write(const LaneFreed& record);
  Status Write(const AgentSeen& record);
  Status Write(const FileApplied& record);
  Status Write(const AgentDrained& record);
  Status Write(const AgentResumed& record);
  Status Write(const ScheduleSet& record);
  Status Write(const ScheduleDropped& record);
  Status Write(const TickSettled& record);
  Status Write(const Paused& record);
  Status Write(const Unpaused& record);
  Status Write(const TriggerSet& record);
  Status Write(const TriggerDropped& record);
  Status Write(const RunRemoved& record) { return remover_->Remove(record); }
  Status Write(const RemnantsSwept& record) { return remover_->Sweep(record); }
  Status Write(const OutputRemoved& record) { return remover_->Remove(record); }
  Status Write(const TicksForgotten& record) { return remover_->Forget(record); }
  Status WriteOwned(const FileApplied& record);
  Status WriteRun(const RunId& run, int64_t n, const RunStatus& status);
  Status WritePlan(const RunId& run, int64_t n, const Plan& plan);
  Status WriteTask(const TaskChanged& record);
  Status WriteTask(sqlite::Statement& statement, const RunId& run, int64_t n, TaskIndex task, const TaskStatus& status);
  Status WriteTransition(const RunId& run, int64_t n, int64_t task, int64_t attempt, std::string_view state,
                         std::optional<std::string_view> outcome, std::string_view reason, std::string_view agent);

  int64_t NowMicros() const;

  const std::string path_;
  const Durability durability_;
  FileSystem& files_;
  const Clock* const clock_;
  sqlite::Database db_;
  std::unique_ptr<Statements> sql_;
  std::optional<Remover> remover_;
  StoreStamp stamp_;  // of the last commit
  StoreSums sums_;
  std::optional<CommitMark> mark_;  // from Load on
  std::optional<DiskReserve> reserve_;
  int64_t last_run_ = 0;
  int64_t last_transition_ = 0;
  int64_t last_tick_ = 0;
  int64_t now_us_ = 0;  // when the commit under way began, for transitions
  uint64_t epoch_step_ = 1;
  bool broken_ = false;  // a commit has failed: what is in memory is ahead of the disk
};

}  // namespace cromt
