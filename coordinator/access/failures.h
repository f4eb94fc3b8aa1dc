// How often callers have failed to say who they are, by where they call from: so that nobody can try many tokens, and a
// flood of refusals does not fill the audit log. Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/time.h"

namespace cromt {

class Failures {
 public:
  static constexpr int kMost = 20;  // from one place, within:
  static constexpr Duration kWindow = std::chrono::minutes(1);
  static constexpr size_t kMostPlaces = 10'000;  // remembered; beyond, the oldest are forgotten

  // False while too many tokens from there were wrong lately: no other is looked at then. One that was good there
  // before is; so nobody can lock out who shares his place.
  bool MayTry(const std::string& place, const std::string& token_hash, Mono now) const;
  // A token was good there.
  void Good(const std::string& place, const std::string& token_hash);
  // A call was refused; `guess`: since its token was wrong. True if that is to be written down; else it is only
  // counted, and the next line says so.
  bool Add(const std::string& place, bool guess, Mono now);
  // How many were not written down before the one that was.
  int64_t TakeUnwritten(const std::string& place);
  size_t places() const { return places_.size(); }

 private:
  struct Place {
    Mono since;  // of the window
    int guesses = 0;
    Mono written_at;
    int64_t unwritten = 0;
  };
  std::map<std::string, Place> places_;
  std::set<std::pair<std::string, std::string>> good_;  // place and token's hash; as many as places
};

}  // namespace cromt
