// The schedules of all projects, their pauses and the ledger of their ticks. Pure: it is told what time it is, asks for
// what is due to be planned, and gives out the records that the store must hold before anything else happens.
//
// A tick is (project, revision of the job file that set its schedule, UTC instant). Each gets one line in the ledger:
// started with its run, skipped or missed, and why; many that were missed at once share one. What is settled is settled
// with the records of its run, in one commit: so whatever breaks in between, a tick starts at most one run, and one
// without a line is still to come.
//
// Deterministic, one thread. Its time grows with what is due, not with what is known.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/effect.h"
#include "core/schedule.h"
#include "core/ticks.h"
#include "core/zone.h"

namespace cromt {

// Is to be planned, off the loop. The answer is Started or Skipped.
struct DueTick {
  std::string project;
  uint64_t revision = 0;
  Wall at;
  friend bool operator==(const DueTick&, const DueTick&) = default;
};

// The request id of its run: the same for the same tick, and none that a client may choose.
RequestId RequestOf(const DueTick& tick);

class Schedules {
 public:
  // More ticks than these that are missed at once are one line.
  static constexpr uint64_t kMissedLines = 100;
  // A tick that comes no later than this is not missed.
  static constexpr Duration kInTime = seconds(60);
  // A clock that is put back by less passes no tick twice; by more, schedules begin anew from what it shows.
  static constexpr Duration kPutBack = std::chrono::hours(3);

  // `boot` names the time since the host was started: @reboot has one tick in each. `since` is now.
  void Restore(const std::vector<ScheduleSet>& schedules, const std::vector<Paused>& pauses, std::string boot,
               Wall since);

  // What a project's schedule is from now on. Ticks count from now where it has others than before. Without a zone none
  // comes; `error` says why.
  void Set(const std::string& project, uint64_t revision, std::shared_ptr<const Schedule> schedule,
           const Result<std::shared_ptr<const Zone>>& zone, Wall now);
  // It has none any more.
  void Drop(const std::string& project);
  // All that are known.
  std::vector<std::string> Projects() const;

  // "" = all projects.
  void Pause(Paused pause);
  // False if it was not paused.
  bool Unpause(const std::string& project, Wall now);

  // Whether a run of this project has not finished.
  using Unfinished = std::function<std::optional<RunId>(const std::string& project)>;
  // Settles what is due and starts nothing; gives what is due to be planned. `why_late` says of ticks that are late
  // without a restart what kept them.
  std::vector<DueTick> Advance(Wall now, const Unfinished& unfinished, const std::string& why_late);
  // When Advance is next needed by the clock.
  std::optional<Wall> NextDue() const;

  // Whether a tick is still being planned: its schedule may have changed meanwhile, or the clock. All below REQUIRE it.
  bool Expects(const DueTick& tick) const;
  // Whether a tick is to wait for a run that goes on; it then does. Else:
  bool Wait(const DueTick& tick, Wall now, const Unfinished& unfinished);
  // Why a tick that was planned is not to be started now; "" = it is.
  std::string Refusal(const DueTick& tick, Wall now, const Unfinished& unfinished) const;
  // Nothing came of planning it: it is due as if it had not been.
  void Lapsed(const DueTick& tick);
  void Started(const DueTick& tick, const RunId& run, Wall now);
  void Skipped(const DueTick& tick, const std::string& why, Wall now);

  // Why nothing starts this project by itself now; "" = it is not paused.
  std::string WhyPaused(const std::string& project, Wall now) const;

  // Since the last call.
  std::vector<Record> TakeRecords();

 private:
  struct Entry {
    ScheduleSet row;
    std::shared_ptr<const Schedule> schedule;  // null: no file has been read for it yet
    std::shared_ptr<const Zone> zone;          // null: nobody knows its zone
    Duration splay{0};
    std::optional<Wall> due;       // its place in `line_`
    std::optional<Wall> planning;  // this tick is being planned
  };

  void Line(const std::string& project, Entry& entry, std::optional<Wall> due);
  void LineUp(const std::string& project, Entry& entry, Wall now);
  void Save(const Entry& entry) { records_.push_back(entry.row); }
  void Settle(const DueTick& tick, TickOutcome outcome, const RunId& run, std::string why, Wall now);
  void Settled(const DueTick& tick, Wall now);
  void Handled(Entry& entry, Wall tick, Wall now);
  void LetGo(Entry& entry, const std::string& why, Wall now);
  void Miss(const Entry& entry, const TickRange& missed, const std::string& why, Wall now);
  std::optional<DueTick> Take(Entry& entry, Wall now, const Unfinished& unfinished, const std::string& why_late);
  std::optional<DueTick> Begin(Entry& entry, Wall tick, Wall now, const Unfinished& unfinished);
  void BeginAnew(Wall now);

  std::string boot_;
  Wall since_;
  Wall last_;  // what Advance was told
  std::map<std::string, Entry> entries_;
  std::set<std::pair<Wall, std::string>> line_;  // by when Advance has to look at them
  std::set<std::string> waiting_;                // have a tick that waits for a run
  std::map<std::string, Paused> pauses_;
  std::vector<Record> records_;
};

}  // namespace cromt
