#include "coordinator/store_commands.h"

#include <fmt/format.h>

#include "base/time.h"
#include "coordinator/store/backup.h"
#include "io/process/data_dir.h"

namespace cromt {
namespace {

std::string StoreIn(const std::string& data_dir) {
  return data_dir + "/store.db";
}

std::string Text(const StoreStamp& stamp) {
  if (stamp.commit == 0 && stamp.mesh.empty()) return fmt::format("a store of schema version {}", stamp.schema);
  return fmt::format("mesh {}, commit {} of epoch {}", stamp.mesh.text(), stamp.commit, stamp.epoch);
}

}  // namespace

Status RunBackup(const std::string& data_dir, const std::string& file) {
  CROMT_ASSIGN(const StoreStamp stamp, BackUpStore(StoreIn(data_dir), file));
  fmt::print("{}: {}\n", file, Text(stamp));
  return {};
}

Status RunRestore(const std::string& data_dir, const std::string& file) {
  auto dir = DataDir::Open(data_dir);
  if (!dir && dir.error().code == ErrorCode::kConflict)
    return Fail(ErrorCode::kConflict, data_dir + " is in use: stop its coordinator first; jobs go on meanwhile");
  if (!dir) return tl::unexpected<Error>(std::move(dir).error());
  CROMT_ASSIGN(const RestoredStore restored, RestoreStore(file, StoreIn(data_dir), SystemClock().Read().wall));
  fmt::print("restored {}: {}\n", file, Text(restored.stamp));
  if (!restored.replaced.empty()) fmt::print("what was there before is kept as {}\n", restored.replaced);
  if (restored.went_back)
    fmt::print("more was done since than it holds: nothing is leased until `cromt-coordinator recover`\n");
  return {};
}

}  // namespace cromt
