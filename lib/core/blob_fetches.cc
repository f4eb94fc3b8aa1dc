#include "core/blob_fetches.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cromt {
namespace {

bool MayPass(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kCanceled || code == ErrorCode::kInternal ||
         code == ErrorCode::kExhausted || code == ErrorCode::kTimeout;
}

}  // namespace

bool FetchLine::Add(const LeaseInput& from) {
  if (!known_.insert(from.artifact.digest.sha256).second) return false;
  line_.push_back(from);
  return true;
}

std::deque<LeaseInput>::const_iterator FetchLine::FindNext() const {
  return std::find_if(line_.begin(), line_.end(), [this](const LeaseInput& from) {
    const auto busy = of_holder_.find(from.holder);
    return busy == of_holder_.end() || busy->second < kOfOneHolder;
  });
}

std::optional<LeaseInput> FetchLine::Next() {
  if (!has_next()) return std::nullopt;
  const auto next = FindNext();
  LeaseInput from = *next;
  line_.erase(next);
  under_way_.emplace(from.artifact.digest.sha256, from.holder);
  ++of_holder_[from.holder];
  return from;
}

void FetchLine::Done(const Digest& digest) {
  const auto done = under_way_.extract(digest.sha256);
  if (done.empty()) return;
  known_.erase(digest.sha256);
  if (const auto busy = of_holder_.find(done.mapped()); --busy->second == 0) of_holder_.erase(busy);
}

Result<std::optional<Duration>> FetchTry::CallEnded(int64_t have, Status ended, Mono now) {
  const bool brought = have > std::exchange(had_, have);
  if (have == size_bytes_) return std::nullopt;
  if (ended) ended = Fail(ErrorCode::kUnavailable, "it ended before its end");
  // One that serves others is not broken: large artifacts that many hosts take may take minutes.
  const bool in_turn = ended.error().code == ErrorCode::kExhausted && now - began_ < limits_.turn;
  if (brought)
    fruitless_ = 0;
  else if (!in_turn)
    ++fruitless_;
  if (!MayPass(ended.error().code) || fruitless_ >= kFruitless) return tl::unexpected<Error>(std::move(ended).error());
  if (is_late(now))
    return Fail(ErrorCode::kTimeout, fmt::format("it has not all come within {}", FormatDuration(limits_.whole)));
  return kFirstPause * (1 << fruitless_);
}

}  // namespace cromt
