#include "agent/step/check/search_context.h"

namespace cromt::step {

SearchContext::SearchContext(Kind kind, std::shared_ptr<const CheckedText> text, std::vector<ContextLine> lines,
                             size_t streams)
    : kind_(kind), text_(std::move(text)), lines_(std::move(lines)), initial_streams_(streams) {
  for (const ContextLine& line : lines_) all_streams_.insert(line.stream);
}

bool SearchContext::FailsWhenMatchedIn(size_t streams) const {
  if (streams == 0 || kind_ == Kind::kAllLines) return streams > 0;
  // Sparrow dies here; a sequence that must not begin with a line fails if there is one.
  if (kind_ == Kind::kSequence && just_started_) return true;
  return streams == (just_started_ ? initial_streams_ : streams_.size());
}

void SearchContext::Fail() {
  if (kind_ == Kind::kAllLines) return;
  streams_.clear();
  if (kind_ == Kind::kSequence) lines_.clear();
  collects_ = false;
}

void SearchContext::Narrow(const std::vector<Hit>& hits) {
  if (kind_ == Kind::kAllLines) return;
  just_started_ = false;
  if (kind_ == Kind::kSequence) {
    NarrowSequence(hits);
  } else if (collects_) {
    NarrowRange(hits);
  }
}

void SearchContext::NarrowSequence(const std::vector<Hit>& hits) {
  std::vector<ContextLine> lines;
  Streams streams;
  int64_t started = 0;
  for (Hit hit : hits) {
    if (hit.line.stream == ContextLine::kNone) hit.line.stream = ++started;
    const int64_t stream = hit.line.stream, next = hit.line.next;
    if (next != ContextLine::kNone) {
      const bool last = static_cast<size_t>(next) + 1 >= text_->size();
      lines.push_back(
          {.index = static_cast<uint32_t>(next), .next = last ? ContextLine::kNone : next + 1, .stream = stream});
    }
    auto [place, is_new] = streams.try_emplace(stream);
    if (is_new && streams_.contains(stream)) place->second = std::move(streams_[stream]);
    place->second.push_back(std::move(hit));
  }
  streams_ = std::move(streams);
  lines_ = std::move(lines);
}

void SearchContext::NarrowRange(const std::vector<Hit>& hits) {
  std::set<int64_t> matched;
  for (const Hit& hit : hits) {
    matched.insert(hit.line.stream);
    streams_[hit.line.stream].push_back(hit);
  }
  for (int64_t stream : all_streams_)
    if (!matched.contains(stream)) failed_streams_.insert(stream);
  std::erase_if(streams_, [&](const auto& entry) {
    return !matched.contains(entry.first) || failed_streams_.contains(entry.first);
  });
  std::erase_if(lines_, [&](const ContextLine& line) { return !streams_.contains(line.stream); });
}

}  // namespace cromt::step
