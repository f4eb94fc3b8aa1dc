// What has occurred at least once, over any number of seeds: which faults, which transitions of tasks, attempts, leases
// and sessions, which ends, which reasons. What is listed and never occurs is not tested, whatever the checkers say.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cromt::sim {

class Situations {
 public:
  // "task", "waiting", "ready": a task that was waiting is ready. Two words where nothing goes over into anything. All
  // outlive this: texts of the program.
  void Saw(std::string_view what, std::string_view from, std::string_view to = {}) { ++counts_[{what, from, to}]; }

  // How often, by "task: waiting > ready" or "fault: link cut".
  std::map<std::string, uint64_t> Counts() const;

 private:
  std::map<std::array<std::string_view, 3>, uint64_t> counts_;
};

// All that the simulator must bring about in as many seeds as CI runs.
const std::vector<std::string>& ListedSituations();

}  // namespace cromt::sim
