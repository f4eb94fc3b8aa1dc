// Which pushes start runs: what is known of the refs that projects watch, and the commits that wait for their runs.
// Beside core/schedules.h, whose pauses and ledger hold for these as well; core/polls.h says when to look. Pure.
//
// A ref that is seen for the first time starts nothing. Of several pushes between two looks the newest starts one run,
// of exactly that commit. What a hook says is a reason to look and nothing more: so a repeated one starts nothing, and
// whoever calls it can't choose what runs.
//
// A commit is settled with the records of its run, in one commit of the store: it starts at most one run, whatever
// breaks in between.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/effect.h"
#include "core/polls.h"
#include "core/push_trigger.h"

namespace cromt {

// The run of a push is to be planned, off the loop. The answer is Started or Skipped.
struct DuePush {
  std::string project;
  WatchedRef ref;
  std::string commit;
  Trigger trigger = Trigger::kScm;
  friend bool operator==(const DuePush&, const DuePush&) = default;
};

// What is known of what a project watches.
struct PushState {
  std::string seen;     // the commit that is there; "" = nobody has looked yet
  std::string waiting;  // one whose run has not started
  std::string trouble;  // why what is there now is not known
};

class Triggers {
 public:
  void Restore(const std::vector<TriggerSet>& rows);

  // What starts a project from now on. `server` as in Polls::Watch.
  void Set(const std::string& project, uint64_t revision, std::shared_ptr<const PushTrigger> trigger,
           const WatchedRef& ref, const std::string& server, Now now);
  // Nothing does any more.
  void Drop(const std::string& project, Now now);
  std::vector<std::string> Projects() const;

  // A hook says that something was pushed: the ref is looked at soon. kNotFound if no push starts the project.
  Status Hooked(const std::string& project, Now now);

  // What is to be looked at now; the answer is Looked.
  std::vector<WatchedRef> Looks(Now now) { return polls_.Begin(now.mono); }
  std::optional<Mono> NextLook() const { return polls_.NextDue(); }
  // What the ref names now: 40 hex digits, or why that is not known.
  void Looked(const WatchedRef& ref, const Result<std::string>& commit, Now now);

  using Unfinished = std::function<std::optional<RunId>(const std::string& project)>;
  using WhyPaused = std::function<std::string(const std::string& project)>;  // "" = it is not
  // The commits whose runs are to be planned now. Those that are passed over are settled. Those of paused projects, and
  // those whose project has an unfinished run, wait.
  std::vector<DuePush> Advance(const WhyPaused& paused, const Unfinished& unfinished, Now now);

  // Whether its planning is under way; all below REQUIRE it.
  bool Expects(const DuePush& push) const;
  // Whether it is not to start now after all; it then waits again, or is settled.
  bool Wait(const DuePush& push, const WhyPaused& paused, const Unfinished& unfinished, Now now);
  // Nothing came of planning it: it waits as before.
  void Lapsed(const DuePush& push);
  // It can't start now for a reason that may pass: it is planned again after a while.
  void Postponed(const DuePush& push, const std::string& why, Now now);
  void Started(const DuePush& push, const RunId& run, Now now);
  void Skipped(const DuePush& push, const std::string& why, Now now);

  // Whether Advance may have something to give though nothing comes in: a pause may end.
  bool waits() const { return !waiting_.empty(); }
  std::map<std::string, PushState> States() const;  // by project
  // Since the last call.
  std::vector<Record> TakeRecords();

 private:
  struct Entry {
    TriggerSet row;
    uint64_t revision = 0;
    std::shared_ptr<const PushTrigger> trigger;  // null: no file has been read for it yet
    std::string server;
    bool planning = false;  // what waits is being planned
    Mono not_before{};      // it is not planned earlier
    std::string postponed;  // why
    std::string trouble;
  };

  static WatchedRef RefOf(const Entry& entry) { return {entry.row.repository, entry.row.ref}; }
  void WatchAgain(const WatchedRef& ref, Now now);
  void Save(const Entry& entry) { records_.push_back(entry.row); }
  void News(Entry& entry, const std::string& commit, bool hooked, Now now);
  bool MustWait(Entry& entry, const WhyPaused& paused, const Unfinished& unfinished, Now now);
  void Settle(Entry& entry, const RunId& run, std::string why, Now now);
  void Unwatch(Entry& entry, const std::string& why, Now now);

  std::map<std::string, Entry> entries_;
  std::map<WatchedRef, std::set<std::string>> watchers_;  // projects
  std::set<std::string> waiting_;                         // projects with a commit that waits for its run
  Polls polls_;
  std::vector<Record> records_;
};

}  // namespace cromt
