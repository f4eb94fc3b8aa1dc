#include "coordinator/access/failures.h"

#include <algorithm>
#include <utility>

namespace cromt {
namespace {

constexpr Duration kWriteAgain = seconds(1);

}  // namespace

bool Failures::MayTry(const std::string& place, const std::string& token_hash, Mono now) const {
  auto found = places_.find(place);
  return found == places_.end() || found->second.guesses < kMost || now - found->second.since >= kWindow ||
         good_.contains({place, token_hash});
}

void Failures::Good(const std::string& place, const std::string& token_hash) {
  if (good_.size() >= kMostPlaces) good_.erase(good_.begin());
  good_.emplace(place, token_hash);
}

bool Failures::Add(const std::string& place, bool guess, Mono now) {
  if (!places_.contains(place) && places_.size() >= kMostPlaces)
    places_.erase(std::min_element(places_.begin(), places_.end(),
                                   [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
  auto [found, added] = places_.try_emplace(place, Place{now, 0, now - kWriteAgain, 0});
  Place& at = found->second;
  if (now - at.since >= kWindow) {
    at.since = now;
    at.guesses = 0;
  }
  at.guesses += guess;
  if (now - at.written_at < kWriteAgain) {
    ++at.unwritten;
    return false;
  }
  at.written_at = now;
  return true;
}

int64_t Failures::TakeUnwritten(const std::string& place) {
  auto found = places_.find(place);
  return found == places_.end() ? 0 : std::exchange(found->second.unwritten, 0);
}

}  // namespace cromt
