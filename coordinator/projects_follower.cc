#include "coordinator/projects_follower.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <utility>

namespace cromt {
namespace {

constexpr size_t kShownDigits = 12;

bool MayPass(ErrorCode code) {
  return code == ErrorCode::kExhausted || code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout;
}

}  // namespace

ProjectsFollower::ProjectsFollower(std::string name, Duration interval, Edges edges)
    : name_(std::move(name)),
      interval_(interval),
      edges_(std::move(edges)),
      thread_([this](std::stop_token stop) { Run(std::move(stop)); }) {}

ProjectsFollower::~ProjectsFollower() {
  thread_.request_stop();
  thread_.join();
}

std::string ProjectsFollower::trouble() const {
  MutexLock lock(mutex_);
  return trouble_;
}

void ProjectsFollower::Run(std::stop_token stop) {
  ::pthread_setname_np(::pthread_self(), "projects");
  Duration wait = interval_;
  while (!stop.stop_requested()) {
    wait = Follow(stop) ? interval_ : std::max(interval_, std::min(wait * 2, kLongestBackoff));
    std::unique_lock<Mutex> lock(mutex_);
    wake_.wait_for(lock, stop, wait, [] { return false; });
  }
}

// False if it may go better with the same commit.
bool ProjectsFollower::Follow(std::stop_token stop) {
  const auto commit = edges_.look(stop);
  if (stop.stop_requested()) return true;
  if (!commit) {
    Tell(fmt::format("{} can't be looked at: {}; what was applied last stays", name_, commit.error().message));
    return false;
  }
  if (*commit == settled_) {
    Tell(refused_);
    return true;
  }
  const std::string at = fmt::format("{} at commit {}", name_, commit->substr(0, kShownDigits));
  const auto text = edges_.read(*commit, stop);
  if (stop.stop_requested()) return true;
  Status applied = text ? edges_.apply(*commit, *text) : Status(tl::unexpected<Error>(text.error()));
  if (!applied && MayPass(applied.error().code)) {
    Tell(fmt::format("{} is not applied yet: {}", at, applied.error().message));
    return false;
  }
  settled_ = *commit;
  refused_ =
      applied ? "" : fmt::format("{} is refused, and what was applied before stays: {}", at, applied.error().message);
  Tell(refused_);
  return true;
}

void ProjectsFollower::Tell(const std::string& trouble) {
  bool news = false;
  if (MutexLock lock(mutex_); true) news = std::exchange(trouble_, trouble) != trouble;
  if (news && edges_.note) edges_.note(trouble.empty() ? name_ + " is followed again" : trouble);
}

}  // namespace cromt
