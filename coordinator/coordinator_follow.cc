// Following runs and their output: what a Coordinator does on its callers' threads until they have seen enough.
#include <map>

#include "coordinator/coordinator.h"

namespace cromt {

namespace {

// How often somebody who follows a quiet run is asked whether he is still there.
constexpr Duration kAreYouThere = seconds(1);
constexpr size_t kLogSlice = 1 << 20;
// How long a follower of a finished run waits for output that its agent has not sent yet.
constexpr Duration kLogPatience = seconds(30);

}  // namespace

Status Coordinator::WatchRun(const std::string& run, const std::string& author,
                             const std::function<bool(const RunUpdate&)>& sink) {
  return WatchRun(run, author, sink, {});
}

Status Coordinator::WatchRun(const std::string& run, const std::string& author,
                             const std::function<bool(const RunUpdate&)>& sink, const GaveUp& gave_up) {
  CROMT_ASSIGN(StoreReader reader, BorrowReader());
  CROMT_ASSIGN(RunId id, reader.Resolve(run, author));
  Notifier::Watch watch(notifier_, id);
  CROMT_ASSIGN(auto changes, reader.Snapshot(id));
  RunView known = *changes.update.run;
  known.tasks = changes.update.tasks;  // whose names and hosts do not change
  WaitReasons waiting;
  waiting.Learn(changes.update.tasks);
  for (TaskView& task : WhyWaiting(waiting)) changes.update.tasks[task.index] = std::move(task);
  TellFetching(*changes.update.run);
  std::string told;  // why the run itself waits; also what the first picture says, once it holds on
  Mono asked = clock_.Read().mono;
  for (;;) {
    if ((changes.update.run || !changes.update.tasks.empty()) && !sink(changes.update)) return {};
    if (changes.finished) break;
    CROMT_ASSIGN(auto more, reader.Since(known, changes.seq));
    changes = std::move(more);
    bool nothing = !changes.update.run && changes.update.tasks.empty();
    if (nothing && !watch.Wait(kAreYouThere)) return Fail(ErrorCode::kUnavailable, "the coordinator is stopping");
    if (nothing && gave_up && gave_up()) return {};
    for (TaskView& task : changes.update.tasks) {
      TaskStatus status = std::move(task.status);
      std::string image_digest = std::move(task.image_digest);
      task = known.tasks[task.index];
      task.status = std::move(status);
      task.image_digest = std::move(image_digest);
    }
    if (changes.update.run) {
      known.commit = changes.update.run->commit;
      known.status = changes.update.run->status;
      told = known.status.reason;
    }
    waiting.Learn(changes.update.tasks);
    if (nothing && clock_.Read().mono - asked >= kAreYouThere) {
      changes.update.tasks = WhyWaiting(waiting);
      if (known.status.state == RunState::kQueued) {
        RunView now{known.header, known.status, known.commit, {}, {}};
        TellFetching(now);
        if (std::exchange(told, now.status.reason) != now.status.reason) changes.update.run = std::move(now);
      }
      asked = clock_.Read().mono;
    }
  }
  GiveBack(std::move(reader));
  return {};
}

Status Coordinator::RunLogs(const std::string& run, const std::string& task, bool follow, const std::string& author,
                            const std::function<bool(const LogPiece&)>& sink) {
  return RunLogs(run, task, follow, author, sink, {});
}

namespace {

// How much output of each attempt has been given out.
using Seen = std::map<std::pair<TaskIndex, uint32_t>, SeenExtent>;

// The first task of which some output has not come yet.
const TaskView* Incomplete(const RunView& run, const Seen& seen) {
  for (const TaskView& task : run.tasks) {
    if (task.status.log_bytes == 0) continue;
    auto found = seen.find({task.index, task.status.attempt});
    if (found == seen.end() || found->second.bytes() < task.status.log_bytes) return &task;
  }
  return nullptr;
}

}  // namespace

Status Coordinator::RunLogs(const std::string& run, const std::string& task, bool follow, const std::string& author,
                            const std::function<bool(const LogPiece&)>& sink, const GaveUp& gave_up) {
  CROMT_ASSIGN(const RunId id, WithReader([&](StoreReader& reader) { return reader.Resolve(run, author); }));
  Notifier::Watch watch(notifier_, id);  // before anything is read: a run that ends in between is not waited for
  CROMT_ASSIGN(RunView view, GetRun(id.text(), ""));
  CROMT_ASSIGN(auto only, TaskNamed(view, task));
  uint64_t cursor = 0;
  Seen seen;
  bool complete = view.status.state == RunState::kFinished;  // `view` is the run's final state
  Mono progress = clock_.Read().mono;
  for (;;) {
    CROMT_ASSIGN(auto slice, logs_->Read(id, cursor, kLogSlice));
    cursor = slice.next_cursor;
    for (const LogPiece& piece : slice.pieces) {
      seen[{piece.task, piece.attempt}].Add(piece);
      if (only && piece.task != *only) continue;
      if (!sink(piece)) return {};
    }
    if (!slice.pieces.empty()) {
      progress = clock_.Read().mono;
      continue;
    }
    CROMT_TRY(OutputIsKept(id));  // else it is not silence that there is nothing more
    if (!follow) return {};
    if (complete) {
      const TaskView* missing = Incomplete(view, seen);
      if (!missing) return {};
      if (clock_.Read().mono - progress > kLogPatience)
        return Fail(ErrorCode::kTimeout, "not all output of task " + std::to_string(missing->index + 1) +
                                             " has come from " + missing->host +
                                             "; what its agent still sends will be in `cromt logs`");
    }
    if (!watch.Wait(kAreYouThere)) return Fail(ErrorCode::kUnavailable, "the coordinator is stopping");
    if (gave_up && gave_up()) return {};
    if (complete) continue;
    CROMT_ASSIGN(RunState state, WithReader([&](StoreReader& reader) { return reader.StateOf(id); }));
    if (state != RunState::kFinished) continue;
    CROMT_ASSIGN(view, GetRun(id.text(), ""));
    complete = true;
    progress = clock_.Read().mono;
  }
}

}  // namespace cromt
