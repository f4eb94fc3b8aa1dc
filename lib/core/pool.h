// `pool`: which agents the tasks of a project get, chosen by labels when a run is planned. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/diagnostic.h"

namespace cromt {

using Labels = std::map<std::string, std::string>;

struct Pool {
  Position at;
  Labels labels;                      // an agent must have them all
  std::optional<uint32_t> count = 1;  // nullopt = all
};

// What is known of an agent when a run is planned.
struct PoolAgent {
  std::string host;     // what its tasks are shown as
  std::string address;  // HOST:PORT
  Labels labels;
  bool up = false;
  uint32_t slots = 0;
  uint32_t tasks = 0;  // leased, running or ready there
};

class PoolChooser {
 public:
  explicit PoolChooser(std::vector<PoolAgent> agents);

  // Those that are up before those that are not, then those with the most free slots, then by name; in the order of
  // their names. What is chosen counts as busy for the next choice. The pointers stay valid. kInvalid in words if there
  // are fewer than are wanted.
  Result<std::vector<const PoolAgent*>> Choose(const Pool& pool);

 private:
  std::vector<PoolAgent> agents_;  // by host
};

}  // namespace cromt
