#include "coordinator/room.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/size.h"
#include "core/scheduler.h"

namespace cromt {
namespace {

// Less fits into what the store keeps for a full disk (SqliteStore::kReserveBytes).
constexpr uint64_t kSmall = 1 << 20;

// What output leaves of its disk.
constexpr uint64_t kMostLeft = 64 << 20;
constexpr uint64_t kLeftShare = 4;

struct Disk {
  uint64_t free = 0;
  uint64_t size = 0;
};

// Of a file system that doesn't say: endless; whoever writes will know more.
Disk DiskOf(const std::string& dir, FileSystem& files) {
  struct statvfs disk {};
  if (files.Space(dir, disk) != 0) return {UINT64_MAX, UINT64_MAX};
  return {uint64_t{disk.f_bavail} * disk.f_frsize, uint64_t{disk.f_blocks} * disk.f_frsize};
}

std::string SizeText(uint64_t bytes) {
  return FormatSize(static_cast<int64_t>(bytes));
}

}  // namespace

Status RoomFor(const Plan& plan, const std::string& dir) {
  // In the write-ahead log and then in the database; and once more, to be kept for a full disk.
  const uint64_t needed = 2 * kStoredTaskBytes * plan.tasks.size() + 4 * BytesOf(plan);
  if (needed <= kSmall) return {};
  const uint64_t free = DiskOf(dir, SystemFiles()).free;
  if (needed <= free) return {};
  return Fail(ErrorCode::kExhausted,
              fmt::format("a run of {} tasks takes about {} of the coordinator's disk ({}), where {} are free",
                          plan.tasks.size(), SizeText(needed), dir, SizeText(free)));
}

Status RoomForOutput(uint64_t bytes, const std::string& dir, FileSystem& files) {
  const Disk disk = DiskOf(dir, files);
  const uint64_t left = std::min(kMostLeft, disk.size / kLeftShare);
  if (disk.free >= left && disk.free - left >= bytes) return {};
  return Fail(ErrorCode::kExhausted,
              fmt::format("the coordinator's disk ({}) has {} free, and output leaves {} of it for what is decided",
                          dir, SizeText(disk.free), SizeText(left)));
}

}  // namespace cromt
