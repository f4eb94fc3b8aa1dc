// A disk's states: from when, until when, and on which disks none.
#include "core/disk_guard.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

DiskUse Of(uint64_t size, double percent) {
  const auto used = static_cast<uint64_t>(static_cast<double>(size) * percent / 100);
  return {size - used, used};
}

TEST(DiskGuardTest, IsLeftLaterThanItBegins) {
  DiskGuard guard;
  const auto at = [&](double percent) { return guard.Look(Of(100 * kGiB, percent)); };
  EXPECT_EQ(at(89.9), DiskState::kOk);
  EXPECT_EQ(at(90.1), DiskState::kWarning);
  EXPECT_EQ(at(88.5), DiskState::kWarning);
  EXPECT_EQ(at(87.9), DiskState::kOk);
  EXPECT_EQ(at(88.5), DiskState::kOk);
  EXPECT_EQ(at(95.1), DiskState::kCritical);
  EXPECT_EQ(at(93.5), DiskState::kCritical);
  EXPECT_EQ(at(92.9), DiskState::kWarning);
  EXPECT_EQ(at(94), DiskState::kWarning);
  EXPECT_EQ(at(96), DiskState::kCritical);
  EXPECT_EQ(at(10), DiskState::kOk);
}

TEST(DiskGuardTest, ALargeDiskWithMuchFreeIsNotFull) {
  DiskGuard guard;
  EXPECT_EQ(guard.Look({200 * kGiB, 3800 * kGiB}), DiskState::kOk);
  EXPECT_EQ(guard.Look({19 * kGiB, 3981 * kGiB}), DiskState::kWarning);
  EXPECT_EQ(guard.Look({21 * kGiB, 3979 * kGiB}), DiskState::kWarning) << "a tenth more is needed";
  EXPECT_EQ(guard.Look({23 * kGiB, 3977 * kGiB}), DiskState::kOk);
  EXPECT_EQ(guard.Look({9 * kGiB, 3991 * kGiB}), DiskState::kCritical);
}

TEST(DiskGuardTest, SmallFileSystemsAndLimitsOfAHundredHaveNone) {
  DiskGuard guard;
  EXPECT_EQ(guard.Look(Of(kGiB / 2, 99)), DiskState::kOk);
  DiskGuard said({.warn = 50, .stop = 60, .smallest_bytes = 0});
  EXPECT_EQ(said.Look(Of(1 << 20, 55)), DiskState::kWarning);
  EXPECT_EQ(said.Look(Of(1 << 20, 65)), DiskState::kCritical);
  DiskGuard off({.warn = 100, .stop = 100, .smallest_bytes = 0});
  EXPECT_EQ(off.Look(Of(1 << 20, 100)), DiskState::kOk);
  EXPECT_EQ(off.Look({0, 0}), DiskState::kOk);
}

TEST(DiskGuardTest, SaysHowItStands) {
  EXPECT_EQ(DiskText(Of(100 * kGiB, 96), "/data"), "96 % of the disk under /data is used, 4.0 GiB are free");
}

}  // namespace
}  // namespace cromt
