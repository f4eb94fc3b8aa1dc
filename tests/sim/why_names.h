// Tasks as answers to `why` name them: "'build' on host1 of run k7uct4b3w372", of a run that is not the one asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cromt::sim {

struct TaskName {
  std::string project, host;  // host: empty if it has no name
  std::string run;            // empty: the run that was asked for
};

// With which the text begins, and is taken off it.
std::optional<TaskName> TakeName(std::string_view& text);

// Of whom a line is told: "'a' on h, 'b' on i and 3 more, the first to begin 'c' on j: ".
struct Told {
  std::vector<TaskName> names;
  uint64_t count = 0;  // with those that are not named
};
std::optional<Told> TakeTold(std::string_view& text);

// Who is said to stand where, anywhere in a line: "'a' on h, which is running for 5s".
struct Standing {
  TaskName name;
  std::string state;
  std::string since;  // empty: nothing is said of that
};
std::vector<Standing> StandingsIn(std::string_view text);

}  // namespace cromt::sim
