// What a store says of itself as a whole, in one line of text: in its row `stamp` of `meta`, written by each commit,
// and in the file beside it (commit_mark.h). A row that is missing, or older than the rest, shows in the totals; a
// store that is older than its last commit shows by the numbers.
//
//   cromt-store schema=9 mesh=NAME epoch=N commit=N went_back=0|1 runs=HEX files=HEX agents=HEX crc=HEX
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace cromt {

// Sums of parts (row_sum.h) over the rows of these tables.
struct StoreTotals {
  uint64_t runs = 0;    // runs, plans, tasks, transitions, artifacts; of unfinished runs only
  uint64_t files = 0;   // files, projects, changes, revisions, schedules, pauses, triggers
  uint64_t agents = 0;  // agents, lanes_held, kept, drained
  friend bool operator==(const StoreTotals&, const StoreTotals&) = default;
};

// A start raises the epoch by a random number up to this: two that begin with the same state are not to have one
// epoch, or agents would obey both by turns. They have in one case of as many.
inline constexpr uint64_t kMostEpochStep = uint64_t{1} << 16;

struct StoreStamp {
  int schema = 0;
  MeshId mesh;
  uint64_t epoch = 0;      // of the incarnation that wrote last
  uint64_t commit = 0;     // number of the last commit
  bool went_back = false;  // it is older than what was made of it: nothing is leased until `recover`
  StoreTotals totals;
  friend bool operator==(const StoreStamp&, const StoreStamp&) = default;

  std::string Text() const;
  // kCorrupt for anything but what Text gives.
  static Result<StoreStamp> From(std::string_view text);
};

}  // namespace cromt
