// What all parts of one simulated cluster share.
#pragma once

#include "core/messages.h"
#include "tests/sim/dice.h"
#include "tests/sim/ledger.h"
#include "tests/sim/options.h"
#include "tests/sim/output.h"
#include "tests/sim/situations.h"
#include "tests/sim/timeline.h"

namespace cromt::sim {

struct World {
  const SimOptions& options;
  Timeline timeline;
  Ledger ledger;
  Dice dice;  // delays, durations and outcomes
  Situations situations = {};
  OutputLedger outputs{ledger, situations};
  size_t batch = kMaxBatch;  // items of a kind in a message of a session
};

}  // namespace cromt::sim
