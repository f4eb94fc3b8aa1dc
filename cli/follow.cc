#include "cli/follow.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace cromt::cli {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

class Follower {
 public:
  Follower(const FollowParts& parts, const FollowOptions& options) : parts_(parts), options_(options) {}

  Result<FollowEnd> Run() {
    if (options_.timeout) deadline_ = std::chrono::steady_clock::now() + *options_.timeout;
    parts_.interrupts.Listen([this](int count) { OnInterrupt(count); });
    const int early = parts_.interrupts.count();
    if (early > 0) OnInterrupt(early);
    std::thread watcher([this] { Watch(); });
    std::thread reader([this] { ReadLogs(); });
    const FollowEnd end = Wait();
    parts_.interrupts.Listen(nullptr);
    watcher.join();
    reader.join();
    parts_.log.End();
    if (end != FollowEnd::kFinished && options_.stop == FollowOptions::Stop::kFollowing) return end;
    if (!parts_.progress.finished()) return tl::unexpected<Error>(*watch_error_);
    if (options_.summary) parts_.progress.Summarize();
    if (log_error_) return Fail("the output of the run", *log_error_);
    return end;
  }

 private:
  // ---- The caller's thread --------------------------------------------------------------------

  FollowEnd Wait() {
    std::unique_lock lock(mutex_);
    FollowEnd end = FollowEnd::kFinished;
    int answered = 0;  // interrupts
    while (!(watch_ended_ && logs_ended_)) {
      if (interrupts_ > answered) {
        ++answered;  // each, also where two came at once
        if (end == FollowEnd::kFinished) end = FollowEnd::kInterrupted;
        Unlocked(lock, [&] { StopOnInterrupt(answered); });
      } else if (deadline_ && std::chrono::steady_clock::now() >= *deadline_) {
        deadline_.reset();
        if (end == FollowEnd::kFinished) end = FollowEnd::kTimedOut;
        Unlocked(lock, [&] { StopOnTimeout(); });
      } else if (std::chrono::steady_clock::now() >= LogDeadline()) {
        last_piece_ = SteadyTime::max() - options_.log_patience;
        Unlocked(lock, [&] { GiveUpLogs(); });
      } else {
        Sleep(lock);
      }
    }
    return end;
  }

  void Sleep(std::unique_lock<std::mutex>& lock) {
    const SteadyTime until = std::min(LogDeadline(), deadline_.value_or(SteadyTime::max()));
    if (until == SteadyTime::max())
      changed_.wait(lock);
    else
      changed_.wait_until(lock, until);
  }

  // When to stop waiting for output. Not while a piece is being shown: then it is the reader's end that is slow.
  SteadyTime LogDeadline() const {
    return watch_ended_ && !showing_ ? last_piece_ + options_.log_patience : SteadyTime::max();
  }

  template <class Action>
  static void Unlocked(std::unique_lock<std::mutex>& lock, const Action& action) {
    lock.unlock();
    action();
    lock.lock();
  }

  void StopOnInterrupt(int count) {
    if (options_.stop == FollowOptions::Stop::kFollowing) return StopFollowing();
    if (count == 1) return CancelRun("interrupted");
    if (count == 2) Cancel();  // a run that was asked twice stops its clean-ups, too
    parts_.messages.Say("waiting for the processes to end, clean-ups, too; what does not end by itself is killed");
  }

  void StopOnTimeout() {
    if (options_.stop == FollowOptions::Stop::kFollowing) return StopFollowing();
    CancelRun(fmt::format("the timeout of {} passed", FormatDuration(*options_.timeout)));
  }

  void CancelRun(std::string_view why) {
    parts_.messages.Say(fmt::format("{}: canceling run {} and waiting for its processes", why, options_.run));
    Cancel();
  }

  void Cancel() {
    auto canceled = parts_.control.Cancel(options_.run, "", options_.author);
    // kNotFound: it has ended meanwhile.
    if (!canceled && canceled.error().code != ErrorCode::kNotFound) parts_.messages.Complain(canceled.error().message);
  }

  void GiveUpLogs() {
    parts_.messages.Say("some of the output did not come; it is not waited for any more");
    StopFollowing();
  }

  void StopFollowing() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    parts_.control.StopFollowing();
  }

  void OnInterrupt(int count) {
    // The first one is under way; who asks again does not want to wait for it.
    if (count > 1 && options_.stop == FollowOptions::Stop::kFollowing) parts_.program.EndProgram();
    {
      std::lock_guard lock(mutex_);
      interrupts_ = count;
    }
    changed_.notify_all();
  }

  // ---- The watcher ----------------------------------------------------------------------------

  void Watch() {
    auto error = Persist(
        [this](const std::function<bool()>& arrived) {
          return parts_.control.WatchRun(options_.run, options_.author, [&](const RunUpdate& update) {
            parts_.progress.Update(update);
            if (parts_.progress.begun()) Set(begun_);
            return arrived();
          });
        },
        [this] { return parts_.progress.finished(); });
    if (error) StopFollowing();  // without it nobody knows when the output ends
    std::lock_guard lock(mutex_);
    watch_error_ = std::move(error);
    watch_ended_ = true;
    last_piece_ = std::chrono::steady_clock::now();
    changed_.notify_all();
  }

  // ---- The reader -----------------------------------------------------------------------------

  void ReadLogs() {
    std::optional<Error> error;
    if (options_.logs && WaitForBegin()) {
      bool complete = false;
      error = Persist(
          [&](const std::function<bool()>& arrived) {
            Status status =
                parts_.control.RunLogs(options_.run, options_.task, true, options_.author, [&](const LogPiece& piece) {
                  Show(piece);
                  return arrived();
                });
            complete = status.has_value();
            return status;
          },
          [&] { return complete; });
    }
    if (error && error->code == ErrorCode::kTimeout) {
      parts_.messages.Say(error->message);
      error.reset();
    }
    std::lock_guard lock(mutex_);
    log_error_ = std::move(error);
    logs_ended_ = true;
    changed_.notify_all();
  }

  void Show(const LogPiece& piece) {
    SetShowing(true);
    parts_.log.Add(piece);
    SetShowing(false);
  }

  void SetShowing(bool showing) {
    std::lock_guard lock(mutex_);
    showing_ = showing;
    if (watch_ended_) changed_.notify_all();
  }

  // The tasks are known; false if they never will be.
  bool WaitForBegin() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return begun_ || watch_ended_; });
    return begun_;
  }

  // ---- Both -----------------------------------------------------------------------------------

  // Makes `call` until `done`, over broken connections; each call is told what to call when something arrives, and
  // ends when that says false. Returns the error for which it gave up, or nothing where following was stopped.
  std::optional<Error> Persist(const std::function<Status(const std::function<bool()>&)>& call,
                               const std::function<bool()>& done) {
    uint32_t tries = 0;
    while (true) {
      const Status status = call([&] {
        tries = 0;
        return Arrived();
      });
      if (done() || stopping()) return std::nullopt;
      Error error = status ? Error{ErrorCode::kUnavailable, "the connection to the coordinator ended"} : status.error();
      if (error.code != ErrorCode::kUnavailable || tries == options_.retries) return error;
      if (tries++ == 0) parts_.messages.Say("the connection to the coordinator broke; trying again");
      Pause();
    }
  }

  bool Arrived() {
    std::lock_guard lock(mutex_);
    last_piece_ = std::chrono::steady_clock::now();
    return !stopping_;
  }

  bool stopping() {
    std::lock_guard lock(mutex_);
    return stopping_;
  }

  void Pause() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, options_.pause, [this] { return stopping_; });
  }

  void Set(bool& fact) {
    std::lock_guard lock(mutex_);
    if (fact) return;
    fact = true;
    changed_.notify_all();
  }

  const FollowParts& parts_;
  const FollowOptions& options_;
  std::optional<SteadyTime> deadline_;  // the caller's thread only

  std::mutex mutex_;
  std::condition_variable changed_;
  // Below: guarded by mutex_.
  bool begun_ = false;  // the tasks are known
  bool watch_ended_ = false;
  bool logs_ended_ = false;
  bool stopping_ = false;
  bool showing_ = false;
  int interrupts_ = 0;
  SteadyTime last_piece_{};
  // Written by their threads before they end, read after.
  std::optional<Error> watch_error_;
  std::optional<Error> log_error_;
};

}  // namespace

Result<FollowEnd> Follow(const FollowParts& parts, const FollowOptions& options) {
  return Follower(parts, options).Run();
}

}  // namespace cromt::cli
