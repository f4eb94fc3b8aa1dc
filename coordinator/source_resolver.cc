#include "coordinator/source_resolver.h"

#include <fmt/format.h>

#include "base/size.h"

namespace cromt {

namespace {

constexpr Duration kFirstWord = seconds(3), kNextWord = seconds(30);

// Says now and then in the operator's log that a fetch goes on, so that a long one is told from one that hangs.
class GoingOn {
 public:
  GoingOn(std::string what, const std::function<void(const std::string&)>& note)
      : what_(std::move(what)), note_(note), start_(SystemClock().Read().mono), next_(start_ + kFirstWord) {}

  void operator()(const std::string& progress) {
    const Mono now = SystemClock().Read().mono;
    if (now < next_) return;
    next_ = now + kNextWord;
    note_(fmt::format("{}: {} for {}", what_, progress, FormatDuration(now - start_)));
  }

 private:
  const std::string what_;
  const std::function<void(const std::string&)>& note_;
  const Mono start_;
  Mono next_;
};

std::string Words(const std::string& url, const GitCache::Progress& progress) {
  if (progress.total_objects == 0) return "fetching " + url;
  return fmt::format("fetching {}: {} of {} objects, {}", url, progress.received_objects, progress.total_objects,
                     FormatSize(progress.received_bytes));
}

}  // namespace

SourceResolver::SourceResolver(GitCache& cache, std::function<void(Event)> answer,
                               std::function<void(const std::string&)> note)
    : cache_(cache), answer_(std::move(answer)), note_(std::move(note)) {}

void SourceResolver::Resolve(ResolveSources wanted) {
  if (MutexLock lock(mutex_); true) progress_[wanted.run] = "its repositories are fetched after those of other runs";
  workers_.Do([this, wanted = std::move(wanted)](std::stop_token stop) {
    Event event = ResolveAll(wanted, stop);
    if (MutexLock lock(mutex_); true) progress_.erase(wanted.run);
    if (!stop.stop_requested()) answer_(std::move(event));  // else the next start asks again
  });
}

std::string SourceResolver::Progress(const RunId& run) const {
  MutexLock lock(mutex_);
  auto found = progress_.find(run);
  return found == progress_.end() ? "" : found->second;
}

void SourceResolver::Say(const RunId& run, std::string progress) {
  MutexLock lock(mutex_);
  progress_[run] = std::move(progress);
}

Event SourceResolver::ResolveAll(const ResolveSources& wanted, std::stop_token stop) {
  SourcesResolved resolved{wanted.run, {}};
  for (const auto& [url, ref, commit] : wanted.repositories) {
    auto parsed = ParseGitUrl(url);  // as written it may hold a token
    const std::string shown = parsed ? parsed->shown : "its repository";
    GoingOn going_on("run " + wanted.run.text(), note_);
    auto on_progress = [&](const GitCache::Progress& progress) {
      const std::string words = Words(shown, progress);
      Say(wanted.run, words);
      going_on(words);
    };
    Say(wanted.run, Words(shown, {}));
    auto one = cache_.Resolve(url, ref, on_progress, stop, commit);
    if (!one) return SourcesFailed{wanted.run, one.error().message};
    for (const std::string& note : one->notes) note_("run " + wanted.run.text() + ": " + note);
    resolved.items.push_back({url, ref, one->commit, one->branch, one->tree});
  }
  return resolved;
}

}  // namespace cromt
