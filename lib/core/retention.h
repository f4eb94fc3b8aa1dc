// What of the past is kept: which finished runs go, whose output goes, how long the ledger is. Pure: it decides from
// facts about what has ended; who removes it makes sure again that it has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace cromt {

inline constexpr Duration kDay = std::chrono::hours(24);

// Of a coordinator. 0 = no bound.
struct Retention {
  int64_t runs = 100;                        // of a project, unless it says itself (`keep`)
  Duration age = 90 * kDay;                  // since a run has finished
  int64_t output_bytes = int64_t{10} << 30;  // of all runs
  friend bool operator==(const Retention&, const Retention&) = default;
};

// So much longer, and so many more, are kept what has not succeeded.
inline constexpr int kFailedFactor = 2;
// Nothing of a run goes sooner after its end: who follows it still gets its last lines.
inline constexpr Duration kKeptAtLeast = seconds(30);
// A run that was removed is known by its id and request for so long: nobody who repeats a start gets a second run.
inline constexpr Duration kRemovedKnown = kDay;
// Of the ledger of a project: the newest lines are kept however old they are, and no more than these however new.
inline constexpr int64_t kTicksAlways = 1'000;
inline constexpr int64_t kTicksAtMost = 10'000;

struct EndedRun {
  Wall finished;
  bool succeeded = false;
};

// One project's runs, one after the other. The newest that has finished always stays, and so does the newest that has
// succeeded; where others succeeded after a run it counts with all of them.
class RunSieve {
 public:
  RunSieve(int64_t runs, Duration age, Wall now) : runs_(runs), age_(age), now_(now) {}
  // The next older one: why it goes, a sentence; empty = it stays.
  std::string Take(const EndedRun& run);
  // One stays only since it has ended so lately (kKeptAtLeast).
  bool waits() const { return waits_; }

 private:
  std::string WhyNot(const EndedRun& run, int64_t newer) const;

  const int64_t runs_;
  const Duration age_;
  const Wall now_;
  int64_t taken_ = 0;
  bool succeeded_ = false;
  bool waits_ = false;
};

struct RunOutput {
  RunId run;
  int64_t bytes = 0;
  std::optional<Wall> finished;  // nullopt: it goes on, and is not to be touched
  friend bool operator==(const RunOutput&, const RunOutput&) = default;
};

// Whose output goes so that there is at most `most` of all of them, and a twentieth less, so that it is not one of each
// that ends from then on: what finished first goes first.
std::vector<RunOutput> OutputToRemove(std::vector<RunOutput> all, int64_t most);

// ---- Records, which the store keeps (core/effect.h) --------------------------------------------

// A finished run is taken out of the store.
struct RunRemoved {
  RunId run;
  std::string why;  // a sentence
  Wall at;
};
// What RunRemoved has left in other tables goes, at most so many rows of it; and what was removed before
// `forget_before` is forgotten.
struct RemnantsSwept {
  int64_t most_rows = 0;
  Wall forget_before;
};
// The output of a finished run is removed; the run stays.
struct OutputRemoved {
  RunId run;
  int64_t bytes = 0;
  std::string why;
  Wall at;
};
// The lines of a project's ledger up to this number go, at most so many of them.
struct TicksForgotten {
  std::string project;
  int64_t up_to = 0;
  int64_t most_rows = 0;
};

}  // namespace cromt
