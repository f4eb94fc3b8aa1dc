// The coordinator's log store: idempotent by offset, and whole after a crash.
#include "coordinator/log_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace cromt {
namespace {

class LogStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "logs-" + testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<LogStore> Open() {
    return *LogStore::Open(dir_, Durability::kHost, [this](const RunId& run) { advanced_.push_back(run.text()); });
  }
  static RunLogChunk Chunk(TaskIndex task, int64_t offset, std::string_view data) {
    return {{RunId("r1"), task, 1}, seglog::Stream::kStdout, offset, WallFromMicros(5), data};
  }
  static std::string TextOf(const LogStore& store, TaskIndex task) {
    std::string text;
    for (uint64_t cursor = 0;;) {
      auto slice = *store.Read(RunId("r1"), cursor, 1 << 20);
      if (slice.next_cursor == cursor) return text;
      cursor = slice.next_cursor;
      for (const LogPiece& piece : slice.pieces)
        if (piece.task == task) text += piece.data;
    }
  }

  // One bit of the first such text in the file is another.
  void Damage(std::string_view text) {
    std::fstream file(dir_ + "/r1.log", std::ios::in | std::ios::out | std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    ASSERT_NE(bytes.find(text), bytes.npos);
    file.seekp(static_cast<std::streamoff>(bytes.find(text))).put(static_cast<char>(text.front() ^ 4));
  }

  std::string dir_;
  std::vector<std::string> advanced_;
};

TEST_F(LogStoreTest, SaysWhenAnAttemptSaidSomethingLast) {
  const AttemptId attempt{RunId("r1"), 1, 1};
  auto store = Open();
  EXPECT_FALSE(*store->LastOf(attempt));
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/r1.log")) << "a question made it";
  RunLogChunk chunk = Chunk(1, 0, "one\n");
  ASSERT_TRUE(store->Append({chunk}));
  chunk.at = WallFromMicros(7);
  chunk.offset = 4;
  RunLogChunk note = chunk;
  ASSERT_TRUE(store->Append({chunk}));
  note.stream = seglog::Stream::kNote;
  note.at = WallFromMicros(9);
  note.offset = 8;
  ASSERT_TRUE(store->Append({note}));
  for (int open = 0; open < 2; ++open) {
    const auto last = *store->LastOf(attempt);
    ASSERT_TRUE(last);
    EXPECT_EQ(Micros(last->at), 7);
    EXPECT_EQ(last->bytes, 12);
    EXPECT_FALSE(*store->LastOf({RunId("r1"), 2, 1}));
    store.reset();
    store = Open();
  }
}

TEST_F(LogStoreTest, SaysWhichAttemptsHaveOutput) {
  auto store = Open();
  StoredRun run;
  run.header.id = RunId("r1");
  EXPECT_EQ(*store->AttemptsOf({&run, 1}), AttemptsWithOutput{});
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/r1.log")) << "a question made it";
  RunLogChunk second = Chunk(1, 0, "second");
  second.attempt.attempt = 2;
  ASSERT_TRUE(store->Append({Chunk(0, 0, "a"), second, Chunk(1, 0, "late")}));
  store = Open();
  EXPECT_EQ(*store->AttemptsOf({&run, 1}), (AttemptsWithOutput{{RunId("r1"), {{0, 1}, {1, 2}}}}));
}

TEST_F(LogStoreTest, OutputComesBackByTask) {
  auto store = Open();
  ASSERT_TRUE(store->Append({Chunk(0, 0, "one "), Chunk(1, 0, "other"), Chunk(0, 4, "two")}));
  EXPECT_EQ(TextOf(*store, 0), "one two");
  EXPECT_EQ(TextOf(*store, 1), "other");
  EXPECT_EQ(advanced_, std::vector<std::string>{"r1"});
}

TEST_F(LogStoreTest, WhatAnAgentRepeatsIsKeptOnce) {
  auto store = Open();
  ASSERT_TRUE(store->Append({Chunk(0, 0, "abcd")}));
  ASSERT_TRUE(store->Append({Chunk(0, 0, "abcd"), Chunk(0, 2, "cdef")}));
  EXPECT_EQ(TextOf(*store, 0), "abcdef");
}

TEST_F(LogStoreTest, ARestartKnowsWhatIsThere) {
  ASSERT_TRUE(Open()->Append({Chunk(0, 0, "abcd")}));
  auto store = Open();
  ASSERT_TRUE(store->Append({Chunk(0, 0, "abcd"), Chunk(0, 4, "ef")}));
  EXPECT_EQ(TextOf(*store, 0), "abcdef");
}

TEST_F(LogStoreTest, AFrameThatACrashCutShortIsWrittenAnew) {
  ASSERT_TRUE(Open()->Append({Chunk(0, 0, "abcd"), Chunk(0, 4, "efgh")}));
  std::string path = dir_ + "/r1.log";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 3);
  auto store = Open();
  ASSERT_TRUE(store->Append({Chunk(0, 4, "efgh")}));
  EXPECT_EQ(TextOf(*store, 0), "abcdefgh");
}

// Of three frames that were never synced a crash has kept the first and the last.
TEST_F(LogStoreTest, WhatACrashHasTornIsNotThereUntilItComesAgain) {
  ASSERT_TRUE(Open()->Append({Chunk(0, 0, "abcd"), Chunk(0, 4, "efgh"), Chunk(0, 8, "ijkl")}));
  Damage("efgh");
  EXPECT_EQ(TextOf(*Open(), 0), "abcd") << "and that can be read";
  auto store = Open();
  ASSERT_TRUE(store->Append({Chunk(0, 4, "efgh"), Chunk(0, 8, "ijkl")}));
  EXPECT_EQ(TextOf(*store, 0), "abcdefghijkl");
}

// It was on disk and acknowledged, and so is what follows it.
TEST_F(LogStoreTest, WhatIsDamagedAtRestCostsNothingElse) {
  {
    auto store = Open();
    for (int64_t round = 0; round < 4; ++round) {
      ASSERT_TRUE(store->Append({Chunk(0, round * 4, std::string(4, "abcd"[round]))}));
      ASSERT_TRUE(store->Sync());
    }
  }
  Damage("bbbb");
  EXPECT_EQ(TextOf(*Open(), 0), "aaaaccccdddd");
  auto store = Open();
  ASSERT_TRUE(store->Append({Chunk(0, 12, "dddd"), Chunk(0, 16, "eeee")}));
  EXPECT_EQ(TextOf(*store, 0), "aaaaccccddddeeee");
  Damage("CLF1");  // of the first frame
  EXPECT_EQ(TextOf(*Open(), 0), "ccccddddeeee");
}

// A job that prints a frame and a mark, for the case that a crash tears what stands before them.
TEST_F(LogStoreTest, WhatSomebodyPrintsIsNoMark) {
  std::string forged;
  seglog::EncodeFrame({seglog::Stream::kNote, UINT64_MAX, 1 << 20, 0, {}}, forged);
  seglog::EncodeFrame({seglog::Stream::kStdout, 0, 100, 5, "forged"}, forged);
  ASSERT_TRUE(Open()->Append({Chunk(1, 0, "abcd"), Chunk(1, 4, "efgh" + forged)}));
  Damage("efgh");
  EXPECT_EQ(TextOf(*Open(), 0), "");
  auto store = Open();
  ASSERT_TRUE(store->Append({Chunk(1, 4, "ijkl")}));
  EXPECT_EQ(TextOf(*store, 0), "");
  EXPECT_EQ(TextOf(*store, 1), "abcdijkl");
}

TEST_F(LogStoreTest, NoOutputIsNoFile) {
  auto store = Open();
  auto slice = store->Read(RunId("r1"), 0, 1000);
  ASSERT_TRUE(slice);
  EXPECT_TRUE(slice->pieces.empty());
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/r1.log"));
}

TEST_F(LogStoreTest, WhatIsRemovedIsGoneForWhoReadsIt) {
  auto store = Open();
  ASSERT_TRUE(store->Append({Chunk(1, 0, "one\n")}));
  ASSERT_EQ(store->List()->size(), 1u);
  EXPECT_EQ(store->List()->at(0).run, RunId("r1"));
  EXPECT_EQ(store->List()->at(0).bytes, store->appended_bytes());
  const uint64_t read = store->Read(RunId("r1"), 0, 100)->next_cursor;
  ASSERT_TRUE(store->Remove(RunId("r1")));
  EXPECT_TRUE(store->List()->empty());
  EXPECT_EQ(store->Read(RunId("r1"), read, 100).error().code, ErrorCode::kNotFound) << "not silence";
  ASSERT_TRUE(store->Remove(RunId("r1"))) << "twice is once";
  ASSERT_TRUE(store->Append({Chunk(1, 4, "two\n")})) << "its agent may still send some";
  EXPECT_EQ(TextOf(*store, 1), "two\n");
}

TEST_F(LogStoreTest, LinksAndWhatIsNotARunsFileAreLeftAlone) {
  auto store = Open();
  const std::string outside = dir_ + "-outside";
  std::filesystem::create_directories(outside);
  std::ofstream(outside + "/file") << "kept";
  std::filesystem::create_symlink(outside + "/file", dir_ + "/link.log");
  std::filesystem::create_directory_symlink(outside, dir_ + "/folder.log");
  std::filesystem::create_directory(dir_ + "/own.log");
  std::ofstream(dir_ + "/notes.txt") << "kept";
  std::ofstream(dir_ + "/.hidden.log") << "kept";
  EXPECT_TRUE(store->List()->empty());
  for (const char* name : {"link", "folder", "own", "notes.txt", ".hidden", "..", "../", "", "a/../../b"})
    (void)store->Remove(RunId(name));
  EXPECT_TRUE(std::filesystem::exists(outside + "/file"));
  for (const char* name : {"/link.log", "/folder.log", "/own.log", "/notes.txt", "/.hidden.log"})
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::symlink_status(dir_ + name))) << name;
  // The folder that was opened is meant: nothing is removed where its path leads to now.
  std::ofstream(outside + "/r1.log") << "kept";
  std::filesystem::rename(dir_, dir_ + "-moved");
  std::filesystem::create_directory_symlink(outside, dir_);
  EXPECT_EQ(store->Remove(RunId("r1")).error().code, ErrorCode::kConflict);
  EXPECT_EQ(store->List().error().code, ErrorCode::kConflict);
  EXPECT_TRUE(std::filesystem::exists(outside + "/r1.log"));
  for (const char* end : {"-outside", "-moved"}) std::filesystem::remove_all(dir_ + end);
}

}  // namespace
}  // namespace cromt
