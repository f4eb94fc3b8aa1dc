// What jobs print, on its way to the user: as text, as the bytes they were, as JSON, or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "cli/palette.h"
#include "cli/task_text.h"
#include "core/control.h"

namespace cromt::cli {

// Takes pieces in any order of tasks; of one attempt in order of offset, pieces may come twice. Thread-safe.
class LogView {
 public:
  virtual ~LogView() = default;
  // The run's tasks. Called before the first piece.
  virtual void SetTasks(const std::vector<TaskView>& tasks) = 0;
  virtual void Add(const LogPiece& piece) = 0;
  // The task's last attempt has ended and printed this many bytes. `then` is called once they were all shown: at once,
  // within a later Add, or within End.
  virtual void TaskEnded(TaskIndex, const TaskStatus&, std::function<void()> then) { then(); }
  // Shows what is still held. Pieces may follow.
  virtual void End() {}
};

// How text reaches its reader; called with whole lines, save at the end of an unfinished one.
using Sink = std::function<void(std::string_view)>;

// With a heading "==> hello on hostA <==" whenever the output changes to that of another task, where there are several.
//
// Memory: offsets of each attempt seen, and the unfinished lines of at most kMaxOpen attempts; beyond that the one
// that was silent for longest is shown as it is, and starts afresh should it go on.
class TextLog final : public LogView {
 public:
  struct Options {
    TaskText::Mode mode = TaskText::Mode::kLive;
    bool terminal = false;
    bool headings = true;    // where there are several tasks
    bool unfinished = true;  // of an only task on a terminal, show a line before it has ended
  };
  static constexpr size_t kMaxOpen = 1000;

  TextLog(Sink sink, Options options, Palette palette) : sink_(std::move(sink)), options_(options), palette_(palette) {}

  void SetTasks(const std::vector<TaskView>& tasks) override CROMT_EXCLUDES(mutex_);
  void Add(const LogPiece& piece) override CROMT_EXCLUDES(mutex_);
  void TaskEnded(TaskIndex task, const TaskStatus& status, std::function<void()> then) override CROMT_EXCLUDES(mutex_);
  void End() override CROMT_EXCLUDES(mutex_);
  // How many attempts have text held; for tests.
  size_t open() const CROMT_EXCLUDES(mutex_);

 private:
  using Key = uint64_t;  // task and attempt
  static constexpr Key kNobody = UINT64_MAX;
  struct Attempt {
    int64_t next_offset = 0;
    uint64_t last_used = 0;
    std::unique_ptr<TaskText> text;  // null: nothing is held
    std::function<void()> then;      // waits for `awaited` bytes
    int64_t awaited = 0;
  };

  static Key KeyOf(TaskIndex task, uint32_t attempt) { return static_cast<Key>(task) << 32 | attempt; }
  Attempt& OpenText(Key key) CROMT_REQUIRES(mutex_);
  void Close(Key key, Attempt& attempt) CROMT_REQUIRES(mutex_);
  void CloseIdlest() CROMT_REQUIRES(mutex_);
  void Show(Key key, std::string_view text) CROMT_REQUIRES(mutex_);
  std::string Heading(Key key) const CROMT_REQUIRES(mutex_);

  const Sink sink_;
  const Options options_;
  const Palette palette_;
  mutable Mutex mutex_;
  std::vector<std::string> labels_ CROMT_GUARDED_BY(mutex_);
  std::unordered_map<Key, Attempt> attempts_ CROMT_GUARDED_BY(mutex_);
  size_t open_ CROMT_GUARDED_BY(mutex_) = 0;
  uint64_t clock_ CROMT_GUARDED_BY(mutex_) = 0;   // counts pieces
  Key shown_ CROMT_GUARDED_BY(mutex_) = kNobody;  // whose text came last
  bool line_open_ CROMT_GUARDED_BY(mutex_) = false;
};

// Tells what of a piece is new; pieces come again when a connection broke.
class SeenOutput {
 public:
  // The part of its data that was not there before; empty where there is none.
  std::string_view New(const LogPiece& piece);

 private:
  std::unordered_map<uint64_t, int64_t> next_offsets_;  // by task and attempt
};

// What the jobs wrote, byte for byte, standard output and error as they came; nothing of ours but the headings where
// there are several tasks.
class RawLog final : public LogView {
 public:
  RawLog(Sink sink, bool headings) : sink_(std::move(sink)), headings_(headings) {}
  void SetTasks(const std::vector<TaskView>& tasks) override CROMT_EXCLUDES(mutex_);
  void Add(const LogPiece& piece) override CROMT_EXCLUDES(mutex_);

 private:
  const Sink sink_;
  const bool headings_;
  Mutex mutex_;
  SeenOutput seen_ CROMT_GUARDED_BY(mutex_);
  std::vector<std::string> labels_ CROMT_GUARDED_BY(mutex_);
  TaskIndex shown_ CROMT_GUARDED_BY(mutex_) = UINT32_MAX;
  bool line_open_ CROMT_GUARDED_BY(mutex_) = false;
};

// A line of JSON for each piece.
class JsonLog final : public LogView {
 public:
  explicit JsonLog(Sink sink) : sink_(std::move(sink)) {}
  void SetTasks(const std::vector<TaskView>&) override {}
  void Add(const LogPiece& piece) override CROMT_EXCLUDES(mutex_);

 private:
  const Sink sink_;
  Mutex mutex_;
  SeenOutput seen_ CROMT_GUARDED_BY(mutex_);
};

// Shows nothing.
class NoLog final : public LogView {
 public:
  void SetTasks(const std::vector<TaskView>&) override {}
  void Add(const LogPiece&) override {}
};

}  // namespace cromt::cli
