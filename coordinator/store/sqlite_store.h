// The store in one SQLite file: WAL, synchronous=FULL unless it need not outlive the host. See schema.h for the tables.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/durability.h"
#include "base/random.h"
#include "coordinator/store/store.h"
#include "io/sqlite/database.h"

namespace cromt {

class SqliteStore final : public Store {
 public:
  // Opens or creates `path`. A foreign file or one of a newer version is refused, untouched. `random` names a new mesh.
  static Result<std::unique_ptr<SqliteStore>> Open(const std::string& path, Random& random,
                                                   Durability durability = Durability::kHost);
  ~SqliteStore() override;

  Result<StoredState> Load() override;
  Result<uint64_t> Commit(std::span<const Record> records) override;
  Result<RunId> FindRequest(const RequestId& request) override;

 private:
  struct Statements;
  SqliteStore();
  Status Prepare(const std::string& path, Random& random, Durability durability);
  Status CheckFile(const std::string& path, Random& random);
  Result<std::vector<StoredRun>> LoadRuns();
  Result<std::vector<StoredFile>> LoadFiles();
  Result<std::vector<StoredApply>> LoadApplies();
  Result<int64_t> NumberOf(const RunId& run);
  Status Write(const Record& record);
  Status Write(const RunCreated& record);
  Status Write(const RunPlanned& record);
  Status Write(const RunChanged& record);
  Status Write(const TaskChanged& record);
  Status Write(const ArtifactsPublished& record);
  Status Write(const AgentSeen& record);
  Status Write(const FileApplied& record);

  sqlite::Database db_;
  std::unique_ptr<Statements> sql_;
  uint64_t commit_ = 0;
  int64_t now_us_ = 0;                          // when the commit under way began, for transitions
  std::unordered_map<RunId, int64_t> numbers_;  // of unfinished runs
};

}  // namespace cromt
