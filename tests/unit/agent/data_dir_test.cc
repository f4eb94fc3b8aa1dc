// A data directory has one program at a time.
#include "io/process/data_dir.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <thread>

namespace cromt {
namespace {

TEST(DataDirTest, TheSecondIsRefusedByName) {
  const std::string path = testing::TempDir() + "data-dir-one";
  auto first = DataDir::Open(path);
  ASSERT_TRUE(first);
  auto second = DataDir::Open(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_NE(second.error().message.find(path), std::string::npos);
}

// Such as what a killed program was just about to start.
TEST(DataDirTest, WhoLeavesSoonIsWaitedFor) {
  const std::string path = testing::TempDir() + "data-dir-two";
  std::optional<DataDir> first = *DataDir::Open(path);
  std::thread leaves([&first] {
    ::poll(nullptr, 0, 50);  // the other one is to find it locked
    first.reset();
  });
  EXPECT_TRUE(DataDir::Open(path));
  leaves.join();
}

}  // namespace
}  // namespace cromt
