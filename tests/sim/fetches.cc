#include "tests/sim/fetches.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/blob/sha256.h"
#include "tests/sim/host.h"
#include "tests/sim/network.h"

namespace cromt::sim {
namespace {

// Of one from which nothing comes.
constexpr Duration kFirstByte = seconds(10);

}  // namespace

void SimFetches::Fetch(const LeaseInput& from, Done done) {
  done_[from.artifact.digest.sha256].push_back(std::move(done));
  line_.Add(from);
  Begin();
}

void SimFetches::Die() {
  ++life_;
  line_ = {};
  jobs_.clear();
  done_.clear();
}

void SimFetches::Later(Duration delay, const std::string& sha256, std::function<void(Job&)> what) {
  world_.timeline.After(delay, "fetch", 0, [this, sha256, life = life_, what = std::move(what)] {
    if (life == life_) what(jobs_.at(sha256));
  });
}

void SimFetches::Begin() {
  while (auto next = line_.Next()) {
    const Digest digest = next->artifact.digest;
    jobs_.emplace(digest.sha256, Job{std::move(*next), FetchTry(digest.size_bytes, {}, now()), {}});
    Call(digest.sha256);
  }
}

void SimFetches::Call(const std::string& sha256) {
  Job& job = jobs_.at(sha256);
  if (!job.bytes.empty()) world_.situations.Saw("artifact", "a call goes on where the one before broke");
  ++job.calls;
  const SimHost* holder = network_.HostAt(job.from.address);
  const bool silent = !holder || !holder->on() || network_.IsStalled(*holder);
  const Duration takes = silent ? kFirstByte : world_.dice.Between(milliseconds(1), seconds(1));
  Later(takes, sha256, [this](Job& one) { CallEnded(one, Bring(one)); });
}

// As the holder is when the last of it comes.
Status SimFetches::Bring(Job& job) {
  Dice& dice = world_.dice;
  const SimHost* holder = network_.HostAt(job.from.address);
  if (!holder || !holder->up() || network_.IsStalled(*holder)) return Fail(ErrorCode::kUnavailable, "nobody answers");
  const std::string* bytes = holder->files().Read(job.from.artifact.digest);
  if (!bytes) return Fail(ErrorCode::kNotFound, "it is not there");
  if (dice.PerCent(3)) {
    world_.situations.Saw("artifact", "its holder serves others");
    return Fail(ErrorCode::kExhausted, "it serves as many as it may");
  }
  if (dice.PerCent(5)) return Fail(ErrorCode::kDenied, "the ticket is not for this");
  std::string rest = bytes->substr(std::min(job.bytes.size(), bytes->size()));
  const bool breaks = dice.PerCent(15);
  if (breaks) rest.resize(dice.Below(rest.size() + 1));
  if (!rest.empty() && dice.PerCent(1)) {
    world_.situations.Saw("artifact", "other bytes come");
    rest[dice.Below(rest.size())] ^= 1;
  }
  job.bytes += rest;
  return breaks ? Fail(ErrorCode::kUnavailable, "the connection broke") : Status();
}

void SimFetches::CallEnded(Job& job, Status ended) {
  const Digest& digest = job.from.artifact.digest;
  const auto pause = job.attempt.CallEnded(static_cast<int64_t>(job.bytes.size()), std::move(ended), now());
  if (!pause) return Finish(job, tl::unexpected<Error>(pause.error()));
  if (*pause) return Later(**pause, digest.sha256, [this](Job& one) { Call(one.from.artifact.digest.sha256); });
  if (Sha256Hex(job.bytes) != digest.sha256) return Finish(job, Fail(ErrorCode::kCorrupt, "other bytes came"));
  Finish(job, std::string(job.bytes));
}

void SimFetches::Finish(const Job& job, Result<std::string> fetched) {
  const Digest digest = job.from.artifact.digest;
  const auto told = done_.extract(digest.sha256);
  jobs_.erase(digest.sha256);
  line_.Done(digest);
  Begin();
  for (const Done& done : told.mapped()) done(fetched);
}

}  // namespace cromt::sim
