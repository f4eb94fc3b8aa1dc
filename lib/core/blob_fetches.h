// Blobs on their way from the agents that hold them: in which order they are fetched, and what is done after a call
// that has brought only some of one. Deterministic, no thread, clock or socket: the fetcher
// (io/transfer/blob_fetcher.h) and the simulator run it. Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "core/model.h"

namespace cromt {

// Each blob once, whoever asks; a few at a time, and not all of them from one holder: one that is slow, or pretends to
// be, holds up nobody else. The rest waits in line.
class FetchLine {
 public:
  static constexpr size_t kAtOnce = 5;
  static constexpr size_t kOfOneHolder = 4;

  // False if it waits or is under way already.
  bool Add(const LeaseInput& from);
  // The next, which is under way from here on; nullopt while there is none that may be.
  std::optional<LeaseInput> Next();
  bool has_next() const { return under_way_.size() < kAtOnce && FindNext() != line_.end(); }
  // It is here, or can't be had.
  void Done(const Digest& digest);

 private:
  std::deque<LeaseInput>::const_iterator FindNext() const;

  std::set<std::string> known_;               // SHA-256 of those that wait or are under way
  std::deque<LeaseInput> line_;               // that wait
  std::map<std::string, AgentId> under_way_;  // by SHA-256: their holders
  std::map<AgentId, size_t> of_holder_;       // how many are under way
};

// One of them. A call that breaks is made again from where it broke, as long as each brings something; a holder that
// serves as many others as it may is asked again for a while.
class FetchTry {
 public:
  struct Limits {
    Duration turn = seconds(600);            // for so long it may be busy with others
    Duration whole = std::chrono::hours(6);  // all of it, however it comes
  };
  static constexpr int kFruitless = 3;  // calls in a row that bring nothing
  static constexpr Duration kFirstPause = milliseconds(200);

  FetchTry(int64_t size_bytes, const Limits& limits, Mono now)
      : size_bytes_(size_bytes), limits_(limits), began_(now) {}

  // A call has ended so, and `have` bytes are here, however it ended. nullopt: those are all; their digest decides.
  // Else the pause until the next call, or why there is none.
  Result<std::optional<Duration>> CallEnded(int64_t have, Status ended, Mono now);
  // It has taken too long, and is to be broken off.
  bool is_late(Mono now) const { return now - began_ > limits_.whole; }

 private:
  const int64_t size_bytes_;
  const Limits limits_;
  const Mono began_;
  int64_t had_ = 0;
  int fruitless_ = 0;
};

}  // namespace cromt
