#include "tests/sim/timeline.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt::sim {

void Timeline::At(Duration when, std::string_view kind, uint64_t id, Action action) {
  heap_.push_back({std::max(when, now_), next_sequence_++, kind, id, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), Later());
}

bool Timeline::RunNext() {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), Later());
  Event event = std::move(heap_.back());
  heap_.pop_back();
  now_ = event.when;
  ++events_;
  Mix(static_cast<uint64_t>(now_.count()));
  Mix(event.kind);
  Mix(event.id);
  event.action();
  return true;
}

void Timeline::Note(std::string_view text) {
  Mix(text);
  if (story_) story_(fmt::format("{:12.6f} {}", static_cast<double>(now_.count()) / 1e6, text));
}

void Timeline::Mix(uint64_t value) {
  for (int i = 0; i < 8; ++i, value >>= 8) hash_ = (hash_ ^ (value & 0xff)) * 0x100000001b3;
}

void Timeline::Mix(std::string_view text) {
  for (char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
}

}  // namespace cromt::sim
