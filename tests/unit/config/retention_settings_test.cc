// The keys `retention` and `disk_guard`.
#include "io/config/retention_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cromt {
namespace {

using testing::HasSubstr;

Settings Read(const std::string& text) {
  return *ReadSettings(text, "c.yaml", WithRetentionKeys({}));
}
std::string RetentionError(const std::string& text) {
  auto read = ReadRetention(Read(text));
  return read ? "" : read.error().message;
}
std::string DiskError(const std::string& text) {
  auto read = ReadDiskLimits(Read(text));
  return read ? "" : read.error().message;
}

TEST(RetentionSettings, WhatIsNotSaidIsTheDefault) {
  EXPECT_EQ(*ReadRetention(Read("")), Retention());
  EXPECT_EQ(*ReadDiskLimits(Read("")), DiskLimits());
  const Retention some = *ReadRetention(Read("retention: {runs: 7}"));
  EXPECT_EQ(some, (Retention{.runs = 7, .age = 90 * kDay, .output_bytes = int64_t{10} << 30}));
}

TEST(RetentionSettings, WhatIsSaid) {
  EXPECT_EQ(*ReadRetention(Read("retention: {runs: 0, age: 30d, logs: 5GiB}")),
            (Retention{.runs = 0, .age = 30 * kDay, .output_bytes = int64_t{5} << 30}));
  EXPECT_EQ(*ReadDiskLimits(Read("disk_guard: {warn: 50, stop: 60}")),
            (DiskLimits{.warn = 50, .stop = 60, .smallest_bytes = 0}));
  EXPECT_EQ(*ReadDiskLimits(Read("disk_guard: {stop: 70}")), (DiskLimits{.warn = 70, .stop = 70, .smallest_bytes = 0}));
}

TEST(RetentionSettings, WhatIsRefused) {
  EXPECT_THAT(RetentionError("retention: {runs: -1}"), HasSubstr("'retention.runs': -1 is not from 0 to"));
  EXPECT_THAT(RetentionError("retention: {age: soon}"), HasSubstr("'retention.age'"));
  EXPECT_THAT(RetentionError("retention: {logs: much}"), HasSubstr("'retention.logs'"));
  EXPECT_THAT(DiskError("disk_guard: {warn: 0}"), HasSubstr("'disk_guard.warn': 0 is not from 1 to 100"));
  EXPECT_THAT(DiskError("disk_guard: {warn: 90, stop: 80}"), HasSubstr("`warn` is 90 and `stop` 80"));
}

}  // namespace
}  // namespace cromt
