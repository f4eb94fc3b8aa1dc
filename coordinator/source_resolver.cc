#include "coordinator/source_resolver.h"

#include <fmt/format.h>

namespace cromt {

namespace {

constexpr Duration kFirstWord = seconds(3), kNextWord = seconds(30);

// Says now and then that a fetch goes on, so that a long one is told from one that hangs.
class GoingOn {
 public:
  GoingOn(std::string what, const std::function<void(const std::string&)>& note)
      : what_(std::move(what)), note_(note), start_(SystemClock().Read().mono), next_(start_ + kFirstWord) {}

  void operator()(const GitCache::Progress& progress) {
    const Mono now = SystemClock().Read().mono;
    if (now < next_) return;
    next_ = now + kNextWord;
    note_(fmt::format("{}: still fetching after {}: {} of {} objects, {} bytes", what_, FormatDuration(now - start_),
                      progress.received_objects, progress.total_objects, progress.received_bytes));
  }

 private:
  const std::string what_;
  const std::function<void(const std::string&)>& note_;
  const Mono start_;
  Mono next_;
};

}  // namespace

SourceResolver::SourceResolver(GitCache& cache, std::function<void(Event)> answer,
                               std::function<void(const std::string&)> note)
    : cache_(cache), answer_(std::move(answer)), note_(std::move(note)) {
  for (size_t i = 0; i < kThreads; ++i) {
    inboxes_.push_back(std::make_unique<Mailbox<ResolveSources>>());
    threads_.emplace_back([this, inbox = inboxes_.back().get()] { Run(*inbox); });
  }
}

SourceResolver::~SourceResolver() {
  stop_.request_stop();
  for (auto& inbox : inboxes_) inbox->Close();
  for (std::thread& thread : threads_) thread.join();
}

void SourceResolver::Resolve(ResolveSources wanted) {
  inboxes_[next_++ % kThreads]->Post(std::move(wanted));
}

void SourceResolver::Run(Mailbox<ResolveSources>& inbox) {
  while (!inbox.closed())
    for (const ResolveSources& wanted : inbox.WaitAndTakeAll(std::nullopt)) {
      Event event = ResolveAll(wanted);
      if (!stop_.stop_requested()) answer_(std::move(event));  // else the next start asks again
    }
}

Event SourceResolver::ResolveAll(const ResolveSources& wanted) {
  SourcesResolved resolved{wanted.run, {}};
  for (const auto& [url, ref] : wanted.repositories) {
    auto shown = ParseGitUrl(url);  // as written it may hold a token
    GoingOn going_on(fmt::format("run {}: {}", wanted.run.text(), shown ? shown->shown : "its repository"), note_);
    auto one = cache_.Resolve(url, ref, std::ref(going_on), stop_.get_token());
    if (!one) return SourcesFailed{wanted.run, one.error().message};
    for (const std::string& note : one->notes) note_("run " + wanted.run.text() + ": " + note);
    resolved.items.push_back({url, ref, one->commit, one->branch, one->tree});
  }
  return resolved;
}

}  // namespace cromt
