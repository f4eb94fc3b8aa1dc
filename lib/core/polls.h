// Which refs of which repositories are looked at for new commits, and when. Pure: it says what is to be looked at now
// and is told how that ended; whoever looks has a deadline of his own.
//
// A server that is dead or slow holds up nobody but its own: one has at most kOfAServer looks under way, and servers
// that failed last share kOfFailing of all, whoever waits behind them.
//
// Deterministic, one thread. Its time grows with what is looked at, not with what waits for that.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace cromt {

// What is watched.
struct WatchedRef {
  std::string repository;  // URL as in the job file
  std::string ref;         // empty = the remote's HEAD
  auto operator<=>(const WatchedRef&) const = default;
};

class Polls {
 public:
  static constexpr size_t kAtOnce = 32;
  static constexpr size_t kOfAServer = 4;
  static constexpr size_t kOfFailing = 8;
  // What fails is looked at less and less often, down to this; or to its interval, if that is longer.
  static constexpr Duration kLongestBackoff = std::chrono::minutes(15);

  // How often it is looked at, the first time at once; nullopt: only as Look says. `server` names who answers: the
  // same for all that share its fate. What was known of the ref stays.
  void Watch(const WatchedRef& ref, const std::string& server, std::optional<Duration> interval, Mono now);
  // It isn't looked at any more. One that is under way ends as any other.
  void Forget(const WatchedRef& ref);
  // At once; once more if it is being looked at now. Repeated until it went well. REQUIRES: it is watched.
  void Look(const WatchedRef& ref, Mono now);

  enum class End {
    kGood,
    kRefused,  // the server answered, and there is no such thing
    kSilent,   // nobody was reached
  };
  // A look that Begin gave has ended. False if Look was called meanwhile: then it may have come too early.
  bool Ended(const WatchedRef& ref, End end, Mono now);

  // What is to be looked at now. All of these are under way until Ended.
  std::vector<WatchedRef> Begin(Mono now);
  // When Begin next gives something by the passing of time alone.
  std::optional<Mono> NextDue() const;

 private:
  struct Entry {
    std::string server;
    std::optional<Duration> interval;
    std::optional<Mono> due;  // its place in `line_`
    bool blocked = false;     // it is due, and stands in line for its server
    bool under_way = false;
    bool again = false;      // is to be looked at once more when that has ended
    bool forgotten = false;  // is under way, and that is all
    uint32_t failures = 0;   // in a row
  };
  struct Server {
    size_t under_way = 0;
    bool failing = false;
    bool in_line = false;            // in `failing_line_`
    std::deque<WatchedRef> blocked;  // are due; some may not be any more
  };

  void Block(const WatchedRef& ref, Entry& entry, Server& server);
  void Release(Server& server, size_t count, Mono now);
  void ReleaseFailing(Mono now);
  void Tidy(const std::string& server);
  static std::optional<Mono> NextLook(const Entry& entry, bool again, Mono now);
  void Line(const WatchedRef& ref, Entry& entry, std::optional<Mono> due);

  std::map<WatchedRef, Entry> entries_;
  std::set<std::pair<Mono, WatchedRef>> line_;
  std::map<std::string, Server> servers_;  // with something under way or blocked, or failing
  std::deque<std::string> failing_line_;   // servers whose blocked refs wait for one of the kOfFailing
  size_t under_way_ = 0;
  size_t failing_under_way_ = 0;
};

}  // namespace cromt
