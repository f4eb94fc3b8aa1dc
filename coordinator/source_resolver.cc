#include "coordinator/source_resolver.h"

namespace cromt {

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
    auto one = cache_.Resolve(url, ref, {}, stop_.get_token());
    if (!one) return SourcesFailed{wanted.run, one.error().message};
    for (const std::string& note : one->notes) note_("run " + wanted.run.text() + ": " + note);
    resolved.items.push_back({url, ref, one->commit, one->branch, one->tree});
  }
  return resolved;
}

}  // namespace cromt
