// What clients will wish in one seed: random plans, when they are started, repeated and canceled.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/plan.h"
#include "tests/sim/dice.h"

namespace cromt::sim {

struct PlannedStart {
  RequestId request;
  std::string project;
  std::shared_ptr<const Plan> plan;
  Duration at{0};
  std::optional<Duration> rerun = {};  // after its acknowledgement, once it has finished
  bool rerun_failed = false;           // then only what has not succeeded
  bool repeated = false;               // sent again, with the same request id, though it was answered
  struct Cancel {
    Duration after{0};  // the start's acknowledgement
    std::optional<TaskIndex> task;
  };
  std::vector<Cancel> cancels;
};

// What the coordinator has of the secrets that a task names; null if it names none.
SecretValues SecretsFor(const TaskSpec& spec);

// 50 to 120 tasks in all. `addresses` are those of the hosts, aliases included.
std::vector<PlannedStart> MakeWorkload(Dice& dice, const std::vector<std::string>& addresses);

}  // namespace cromt::sim
