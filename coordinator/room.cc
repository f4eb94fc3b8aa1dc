#include "coordinator/room.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "base/size.h"
#include "core/scheduler.h"

namespace cromt {
namespace {

// Less fits into what the store keeps for a full disk (SqliteStore::kReserveBytes).
constexpr uint64_t kSmall = 1 << 20;

}  // namespace

Status RoomFor(const Plan& plan, const std::string& dir) {
  // In the write-ahead log and then in the database; and once more, to be kept for a full disk.
  const uint64_t needed = 2 * kStoredTaskBytes * plan.tasks.size() + 4 * BytesOf(plan);
  if (needed <= kSmall) return {};
  struct statvfs disk {};
  if (statvfs(dir.c_str(), &disk) != 0) return {};  // whoever writes will know more
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (needed <= free) return {};
  return Fail(ErrorCode::kExhausted,
              fmt::format("a run of {} tasks takes about {} of the coordinator's disk ({}), where {} are free",
                          plan.tasks.size(), FormatSize(static_cast<int64_t>(needed)), dir,
                          FormatSize(static_cast<int64_t>(free))));
}

}  // namespace cromt
