// Where runs are kept, and what is removed.
#include "cli/run_directory.h"

#include <filesystem>
#include <fstream>

#include "cli_test.h"

namespace cromt::cli {
namespace {

namespace fs = std::filesystem;

class RunDirectoryTest : public ::testing::Test {
 protected:
  RunDirectoryTest() {
    std::string pattern = fs::temp_directory_path() / "cromt-runs-XXXXXX";
    home_ = mkdtemp(pattern.data());
  }
  ~RunDirectoryTest() override { fs::remove_all(home_); }

  Result<RunDirectory> Create(const std::string& id) { return RunDirectory::Create(world_, id); }
  std::string Runs() const { return home_ + "/.local/state/cromt/runs"; }
  // A run that finished so long ago.
  void Finished(const std::string& id, std::chrono::hours ago) {
    fs::create_directories(Runs() + "/" + id);
    std::ofstream(Runs() + "/" + id + "/run-finished").flush();
    fs::last_write_time(Runs() + "/" + id + "/run-finished", fs::file_time_type::clock::now() - ago);
  }
  bool Exists(const std::string& id) const { return fs::exists(fs::symlink_status(Runs() + "/" + id)); }

  std::string home_;
  StringWriter out_, err_;
  FakeInterrupts interrupts_;
  FixedClock clock_;
  SeededRandom random_{1};
  World world_{
      .out = out_,
      .err = err_,
      .interrupts = interrupts_,
      .clock = clock_,
      .random = random_,
      .variable = [this](const std::string& name) { return name == "HOME" ? std::optional(home_) : std::nullopt; }};
};

TEST_F(RunDirectoryTest, IsForTheUserAlone) {
  const auto made = Create("run1");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->path(), Runs() + "/run1");
  EXPECT_EQ(fs::status(made->path()).permissions(), fs::perms::owner_all);
  EXPECT_FALSE(Create("run1")) << "an id is used once";
}

TEST_F(RunDirectoryTest, IsTakenUpAgainByOneProcessAtATime) {
  EXPECT_EQ(RunDirectory::Open(world_, "run1").error().code, ErrorCode::kNotFound);
  {
    const auto made = Create("run1");
    EXPECT_EQ(RunDirectory::Open(world_, "run1").error().code, ErrorCode::kConflict);
  }
  auto opened = RunDirectory::Open(world_, "run1");
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(opened->IsMarkedFinished());
  EXPECT_FALSE(opened->IsOfBoot("boot1")) << "nobody has said in which it was made";
  std::ofstream(opened->path() + "/boot") << "boot1\n";
  EXPECT_TRUE(opened->IsOfBoot("boot1"));
  EXPECT_FALSE(opened->IsOfBoot("boot2"));
  opened->MarkFinished();
  EXPECT_TRUE(opened->IsMarkedFinished());
  EXPECT_TRUE(RunDirectory::Open(world_, "run1")) << "the mark unlocks it";
}

TEST_F(RunDirectoryTest, OnlyWhatHasFinishedAndIsOldGoes) {
  for (int i = 0; i < 12; ++i) Finished("f" + std::to_string(i), std::chrono::hours(100 - i));
  fs::create_directories(Runs() + "/running");
  const auto broken_off = Runs() + "/broken-off";
  fs::create_directories(broken_off);
  fs::last_write_time(broken_off, fs::file_time_type::clock::now() - std::chrono::hours(25));
  const auto made = Create("mine");
  ASSERT_TRUE(made);
  made->RemoveOld();
  for (const std::string gone : {"f0", "f1", "f2", "broken-off"}) EXPECT_FALSE(Exists(gone)) << gone;
  for (const std::string kept : {"f3", "f11", "running", "mine"}) EXPECT_TRUE(Exists(kept)) << kept;
}

TEST_F(RunDirectoryTest, ALinkIsNeverFollowed) {
  const std::string treasure = home_ + "/treasure";
  fs::create_directories(treasure);
  std::ofstream(treasure + "/run-finished").flush();
  std::ofstream(treasure + "/gold").flush();
  fs::last_write_time(treasure + "/run-finished", fs::file_time_type::clock::now() - std::chrono::hours(1000));
  for (int i = 0; i < 12; ++i) Finished("f" + std::to_string(i), std::chrono::hours(100 - i));
  fs::create_directory_symlink(treasure, Runs() + "/outside");
  fs::create_directory_symlink(treasure, Runs() + "/f0/inside");
  const auto made = Create("mine");
  made->RemoveOld();
  EXPECT_FALSE(Exists("f0"));
  EXPECT_TRUE(Exists("outside"));
  EXPECT_TRUE(fs::exists(treasure + "/gold"));
}

TEST_F(RunDirectoryTest, WhatIsInUseStays) {
  auto other = Create("other");
  ASSERT_TRUE(other);
  std::ofstream(other->path() + "/run-finished").flush();
  fs::last_write_time(other->path() + "/run-finished", fs::file_time_type::clock::now() - std::chrono::hours(1000));
  for (int i = 0; i < 12; ++i) Finished("f" + std::to_string(i), std::chrono::hours(i));
  auto made = Create("mine");
  made->RemoveOld();
  EXPECT_TRUE(Exists("other"));
  other->MarkFinished();
  fs::last_write_time(other->path() + "/run-finished", fs::file_time_type::clock::now() - std::chrono::hours(1000));
  made->RemoveOld();
  EXPECT_FALSE(Exists("other"));
}

}  // namespace
}  // namespace cromt::cli
