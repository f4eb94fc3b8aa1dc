// Finds a small part of a failing seed that still fails: fewer starts, fewer faults, nothing that starts by itself. By
// delta debugging (Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing Input", 2002).
#pragma once

#include <functional>
#include <string>

#include "tests/sim/options.h"

namespace cromt::sim {

struct Shrunk {
  Part part;         // fails; as it was if no less does
  SimReport report;  // of that
  int tries = 0;     // simulations
};

using Simulation = std::function<SimReport(const SimOptions&)>;

// REQUIRES: `options` fails. A part counts as failing if one of its violations is of the same kind as the first one of
// the whole (KindOf). At most `limit` simulations are made. `tell` hears of each step; may be empty.
Shrunk Shrink(const SimOptions& options, const Simulation& simulate, int limit,
              const std::function<void(const std::string&)>& tell);

// What a violation has in common with others of its kind: its words without ids, numbers and names.
std::string KindOf(const std::string& violation);

// "--starts 2,5 --faults 3 --no-self-starts": the arguments of cromt-sim that make this part; "" for the whole.
std::string ArgumentsFor(const Part& part);

}  // namespace cromt::sim
