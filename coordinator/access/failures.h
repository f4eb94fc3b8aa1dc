// How often callers have failed to say who they are, by where they call from: so that nobody can try many tokens, and a
// flood of them does not fill the audit log. Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/time.h"

namespace cromt {

class Failures {
 public:
  static constexpr int kMost = 20;  // from one place, within:
  static constexpr Duration kWindow = std::chrono::minutes(1);
  static constexpr size_t kMostPlaces = 10'000;  // remembered; beyond, the oldest are forgotten

  // False while too many from there have failed lately: whoever calls is not even looked at.
  bool MayTry(const std::string& place, Mono now) const;
  // One has failed. True if it is to be written down; else it is only counted, and the next line says so.
  bool Add(const std::string& place, Mono now);
  // How many were not written down before the one that was.
  int64_t TakeUnwritten(const std::string& place);
  size_t places() const { return places_.size(); }

 private:
  struct Place {
    Mono since;  // of the window
    int failed = 0;
    Mono written_at;
    int64_t unwritten = 0;
  };
  std::map<std::string, Place> places_;
};

}  // namespace cromt
