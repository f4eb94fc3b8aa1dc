// How to simulate, and what came of it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/recovery.h"
#include "coordinator/store/store.h"
#include "core/messages.h"
#include "core/plan.h"
#include "tests/sim/timeline.h"

namespace cromt::sim {

// Bugs that are planted to see whether the checkers find them. All empty: the code as it is.
struct PlantedBugs {
  // Stands between the coordinator and its real store.
  std::function<std::unique_ptr<Store>(std::unique_ptr<Store>)> store;
  // The plan that the coordinator gets instead of the one that was wished.
  std::function<std::shared_ptr<const Plan>(const std::shared_ptr<const Plan>&)> plan;
  // What arrives instead of what was sent.
  std::function<void(ToAgent&)> to_agent;
  std::function<void(FromAgent&)> from_agent;
  // What an operator makes of a store that went back.
  std::function<void(Recovery&)> recovery;
  // Nothing of the store is synced.
  bool unsynced_store = false;
  // The launcher starts what it is told to, though it has done so before.
  bool forgetful_launcher = false;
};

// What is left of a seed where less than all of it still fails (shrink.h). Numbers count from 1.
struct Part {
  std::optional<std::set<uint64_t>> starts;  // that clients ask for; unset = all
  std::optional<std::set<uint64_t>> faults;
  std::optional<std::set<uint64_t>> jobs;  // that an agent is given without a coordinator
  bool self_starts = true;                 // schedules, pushes and hooks
};

struct SimOptions {
  uint64_t seed = 1;
  Part part;
  size_t hosts = 0;  // 0: two to five
  bool faults = true;
  bool goes_back = false;  // the store does, in each seed and not in some only
  bool two = false;        // coordinators there are for a while, likewise
  PlantedBugs bugs;
  Timeline::Story story;  // called with each line of it
};

struct SimReport {
  uint64_t seed = 0;
  Part part = {};
  uint64_t hash = 0;
  uint64_t events = 0;
  uint64_t simulated_seconds = 0;
  uint64_t starts = 0;  // that clients asked for
  uint64_t jobs = 0;    // likewise, of an agent itself
  uint64_t faults = 0;
  uint64_t drawn = 0;  // faults, also those that were left out
  uint64_t processes = 0;
  std::vector<std::string> violations;
  std::map<std::string, uint64_t> situations;  // situations.h
};

}  // namespace cromt::sim
