#include "agent/log_follower.h"

namespace cromt {
namespace {

constexpr size_t kReadBytes = 256 << 10;
// Told about even if none of it was the subscriber's, so that it can acknowledge and old segments can go.
constexpr uint64_t kSilentAdvance = 4 << 20;

}  // namespace

void LogFollower::Acknowledge(uint64_t position) {
  for (; !under_way_.empty() && under_way_.front().first <= position; under_way_.pop_front())
    under_way_bytes_ -= under_way_.front().second;
}

bool LogFollower::Finish(LogBatch batch, std::string problem) {
  batch.done = done_ = true;
  batch.problem = std::move(problem);
  subscription_.deliver(std::move(batch));
  return false;
}

bool LogFollower::Serve() {
  const LogSubscription& wanted = subscription_;
  LogBatch batch;
  batch.position = told_;
  if (wanted.until && told_ >= *wanted.until) return Finish(std::move(batch), "");
  if (under_way_bytes_ >= wanted.credit_bytes) return false;
  if (!log_) {
    auto log = open_(wanted.from);
    // What is still needed is never removed: it begins later than where the subscriber was.
    if (!log && log.error().code == ErrorCode::kNotFound && wanted.from != 0) log = open_(0);
    // Nothing was ever written: a log that does not exist yet is empty.
    if (!log && log.error().code == ErrorCode::kNotFound && wanted.from == 0) return false;
    if (!log) return Finish(std::move(batch), log.error().message);
    log_ = std::move(*log);
  }
  auto frames = log_->Read(kReadBytes);
  if (!frames) {
    if (frames.error().code == ErrorCode::kCorrupt) {
      if (const auto skipped = log_->SkipDamage()) {
        skipped_ |= *skipped > 0;
        return true;
      }
      if (!wanted.until) return false;  // it goes on with the next segment
    }
    return Finish(std::move(batch), frames.error().message);
  }
  batch.position = log_->position();
  // Its end may be one that a crash of the host has cut off, so that the log goes on behind it.
  const bool ends = wanted.until && batch.position >= *wanted.until;
  // The last of somebody's output may be what is damaged, and there is no more of it to be waited for.
  if (frames->empty() && !skipped_) return ends ? Finish(std::move(batch), "") : false;
  int64_t bytes = 0;
  for (const auto& [frame, position] : *frames) {
    if (wanted.ticket && frame.log_id != *wanted.ticket) continue;
    auto attempt = attempt_of_(frame.log_id, wanted.mesh);
    if (!attempt) continue;
    bytes += static_cast<int64_t>(frame.data.size()) + 64;
    batch.chunks.push_back({*std::move(attempt), frame.stream, static_cast<int64_t>(frame.offset),
                            WallFromMicros(frame.wall_us), std::string(frame.data)});
  }
  if (ends) return Finish(std::move(batch), "");
  if (batch.chunks.empty() && batch.position - told_ < kSilentAdvance && !skipped_) return true;
  told_ = batch.position;
  skipped_ = false;
  under_way_.emplace_back(batch.position, bytes);
  under_way_bytes_ += bytes;
  subscription_.deliver(std::move(batch));
  return true;
}

}  // namespace cromt
