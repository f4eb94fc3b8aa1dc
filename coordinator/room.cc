#include "coordinator/room.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "base/size.h"

namespace cromt {
namespace {

// A task's rows, first in the write-ahead log and then in the database: 150 bytes each when it is new, more when it
// ends.
constexpr uint64_t kBytesATask = 512;
// Smaller runs fit into what the store keeps for a full disk (SqliteStore::kReserveBytes).
constexpr size_t kSmallRun = 4096;

}  // namespace

Status RoomFor(const Plan& plan, const std::string& dir) {
  if (plan.tasks.size() <= kSmallRun) return {};
  struct statvfs disk {};
  if (statvfs(dir.c_str(), &disk) != 0) return {};  // whoever writes will know more
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  const uint64_t needed = plan.tasks.size() * kBytesATask;
  if (needed <= free) return {};
  return Fail(ErrorCode::kExhausted,
              fmt::format("a run of {} tasks takes about {} of the coordinator's disk ({}), where {} are free",
                          plan.tasks.size(), FormatSize(static_cast<int64_t>(needed)), dir,
                          FormatSize(static_cast<int64_t>(free))));
}

}  // namespace cromt
