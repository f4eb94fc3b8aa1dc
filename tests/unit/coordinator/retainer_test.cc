// Who lets the past go: rows, then files; and what nobody needs any more of repositories.
#include "coordinator/retainer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "coordinator/store/backup.h"
#include "tests/unit/coordinator/store_env.h"

namespace cromt {
namespace {

class RetainerTest : public StoreEnv {
 protected:
  void SetUp() override {
    StoreEnv::SetUp();
    store_ = Open();
    ASSERT_TRUE(store_->Load());
    logs_ = *LogStore::Open(folder_ + "/logs", Durability::kProcess, [](const RunId&) {});
    blobs_ = *BlobStore::Open(folder_ + "/blobs", Durability::kProcess);
  }
  void TearDown() override {
    retainer_.reset();
    StoreEnv::TearDown();
  }
  void Commit(const std::vector<Record>& records) {
    auto done = store_->Commit(records);
    ASSERT_TRUE(done) << done.error().message;
  }
  // One that has ended a while ago, with output; of these files of a repository, if there are some.
  void EndedRun(const std::string& id, const Digest& tree = {}) {
    RunCreated created = NewRun(id, "q-" + id);
    auto plan = std::make_shared<Plan>(*created.plan);
    if (!tree.empty())
      plan->specs[0].source = {.repository = "https://h/r.git", .commit = std::string(40, 'c'), .tree = tree};
    created.plan = plan;
    Commit({created, Finished(id, 0), Finished(id, 1),
            RunChanged{
                RunId(id),
                {.state = RunState::kFinished, .outcome = RunOutcome::kSucceeded, .finished_at = now_ - seconds(60)}}});
    ASSERT_TRUE(logs_->Append({{{RunId(id), 0, 1}, seglog::Stream::kStdout, 0, now_, "output"}}));
  }
  Digest Blob(const std::string& text) {
    auto writer = blobs_->Write();
    EXPECT_TRUE(writer->Append(text));
    return *writer->Commit();
  }
  // To look at it in the store counts as use.
  std::string FileOf(const Digest& blob) {
    return folder_ + "/blobs/" + blob.sha256.substr(0, 2) + "/" + blob.sha256.substr(2);
  }
  bool IsThere(const Digest& blob) { return std::filesystem::exists(FileOf(blob)); }
  // As if somebody had used it at that time.
  void Used(const Digest& blob, Wall at) {
    const timespec times[2] = {{Micros(at) / 1'000'000, 0}, {0, UTIME_OMIT}};
    ASSERT_EQ(::utimensat(AT_FDCWD, FileOf(blob).c_str(), times, 0), 0);
  }
  void Begin(Retention retention) {
    retainer_ = std::make_unique<Retainer>(
        Retainer::Options{.retention = retention,
                          .store_path = path_,
                          .first_look = Duration(0),
                          .blob_look = Duration(0),
                          .now = [this] { return now_; }},
        *logs_, *blobs_,
        Retainer::Edges{.keep = [](const std::string&) { return std::optional<int64_t>(); },
                        .remove = [this](std::vector<Record> records) -> Status {
                          if (!records.empty()) CROMT_TRY(store_->Commit(records));
                          ++steps_;
                          return {};
                        },
                        .warn = [](const std::string& what) { ADD_FAILURE() << what; },
                        .note = [this](const std::string& what) { told_ = what, has_told_ = true; }});
  }
  static bool Within(const std::function<bool()>& condition) {
    const Mono end = SystemClock().Read().mono + seconds(30);
    while (!condition())
      if (SystemClock().Read().mono > end)
        return false;
      else
        std::this_thread::yield();
    return true;
  }
  std::vector<std::string> Outputs() {
    std::vector<std::string> runs;
    const auto files = logs_->List();
    for (const LogStore::Kept& kept : *files) runs.push_back(kept.run.text());
    std::sort(runs.begin(), runs.end());
    return runs;
  }

  const Wall now_ = SystemClock().Read().wall;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<LogStore> logs_;
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<Retainer> retainer_;
  std::atomic<int> steps_ = 0;
  std::string told_;  // once it has
  std::atomic<bool> has_told_ = false;
};

TEST_F(RetainerTest, RunsBeyondTheirNumberGoWithTheirOutput) {
  for (int i = 10; i < 70; ++i) EndedRun(fmt::format("r{}", i));
  Commit({NewRun("on", "q-on")});
  Begin({.runs = 3, .age = Duration(0), .output_bytes = 0});
  EXPECT_TRUE(Within([this] { return Outputs() == std::vector<std::string>{"r67", "r68", "r69"}; }));
  ASSERT_TRUE(Within([this] { return has_told_.load(); }));
  retainer_.reset();
  auto checked = CheckStore(path_);
  EXPECT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(told_, "retention has removed 57 finished runs, and the output of 0 others");
  EXPECT_GE(steps_, 57 / static_cast<int>(Retainer::kRunsAtOnce));
}

TEST_F(RetainerTest, FilesOfRepositoriesGoOnceNoRunNamesThemAndNobodyUsesThem) {
  const Digest needed = Blob("needed"), idle = Blob("idle"), used = Blob("used");
  EndedRun("r1", needed);
  for (const Digest& blob : {needed, idle}) Used(blob, now_ - 2 * kDay);
  Used(used, now_ - kDay + std::chrono::hours(1));
  Begin({.runs = 3, .age = Duration(0), .output_bytes = 0});
  EXPECT_TRUE(Within([&] { return !IsThere(idle); }));
  retainer_.reset();
  EXPECT_TRUE(IsThere(needed));
  EXPECT_TRUE(IsThere(used));
}

TEST_F(RetainerTest, WhoReadsABlobKeepsIt) {
  const Digest blob = Blob("idle");
  Used(blob, now_ - 2 * kDay);
  ASSERT_TRUE(blobs_->Read(blob));
  EXPECT_FALSE(*blobs_->RemoveIdle(blob, now_ - kDay));
  EXPECT_TRUE(IsThere(blob));
  Used(blob, now_ - 2 * kDay);
  EXPECT_TRUE(*blobs_->RemoveIdle(blob, now_ - kDay));
  EXPECT_FALSE(IsThere(blob));
  EXPECT_TRUE(*blobs_->RemoveIdle(blob, now_ - kDay));
}

}  // namespace
}  // namespace cromt
